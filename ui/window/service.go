package window

import (
	"context"
	"errors"
	"io"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

// Service is what the window asks of a running Postern; *client.Client is one.
// Its methods may take as long as they like and may be called from several
// goroutines. Errors that are an *api.Error are shown with their text.
type Service interface {
	// Follow reports changes, and whether there is a connection, until ctx ends.
	// It reconnects by itself.
	Follow(ctx context.Context, event func(api.Event), connected func(bool))

	Platforms(ctx context.Context) ([]api.Platform, error)
	AddAccount(ctx context.Context, d api.AccountDraft) (api.Account, error)
	ChangeAccount(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Account, error)
	RemoveAccount(ctx context.Context, id platforms.AccountID) error
	CheckDraft(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Check, error)
	CheckAccount(ctx context.Context, id platforms.AccountID) (api.Check, error)
	Fix(ctx context.Context, id platforms.AccountID, code string) (api.Check, error)
	Pause(ctx context.Context, id platforms.AccountID) error
	Resume(ctx context.Context, id platforms.AccountID) error

	Conversations(ctx context.Context, limit int) ([]api.Conversation, error)
	Timeline(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, before uint64, limit int) ([]api.Entry, error)
	Search(ctx context.Context, query string, limit int) ([]api.Entry, error)
	Entry(ctx context.Context, seq uint64) (api.Entry, error)
	MarkRead(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, upTo uint64) error
	Attachment(ctx context.Context, seq uint64, index int) (api.Attachment, io.ReadCloser, error)

	Send(ctx context.Context, d api.Draft, files ...client.File) (api.Entry, error)
	Resend(ctx context.Context, seq uint64) error
	Discard(ctx context.Context, seq uint64) error
	Release(ctx context.Context, seq uint64) error
	Dismiss(ctx context.Context, seq uint64) error

	Activity(ctx context.Context, q client.ActivityQuery) ([]api.Activity, error)
	Export(ctx context.Context, q client.ActivityQuery) (io.ReadCloser, error)

	Exposure(ctx context.Context) (api.View, error)
	SetListener(ctx context.Context, id platforms.AccountID, l api.Listener) (api.Door, error)
	RemoveListener(ctx context.Context, id platforms.AccountID) error
	CloseDoor(ctx context.Context, id platforms.AccountID) error
	OpenDoor(ctx context.Context, id platforms.AccountID) (api.Door, error)
	Ask(ctx context.Context, id platforms.AccountID) (api.Question, error)
	Acknowledge(ctx context.Context, id platforms.AccountID, a api.Answer) (api.Door, error)
	Audit(ctx context.Context, before uint64, limit int) (api.AuditPage, error)
	ExportAudit(ctx context.Context) (io.ReadCloser, error)
	Make(ctx context.Context, platform, field string) (api.Made, error)

	answering
	coming
	naming
	hooking
	relaying
	talk

	// Doctor calls tell with each line as it comes, from a goroutine of its own
	// choice, and returns nil once all was told.
	Doctor(ctx context.Context, tell func(api.Examination)) error
	Support(ctx context.Context) (api.Support, error)

	Settings(ctx context.Context) (api.Settings, error)
	SetSettings(ctx context.Context, s api.Settings) (api.Settings, error)
	DismissNotice(ctx context.Context, id string) error
	Quit(ctx context.Context) error
}

var _ Service = (*client.Client)(nil)

// explain is err as a sentence for the person.
func explain(err error) string {
	switch {
	case errors.Is(err, client.ErrNotRunning):
		return "Postern is not running. Start it, and the window goes on by itself."
	case errors.Is(err, context.DeadlineExceeded):
		return "Postern did not answer in time. Try again; if it stays like this, quit Postern and start it again."
	}
	if e := told(err); e != nil {
		return e.Text
	}
	return platforms.Explain(err)
}

// told is the service's own error in err's chain, or nil.
func told(err error) *api.Error {
	var e *api.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
