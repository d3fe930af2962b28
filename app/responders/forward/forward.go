// Package forward is the responder that hands an event to a server of the
// person's own, over HTTP, and may answer with what the server answers.
//
// The destination is one URL in the settings; nothing that comes from outside
// changes it. A request is a POST of the event as JSON (see package wire),
// signed as Standard Webhooks 1.0 says
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md),
// so that the server can tell it from others' and know a repeated one:
//
//	webhook-id         the event's id, equal in each try
//	webhook-timestamp  seconds since 1970, of this try
//	webhook-signature  v1,<base64 of HMAC-SHA256 of "id.timestamp.body">
//
// Bytes leave for this computer only, until the person has allowed more (see
// Config.Reach). That is decided on the address that is dialled, each time one
// is: neither a name that resolves to something else today nor a redirect
// leads farther. Redirects are not followed at all, and no proxy is used,
// because through one the address can't be known.
//
// A server that is slow, never ends, or lies about its answer's length costs
// one connection until the time limit, and no more memory than Config.Answer.
package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
)

// Options are what the program around it provides. All may be zero.
type Options struct {
	// Resolver looks up the destination's name. Nil: the system's.
	Resolver *net.Resolver
	// TLS is for the certificates that are trusted. Nil: those of the system.
	TLS *tls.Config
	Log *slog.Logger
	Now func() time.Time
}

// Responder forwards to one destination. It is safe for concurrent use.
type Responder struct {
	c      Config
	to     *url.URL
	keys   [][]byte
	client *http.Client
	slots  chan struct{}
	log    *slog.Logger
	now    func() time.Time
	hide   []platforms.Secret
}

var _ app.Responder = (*Responder)(nil)

// New makes a Responder from a configuration that passes Config.Check. It does no I/O.
func New(c Config, o Options) (*Responder, error) {
	c = c.filled()
	if err := c.Check(); err != nil {
		return nil, err
	}
	to, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("the URL can't be read") // Check has read it
	}
	r := &Responder{c: c, to: to, slots: make(chan struct{}, c.Parallel), log: o.Log, now: o.Now}
	for _, s := range []platforms.Secret{c.Secret, c.Former} {
		if s.IsZero() {
			continue
		}
		key, err := signingKey(s)
		if err != nil {
			return nil, err
		}
		r.keys = append(r.keys, key)
		r.hide = append(r.hide, s)
	}
	for _, h := range c.Headers {
		r.hide = append(r.hide, h.Value)
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.client = &http.Client{
		Transport: r.transport(o),
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	return r, nil
}

// transport is the destination's own, so that its idle connections and limits
// are nobody else's.
func (r *Responder) transport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Resolver: o.Resolver, ControlContext: r.control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        o.TLS,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
		MaxConnsPerHost:        r.c.Parallel,
		MaxIdleConnsPerHost:    r.c.Parallel,
		IdleConnTimeout:        time.Minute,
		DisableCompression:     true, // the answer's bound is of bytes on the wire
	}
}

// Close lets go of idle connections. The Responder stays usable.
func (r *Responder) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

// Name is Config.Name.
func (r *Responder) Name() string { return r.c.Name }

// Acts is true: a server can do anything.
func (r *Responder) Acts() bool { return true }

// Respond makes one request; whoever calls it retries. Its errors are
// *platforms.Error:
//
//   - Temporary where trying again may help: no connection, a broken one, none
//     or half an answer in time, a status of 408, 425, 429, or 500 and above.
//     RetryAfter is what the server asked for.
//   - NotAcknowledged where the destination is farther away than allowed;
//     nothing was sent.
//   - Rejected for all else: the server will not take this event, or its answer
//     is none.
//
// When ctx ends, the error is ctx's.
func (r *Responder) Respond(ctx context.Context, d app.Delivery) ([]platforms.Message, error) {
	if !wire.Wants(r.c.Kinds, d.Event) {
		return nil, nil
	}
	body, form, err := r.body(d)
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The event can't be written as JSON for the destination.", Err: err}
	}
	if err := r.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-r.slots }()
	trial, stop := context.WithTimeout(ctx, r.c.Timeout)
	defer stop()
	answers, err := r.post(trial, d, body, form)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("forwarding was stopped: %w", context.Cause(ctx))
	}
	return answers, err
}

// enter waits for a free place at the destination.
func (r *Responder) enter(ctx context.Context) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	default:
	}
	wait := time.NewTimer(r.c.Timeout)
	defer wait.Stop()
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-wait.C:
		return &platforms.Error{Kind: platforms.Temporary, RetryAfter: r.c.Timeout, Text: fmt.Sprintf(
			"%s has had %d requests to work on for %v, so this event waits. Allow more at once, or make it quicker.", r.name(), r.c.Parallel, r.c.Timeout)}
	case <-ctx.Done():
		return fmt.Errorf("waiting for the destination's turn: %w", context.Cause(ctx))
	}
}

// name is the destination for sentences. Its path may hold a secret.
func (r *Responder) name() string { return "The destination " + r.to.Host }
