package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

// Responder does something with an event that was stored. One that holds
// anything (a process, connections) implements io.Closer too.
type Responder interface {
	// Name is shown in the activity, and is part of its answers' keys: no two
	// responders share one.
	Name() string

	// Acts reports whether responding does more than tell the person. What
	// acts is handed neither what strangers send, nor old events before the
	// person agreed.
	Acts() bool

	// Respond handles one event and returns the answers to send, if any. For
	// one conversation it is called in order and never twice at once. After a
	// crash it may see an event again: Delivery.Seq is the same then.
	//
	// An error of kind Temporary or RateLimited has the event tried again later,
	// after a restart too, and what comes after it in the same conversation
	// waits. Any other is told to the person and ends the event.
	Respond(ctx context.Context, d Delivery) ([]platforms.Message, error)
}

// A Checker is a Responder that can say more about its settings when a person
// saves them than Kind.New can, which knows nothing of the accounts.
type Checker interface {
	Responder

	// Check says what is wrong, for the person. It asks nobody.
	Check() error
}

// A Talker is a Responder that works for a while on an event, shows how it goes
// and may ask for permission meanwhile. Of the Talkers that a conversation's
// events could go to, one has the conversation: see Lease.
type Talker interface {
	Responder

	// Begin takes an event over and returns soon: what comes next in the same
	// conversation is handed over while it is still at work, so that a person
	// can stop it. Its work ends with ctx at the latest. Begin is called instead
	// of Respond.
	Begin(ctx context.Context, d Delivery, t Turn)
}

// Turn is a Talker's hold on one event that it took over.
type Turn interface {
	// Update shows the answer as it stands, all of it each time, as Markdown. It
	// never blocks: what comes faster than the platform's pace is left out, and
	// where sent messages can't be changed nothing is shown before Done.
	Update(text string)

	// Ask has an owner decide, by a button or a numbered reply in this
	// conversation or at this computer, whoever is first, and returns the ID of
	// the Choice. It fails with ErrUndecided when the time is over, and when
	// nobody could decide.
	Ask(ctx context.Context, p Permission) (string, error)

	// Done ends the turn. The answers are sent as Respond's would be; the first
	// takes the place of what Update showed. It is called once; an error is told
	// to the person, and to whoever waits in the conversation.
	Done(answers []platforms.Message, err error)
}

// Permission is a question whether something may be done.
type Permission struct {
	Title   string        // what would be done, in one line
	Detail  string        // the command, the path, the difference: plain text
	Choices []Choice      // 1 to 6
	Within  time.Duration // to decide; 0: 10 minutes
}

// Choice is one possible answer.
type Choice struct {
	ID     string
	Label  string
	Grants bool // it lets the thing happen
}

// ErrUndecided says that a Permission was neither given nor refused.
var ErrUndecided = errors.New("nobody decided in time")

// Delivery is one event on its way to a responder. Its text is from outside.
type Delivery struct {
	Seq      uint64 // the event's place in the journal, unique for ever
	Account  platforms.AccountID
	Label    string // the person's name for the account
	Event    platforms.Event
	Stored   time.Time
	Away     bool // it came while Postern was off
	Stranger bool // from somebody who may not talk to the bot
	Role     access.Role

	// Again says that the event was handed to the same responder before, which
	// did not finish: Postern or the responder ended meanwhile, or it failed
	// for a time.
	Again bool
}

// Kind is a sort of responder that a person can set up, as data.
type Kind struct {
	Name    string // "command": lower case
	Title   string // "Run a command"
	Summary string // one line for the person who is choosing
	Fields  []platforms.Field

	// New builds one. It does no I/O and starts nothing. Its errors are for the
	// person.
	New func(ResponderConfig) (Responder, error)
}

// ResponderConfig is what one responder gets.
type ResponderConfig struct {
	ID       string // for ever: the responder's Name
	Label    string // the person's name for it
	Settings map[string]string
	Secrets  map[string]platforms.Secret
	Memory   Memory
	Outbox   Outbox
	Log      *slog.Logger
	Now      func() time.Time
}

// Place is where a message can be sent.
type Place struct {
	Account      platforms.AccountID
	Conversation platforms.ConversationID
}

// Outbox is how a responder sends elsewhere than to where an event came from.
// Its errors are *platforms.Error, with words for the person.
type Outbox interface {
	// Place is to, completed where the account has one conversation only. It fails
	// with kind Rejected where nothing can be sent there.
	Place(to Place) (Place, error)

	// Post queues m for to, because of d, and returns once it is on disk. What is
	// posted to one conversation goes out in the order in which Post was called,
	// and is tried again as every message is. For one event and one place it
	// queues one message, however often it is called, over restarts too.
	Post(ctx context.Context, d Delivery, to Place, m platforms.Message) error

	// Echo reports whether text is what a responder posted somewhere else lately:
	// it came back by an account that hears there. Letters and digits are
	// compared, since chats write the rest in their own ways.
	Echo(text string) bool
}

// Memory keeps a responder's small values over restarts. It is the responder's
// own, and goes with it.
type Memory interface {
	Get(key string, into any) (found bool, err error)
	Put(ctx context.Context, key string, v any) error // nil: forgets it
}
