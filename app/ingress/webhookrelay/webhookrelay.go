// Package webhookrelay receives webhooks through Webhook Relay, hosted or on a
// server of one's own, over a WebSocket that we open:
// https://docs.webhookrelay.com/products/webhooks/websocket-server.
//
// It has no cursor: what was missed is sent again by the relay after a
// reconnect, for ten minutes. Where a request would be forwarded to
// (output_destination) is read by nobody here.
package webhookrelay

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// Hosted is the server of the service itself.
const Hosted = "https://my.webhookrelay.com"

// keyName is what stands for a key where there is an API key only.
const keyName = "whr"

const service = "Webhook Relay"

// Options configure a Source. Server, Buckets, Dial and Client must be given.
type Options struct {
	Server string // https://host, Hosted or one's own

	// Key and Secret are a token's pair. An API key, which begins with sk-, is
	// the Secret, without a Key. A token that may subscribe only is enough,
	// unless Report.
	Key    string
	Secret platforms.Secret

	// Buckets are names or ids, at least one: an empty list would be every bucket
	// of the account. Request.Channel is one of these, as it stands here.
	Buckets []string

	// Dial opens the WebSocket's connection and Client sends the reports. The
	// Client's redirects are not followed.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Client *http.Client
	// Proxy is whom to dial instead; nil for nobody.
	Proxy func(*http.Request) (*url.URL, error)

	// Report tells the relay what became of each request. It shows in its log,
	// and reaches the sender only where the input is set to wait for it.
	// Otherwise everything goes one way.
	Report bool
	// Answers adds header and body of a Response to its report.
	Answers bool

	Log *slog.Logger
	Now func() time.Time
	// Limits are Usual if zero.
	Limits Limits
}

// Limits bound what the relay can cost. They are variables for tests.
type Limits struct {
	Silence time.Duration // without a word from the relay: the connection is dead
	Greet   time.Duration // from dialling to the confirmed subscription
	Answer  time.Duration // from receipt until Take's context ends, if that is reported
	Take    time.Duration // the same if it isn't
	Report  time.Duration // of one report
	Frame   int64         // bytes of a frame that is read; a larger one is skipped
	Skip    int64         // bytes of a frame at which it isn't even skipped
	Waiting relay.Bounds  // frames read and not taken
	Seen    int           // ids remembered
	Reports int           // at once
	Garbage int           // frames in a row that make no sense
	Resend  time.Duration // for how long the relay keeps what was missed
}

// Usual is the bounds in use. The relay pings about every minute, and its logs
// take an answer for 10 seconds.
func Usual() Limits {
	return Limits{Silence: 90 * time.Second, Greet: 20 * time.Second, Answer: 8 * time.Second, Take: 30 * time.Second, Report: 5 * time.Second,
		// A body in JSON is at worst six times as long, and mostly hardly longer.
		Frame: 2 * platforms.MostBody, Skip: 8 * platforms.MostBody, Waiting: relay.Bounds{Items: 64, Bytes: 64 << 20},
		Seen: 4096, Reports: 4, Garbage: 32, Resend: 10 * time.Minute}
}

// Source is a subscription to buckets. See relay.Source.
type Source struct {
	o      Options
	server *url.URL
	socket string // address of the WebSocket
	client *http.Client
	seen   *relay.Recent
	left   time.Time // when the last subscription ended, zero if there was none
	lost   bool      // it ended before all that it brought was taken
}

var _ relay.Source = (*Source)(nil)

// New checks o and makes a Source. It does no I/O.
func New(o Options) (*Source, error) {
	server, err := relay.Address(o.Server)
	if err != nil {
		return nil, err
	}
	o.Key = strings.TrimSpace(o.Key)
	switch secret := o.Secret.Reveal(); {
	case o.Secret.IsZero():
		return nil, errors.New("the secret is missing: make a token, or an API key, in the relay's settings")
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the secret holds a blank or a character that none has: copy it again")
	case o.Key == "" && strings.HasPrefix(secret, "sk-"):
		o.Key = keyName
	case o.Key == "":
		return nil, errors.New("the key that belongs to the secret is missing: only an API key, which begins with sk-, goes without")
	}
	o.Buckets = slices.Clone(o.Buckets)
	for i, b := range o.Buckets {
		if strings.TrimSpace(b) != b || b == "" || len(b) > 200 {
			return nil, errors.New("a bucket's name is empty, begins or ends with a blank, or is too long")
		}
		if slices.Contains(o.Buckets[:i], b) {
			return nil, errors.New("a bucket is named twice")
		}
	}
	switch {
	case len(o.Buckets) == 0:
		return nil, errors.New("no bucket is named: without one all requests of the account would come here")
	case o.Dial == nil || o.Client == nil:
		return nil, errors.New("no dialer or no HTTP client")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Limits == (Limits{}) {
		o.Limits = Usual()
	}
	client := *o.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	socket := *server
	socket.Scheme = "ws" + strings.TrimPrefix(socket.Scheme, "http")
	return &Source{o: o, server: server, socket: socket.JoinPath("v1", "socket").String(), client: &client, seen: relay.NewRecent(o.Limits.Seen)}, nil
}

// Run is one connection. See relay.Source; from is ignored, for there is no
// cursor here.
func (s *Source) Run(ctx context.Context, _ relay.Cursor, sink relay.Sink) error {
	c, err := s.connect(ctx)
	if err != nil {
		return s.told(ctx, err)
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	if err := s.begin(ctx, sink); err != nil {
		return err
	}
	reports := s.reports(ctx)
	defer reports.end()
	var ours bool // whether an error is sink's
	var given, taken int
	err = relay.Hand(ctx, s.o.Limits.Waiting, func(ctx context.Context, give func(arrival, int) error) error {
		return s.read(ctx, c, func(a arrival, size int) error {
			given++
			return give(a, size)
		})
	}, func(ctx context.Context, a arrival) error {
		err := s.take(ctx, a, sink, reports)
		if err != nil {
			ours = true
			c.close()
			return err
		}
		taken++
		return nil
	})
	s.left, s.lost = s.o.Now(), given > taken
	if ours {
		return err
	}
	return s.told(ctx, err)
}

// begin says that we are subscribed, and what may have been missed.
func (s *Source) begin(ctx context.Context, sink relay.Sink) error {
	if err := sink.Ready(ctx, ""); err != nil {
		return err
	}
	if s.left.IsZero() {
		return sink.Gap(ctx, relay.Gap{Text: "Webhook Relay sends again what came within the last 10 minutes. What came before, while nothing was connected, stays in its log only."})
	}
	if s.lost {
		return sink.Gap(ctx, relay.Gap{Since: s.left, Text: "The connection to Webhook Relay ended before all that it had brought was stored. If it isn't sent again, look into its log."})
	}
	if s.o.Now().Sub(s.left) > s.o.Limits.Resend {
		return sink.Gap(ctx, relay.Gap{Since: s.left, Text: "The connection to Webhook Relay was away for longer than it keeps requests. Look into its log for what came meanwhile."})
	}
	return nil
}

// take has one arrival stored, unless it was before, and reports it.
func (s *Source) take(ctx context.Context, a arrival, sink relay.Sink, reports *reports) error {
	if a.gap != "" {
		return sink.Gap(ctx, relay.Gap{Certain: true, Since: a.received, Text: a.gap})
	}
	if status, known := s.seen.Status(a.request.ID); known {
		reports.send(ctx, report{arrival: a, response: relay.Response{Status: status}})
		return nil
	}
	limit := s.o.Limits.Take
	if s.o.Report {
		// What has waited for long gets some time nevertheless: to be stored matters
		// more than to be answered.
		limit = max(s.o.Limits.Answer-s.o.Now().Sub(a.received), s.o.Limits.Answer/4)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := sink.Take(limited, a.request)
	if err != nil {
		reports.send(ctx, report{arrival: a, response: relay.Response{Status: http.StatusServiceUnavailable}, failed: true})
		return err
	}
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	s.seen.Add(a.request.ID, r.Status)
	reports.send(ctx, report{arrival: a, response: r})
	return nil
}

// told is err in words, without a secret: ctx's error if that ended.
func (s *Source) told(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *platforms.Error
	if errors.As(err, &known) {
		return err
	}
	n := platforms.Network(err, service)
	n.Err = platforms.RedactError(n.Err, s.o.Secret, platforms.NewSecret(s.o.Key))
	return n
}
