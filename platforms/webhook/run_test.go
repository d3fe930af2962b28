package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a running account and the service that sends to it.
type bench struct {
	conn   platforms.Connector
	in     *ingresstest.Ingress
	sender *webhooktest.Sender
	rec    *platformtest.Recorder
	cancel context.CancelFunc
	ended  chan error
}

func start(t *testing.T, service webhooktest.Service, in *ingresstest.Ingress, rec *platformtest.Recorder) *bench {
	t.Helper()
	b := &bench{in: in, sender: webhooktest.New(service, webhooktest.Form{}, secretOf(service)), rec: rec, ended: make(chan error, 1)}
	t.Cleanup(b.sender.Close)
	b.sender.Through(in)
	b.conn = connect(t, account(service, secretOf(service), in))
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	rec.Begin()
	go func() { b.ended <- b.conn.Run(ctx, "", rec) }()
	t.Cleanup(b.stop)
	rec.WaitPhase(t, platforms.Connected)
	return b
}

func (b *bench) stop() {
	b.cancel()
	if b.ended != nil {
		<-b.ended
		b.ended = nil
	}
}

// TestOverLoopback has every service deliver over real HTTP.
func TestOverLoopback(t *testing.T) {
	for _, s := range services {
		t.Run(string(s), func(t *testing.T) {
			in, err := ingresstest.NewLoopback()
			must(t, err)
			t.Cleanup(in.Close)
			b := start(t, s, in, &platformtest.Recorder{})
			for i := range 3 {
				b.sender.Push(webhooktest.Push{ID: fmt.Sprint("msg_", i), Event: "ping", Body: fmt.Appendf(nil, `{"id":"evt_%d","event_id":"Ev%d","type":"t%d","zen":"z%d"}`, i, i, i, i)})
			}
			ids := map[platforms.EventID]bool{}
			for _, ev := range b.rec.Wait(t, 3) {
				if ev.Text == "" || ev.Kind != platforms.MessageReceived || ev.Conversation.ID == "" || ev.From.ID == "" || ev.From.Name == "" || ev.Time.IsZero() {
					t.Errorf("%+v", ev)
				}
				ids[ev.ID] = true
			}
			if len(ids) != 3 {
				t.Errorf("%d ids", len(ids))
			}
			// A stranger who knows the address gets what every path gets, and is not heard.
			if got := b.sender.Post(http.Header{}, []byte(`{"text":"let me in"}`)); got != http.StatusNotFound {
				t.Errorf("status %d", got)
			}
			b.stop()
			if n := len(b.rec.Calls()); n != 3 {
				t.Errorf("%d events", n)
			}
			if in.Open() != 0 {
				t.Error("the route is open still")
			}
		})
	}
}

// told reports whether a state had these words.
func (b *bench) told(words string) bool {
	return slices.ContainsFunc(b.rec.States(), func(s platforms.State) bool { return strings.Contains(s.Note, words) })
}

func TestSlackChallenge(t *testing.T) {
	b := start(t, sl, ingresstest.New(), &platformtest.Recorder{})
	if b.told("challenge was answered") {
		t.Error("told before it came")
	}
	defer func() {
		if !b.told("challenge was answered") {
			t.Errorf("not told: %+v", b.rec.States())
		}
	}()
	for body, want := range map[string]struct {
		status int
		words  string
	}{
		`{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`: {200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"},
		`{"challenge":"<script>","type":"url_verification"}`:                                                         {200, "<script>"}, // as plain text
	} {
		h := webhooktest.Headers(sl, webhooktest.Form{}, webhooktest.Push{Body: []byte(body)}, time.Now(), secret)
		if status, words := b.sender.Answer(h, []byte(body)); status != want.status || words != want.words {
			t.Errorf("%d %q, want %+v", status, words, want)
		}
		h.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64))
		if status, words := b.sender.Answer(h, []byte(body)); status != http.StatusNotFound || strings.Contains(words, "3eZ") {
			t.Errorf("unsigned: %d %q", status, words)
		}
	}
	if n := len(b.rec.Calls()); n != 0 {
		t.Errorf("%d events", n)
	}
}

// TestAnswersInTime has a store that takes for ever.
func TestAnswersInTime(t *testing.T) {
	for s, within := range map[webhooktest.Service]time.Duration{gh: 8 * time.Second, sl: 2500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			in := ingresstest.New()
			var address string
			in.On(func(public string) { address = public }, nil)
			config := account(s, secret, in)
			conn := connect(t, config)
			sink := &stuck{free: make(chan struct{})}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- conn.Run(ctx, "", sink) }()
			synctest.Wait()
			began := time.Now()
			body := `{"type":"t"}`
			r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
			must(t, err)
			r.Header = webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{Body: []byte(body)}, time.Now(), secret)
			resp, err := in.RoundTrip(r)
			must(t, err)
			if took := time.Since(began); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || took != within {
				t.Errorf("%s: status %d after %v", s, resp.StatusCode, took)
			}
			close(sink.free)
			cancel()
			<-ended
		})
	}
}

// TestEndsAtOnce has requests wait behind one that is being stored when Run is to
// end: what waits is told to come again, and at once.
func TestEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := ingresstest.New()
		var address string
		in.On(func(public string) { address = public }, nil)
		conn := connect(t, account(gh, secret, in))
		sink := &stuck{free: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- conn.Run(ctx, "", sink) }()
		synctest.Wait()
		statuses := make(chan int, 100)
		for i := range 100 { // more than are let in
			go func() {
				body := fmt.Sprintf(`{"n":%d}`, i)
				r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
				if err == nil {
					r.Header = webhooktest.Headers(gh, webhooktest.Form{}, webhooktest.Push{Body: []byte(body)}, time.Now(), secret)
					var resp *http.Response
					if resp, err = in.RoundTrip(r); err == nil {
						statuses <- resp.StatusCode
						return
					}
				}
				t.Error(err)
				statuses <- 0
			}()
		}
		synctest.Wait()
		if n := len(statuses); n != 36 {
			t.Errorf("%d are turned away while 64 wait", n)
		}
		began := time.Now()
		cancel()
		close(sink.free)
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		good := 0
		for range 100 {
			switch <-statuses {
			case http.StatusOK:
				good++
			case http.StatusServiceUnavailable:
			default:
				t.Error("neither taken nor told to come again")
			}
		}
		if good == 0 || time.Since(began) != 0 || in.Open() != 0 {
			t.Errorf("%d taken, after %v", good, time.Since(began))
		}
	})
}

// stuck is a Sink that stores nothing until it is free.
type stuck struct {
	free chan struct{}
}

func (s *stuck) Event(context.Context, platforms.Event) error { <-s.free; return nil }
func (s *stuck) State(platforms.State)                        {}

// TestEndsPromptly has requests wait while Run ends: they get 503, and Run does
// not wait for their time to pass.
func TestEndsPromptly(t *testing.T) {
	rec := &platformtest.Recorder{}
	rec.FailOn(1, nil)
	b := start(t, gh, ingresstest.New(), rec)
	b.sender.Push(webhooktest.Push{ID: "1", Event: "ping", Body: []byte(`{"zen":"a"}`)})
	if err := <-b.ended; !errors.Is(err, platformtest.ErrSink) {
		t.Errorf("%v", err)
	}
	b.ended = nil
	b.sender.Close()
	if got := b.sender.Statuses(); len(got) == 0 || got[0] != http.StatusServiceUnavailable || len(b.sender.Acked()) != 0 {
		t.Errorf("answered with %v", got)
	}
}

func TestStates(t *testing.T) {
	b := start(t, gh, ingresstest.New(), &platformtest.Recorder{})
	if states := b.rec.States(); !strings.Contains(states[len(states)-1].Note, "Nothing has come yet") || states[len(states)-1].Hears {
		t.Errorf("%+v", states)
	}
	id, err := b.conn.Check(t.Context())
	if err != nil || id.ID != "github" || id.Name != "GitHub" || id.Handle != "GitHub" || len(id.Problems) != 1 || id.Problems[0].Bad || id.Problems[0].Fix != "" ||
		!strings.Contains(id.Problems[0].Text, "https://bot.example/hook/") || strings.Contains(id.Problems[0].Text, secret) {
		t.Errorf("%+v, %v", id, err)
	}
	b.sender.Push(webhooktest.Push{ID: "1", Event: "ping", Body: []byte(`{"zen":"a"}`)})
	b.rec.Wait(t, 1)
	b.stop()
	states := b.rec.States()
	if last := states[len(states)-1]; last.Note != "" || !last.Hears {
		t.Errorf("%+v", states)
	}
	if id, _ := b.conn.Check(t.Context()); len(id.Problems) != 0 {
		t.Errorf("%+v", id)
	}
}

func TestNotAllowed(t *testing.T) {
	refusal := &platforms.Error{Kind: platforms.NotAcknowledged, Text: "Not agreed. Agree first."}
	for name, refused := range map[string]error{"as the contract has it": refusal, "in other words": errors.New("no"), "no ingress": nil} {
		t.Run(name, func(t *testing.T) {
			var in platforms.Ingress
			if refused != nil {
				i := ingresstest.New()
				i.Refuse(refused)
				in = i
			}
			for _, s := range services {
				conn := connect(t, account(s, secretOf(s), in))
				if err := conn.Run(t.Context(), "", &platformtest.Recorder{}); platforms.KindOf(err) != platforms.NotAcknowledged {
					t.Errorf("%s: Run: %v", s, err)
				}
				id, err := conn.Check(t.Context())
				if err != nil || len(id.Problems) != 1 || !id.Problems[0].Bad || id.Problems[0].Text == "" || id.Problems[0].Fix != "" {
					t.Errorf("%s: %+v, %v", s, id, err)
				}
			}
		})
	}
}

// TestPath has each account at an address of its own that stays.
func TestPath(t *testing.T) {
	at := func(key, account platforms.AccountID) string {
		in := ingresstest.New()
		var told string
		in.On(func(public string) { told = public }, nil)
		c := platforms.Config{Account: account, Settings: map[string]string{}, Secrets: map[string]platforms.Secret{"secret": platforms.NewSecret(secret)}, Key: platforms.NewSecret(string(key)), Ingress: in}
		_, err := connect(t, c).Check(t.Context())
		must(t, err)
		return strings.TrimPrefix(told, "https://bot.example/hook/")
	}
	a, again, b := at("key one", "a"), at("key one", "b"), at("key two", "a")
	if len(a) != 32 || a != again || a == b || strings.Contains(a, "key") {
		t.Errorf("%q, %q, %q", a, again, b)
	}
}

func TestSend(t *testing.T) {
	conn := connect(t, account(webhooktest.GitHub, secret, nil))
	_, err := conn.Send(t.Context(), platforms.Message{Key: "k", Text: "x"})
	if platforms.KindOf(err) != platforms.Unsupported || !strings.Contains(platforms.Explain(err), "only brings messages") {
		t.Errorf("%v", err)
	}
	if l := webhook.Platform().Limits; l != (platforms.Limits{Mute: true, Redelivery: 7 * 24 * time.Hour}) {
		t.Errorf("%+v", l)
	}
}

// TestAddressOfTheRelay: where requests come by a relay whose address is not
// known here, nothing is wrong: the person has it from the relay.
func TestAddressOfTheRelay(t *testing.T) {
	in := ingresstest.New()
	in.Refuse(&platforms.Error{Kind: platforms.NotAcknowledged, Err: platforms.ErrAddress, Text: "Copy it."})
	c, err := webhook.Platform().New(platforms.Config{Settings: map[string]string{"sender": "github"}, Key: platforms.NewSecret("a key"),
		Secrets: map[string]platforms.Secret{"secret": platforms.NewSecret("a secret that is long enough for GitHub")}, Ingress: in})
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Check(t.Context())
	if err != nil || len(id.Problems) != 1 || id.Problems[0].Bad || !strings.Contains(id.Problems[0].Text, "the one that the relay shows") {
		t.Errorf("%v %+v", err, id.Problems)
	}
}
