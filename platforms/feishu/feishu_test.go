package feishu_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/platformtest"
)

// open makes a server and a connector for it.
func open(t *testing.T) (*feishutest.Server, platforms.Connector) {
	t.Helper()
	return openAt(t, newServer(t))
}

// openAt makes a connector for s.
func openAt(t *testing.T, s *feishutest.Server) (*feishutest.Server, platforms.Connector) {
	t.Helper()
	conn, err := feishu.Platform().New(config(t, s))
	must(t, err)
	return s, conn
}

// run runs conn until stop is called, or the test ends; stop gives Run's error.
func run(t *testing.T, conn platforms.Connector, from platforms.Cursor, rec *platformtest.Recorder) (stop func() error) {
	t.Helper()
	rec.Begin()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- conn.Run(ctx, from, rec) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return stop
}

func text(words string) platforms.Message {
	return platforms.Message{Key: words, Conversation: feishutest.Direct, Text: words}
}

func TestSettings(t *testing.T) {
	good := platforms.Config{
		Settings: map[string]string{"app_id": appID}, Secrets: map[string]platforms.Secret{"app_secret": platforms.NewSecret(secret)},
	}
	if _, err := feishu.Platform().New(good); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]platforms.Kind{"app_id=": platforms.Unauthorized, "app_id=wx123": platforms.Unauthorized,
		"domain=slack": platforms.Rejected, "server=ftp://x": platforms.Rejected, "server=https://u:p@x": platforms.Rejected} {
		bad := platforms.Config{Settings: map[string]string{"app_id": appID}, Secrets: good.Secrets}
		key, value, _ := strings.Cut(name, "=")
		bad.Settings[key] = value
		if _, err := feishu.Platform().New(bad); platforms.KindOf(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := feishu.Platform().New(platforms.Config{Settings: good.Settings}); platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("without a secret: %v", err)
	}
	for _, f := range feishu.Platform().Fields {
		for _, c := range []struct{ key, in, want string }{
			{"app_id", " \"cli_a1\" ", "cli_a1"}, {"app_secret", " abc\n", "abc"}, {"domain", "larksuite.com", "lark"}, {"server", "https://x/ ", "https://x"},
		} {
			if c.key != f.Key {
				continue
			}
			if got, err := f.Parse(c.in); got != c.want || err != nil {
				t.Errorf("%s: %q became %q, %v", c.key, c.in, got, err)
			}
		}
	}
}

// TestServerInTheClear: without https the credentials go no further than the
// network that this computer is in.
func TestServerInTheClear(t *testing.T) {
	for _, f := range feishu.Platform().Fields {
		if f.Key != "server" {
			continue
		}
		for _, in := range []string{"http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://192.168.1.2", "http://nas.local", "https://api.example.org"} {
			if got, err := f.Parse(in); got != in || err != nil {
				t.Errorf("%q: %q, %v", in, got, err)
			}
		}
		for _, in := range []string{"http://api.example.org", "http://203.0.113.5", "http://[2001:db8::1]", "http://localhost.example.org", "http://127.0.0.1.example.org", "http://local"} {
			if got, err := f.Parse(in); err == nil || got != "" || !strings.Contains(err.Error(), "https") {
				t.Errorf("%q is taken as %q, %v", in, got, err)
			}
		}
	}
}

// TestDomains: which of the two platforms is asked.
func TestDomains(t *testing.T) {
	for domain, want := range map[string]string{"": "open.feishu.cn", "feishu": "open.feishu.cn", "lark": "open.larksuite.com"} {
		var hosts []string
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.URL.Scheme+" "+r.URL.Host)
			return nil, errors.New("no network in this test")
		})
		conn, err := feishu.Platform().New(platforms.Config{
			Settings: map[string]string{"app_id": appID, "domain": domain},
			Secrets:  map[string]platforms.Secret{"app_secret": platforms.NewSecret(secret)},
			HTTP:     &http.Client{Transport: transport},
		})
		must(t, err)
		_, err = conn.Check(soon(t))
		name, other := "Feishu", "Lark"
		if domain == "lark" {
			name, other = other, name
		}
		if words := platforms.Explain(err); platforms.KindOf(err) != platforms.Temporary || !strings.Contains(words, name) || strings.Contains(words, other) {
			t.Errorf("%q: %v", domain, err)
		}
		if !slices.Equal(hosts, []string{"https " + want}) {
			t.Errorf("%q asks %q", domain, hosts)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestNoSocketInTheClear: a server that is asked over TLS is not listened to
// without.
func TestNoSocketInTheClear(t *testing.T) {
	dialled := false
	conn, err := feishu.Platform().New(platforms.Config{
		Settings: map[string]string{"app_id": appID}, Secrets: map[string]platforms.Secret{"app_secret": platforms.NewSecret(secret)},
		Dial: func(context.Context, string, string) (net.Conn, error) {
			dialled = true
			return nil, errors.New("no network in this test")
		},
		HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			body := `{"code":0,"tenant_access_token":"t-1","expire":7200,"bot":{"open_id":"ou_1"},"data":{"URL":"ws://msg.example.org/ws?ticket=1"}}`
			return &http.Response{StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
		})},
	})
	must(t, err)
	if err := conn.Run(soon(t), "", &platformtest.Recorder{}); platforms.KindOf(err) != platforms.Temporary || dialled {
		t.Errorf("%v, dialled %v", err, dialled)
	}
}

// TestCheckNamesWhatIsMissing: each permission by its name, the app's state, and
// the subscription.
func TestCheckNamesWhatIsMissing(t *testing.T) {
	s, conn := open(t)
	id, err := conn.Check(soon(t))
	must(t, err)
	if len(id.Problems) != 0 || id.Name != "Postern" || !strings.Contains(id.Link, appID) {
		t.Errorf("%+v", id)
	}
	s.Deny("im:message.p2p_msg:readonly", "im:resource")
	s.SetBotStatus(1)
	s.SetFault(feishutest.Endpoint, feishutest.Fault{Code: 400, APICode: 1000040001, Msg: "the subscription mode is not long connection"})
	id, err = conn.Check(soon(t))
	must(t, err)
	got := map[string]platforms.Problem{}
	for _, p := range id.Problems {
		got[p.Code] = p
	}
	if len(got) != 4 || !got["scope:im:message.p2p_msg:readonly"].Bad || got["scope:im:resource"].Bad || !got["status"].Bad || !got["long_connection"].Bad {
		t.Errorf("%+v", id.Problems)
	}
	if !strings.Contains(got["scope:im:resource"].Text, "im:resource") || !strings.Contains(got["long_connection"].Text, "long connection") {
		t.Errorf("%+v", id.Problems)
	}
}

func TestMissingScopeIsNamed(t *testing.T) {
	s, conn := open(t)
	s.Deny("im:message", "im:message:send_as_bot", "im:message:send")
	_, err := conn.Send(soon(t), text("x"))
	if platforms.KindOf(err) != platforms.Rejected || !strings.Contains(platforms.Explain(err), "im:message:send_as_bot") {
		t.Errorf("%v", err)
	}
}

// TestTokens: one token serves until it ends, or is refused.
func TestTokens(t *testing.T) {
	s, conn := open(t)
	for i := range 3 {
		_, err := conn.Send(soon(t), text(fmt.Sprint(i)))
		must(t, err)
	}
	if n := len(s.Calls(feishutest.Token)); n != 1 {
		t.Errorf("%d tokens for three messages", n)
	}
	s.Advance(3 * time.Hour)
	_, err := conn.Send(soon(t), text("later"))
	must(t, err)
	if n := len(s.Calls(feishutest.Token)); n != 2 || len(s.Sent()) != 4 {
		t.Errorf("%d tokens, %d messages", n, len(s.Sent()))
	}
}

// TestSecretsAreNotTold: neither the secret, nor the token, nor the keys in the
// socket's address, whatever goes wrong.
func TestSecretsAreNotTold(t *testing.T) {
	s := newServer(t)
	var log bytes.Buffer
	c := config(t, s)
	c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	fresh := func() platforms.Connector { // which has no token
		conn, err := feishu.Platform().New(c)
		must(t, err)
		return conn
	}
	var told strings.Builder
	say := func(err error) {
		for e := err; e != nil; e = errors.Unwrap(e) {
			fmt.Fprintf(&told, "%v\n%+v\n%#v\n", e, e, e)
		}
	}
	for _, kind := range []int{feishutest.Status, feishutest.Malformed, feishutest.Garbage, feishutest.Cut} {
		for _, call := range []string{feishutest.Token, feishutest.Endpoint, feishutest.AnyCall} {
			f := feishutest.Fault{Kind: kind, Code: 400, APICode: 10099, Msg: "no such secret: " + secret}
			s.SetFault(call, f)
			say(fresh().Run(soon(t), "", &platformtest.Recorder{}))
			s.SetFault(call, f)
			_, err := fresh().Send(soon(t), text("x"))
			say(err)
			s.Mend()
		}
	}
	// The socket's address is given out, and nothing opens there.
	s.SetSocket("ws://127.0.0.1:1/ws?access_key=0123456789abcdef&ticket=fedcba9876543210&service_id=1")
	say(fresh().Run(soon(t), "", &platformtest.Recorder{}))
	s.SetSocket("ws://" + strings.TrimPrefix(s.URL(), "http://") + "/ws/v2?access_key=0123456789abcdef&ticket=fedcba9876543210&service_id=1")
	say(fresh().Run(soon(t), "", &platformtest.Recorder{}))
	all := told.String() + log.String()
	if !strings.Contains(all, "[secret]") {
		t.Error("nothing was redacted: the test does not test")
	}
	for _, word := range append([]string{secret, "0123456789abcdef", "fedcba9876543210"}, s.Tokens()...) {
		if i := strings.Index(all, word); i >= 0 {
			t.Errorf("told, after: …%s", all[max(0, i-100):i])
		}
	}
}

// TestOrderInFragments: messages come in order, whatever they come in.
func TestOrderInFragments(t *testing.T) {
	s, conn := open(t)
	s.SetParts(3)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	must(t, s.WaitSocket(soon(t)))
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprint("message ", i))
		s.Say(feishutest.Direct, feishutest.Person, want[i])
	}
	var got []string
	for _, ev := range rec.Wait(t, len(want)) {
		got = append(got, ev.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	must(t, s.WaitAll(soon(t)))
}

// batches is a sink that stores events together, and refuses while told to.
type batches struct {
	platformtest.Recorder
	refuse atomic.Bool
	sizes  chan int
}

func (b *batches) Events(ctx context.Context, evs []platforms.Event) error {
	if b.refuse.Load() {
		return platformtest.ErrSink
	}
	for _, ev := range evs {
		if err := b.Recorder.Event(ctx, ev); err != nil {
			return err
		}
	}
	b.sizes <- len(evs)
	return nil
}

func (b *batches) Event(ctx context.Context, ev platforms.Event) error {
	if b.refuse.Load() {
		return platformtest.ErrSink
	}
	return b.Recorder.Event(ctx, ev)
}

// TestBatches: what waits is stored together, and acknowledged after that; of a
// refused batch nothing is.
func TestBatches(t *testing.T) {
	for _, domain := range []string{"feishu", "lark"} {
		s := newServer(t)
		c := config(t, s)
		c.Settings["domain"] = domain
		conn, err := feishu.Platform().New(c)
		must(t, err)
		sink := &batches{sizes: make(chan int, 100)}
		sink.Block()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- conn.Run(ctx, "", sink) }()
		must(t, s.WaitSocket(soon(t)))
		s.Say(feishutest.Direct, feishutest.Person, "first")
		sink.WaitCalls(t, 1) // it is being stored, and all that follows waits
		for i := range 30 {
			s.Say(feishutest.Direct, feishutest.Person, fmt.Sprint(i))
		}
		if n := len(s.Acked()); n != 0 {
			t.Errorf("%d are acknowledged", n)
		}
		sink.refuse.Store(true)
		sink.Unblock()
		err = <-done
		cancel()
		if n := len(s.Acked()); !errors.Is(err, platformtest.ErrSink) || n > 1 {
			t.Errorf("%v, %d are acknowledged, and one is stored", err, n)
		}
		sink.refuse.Store(false)
		ctx, cancel = context.WithCancel(t.Context())
		go func() { done <- conn.Run(ctx, "", sink) }()
		sink.Wait(t, 31)
		must(t, s.WaitAll(soon(t)))
		cancel()
		<-done
		if len(sink.sizes) == 0 {
			t.Error("nothing was stored together")
		}
	}
}

// TestUnknownEvents are acknowledged: the platform must not send them again.
func TestUnknownEvents(t *testing.T) {
	s, conn := open(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	must(t, s.WaitSocket(soon(t)))
	s.Deliver("im.message.message_read_v1", map[string]any{})
	s.Deliver("future.event_v7", []string{"not even an object"})
	s.Deliver("card.action.trigger", map[string]any{"action": map[string]any{"value": "a string"}})
	must(t, s.WaitAll(soon(t)))
	if s.Refused() != 0 || len(rec.Calls()) != 0 {
		t.Errorf("%d were refused, %d stored", s.Refused(), len(rec.Calls()))
	}
}

func TestNamesAndMentions(t *testing.T) {
	s, conn := open(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	bot := s.Bot()
	s.Post(feishutest.Said{Chat: feishutest.Group, User: feishutest.Person, Text: "@_user_1 hello", Mentions: []feishutest.Mention{{OpenID: bot.OpenID, Name: bot.Name}}})
	s.Post(feishutest.Said{Chat: feishutest.Group, User: "ou_stranger", Text: "and I"})
	sent, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Group, Text: "yes?"})
	must(t, err)
	rec.Wait(t, 2)
	s.Post(feishutest.Said{Chat: feishutest.Group, User: feishutest.Person, Text: "this", ReplyTo: string(sent)})
	evs := rec.Wait(t, 3)
	if ev := evs[0]; ev.Text != "@Postern hello" || !ev.Mentioned || ev.From.Name != "Ada Lovelace" || ev.Conversation.Title != "Engine room" {
		t.Errorf("%+v", ev)
	}
	if ev := evs[1]; ev.Mentioned || ev.From.Name != "Somebody (ranger)" {
		t.Errorf("%+v", ev)
	}
	if ev := evs[2]; !ev.Mentioned || ev.ReplyTo != sent {
		t.Errorf("a reply to the bot: %+v", ev)
	}
	// Names are asked for once, also those that there are not.
	if n := len(s.Calls("GET /open-apis/contact/v3/users/:")); n != 2 {
		t.Errorf("%d calls for the names of two people", n)
	}
	if n := len(s.Calls("GET /open-apis/im/v1/chats/:")); n != 1 {
		t.Errorf("%d calls for the title of one group", n)
	}
}

// TestNamesMayBeMissing: what can't be named in time, or at all, comes unnamed.
func TestNamesMayBeMissing(t *testing.T) {
	s, conn := open(t)
	s.Deny("contact:contact.base:readonly", "contact:user.base:readonly", "im:chat", "im:chat:readonly", "im:chat:read")
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	s.Say(feishutest.Group, feishutest.Person, "hello")
	if ev := rec.Wait(t, 1)[0]; ev.From.Name != "Somebody (676706)" || ev.Conversation.Title != "" {
		t.Errorf("%+v", ev)
	}
}

func TestMembership(t *testing.T) {
	s, conn := open(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	s.Member(feishutest.Group, feishutest.Person, true)
	s.Member(feishutest.Group, feishutest.Person, false)
	evs := rec.Wait(t, 2)
	if evs[0].Kind != platforms.MembershipChanged || evs[0].Note != "the bot was added" || evs[1].Note != "the bot was removed" ||
		evs[0].Conversation.Title != "Engine room" {
		t.Errorf("%+v", evs)
	}
}
