package platforms

import (
	"errors"
	"net/http"
	"time"
)

// Ingress is how HTTP from outside reaches a connector. A connector never
// listens.
type Ingress interface {
	// Serve opens r and returns the address that the platform must be told. It
	// fails with an Error of kind NotAcknowledged until the person has agreed to
	// what that opens. release stops serving and waits for the requests in
	// flight; it is safe to call more than once. The person, or the end of what
	// they agreed to, may close a route before that: then the account is started
	// anew, and Serve refuses.
	Serve(r Route) (public string, release func(), err error)
	// Address is what Serve returns as public, without opening anything. It
	// fails as Serve does, and wraps ErrAddress where requests arrive by a relay
	// that did not say under which address.
	Address(path string) (public string, err error)
}

// ErrAddress is that requests may arrive, but their address isn't known here.
var ErrAddress = errors.New("the relay's address is not known here")

// Route is one address at which requests come in. Whoever serves it bounds the
// request, reads its body to the end, has it verified, and answers whatever
// fails in one way that tells a stranger nothing, not even that there is a route.
type Route struct {
	// Path begins with a slash, has no query, and can't be guessed.
	Path string
	// Method is the one that is taken; POST if empty.
	Method string
	// Body is the largest body in bytes; 0 means 1 MiB, and 25 MiB is the most.
	Body int64

	// Verify reports whether a request is the platform's: nil, or an error that
	// wraps one of those below, with words for the person and no secret in them. It
	// compares in constant time, parses nothing that it need not, keeps nothing
	// and asks nobody. r's Body must not be read: body is it. now is the time to
	// hold a signed one against.
	Verify func(r *http.Request, body []byte, now time.Time) error

	// Handler gets verified requests only, with their bodies again in place. It
	// answers 2xx only after what came is durably stored, and an honest 4xx or
	// 5xx otherwise.
	Handler http.Handler
}

// Why a request is not the platform's.
var (
	ErrUnsigned  = errors.New("not signed")
	ErrSignature = errors.New("bad signature")
	ErrStale     = errors.New("stale")     // signed, but too long ago or too far ahead
	ErrMalformed = errors.New("malformed") // not what this platform sends
)

// ReplayWindow is how far a signed time may be from ours, either way: what the
// senders' documentation agrees upon.
const ReplayWindow = 5 * time.Minute

// DefaultBody and MostBody are the bounds of Route.Body, in bytes.
const (
	DefaultBody = 1 << 20
	MostBody    = 25 << 20
)

// Former is a secret that was replaced and still counts until a time.
type Former struct {
	Secret Secret
	Until  time.Time
}

// Live is the secrets of a field under which something may come in at a time:
// the current one, and the former while it counts. Empty ones are left out.
func (c Config) Live(field string, now time.Time) []Secret {
	var live []Secret
	if s := c.Secrets[field]; !s.IsZero() {
		live = append(live, s)
	}
	if f := c.Former[field]; !f.Secret.IsZero() && now.Before(f.Until) {
		live = append(live, f.Secret)
	}
	return live
}
