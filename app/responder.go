package app

import (
	"context"
	"time"

	"github.com/postern/postern/platforms"
)

// Responder does something with an event that was stored.
type Responder interface {
	// Name is shown in the activity.
	Name() string

	// Acts reports whether responding does more than tell the person. What
	// acts is not handed old events before the person agreed.
	Acts() bool

	// Respond handles one event and returns the answers to send, if any. For
	// one conversation it is called in order and never twice at once. After a
	// crash it may see an event again: Delivery.Seq is the same then. An error
	// is told to the person and ends the event; it is not tried again.
	Respond(ctx context.Context, d Delivery) ([]platforms.Message, error)
}

// Delivery is one event on its way to a responder. Its text is from outside.
type Delivery struct {
	Seq      uint64 // the event's place in the journal, unique for ever
	Account  platforms.AccountID
	Label    string // the person's name for the account
	Event    platforms.Event
	Stored   time.Time
	Away     bool // it came while Postern was off
	Stranger bool // from somebody who was never answered
}
