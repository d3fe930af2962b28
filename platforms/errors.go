package platforms

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what to do about an Error.
type Kind string

// The kinds of errors.
const (
	Temporary       Kind = "temporary"        // try again later, with backoff
	RateLimited     Kind = "rate limited"     // try again after RetryAfter
	Unauthorized    Kind = "unauthorized"     // the credential is refused: stop until the person acts
	Conflict        Kind = "conflict"         // another program uses the same credential
	Rejected        Kind = "rejected"         // this message will never be accepted as it is
	Unsupported     Kind = "unsupported"      // the platform can't do this
	NotAcknowledged Kind = "not acknowledged" // the person has not agreed to what this would open
)

// Error is how a connector reports a failure.
type Error struct {
	Kind Kind

	// Text is one sentence for the person: what happened, then what to do. It
	// holds no secret.
	Text string

	// RetryAfter is how long the platform asked us to wait, 0 if it did not say.
	RetryAfter time.Duration

	// MovedTo is set when a conversation has a new id: resend there.
	MovedTo ConversationID

	// Err is the cause. A connector passes it through Redact first: its text
	// reaches logs.
	Err error
}

// Error is the sentence for the person, followed by the cause.
func (e *Error) Error() string {
	switch {
	case e.Text == "" && e.Err == nil:
		return string(e.Kind)
	case e.Text == "":
		return fmt.Sprintf("%s: %v", e.Kind, e.Err)
	case e.Err == nil:
		return e.Text
	}
	return fmt.Sprintf("%s (%v)", e.Text, e.Err)
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the Kind of the first *Error in err's chain. Everything else, a
// deadline for one, is Temporary: an unknown fault must never end an account
// or drop a message. KindOf(nil) is empty.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e.Kind != "" {
		return e.Kind
	}
	return Temporary
}

// Explain is the sentence in err that is meant for the person: the Text of the
// first *Error, or err's own words.
func Explain(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Text != "" {
		return e.Text
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "No answer in time. Check the network; the next try follows by itself."
	}
	return err.Error()
}
