package post_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/app/responders/post"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/chathook"
	"github.com/postern/postern/platforms/chathook/chathooktest"
)

// source is a chat with people in it: what they say is kept until it is stored.
type source struct {
	mu    sync.Mutex
	n     int
	queue []platforms.Event
	wake  chan struct{}
	sent  []string
	bot   bool // what is said is a bot's
}

func (s *source) platform() platforms.Platform {
	return platforms.Platform{Name: "source", Title: "Source", IDs: platforms.IDs{Machines: true}, Limits: platforms.Limits{Unit: platforms.Runes},
		New: func(platforms.Config) (platforms.Connector, error) { return s, nil }}
}

func (s *source) say(conversation, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.queue = append(s.queue, platforms.Event{ID: platforms.EventID(fmt.Sprint("e", s.n)), Kind: platforms.MessageReceived, Cursor: platforms.Cursor(fmt.Sprint(s.n)),
		Time: time.Now(), Text: text, From: platforms.User{ID: "u", Name: "Ada", Bot: s.bot}, Conversation: platforms.Conversation{ID: platforms.ConversationID(conversation), Title: "Room " + conversation}})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *source) Check(context.Context) (platforms.Identity, error) {
	return platforms.Identity{ID: "bot", Name: "Bot"}, nil
}

func (s *source) Run(ctx context.Context, _ platforms.Cursor, sink platforms.Sink) error {
	sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	for {
		s.mu.Lock()
		evs := slices.Clone(s.queue)
		s.mu.Unlock()
		if err := platforms.Deliver(ctx, sink, evs); err != nil {
			return err
		}
		s.mu.Lock()
		s.queue = s.queue[len(evs):]
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		}
	}
}

func (s *source) Send(_ context.Context, m platforms.Message) (platforms.MessageID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, m.Text)
	return platforms.MessageID(fmt.Sprint("s", len(s.sent))), nil
}

// bridge is an App with a source, kept over restarts.
type bridge struct {
	t     *testing.T
	dir   string
	vault *vault.Vault
	src   *source
	app   *app.App
	stop  func()
}

func newBridge(t *testing.T) *bridge {
	b := &bridge{t: t, dir: t.TempDir(), vault: vault.Memory(), src: &source{wake: make(chan struct{}, 1)}}
	b.start()
	if _, err := b.app.AddAccount(t.Context(), api.AccountDraft{Platform: "source"}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bridge) start() {
	b.t.Helper()
	a, err := app.New(b.t.Context(), app.Options{Dir: b.dir, Vault: b.vault, Platforms: []platforms.Platform{b.src.platform(), chathook.Platform()},
		Kinds: []app.Kind{post.Kind()}, Version: "test", Demo: true})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	b.app = a
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
	b.t.Cleanup(b.stop)
}

// into adds an account that posts at s, and a responder that posts there, and is
// both ids.
func (b *bridge) into(f chathooktest.Form, s *chathooktest.Server, values ...string) (platforms.AccountID, string) {
	b.t.Helper()
	acc, err := b.app.AddAccount(b.t.Context(), api.AccountDraft{Platform: "chathook", Values: map[string]string{"form": string(f), "url": s.URL()}})
	if err != nil {
		b.t.Fatal(err)
	}
	v := map[string]string{"to": string(acc.ID)}
	for i := 0; i+1 < len(values); i += 2 {
		v[values[i]] = values[i+1]
	}
	r, err := b.app.AddResponder(b.t.Context(), api.ResponderDraft{Kind: "post", Values: v})
	if err != nil {
		b.t.Fatal(err)
	}
	return acc.ID, r.ID
}

func (b *bridge) route(to ...string) {
	b.t.Helper()
	if _, err := b.app.SetRoutes(b.t.Context(), []api.Route{{Name: "all", When: "true", To: to}}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bridge) until(what string, ok func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	changes := b.app.Watch(ctx)
	for !ok() {
		select {
		case <-ctx.Done():
			b.t.Fatalf("never happened: %s; state: %+v", what, b.app.Snapshot())
		case <-changes:
		case <-time.After(20 * time.Millisecond): // the servers have no signal
		}
	}
}

func serve(t *testing.T, f chathooktest.Form) *chathooktest.Server {
	t.Helper()
	s, err := chathooktest.New(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func texts(s *chathooktest.Server) (out []string) {
	for _, m := range s.Sent() {
		out = append(out, m.Text)
	}
	return out
}

// TestIntoEachChat: one message of a room arrives in five chats, in each one's
// form, and the longer one in as many parts as each needs.
func TestIntoEachChat(t *testing.T) {
	b := newBridge(t)
	servers := map[chathooktest.Form]*chathooktest.Server{}
	var to []string
	for _, f := range chathooktest.Forms() {
		servers[f] = serve(t, f)
		_, id := b.into(f, servers[f])
		to = append(to, id)
	}
	b.route(to...)
	b.src.say("1", "It is *out*, @everyone: https://example.org/n_1")
	b.src.say("1", strings.Repeat("word ", 1000))
	parts := map[chathooktest.Form]int{chathooktest.Chatalot: 2, chathooktest.Slack: 2, chathooktest.Discord: 3, chathooktest.Mattermost: 1, chathooktest.Teams: 1}
	for f, s := range servers {
		b.until(string(f)+" has all", func() bool { return len(s.Sent()) >= 1+parts[f] })
		got := s.Sent()
		if words := "Ada in Room 1: It is *out*, @everyone: https://example.org/n_1"; strings.ReplaceAll(got[0].Text, "\u200b", "") != words {
			t.Errorf("%s shows %q", f, got[0].Text)
		}
		if len(got) != 1+parts[f] || strings.Count(strings.Join(texts(s), " "), "word") != 1000 {
			t.Errorf("%s has %d messages", f, len(got))
		}
		for _, m := range got {
			if len(m.Pings) > 0 {
				t.Errorf("%s tells %q", f, m.Pings)
			}
		}
	}
	for _, acc := range b.app.Snapshot().Accounts {
		if acc.Platform == "chathook" && (acc.Status != api.Connected || !acc.Deaf || acc.Speaks.Proven.IsZero() || acc.Dead > 0 || len(acc.Problems) > 0 && acc.Problems[0].Bad) {
			t.Errorf("%+v", acc)
		}
	}
}

// TestTroubleOnTheWay: whatever the chat answers meanwhile, over a restart too,
// each message arrives once, and in the order of the room.
func TestTroubleOnTheWay(t *testing.T) {
	s := serve(t, chathooktest.Chatalot)
	b := newBridge(t)
	_, id := b.into(chathooktest.Chatalot, s, "template", "{{.text}}")
	b.route(id)
	var want []string
	say := func(n int) {
		for range n {
			want = append(want, fmt.Sprintf("m%03d", len(want)))
			b.src.say("1", want[len(want)-1])
		}
	}
	say(10)
	b.until("some arrive", func() bool { return len(s.Sent()) > 0 })
	s.Fail(chathooktest.Fault{Kind: chathooktest.ServerError})
	s.Fail(chathooktest.Fault{Kind: chathooktest.Limited, RetryAfter: time.Second})
	say(10)
	b.until("they arrive", func() bool { return len(s.Sent()) == len(want) })
	s.Down()
	say(10)
	b.until("they wait", func() bool { return b.app.Snapshot().Queued == 10 })
	b.stop()
	b.start()
	say(10)
	if err := s.Up(); err != nil {
		t.Fatal(err)
	}
	b.until("the others arrive", func() bool { return len(s.Sent()) >= len(want) })
	if got := texts(s); !slices.Equal(got, want) {
		t.Errorf("arrived: %q", got)
	}
}

// TestGone: a webhook that was deleted stops its account, which says why; what
// waits goes to the new address, in order.
func TestGone(t *testing.T) {
	s := serve(t, chathooktest.Slack)
	b := newBridge(t)
	acc, id := b.into(chathooktest.Slack, s, "template", "{{.text}}")
	b.route(id)
	s.Gone("channel_is_archived")
	b.src.say("1", "one")
	b.src.say("1", "two")
	find := func() api.Account {
		all := b.app.Snapshot().Accounts
		return all[slices.IndexFunc(all, func(a api.Account) bool { return a.ID == acc })]
	}
	b.until("the account stops, and both wait", func() bool { a := find(); return a.Status == api.BadCredentials && a.Queued == 2 })
	if a := find(); !strings.Contains(a.Note, "channel_is_archived") || !strings.HasSuffix(a.Note, ".") {
		t.Errorf("it says %q", a.Note)
	}
	fresh := serve(t, chathooktest.Slack)
	if _, err := b.app.ChangeAccount(t.Context(), acc, api.AccountDraft{Values: map[string]string{"url": fresh.URL()}}); err != nil {
		t.Fatal(err)
	}
	b.until("both arrive", func() bool { return len(fresh.Sent()) == 2 })
	if got := texts(fresh); !slices.Equal(got, []string{"one", "two"}) || len(s.Sent()) > 0 {
		t.Errorf("%q arrived", got)
	}
	b.until("all is well", func() bool { a := find(); return a.Status == api.Connected && a.Queued == 0 && a.Dead == 0 })
}

// TestRefusedIsResent: what the chat will never take is a dead letter, does not
// hold up what follows, and is sent again by hand.
func TestRefusedIsResent(t *testing.T) {
	s := serve(t, chathooktest.Slack)
	b := newBridge(t)
	acc, id := b.into(chathooktest.Slack, s, "template", "{{.text}}")
	b.route(id)
	s.Fail(chathooktest.Fault{Kind: chathooktest.Status, Code: 400, Word: "invalid_payload"})
	b.src.say("1", "one")
	b.src.say("1", "two")
	b.until("the second arrives", func() bool { return slices.Equal(texts(s), []string{"two"}) })
	list, err := b.app.Timeline(t.Context(), acc, "chat", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(e api.Entry) bool { return e.Status == api.DeadEnd })
	if i < 0 || !strings.Contains(list[i].Why, "invalid_payload") {
		t.Fatalf("%+v", list)
	}
	if err := b.app.Resend(t.Context(), list[i].Seq); err != nil {
		t.Fatal(err)
	}
	b.until("the first arrives", func() bool { return slices.Equal(texts(s), []string{"two", "one"}) })
}

// TestRound: two rooms that are copied into each other, and hear what was copied
// as a bot's, do not go round in circles, even where what bots write is copied.
func TestRound(t *testing.T) {
	s := serve(t, chathooktest.Mattermost)
	b := newBridge(t)
	_, id := b.into(chathooktest.Mattermost, s, "bots", "copy")
	b.route(id)
	b.src.say("1", "hello, *you*")
	b.until("it is copied", func() bool { return len(s.Sent()) == 1 })
	b.src.mu.Lock()
	b.src.bot = true
	b.src.mu.Unlock()
	b.src.say("2", s.Sent()[0].Text) // as the account there hears it
	b.src.say("2", "another bot's word")
	b.until("the next is copied", func() bool { return len(s.Sent()) >= 2 })
	if got := texts(s); len(got) != 2 || !strings.HasSuffix(got[1], "another bot's word") {
		t.Errorf("copied %q", got)
	}
}

// TestRoundInParts: what was too long for one message there comes back in parts,
// and none of them goes round.
func TestRoundInParts(t *testing.T) {
	s := serve(t, chathooktest.Discord)
	b := newBridge(t)
	_, id := b.into(chathooktest.Discord, s, "bots", "copy")
	b.route(id)
	b.src.say("1", strings.TrimSpace(strings.Repeat("words without end ", 200)))
	b.until("it is copied", func() bool { return len(s.Sent()) == 2 })
	b.src.mu.Lock()
	b.src.bot = true
	b.src.mu.Unlock()
	for _, m := range s.Sent() {
		b.src.say("2", m.Text)
	}
	b.src.say("2", "another bot's word")
	b.until("the next is copied", func() bool {
		return slices.ContainsFunc(texts(s), func(m string) bool { return strings.HasSuffix(m, "another bot's word") })
	})
	if got := s.Sent(); len(got) != 3 {
		t.Errorf("copied %d messages", len(got))
	}
}

// TestIntoABot: any account's conversation can be the other chat.
func TestIntoABot(t *testing.T) {
	b := newBridge(t)
	r, err := b.app.AddResponder(t.Context(), api.ResponderDraft{Kind: "post", Values: map[string]string{"to": "source/9"}})
	if err != nil {
		t.Fatal(err)
	}
	b.route(r.ID)
	b.src.say("1", "hello")
	b.src.say("9", "from there")
	b.until("it is copied", func() bool { b.src.mu.Lock(); defer b.src.mu.Unlock(); return len(b.src.sent) == 1 })
	b.until("what came from there is left alone", func() bool {
		list, err := b.app.Timeline(t.Context(), "source", "9", 0, 0)
		return err == nil && slices.ContainsFunc(list, func(e api.Entry) bool { return !e.Outgoing && e.Status == api.Delivered })
	})
	b.src.mu.Lock()
	if got := b.src.sent; len(got) != 1 || !strings.Contains(got[0], "hello") {
		t.Errorf("sent %q", got)
	}
	b.src.mu.Unlock()
	if _, err := b.app.AddResponder(t.Context(), api.ResponderDraft{Kind: "post", Values: map[string]string{"to": "source"}}); err == nil || !strings.Contains(err.Error(), "several conversations") {
		t.Errorf("%v", err)
	}
}
