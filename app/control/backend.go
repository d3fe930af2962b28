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
	Hooks
	Relays
	Inputs

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
	// Entries is a page of the whole journal, by seq.
	Entries(ctx context.Context, q api.EntryQuery) (api.EntryPage, error)
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

	// People is who may talk; the others change that and give what it is then.
	People() api.People
	Allow(ctx context.Context, d api.RuleDraft) (api.People, error)
	Disallow(ctx context.Context, k api.RuleKey) (api.People, error)
	Ignore(ctx context.Context, d api.IgnoreDraft) (api.People, error)
	Unignore(ctx context.Context, k api.RuleKey) (api.People, error)
	// SetOpen says whether a bot need not be mentioned in a conversation.
	SetOpen(ctx context.Context, k api.RuleKey, open bool) (api.People, error)
	// Pair makes a code; CancelPairing ends all of them.
	Pair(ctx context.Context) (api.Pairing, error)
	CancelPairing(ctx context.Context) error
	AnswerClaim(ctx context.Context, a api.ClaimAnswer) (api.People, error)
	// Why tells how an entry was decided, Simulate how one would be.
	Why(ctx context.Context, entry uint64) (api.Why, error)
	Simulate(ctx context.Context, s api.Simulation) (api.Why, error)

	Routes() api.Routes
	SetRoutes(ctx context.Context, rs []api.Route) (api.Routes, error)
	RouteNames() []api.RouteName
	CheckRoute(when string) api.RouteChecked
	// WriteRoute is the expression of a condition that was picked from lists.
	WriteRoute(c api.Cond) (string, error)
	// TryRoutes says what would become of the last events, newest first.
	TryRoutes(ctx context.Context, rs []api.Route) ([]api.RouteTried, error)
	ResponderKinds() []api.ResponderKind
	Responders() []api.Responder
	AddResponder(ctx context.Context, d api.ResponderDraft) (api.Responder, error)
	ChangeResponder(ctx context.Context, id string, d api.ResponderDraft) (api.Responder, error)
	RemoveResponder(ctx context.Context, id string) error
	Leases() []api.Lease
	// SetLease hands a conversation to a responder, or to nobody.
	SetLease(ctx context.Context, l api.Lease) error
	// Asks is what responders ask permission for, oldest first.
	Asks() []api.Ask
	// AnswerAsk decides. Only what a person does at a window or terminal calls it.
	AnswerAsk(ctx context.Context, id, choice, who string) error

	// Doctor looks at everything and calls tell from this goroutine: first with all
	// that it looks at, then with each finding, at last that it is done.
	Doctor(ctx context.Context, tell func(api.Examination)) error
	// Support is what a bundle for whoever helps would hold.
	Support(ctx context.Context) (api.Support, error)

	// Clients are the programs that the person named.
	Clients() []api.Client
	// AddClient makes one. Its token is told this once.
	AddClient(ctx context.Context, d api.ClientDraft) (api.ClientMade, error)
	// ChangeClient gives one another name, scopes, rate and end; its token stays.
	ChangeClient(ctx context.Context, id string, d api.ClientDraft) (api.Client, error)
	// RevokeClient ends one, and RotateClient its token, at once.
	RevokeClient(ctx context.Context, id string) error
	RotateClient(ctx context.Context, id string) (api.ClientMade, error)
	// ClientByToken and ClientByName find one that has not ended, for a request
	// of its own: they note that it was used.
	ClientByToken(token string) (api.Client, bool)
	ClientByName(name string) (api.Client, bool)

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
