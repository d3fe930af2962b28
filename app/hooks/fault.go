package hooks

import "time"

// Kind is why a request is refused.
type Kind int

// The kinds of faults.
const (
	Unknown   Kind = iota // no live hook has the token
	Malformed             // not what the form says
	Empty                 // nothing to show
	TooLong               // more than may be posted
	Limited               // too often; Retry says when again
	Pending               // the same post is being taken at this moment
	Reused                // an Idempotency-Key came with another body
	Busy                  // no room; Retry says when again
	Failed                // ours: the sender did nothing wrong
)

// Fault is a refusal. Text is for the sender: it holds no secret and nothing of
// the hook.
type Fault struct {
	Kind  Kind
	Field string // which field of the body, where it is one
	Text  string // what is wrong, and what to do
	Retry time.Duration
}

func (f *Fault) Error() string { return f.Text }

// code is the fault's name for programs.
func (f *Fault) code() string {
	switch f.Kind {
	case Unknown:
		return "not_found"
	case Malformed:
		return "invalid"
	case Empty:
		return "empty"
	case TooLong:
		return "too_long"
	case Limited:
		return "rate_limited"
	case Pending:
		return "in_progress"
	case Reused:
		return "idempotency_key_reused"
	case Busy:
		return "busy"
	}
	return "internal"
}

func malformed(field, text string) *Fault { return &Fault{Kind: Malformed, Field: field, Text: text} }

func empty(field, text string) *Fault { return &Fault{Kind: Empty, Field: field, Text: text} }
