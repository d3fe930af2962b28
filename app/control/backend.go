// Package control is Postern's local interface: HTTP and JSON over a unix
// socket or named pipe that only this user can open. The window, the command
// line and tests are its clients.
package control

import (
	"context"
	"io"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Backend is what the interface acts upon; app.App implements it. Errors that
// are an *api.Error reach the client with their text; everything else is told
// as an internal fault and logged.
type Backend interface {
	Snapshot() api.Snapshot
	// Watch sends whenever Snapshot would differ, coalesced, until ctx ends.
	Watch(ctx context.Context) <-chan struct{}

	Platforms() []api.Platform
	AddAccount(ctx context.Context, d api.AccountDraft) (api.Account, error)
	ChangeAccount(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Account, error)
	RemoveAccount(ctx context.Context, id platforms.AccountID) error
	// CheckDraft checks values that are not saved; id, if not empty, is the
	// account that lends the values d leaves out.
	CheckDraft(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Check, error)
	CheckAccount(ctx context.Context, id platforms.AccountID) (api.Check, error)
	// Fix mends a Problem by its code and checks again.
	Fix(ctx context.Context, id platforms.AccountID, code string) (api.Check, error)
	// Pause and Resume act on one account, or on everything if id is empty.
	Pause(ctx context.Context, id platforms.AccountID) error
	Resume(ctx context.Context, id platforms.AccountID) error

	Conversations(ctx context.Context, limit int) ([]api.Conversation, error)
	// Timeline is the newest entries before seq before (0: the newest of all),
	// oldest first.
	Timeline(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, before uint64, limit int) ([]api.Entry, error)
	// Search finds text, names and titles, newest first.
	Search(ctx context.Context, query string, limit int) ([]api.Entry, error)
	// Entry is one message by its place in the journal.
	Entry(ctx context.Context, seq uint64) (api.Entry, error)
	MarkRead(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, upTo uint64) error
	Attachment(ctx context.Context, entry uint64, index int) (api.Attachment, io.ReadCloser, error)

	// Send returns once the message is committed to the outbox.
	Send(ctx context.Context, d api.Draft, files []Upload) (api.Entry, error)
	Resend(ctx context.Context, entry uint64) error
	Discard(ctx context.Context, entry uint64) error
	// Release lets a held entry be acted upon; Dismiss leaves it alone.
	Release(ctx context.Context, entry uint64) error
	Dismiss(ctx context.Context, entry uint64) error

	// Activity is newest first.
	Activity(ctx context.Context, q ActivityQuery) ([]api.Activity, error)

	Exposure() api.View
	// SetListener checks and keeps where an account is reached. What was open
	// under other values closes.
	SetListener(ctx context.Context, id platforms.AccountID, l api.Listener, who string) (api.Door, error)
	// RemoveListener closes an account's door and forgets it.
	RemoveListener(ctx context.Context, id platforms.AccountID) error
	// CloseDoor closes an account's door, and every public one if id is empty, at
	// once and until OpenDoor or a new acknowledgement.
	CloseDoor(ctx context.Context, id platforms.AccountID, who string) error
	// OpenDoor ends CloseDoor for a door that needs no acknowledgement.
	OpenDoor(ctx context.Context, id platforms.AccountID, who string) (api.Door, error)
	// Ask is what a person must answer before an account's door opens. Only what
	// a person does at a window or terminal calls it and Acknowledge.
	Ask(ctx context.Context, id platforms.AccountID) (api.Question, error)
	Acknowledge(ctx context.Context, id platforms.AccountID, a api.Answer, who string) (api.Door, error)

	// Audit is lines before seq before (0: the newest), newest first.
	Audit(ctx context.Context, before uint64, limit int) (api.AuditPage, error)
	// ExportAudit writes the whole record, a line of JSON each, oldest first.
	ExportAudit(ctx context.Context, w io.Writer) error
	// Make makes a value for a platform's field.
	Make(ctx context.Context, platform, field string) (api.Made, error)

	Settings() api.Settings
	SetSettings(ctx context.Context, s api.Settings) error
	DismissNotice(ctx context.Context, id string) error
	Quit()
}

// Upload is a file that comes with a Draft; the backend reads it to its end
// before Send returns.
type Upload struct {
	Name      string
	MediaType string
	Body      io.Reader
}

// ActivityQuery selects activity. Zero fields select everything.
type ActivityQuery struct {
	Before  uint64 // older than this seq
	Limit   int    // at most; 0 means 200
	Account platforms.AccountID
	What    []api.What
	Text    string // somewhere in who, why or the ids; case is ignored
}
