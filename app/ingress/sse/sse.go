// Package sse receives webhooks through servers that pass them on as
// server-sent events: smee.io and gosmee, hosted or one's own.
//
//   - https://github.com/probot/smee.io: GET /{channel}. Keeps nothing, and
//     re-encodes the body, so that a signature over it may not verify.
//   - https://github.com/chmouel/gosmee: GET /events/{channel}. Passes the body
//     on byte for byte; takes JSON only; keeps what was missed if it was set up
//     with Redis streams. Channels that it encrypts are not for us.
//
// Who knows a channel can read what comes by it and send to it: it is a secret
// in the address, and what comes is worth what its signature is worth.
package sse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// Kind is which server it is.
type Kind string

// The kinds of servers.
const (
	Smee   Kind = "smee"
	Gosmee Kind = "gosmee"
)

// Hosted is the server of smee itself.
const Hosted = "https://smee.io"

// Options configure a Source. All but Log, Now and Limits must be given.
type Options struct {
	Kind    Kind
	Server  string           // https://host
	Channel platforms.Secret // what stands behind the host in the address that the sender got
	Name    string           // what Request.Channel says: the channel itself is a secret

	// Client must have no Timeout: the answer lasts for hours. Its redirects are
	// not followed.
	Client *http.Client

	Log    *slog.Logger
	Now    func() time.Time
	Limits Limits // zero: Usual
}

// Limits bound what the relay can cost. They are variables for tests.
type Limits struct {
	Silence time.Duration // without a byte from the relay: the connection is dead
	Line    int           // bytes of one line
	Event   int           // bytes of one event's data
	Waiting relay.Bounds  // events read and not taken
	Take    time.Duration // for storing one request
	Seen    int           // ids remembered
	Garbage int           // events in a row that make no sense
}

// Usual is the bounds in use. Both servers say something every 30 seconds. A
// line holds a whole request, its body in base64 or re-encoded.
func Usual() Limits {
	return Limits{Silence: 90 * time.Second, Line: 2 * platforms.MostBody, Event: 2 * platforms.MostBody,
		// gosmee drops what is a hundred events behind.
		Waiting: relay.Bounds{Items: 256, Bytes: 64 << 20}, Take: 30 * time.Second, Seen: 4096, Garbage: 32}
}

// Source is a subscription to a channel. See relay.Source.
type Source struct {
	o       Options
	address string
	client  *http.Client
	service string
	seen    *relay.Recent
	left    time.Time // when the last subscription ended, zero if there was none
}

var _ relay.Source = (*Source)(nil)

// New checks o and makes a Source. It does no I/O.
func New(o Options) (*Source, error) {
	server, err := relay.Address(o.Server)
	if err != nil {
		return nil, err
	}
	channel := o.Channel.Reveal()
	switch {
	case !named(channel):
		return nil, errors.New("this is not a channel: it is what stands behind the host in the relay's address, letters, digits, dashes and underscores")
	case o.Name == "" || o.Name == channel:
		return nil, errors.New("the channel needs a name of its own")
	case o.Client == nil:
		return nil, errors.New("no HTTP client")
	case o.Client.Timeout != 0:
		return nil, errors.New("an HTTP client with a timeout would end the stream")
	}
	s := &Source{o: o}
	switch o.Kind {
	case Smee:
		if strings.Contains(channel, "/") {
			return nil, errors.New("a channel of smee has no slash")
		}
		s.service, s.address = "smee", server.JoinPath(channel).String()
	case Gosmee:
		s.service, s.address = "gosmee", server.JoinPath("events", channel).String()
	default:
		return nil, errors.New("the kind of server is missing: smee or gosmee")
	}
	if s.o.Log == nil {
		s.o.Log = slog.New(slog.DiscardHandler)
	}
	if s.o.Now == nil {
		s.o.Now = time.Now
	}
	if s.o.Limits == (Limits{}) {
		s.o.Limits = Usual()
	}
	client := *o.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client, s.seen = &client, relay.NewRecent(s.o.Limits.Seen)
	return s, nil
}

// named reports whether s can be a channel: segments that a path may hold as
// they are.
func named(s string) bool {
	if len(s) > 255 {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool {
			return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return true
}

// Run is one connection. See relay.Source.
func (s *Source) Run(ctx context.Context, from relay.Cursor, sink relay.Sink) error {
	streaming, stop := context.WithCancel(ctx)
	defer stop()
	dog := newWatch(s.o.Limits.Silence, stop)
	defer dog.rest()
	resp, lost, err := s.open(streaming, from)
	if err != nil {
		return s.told(ctx, dog, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if lost {
		from = ""
	}
	var ours error
	var wish time.Duration // for the next attempt, of the server
	begun := false
	defer func() {
		if begun {
			s.left = s.o.Now()
		}
	}()
	err = relay.Hand(ctx, s.o.Limits.Waiting, func(hand context.Context, give func(arrival, int) error) error {
		defer context.AfterFunc(hand, stop)() // what is being read ends, too
		return s.read(hand, resp, dog, &wish, give)
	}, func(ctx context.Context, a arrival) error {
		if !begun {
			if ours = s.begin(ctx, from, lost, sink); ours != nil {
				return ours
			}
			begun = true
		}
		ours = s.take(ctx, a, sink)
		return ours
	})
	if ours != nil {
		return ours
	}
	err = s.told(ctx, dog, err)
	var e *platforms.Error
	if errors.As(err, &e) && e.RetryAfter == 0 {
		e.RetryAfter = wish
	}
	return err
}

// begin says that we are subscribed, and what may have been missed.
func (s *Source) begin(ctx context.Context, from relay.Cursor, lost bool, sink relay.Sink) error {
	if err := sink.Ready(ctx, ""); err != nil {
		return err
	}
	switch {
	case lost:
		return sink.Gap(ctx, relay.Gap{Certain: true, Since: s.left, Text: "The relay no longer knows where we were. What came while nothing was connected is lost."})
	case from == "":
		return sink.Gap(ctx, relay.Gap{Since: s.left, Text: "This relay has not kept what came while nothing was connected."})
	}
	return nil
}

// take has one arrival stored, unless it was before.
func (s *Source) take(ctx context.Context, a arrival, sink relay.Sink) error {
	switch {
	case a.hello:
		return nil
	case a.gap != nil:
		return sink.Gap(ctx, *a.gap)
	}
	if _, known := s.seen.Status(a.request.ID); known {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, s.o.Limits.Take)
	defer cancel()
	r, err := sink.Take(limited, a.request)
	if err == nil {
		s.seen.Add(a.request.ID, r.Status)
	}
	return err
}

// open asks for the stream. lost: the server did not know from, and the stream
// begins now.
func (s *Source) open(ctx context.Context, from relay.Cursor) (resp *http.Response, lost bool, err error) {
	if from != "" && s.place(string(from)) == "" {
		from, lost = "", true // none of ours
	}
	for {
		resp, err = s.get(ctx, from)
		if err != nil {
			return nil, false, err
		}
		if resp.StatusCode == http.StatusBadRequest && from != "" {
			_ = resp.Body.Close()
			from, lost = "", true
			continue
		}
		if err := s.refused(resp); err != nil {
			_ = resp.Body.Close()
			return nil, false, err
		}
		return resp, lost, nil
	}
}

func (s *Source) get(ctx context.Context, from relay.Cursor) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Accept-Encoding", "identity") // a compressed one would be held back, and unbounded
	req.Header.Set("Cache-Control", "no-store")
	req.Header.Set("User-Agent", "postern")
	if from != "" {
		req.Header.Set("Last-Event-ID", string(from))
	}
	return s.client.Do(req)
}

// refused is why an answer is no stream.
func (s *Source) refused(resp *http.Response) error {
	e := &platforms.Error{Kind: platforms.Temporary, Err: fmt.Errorf("status %d", resp.StatusCode)}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch status := resp.StatusCode; {
	case status == http.StatusOK && kind == "text/event-stream":
		return nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Kind, e.Text = platforms.Unauthorized, "The relay refused the channel. Check the channel, or make a new one."
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		e.Kind, e.Text = platforms.RateLimited, "The relay asks for a pause. The next try follows by itself."
		e.RetryAfter = platforms.RetryAfter(resp.Header.Get("Retry-After"), s.o.Now(), time.Hour)
	case status/100 == 3:
		e.Text = "The relay sent us elsewhere, which is not followed. Check the server's address."
	case status == http.StatusNotFound || status == http.StatusGone || status == http.StatusNoContent:
		e.Text = "The relay does not know the channel. Check the channel, and whether the server is of the kind that was chosen. The next try follows by itself."
	case status == http.StatusOK:
		e.Text = "The relay answered with something else than a stream of events. Check the address, and whether the server is of the kind that was chosen. The next try follows by itself."
	default:
		e.Text = "The relay did not open the channel. The next try follows by itself."
	}
	return e
}

// told is err in words, without the channel: ctx's error if that ended.
func (s *Source) told(ctx context.Context, dog *watch, err error) error {
	var known *platforms.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known):
		return err
	case dog.bit():
		err = context.DeadlineExceeded // silence
	}
	n := platforms.Network(err, s.service)
	n.Err = platforms.RedactError(n.Err, s.o.Channel, platforms.NewSecret(url.PathEscape(s.o.Channel.Reveal())))
	return n
}
