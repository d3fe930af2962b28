// Package relay is how HTTP requests reach this computer through somebody who
// has an open port: we dial them, they hand us what came. It is the contract
// between those who speak to a relay (webhookrelay, sse, and whatever comes, a
// message broker for one) and the one who serves the requests.
//
// A relay is not trusted. It can read, withhold, repeat and make up requests,
// so that a relayed request is worth what its signature is worth, as one from a
// public listener. Nothing that a relay says chooses where a request goes:
// Request.Channel is a name that was configured here, and the caller keeps the
// table from it to a route.
//
// # Who keeps what
//
// A request is the relay's until Sink.Take returned nil, and the caller's after
// that. The source acknowledges in between, never before. A crash between the
// two brings the request again: it comes at least once, never at most once,
// where the relay keeps what was not acknowledged. Where it keeps nothing, what
// came while nobody was connected is lost, and a Gap says so.
//
//   - Webhook Relay keeps for ten minutes and has no cursor.
//   - A gosmee server with streams keeps a bounded number and has a cursor.
//   - smee.io, and gosmee without streams, keep nothing.
//   - A broker acknowledges each message and has a sequence for a cursor.
package relay

import (
	"context"
	"net/http"
	"time"
)

// Source is one subscription at a relay. It is made once and run again and
// again; Run is never called while another Run of the same Source goes on.
type Source interface {
	// Run is one attempt: it connects, subscribes, and hands what comes to sink
	// until the connection or ctx ends. It waits for nothing before it connects
	// and never connects again by itself (but for once, where the relay no longer
	// knows the cursor): how long to wait between attempts, with which jitter, is
	// the caller's.
	//
	// from is the cursor that the caller kept last, empty for none.
	//
	// Run never returns nil. It returns ctx's error when ctx ended it; sink's
	// error, as it was, when sink failed; and a *platforms.Error otherwise.
	// platforms.KindOf Unauthorized is final: do not run again until the person
	// acted. RetryAfter is honoured by the caller. No error holds a secret or an
	// address that bears one.
	//
	// When Run returned, nothing of it goes on: no goroutine, no connection, no
	// call of sink.
	Run(ctx context.Context, from Cursor, sink Sink) error
}

// Sink is the caller's side of a Run. Its methods are called one at a time, in
// the order in which things came. All get a context that ends with the Run's.
type Sink interface {
	// Ready is called once a Run, when the relay has confirmed the subscription
	// and before the first request. at is where this Run begins, if the relay
	// says it, and worth keeping as if a request had had it.
	Ready(ctx context.Context, at Cursor) error

	// Take stores a request, or turns it away for good, and says what to tell the
	// sender. It keeps r.Cursor, if there is one, then or a little later: what a
	// late cursor brings again is known by its event, as what a sender repeats is.
	//
	// A request that verifies as nobody's, that is too large, or whose channel
	// has no route any more is taken all the same: the answer is then a 4xx.
	// An error means that this computer could not do its part, a full disk for
	// one, and that the same request should come again: it is not acknowledged,
	// nothing after it is handed on, and Run ends with the error.
	//
	// ctx may end before the Run does, when it is too late for an answer.
	Take(ctx context.Context, r Request) (Response, error)

	// Gap says that requests are missing, or may be, between what was handed on
	// before and what follows. An error ends the Run.
	Gap(ctx context.Context, g Gap) error
}

// Cursor is a place in what a relay sends, opaque to all but the Source that
// gave it. It is kept per Source and means nothing to another one.
type Cursor string

// Request is an HTTP request that a relay took for us.
type Request struct {
	// ID is the relay's for this request and stays the same when it comes again;
	// empty if it has none. A Source drops what came again only as far as it
	// remembers, within one process: the caller keeps ids, or relies on those
	// within the requests.
	ID string

	// Cursor is from where to go on after this request, empty if this relay can't.
	Cursor Cursor

	// Channel is the configured name of what the request came in by. Input is the
	// relay's id of the entrance within that: a claim, for display.
	Channel string
	Input   string

	Method string
	Query  string // without the question mark, as it came, not decoded
	Header http.Header
	Body   []byte

	// Exact reports whether Body is byte for byte what the sender sent. If not,
	// a signature over the body may not verify though the sender is who it is.
	Exact bool

	Received time.Time // here
	// Sent is when the relay says that the request came to it, zero if it does
	// not: a claim, like all that is not signed.
	Sent time.Time
}

// Response is what the sender would be told. Most relays answered it long ago:
// there it is only the relay's log that shows it, or nobody sees it at all.
type Response struct {
	Status int // 0: 200
	Header http.Header
	Body   []byte
}

// Gap is a place where requests are missing.
type Gap struct {
	// Certain: something is missing. Otherwise something may be, because nobody
	// was connected and this relay does not keep, or not so long.
	Certain bool
	// Since is until when nothing was missing; zero if the Source does not know,
	// as in its first Run without a cursor.
	Since time.Time
	// Cursor is from where to go on after the gap, empty for no change.
	Cursor Cursor
	// Text is one sentence for the person.
	Text string
}
