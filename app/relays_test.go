package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/exposure/sockets"
	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
)

const relayWait = 20 * time.Second

// listened is a responder that notes what it got, in order.
type listened struct {
	mu    sync.Mutex
	texts []string
}

func (h *listened) responder() Responder {
	return responder{f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.texts = append(h.texts, d.Event.Text)
		return nil, nil
	}}
}

func (h *listened) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.texts)
}

// relayWorld is a world whose platform is called by webhook only.
func relayWorld(t *testing.T) (*world, *listened) {
	t.Helper()
	h := &listened{}
	w := newWorld(t, h.responder())
	w.callable(platforms.Webhook)
	w.change = func(p *platforms.Platform) {
		p.Inbound = platforms.Webhook
		p.New = func(c platforms.Config) (platforms.Connector, error) { return &hooking{fakeConnector{w.fake, c}}, nil }
	}
	return w, h
}

func signed(text, secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// webhook is a genuine request, as Webhook Relay has it.
func webhook(id, bucket, text string) webhookrelaytest.Event {
	return webhookrelaytest.Event{ID: id, BucketID: "b-" + bucket, BucketName: bucket, InputID: "input-1", Method: "POST", Body: text,
		// hooking makes the conversation of the last character
		Headers: map[string][]string{"X-Hub-Signature-256": {signed(text, "tok-secret-value-1")}, "X-Delivery": {text + "-a"}}}
}

func hosted(s *webhookrelaytest.Server, channels ...api.RelayChannel) api.RelayDraft {
	return api.RelayDraft{Kind: "webhookrelay", Name: "Mine", Channels: channels,
		Values: map[string]string{"server": s.URL(), "key": webhookrelaytest.Key, "secret": webhookrelaytest.Secret}}
}

func (w *world) relay() api.Relay {
	w.t.Helper()
	list := w.app.Relays()
	if len(list) != 1 {
		w.t.Fatalf("relays: %+v", list)
	}
	return list[0]
}

func addRelay(t *testing.T, w *world, d api.RelayDraft) api.Relay {
	t.Helper()
	r, err := w.app.AddRelay(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARelayLeadsToAnAccountWithNothingOpen(t *testing.T) {
	w, h := relayWorld(t)
	w.start()
	w.add()
	w.until("it is refused", func() bool { return w.account().Status == api.Blocked })
	before, err := sockets.Listening()
	if err != nil {
		t.Skip(err)
	}
	s := webhookrelaytest.New()
	defer s.Close()
	s.Publish(webhook("1", "main", "missed"))
	addRelay(t, w, hosted(s, api.RelayChannel{Channel: "main", Account: "fake", Public: "https://x.hooks.example.com"}))
	s.Publish(webhook("2", "main", "live"))
	forged := webhook("3", "main", "forged")
	forged.Headers["X-Hub-Signature-256"] = []string{signed("forged", "another")}
	s.Publish(forged)
	s.Publish(webhook("4", "main", "after"))
	w.until("they arrive", func() bool { return len(h.all()) == 3 })
	if got := strings.Join(h.all(), " "); got != "missed live after" {
		t.Errorf("got %s", got)
	}
	w.until("they are counted", func() bool { r := w.relay(); return r.Taken == 3 && r.Refused == 1 })
	r := w.relay()
	if r.Status != api.Connected || len(r.Channels) != 1 || r.Channels[0].Input != "input-1" || r.Channels[0].Problem != "" || r.Secrets["secret"] == "" || strings.Contains(fmt.Sprint(r), webhookrelaytest.Secret) {
		t.Errorf("%+v", r)
	}
	var via []string
	for _, q := range w.requests(api.InputQuery{}) {
		via = append(via, fmt.Sprint(q.Via, " ", q.Exact, " ", q.Verified, " ", q.From, len(q.Entries)))
	}
	if want := "Mine true true 1, Mine true false 0, Mine true true 1, Mine true true 1"; strings.Join(via, ", ") != want {
		t.Errorf("the requests came by %q, want %q", via, want)
	}
	if in := w.app.Inputs()[0]; in.Via == "" || in.Address != "https://x.hooks.example.com" || in.Requests != 4 {
		t.Errorf("%+v", in)
	}
	d := w.door()
	if d.Level != exposure.Relayed || !d.Relayed || d.Open || d.Address != "https://x.hooks.example.com" || d.Accepted != 3 || d.Rejected["bad signature"] != 1 {
		t.Errorf("%+v", d)
	}
	after, _ := sockets.Listening()
	if len(after) != len(before)+1 { // the emulator's
		t.Errorf("sockets before %v, after %v", before, after)
	}

	// The listener that there is now stays closed, and opens when the relay goes.
	if _, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: freePort(t), Public: "https://bot.example.org"}, "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it is relayed still", func() bool { d := w.door(); return d.Set && !d.Open && d.Level == exposure.Relayed })
	if err := w.app.RemoveRelay(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if !s.Gone(relayWait) {
		t.Error("the relay is still dialled")
	}
	w.until("it is refused again", func() bool { return w.door().Level == exposure.Refused && w.account().Status == api.Blocked })
	if _, err := w.vault.Get(t.Context(), "account/relay:"+r.ID+"/secret"); err == nil {
		t.Error("the secret stays")
	}
}

func TestARelayGoesOnAfterARestart(t *testing.T) {
	w, h := relayWorld(t)
	w.start()
	w.add()
	s := webhookrelaytest.New()
	defer s.Close()
	addRelay(t, w, hosted(s, api.RelayChannel{Channel: "main", Account: "fake"}))
	s.Publish(webhook("1", "main", "one"))
	w.until("it arrives", func() bool { return len(h.all()) == 1 })
	w.stop()
	s.Publish(webhook("2", "main", "two"))
	w.start()
	w.until("the second", func() bool { return len(h.all()) == 2 })
	if r := w.relay(); len(r.Gaps) != 0 || r.Name != "Mine" || r.Settings["key"] != webhookrelaytest.Key {
		t.Errorf("%+v", r)
	}
	// What the relay sends again after it forgot that we have it.
	s.Publish(webhook("77", "main", "one"))
	s.Publish(webhook("3", "main", "three"))
	w.until("the third", func() bool { return len(h.all()) == 3 })
	if got := strings.Join(h.all(), " "); got != "one two three" {
		t.Errorf("got %s", got)
	}
}

func TestARelayThatRefusesIsNotAskedAgain(t *testing.T) {
	w, _ := relayWorld(t)
	w.start()
	w.add()
	s := webhookrelaytest.New()
	defer s.Close()
	s.Refuse("unauthorized")
	r := addRelay(t, w, hosted(s, api.RelayChannel{Channel: "main", Account: "fake"}))
	w.until("it is refused", func() bool { return w.relay().Status == api.BadCredentials })
	if w.relay().Note == "" {
		t.Error("without a word")
	}
	s.Refuse("")
	if err := w.app.ResumeRelay(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	w.until("it is connected", func() bool { return w.relay().Status == api.Connected })
	if err := w.app.PauseRelay(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	w.until("it is paused", func() bool { return w.relay().Status == api.Paused })
	if !s.Gone(relayWait) {
		t.Error("still connected")
	}
	w.stop()
	w.start()
	w.until("it stays paused", func() bool { return w.relay().Status == api.Paused })
}

func TestAPausedAccountLeavesItsRequestsWithTheRelay(t *testing.T) {
	w, h := relayWorld(t)
	w.start()
	w.add()
	s := webhookrelaytest.New()
	defer s.Close()
	addRelay(t, w, hosted(s, api.RelayChannel{Channel: "main", Account: "fake"}))
	w.until("connected", func() bool { return w.relay().Status == api.Connected })
	if err := w.app.Pause(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if !s.Gone(relayWait) {
		t.Fatal("still subscribed")
	}
	s.Publish(webhook("1", "main", "while paused"))
	if p := w.relay().Channels[0].Problem; p == "" {
		t.Error("no word about it")
	}
	if err := w.app.Resume(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	w.until("it comes", func() bool { return len(h.all()) == 1 })

	if err := w.app.Pause(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.until("everything is paused", func() bool { return w.relay().Status == api.Paused })
	if err := w.app.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.until("connected again", func() bool { return w.relay().Status == api.Connected })
	if err := w.app.RemoveAccount(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	w.until("nobody is left", func() bool { r := w.relay(); return r.Status != api.Connected && r.Channels[0].Account == "" })
	if p := w.relay().Channels[0].Problem; !strings.Contains(p, "“Mine”, which was removed") {
		t.Error(p)
	}
	w.add() // of the same id, but another one
	w.until("it is blocked", func() bool { return w.account().Status == api.Blocked })
	if w.relay().Channels[0].Account != "" {
		t.Error("the channel leads to another account than the person chose")
	}
}

// TestABrokerNeedsNoOtherInterface runs a third kind of relay by the same
// supervisor: messages with sequences, each acknowledged after it was stored, and
// replayed from a sequence.
func TestABrokerNeedsNoOtherInterface(t *testing.T) {
	w, h := relayWorld(t)
	b := &broker{changed: make(chan struct{}), acked: map[int]int{}}
	w.relays = []RelayKind{{Name: "broker", Title: "A broker", Word: "stream", Exact: true, Keeps: time.Hour,
		Public: func(RelayConfig) string { return "https://broker.example.com/in" },
		New:    func(RelayConfig) (relay.Source, error) { return b, nil }}}
	w.start()
	w.add()
	addRelay(t, w, api.RelayDraft{Kind: "broker", Channels: []api.RelayChannel{{Account: "fake"}}})
	w.until("connected", func() bool { return w.relay().Status == api.Connected })
	b.publish("a", "b")
	w.until("two", func() bool { return len(h.all()) == 2 })
	w.stop()
	b.publish("c", "d")
	w.start()
	w.until("four", func() bool { return len(h.all()) == 4 })
	if got := strings.Join(h.all(), ""); got != "abcd" {
		t.Errorf("got %s", got)
	}
	w.stop()
	b.mu.Lock()
	from := b.from
	b.mu.Unlock()
	if !slices.Equal(from, []string{"", "2"}) {
		t.Errorf("it began at %q", from)
	}
	for i := range 4 {
		if b.acked[i+1] != 1 {
			t.Errorf("acknowledged: %v", b.acked)
		}
	}
}

// broker is a relay.Source.
type broker struct {
	mu      sync.Mutex
	log     []string
	acked   map[int]int
	from    []string
	changed chan struct{}
}

func (b *broker) publish(texts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, texts...)
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *broker) Run(ctx context.Context, from relay.Cursor, sink relay.Sink) error {
	b.mu.Lock()
	b.from = append(b.from, string(from))
	at := len(b.log)
	b.mu.Unlock()
	if from != "" {
		_, _ = fmt.Sscan(string(from), &at)
	}
	if err := sink.Ready(ctx, relay.Cursor(fmt.Sprint(at))); err != nil {
		return err
	}
	for ctx.Err() == nil {
		b.mu.Lock()
		changed, log := b.changed, b.log
		b.mu.Unlock()
		for ; at < len(log); at++ {
			text := log[at]
			_, err := sink.Take(ctx, relay.Request{ID: fmt.Sprint("m", at+1), Cursor: relay.Cursor(fmt.Sprint(at + 1)), Channel: onlyChannel, Method: "POST",
				Header: map[string][]string{"X-Hub-Signature-256": {signed(text, "tok-secret-value-1")}, "X-Delivery": {text + "-a"}}, Body: []byte(text), Exact: true, Received: time.Now()})
			if err != nil {
				return err
			}
			b.mu.Lock()
			b.acked[at+1]++
			b.mu.Unlock()
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func TestWhatARelayDidNotKeepIsTold(t *testing.T) {
	w, h := relayWorld(t)
	w.start()
	w.add()
	s := ssetest.New(ssetest.Streams)
	defer s.Close()
	addRelay(t, w, api.RelayDraft{Kind: "gosmee", Name: "Ours", Channels: []api.RelayChannel{{Account: "fake"}},
		Values: map[string]string{"server": s.URL(), "channel": s.Hook()}})
	w.until("connected", func() bool { return w.relay().Status == api.Connected })
	publish := func(text string) {
		s.Publish(fmt.Sprintf(`{"x-hub-signature-256":%q,"x-delivery":%q,"content-type":"application/json","timestamp":"1700000000000","bodyB":%q}`,
			signed(text, "tok-secret-value-1"), text+"-a", base64Of(text)))
	}
	publish(`"one"`)
	w.until("it arrives", func() bool { return len(h.all()) == 1 })
	w.stop()
	for i := range 5 {
		publish(fmt.Sprintf(`"away %d"`, i))
	}
	s.Trim(2)
	w.start()
	w.until("what was kept arrives", func() bool { return len(h.all()) == 3 })
	r := w.relay()
	if len(r.Gaps) != 1 || !r.Gaps[0].Certain || r.Gaps[0].Text == "" {
		t.Fatalf("%+v", r.Gaps)
	}
	if !slices.ContainsFunc(w.app.Snapshot().Notices, func(n api.Notice) bool { return strings.Contains(n.Text, "are missing") }) {
		t.Errorf("nobody is told: %+v", w.app.Snapshot().Notices)
	}
	// The channel is a secret: it is nowhere to be seen.
	if all := fmt.Sprintf("%+v %+v", r, w.door()); strings.Contains(all, ssetest.Channel) {
		t.Error(all)
	}
	if ids := s.LastIDs(); len(ids) != 2 || ids[1] == "" {
		t.Errorf("it asked from %q", ids)
	}
}

func TestARelayThatKeepsNothingSaysSo(t *testing.T) {
	for kind, of := range map[string]ssetest.Kind{"smee": ssetest.Smee, "gosmee": ssetest.Gosmee} {
		w, _ := relayWorld(t)
		w.start()
		w.add()
		s := ssetest.New(of)
		defer s.Close()
		addRelay(t, w, api.RelayDraft{Kind: kind, Channels: []api.RelayChannel{{Account: "fake"}}, Values: map[string]string{"server": s.URL(), "channel": ssetest.Channel}})
		w.until("connected", func() bool { return w.relay().Status == api.Connected })
		if r := w.relay(); len(r.Gaps) > 0 {
			t.Errorf("%s: nothing was there before: %+v", kind, r.Gaps)
		}
		w.stop()
		w.start()
		w.until("something may be missing", func() bool {
			r := w.relay()
			return len(r.Gaps) == 1 && !r.Gaps[0].Certain && !r.Gaps[0].Since.IsZero()
		})
		w.stop()
	}
}

func TestGapsAreBounded(t *testing.T) {
	w, _ := relayWorld(t)
	w.start()
	r := newRelayed(w.app, relaySetup{ID: "x", Kind: "smee", Name: "X"})
	for i := range 3 * mostGaps {
		if err := (&relaySink{r}).Gap(t.Context(), relay.Gap{Certain: true, Since: time.Now(), Text: fmt.Sprint("gap ", i/2)}); err != nil {
			t.Fatal(err)
		}
	}
	if v := r.view().Gaps; len(v) != mostGaps || v[0].Text != fmt.Sprint("gap ", 3*mostGaps/2-1) {
		t.Errorf("%d gaps, the latest %+v", len(v), v[0])
	}
}

// TestGapsInTurn: two that come in turn, as often as a relay likes, are two lines.
func TestGapsInTurn(t *testing.T) {
	w, _ := relayWorld(t)
	w.start()
	r := newRelayed(w.app, relaySetup{ID: "x", Kind: "smee", Name: "X"})
	for i := range 2 * mostGaps {
		if err := (&relaySink{r}).Gap(t.Context(), relay.Gap{Certain: true, Since: time.Now(), Text: fmt.Sprint("gap ", i%2)}); err != nil {
			t.Fatal(err)
		}
	}
	if v := r.view().Gaps; len(v) != 2 || v[0].Text != "gap 1" || !v[1].Since.Before(v[1].At) {
		t.Errorf("%+v", v)
	}
	lines, err := w.app.Activity(t.Context(), control.ActivityQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(lines, func(l api.Activity) bool { return l.What != api.Missed })); n != 2 {
		t.Errorf("%d lines of activity", n)
	}
}

func TestRelaysAreChecked(t *testing.T) {
	w, _ := relayWorld(t)
	w.start()
	w.add()
	s := webhookrelaytest.New()
	defer s.Close()
	good := hosted(s, api.RelayChannel{Channel: "main", Account: "fake"})
	for name, change := range map[string]func(*api.RelayDraft){
		"kind":           func(d *api.RelayDraft) { d.Kind = "pigeon" },
		"no account":     func(d *api.RelayDraft) { d.Channels[0].Account = "nobody" },
		"none chosen":    func(d *api.RelayDraft) { d.Channels[0].Account = "" },
		"no bucket":      func(d *api.RelayDraft) { d.Channels[0].Channel = "" },
		"twice":          func(d *api.RelayDraft) { d.Channels = append(d.Channels, d.Channels[0]) },
		"open address":   func(d *api.RelayDraft) { d.Values["server"] = "http://relay.example.com" },
		"no secret":      func(d *api.RelayDraft) { d.Values["secret"] = "" },
		"public":         func(d *api.RelayDraft) { d.Channels[0].Public = "nowhere" },
		"secret public":  func(d *api.RelayDraft) { d.Channels[0].Public = "https://x.example/" + webhookrelaytest.Secret },
		"path of others": func(d *api.RelayDraft) { d.Channels[0].Path = "/elsewhere" },
	} {
		d := good
		d.Channels = slices.Clone(good.Channels)
		d.Values = map[string]string{}
		for k, v := range good.Values {
			d.Values[k] = v
		}
		change(&d)
		if name == "path of others" {
			w.until("it asked", func() bool { return len(w.door().Paths) == 1 })
		}
		var told *api.Error
		if _, err := w.app.AddRelay(t.Context(), d); !errors.As(err, &told) || told.Text == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := w.app.CheckRelay(t.Context(), "", good); err != nil || c.Error != nil || c.Text == "" {
		t.Errorf("%+v %v", c, err)
	}
	s.Refuse("forbidden")
	if c, err := w.app.CheckRelay(t.Context(), "", good); err != nil || c.Error == nil || c.Error.Kind != platforms.Unauthorized {
		t.Errorf("%+v %v", c, err)
	}
	s.Refuse("")
	r := addRelay(t, w, good)
	if _, err := w.app.ChangeRelay(t.Context(), r.ID, api.RelayDraft{Name: "Other", Channels: []api.RelayChannel{{Channel: "next", Account: "fake"}}}); err != nil {
		t.Fatal(err)
	}
	w.until("connected", func() bool {
		r := w.relay()
		return r.Status == api.Connected && r.Channels[0].Channel == "next" && r.Name == "Other"
	})
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
