package app

import (
	"context"
	"crypto/hmac"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// callable makes the fake a platform that is called at /in, with the token in a
// header for a signature.
func (w *world) callable(in platforms.Inbound) {
	w.change = func(p *platforms.Platform) {
		p.Inbound = in
		p.Fields[0].Rotates = true
		p.Fields[0].Make = func() string { return "tok-made" }
		p.Fields[1].Caller = true
		p.New = func(c platforms.Config) (platforms.Connector, error) { return &called{fakeConnector{w.fake, c}}, nil }
	}
}

type called struct{ fakeConnector }

func (c *called) Run(ctx context.Context, _ platforms.Cursor, sink platforms.Sink) error {
	if c.c.Ingress == nil {
		sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
		<-ctx.Done()
		return ctx.Err()
	}
	var mu sync.Mutex
	_, release, err := c.c.Ingress.Serve(platforms.Route{Path: "/in",
		Verify: func(r *http.Request, _ []byte, now time.Time) error {
			for _, s := range c.c.Live("token", now) {
				if hmac.Equal([]byte(s.Reveal()), []byte(r.Header.Get("X-Token"))) {
					return nil
				}
			}
			return platforms.ErrSignature
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			err := sink.Event(ctx, platforms.Event{ID: platforms.EventID(b), Kind: platforms.MessageReceived, Time: time.Now(),
				Conversation: platforms.Conversation{ID: "c", Kind: platforms.Direct, Title: "C"}, Message: platforms.MessageID(b), From: platforms.User{ID: "u", Name: "U"}, Text: string(b)})
			if err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})})
	if err != nil {
		return err
	}
	defer release()
	sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	<-ctx.Done()
	return ctx.Err()
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// post calls the door; 0 means that nothing listens.
func post(t *testing.T, bind, token, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+bind+"/in", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Token", token)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Log(err)
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func (w *world) door() api.Door {
	w.t.Helper()
	v := w.app.Exposure()
	if len(v.Doors) != 1 {
		w.t.Fatalf("doors: %+v", v.Doors)
	}
	return v.Doors[0]
}

// yes answers a question as it should be answered.
func yes(q api.Question, days int) api.Answer {
	a := api.Answer{Nonce: q.Nonce, Typed: q.Type, Days: days, Items: map[string]bool{}}
	for i, it := range q.Items {
		a.Items[it.Key] = i%2 == 0
	}
	return a
}

// opened is a world with an open public door.
func opened(t *testing.T) (*world, string) {
	w := newWorld(t)
	w.callable(platforms.Webhook)
	return openedIn(t, w)
}

func openedIn(t *testing.T, w *world) (*world, string) {
	t.Helper()
	w.start()
	w.add()
	bind := freePort(t)
	if _, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind, Public: "https://bot.example.org"}, "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it asks for its path", func() bool { return len(w.door().Paths) == 1 && w.account().Status == api.Blocked })
	q, err := w.app.Ask(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 1), "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it is open", func() bool { return w.door().Open })
	return w, bind
}

func TestAPublicDoor(t *testing.T) {
	w := newWorld(t)
	w.callable(platforms.Webhook)
	w.start()
	w.add()
	w.until("it is refused", func() bool { return w.account().Status == api.Blocked })
	if d := w.door(); d.Level != exposure.Refused || d.Set || d.Open || d.Why == "" {
		t.Fatalf("%+v", d)
	}
	if w.account().Exposure != exposure.Refused {
		t.Errorf("the account stands at %q", w.account().Exposure)
	}
	bind := freePort(t)
	d, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind, Public: "bot.example.org"}, "window")
	if err != nil || d.Public != "https://bot.example.org" || !d.Needs || d.If != exposure.Public || d.Callers != "anyone on the internet" {
		t.Fatalf("%v %+v", err, d)
	}
	w.until("it asks for its path", func() bool { return len(w.door().Paths) == 1 })
	if post(t, bind, "tok-secret-value-1", "1") != 0 {
		t.Fatal("something listens")
	}
	if _, err := w.app.OpenDoor(t.Context(), "fake", "window"); platforms.KindOf(asPlatform(err)) != platforms.NotAcknowledged {
		t.Errorf("opened without an acknowledgement: %v", err)
	}
	q, err := w.app.Ask(t.Context(), "fake")
	if err != nil || !strings.Contains(q.What, bind+" /in") || !strings.Contains(q.What, "bot.example.org") || q.Type != "bot.example.org" {
		t.Fatalf("%v %+v", err, q)
	}
	for name, spoil := range map[string]func(*api.Answer){
		"another nonce":     func(a *api.Answer) { a.Nonce = "x" },
		"another host":      func(a *api.Answer) { a.Typed = "bot.example.com" },
		"nothing typed":     func(a *api.Answer) { a.Typed = "" },
		"an item left out":  func(a *api.Answer) { delete(a.Items, q.Items[2].Key) },
		"no items":          func(a *api.Answer) { a.Items = nil },
		"a year":            func(a *api.Answer) { a.Days = 365 },
		"91 days":           func(a *api.Answer) { a.Days = 91 },
		"no days":           func(a *api.Answer) { a.Days = 0 },
		"less than nothing": func(a *api.Answer) { a.Days = -1 },
	} {
		a := yes(q, 1)
		spoil(&a)
		if _, err := w.app.Acknowledge(t.Context(), "fake", a, "window"); platforms.KindOf(asPlatform(err)) != platforms.NotAcknowledged {
			t.Errorf("%s: %v", name, err)
		}
	}
	if post(t, bind, "tok-secret-value-1", "1") != 0 {
		t.Fatal("something listens")
	}
	if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 30), "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it is open", func() bool { return w.account().Exposure == exposure.Public })
	if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 30), "window"); err == nil {
		t.Error("one question was answered twice")
	}
	if got := post(t, bind, "tok-secret-value-1", "hello"); got != 200 {
		t.Fatalf("status %d", got)
	}
	if got := post(t, bind, "tok-wrong", "bad"); got != 404 {
		t.Fatalf("status %d", got)
	}
	w.until("it is there", func() bool { return len(w.timeline("c")) == 1 })
	d = w.door()
	if d.Accepted != 1 || d.Rejected["bad signature"] != 1 || d.Last.IsZero() || d.Ack == nil || d.Ack.By != "window" || len(d.Ack.NotDone) == 0 || d.Address != "https://bot.example.org/in" {
		t.Errorf("%+v", d)
	}
	if s := w.app.Snapshot(); s.Exposure[exposure.Public] != 1 {
		t.Errorf("%v", s.Exposure)
	}
	for name, end := range map[string]func() error{
		"other settings": func() error {
			_, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind, Public: "https://other.example.org"}, "window")
			return err
		},
	} {
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.until("it is closed", func() bool { return w.account().Exposure == exposure.Refused })
		if post(t, bind, "tok-secret-value-1", "2") != 0 {
			t.Errorf("%s: something listens", name)
		}
	}
}

func asPlatform(err error) error {
	var e *api.Error
	if errors.As(err, &e) {
		return &platforms.Error{Kind: e.Kind, Text: e.Text}
	}
	return err
}

// TestClosedByHandStaysClosed, over restarts, until a new acknowledgement.
func TestClosedByHandStaysClosed(t *testing.T) {
	for name, id := range map[string]platforms.AccountID{"one": "fake", "every public one": ""} {
		t.Run(name, func(t *testing.T) {
			w, bind := opened(t)
			if err := w.app.CloseDoor(t.Context(), id, "tray"); err != nil {
				t.Fatal(err)
			}
			if post(t, bind, "tok-secret-value-1", "x") != 0 {
				t.Error("something listens")
			}
			for range 2 {
				w.until("it is refused", func() bool { return w.account().Status == api.Blocked })
				if d := w.door(); !d.Closed || d.Open || d.Level != exposure.Refused || d.Ack != nil {
					t.Errorf("%+v", d)
				}
				w.stop()
				w.start()
			}
			w.until("it asks for its path", func() bool { return len(w.door().Paths) == 1 })
			q, err := w.app.Ask(t.Context(), "fake")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 1), "window"); err != nil {
				t.Fatal(err)
			}
			w.until("it is open", func() bool { return post(t, bind, "tok-secret-value-1", "y") == 200 })
		})
	}
}

func TestAnOpenDoorOutlivesARestart(t *testing.T) {
	w, bind := opened(t)
	w.stop()
	if post(t, bind, "tok-secret-value-1", "x") != 0 {
		t.Error("something listens after the end")
	}
	w.start()
	w.until("it is open", func() bool { return post(t, bind, "tok-secret-value-1", "y") == 200 })
}

func TestRemovingAnAccountClosesItsDoor(t *testing.T) {
	w, bind := opened(t)
	if err := w.app.RemoveAccount(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if post(t, bind, "tok-secret-value-1", "x") != 0 {
		t.Error("something listens")
	}
	w.add() // gets the same id
	w.until("it is refused", func() bool { return w.account().Status == api.Blocked })
	if d := w.door(); d.Set || d.Ack != nil {
		t.Errorf("%+v", d)
	}
}

// TestAPrivateDoor opens without an acknowledgement, and is shown.
func TestAPrivateDoor(t *testing.T) {
	w := newWorld(t)
	w.callable(platforms.Callback)
	w.start()
	if _, err := w.app.AddAccount(t.Context(), api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-secret-value-1", "server": "http://127.0.0.1:8065"}}); err != nil {
		t.Fatal(err)
	}
	w.until("it is connected", func() bool { return w.account().Status == api.Connected })
	if w.account().Exposure != exposure.Outbound {
		t.Errorf("without a listener it stands at %q", w.account().Exposure)
	}
	bind := freePort(t)
	d, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind}, "window")
	if err != nil || d.Needs || d.If != exposure.Private {
		t.Fatalf("%v %+v", err, d)
	}
	w.until("it is open", func() bool { return w.account().Exposure == exposure.Private })
	if post(t, bind, "tok-secret-value-1", "1") != 200 {
		t.Error("it does not answer")
	}
	if err := w.app.CloseDoor(t.Context(), "", "tray"); err != nil {
		t.Fatal(err)
	}
	if post(t, bind, "tok-secret-value-1", "2") != 200 {
		t.Error("closing the public ones closed a private one")
	}
	if err := w.app.CloseDoor(t.Context(), "fake", "window"); err != nil {
		t.Fatal(err)
	}
	if post(t, bind, "tok-secret-value-1", "3") != 0 {
		t.Error("it is open")
	}
	if _, err := w.app.OpenDoor(t.Context(), "fake", "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it is open", func() bool { return post(t, bind, "tok-secret-value-1", "4") == 200 })
	t.Run("its server is elsewhere now", func(t *testing.T) {
		if _, err := w.app.ChangeAccount(t.Context(), "fake", api.AccountDraft{Platform: "fake", Values: map[string]string{"server": "https://198.51.100.7"}}); err != nil {
			t.Fatal(err)
		}
		w.until("it is refused", func() bool { return w.account().Exposure == exposure.Refused })
		if post(t, bind, "tok-secret-value-1", "5") != 0 {
			t.Error("it is open")
		}
	})
}

func TestRotation(t *testing.T) {
	w, bind := opened(t)
	change := func(token string, overlap time.Duration) error {
		_, err := w.app.ChangeAccount(t.Context(), "fake", api.AccountDraft{Platform: "fake", Values: map[string]string{"token": token}, Overlap: overlap})
		return err
	}
	if err := change("tok-second-value", 365*24*time.Hour); err == nil {
		t.Error("a year's overlap was taken")
	}
	if err := change("tok-second-value", time.Hour); err != nil {
		t.Fatal(err)
	}
	w.until("the new one counts", func() bool { return post(t, bind, "tok-second-value", "a") == 200 })
	if got := post(t, bind, "tok-secret-value-1", "b"); got != 200 {
		t.Errorf("the former one got %d", got)
	}
	if d := w.door(); len(d.Rotating) != 1 || d.Rotating[0].Field != "token" {
		t.Errorf("%+v", d.Rotating)
	}
	w.stop()
	w.start()
	w.until("it is open again", func() bool { return post(t, bind, "tok-second-value", "c") == 200 })
	if got := post(t, bind, "tok-secret-value-1", "d"); got != 200 {
		t.Errorf("after a restart the former one got %d", got)
	}
	if err := change("tok-third-value", 0); err != nil {
		t.Fatal(err)
	}
	w.until("the newest counts", func() bool { return post(t, bind, "tok-third-value", "e") == 200 })
	for _, old := range []string{"tok-second-value", "tok-secret-value-1"} {
		if got := post(t, bind, old, "f"); got != 404 {
			t.Errorf("%s got %d", old, got)
		}
	}
	if err := change("tok-fourth-value", time.Minute); err != nil {
		t.Fatal(err)
	}
	acc, err := w.app.account("fake")
	if err != nil {
		t.Fatal(err)
	}
	w.app.forgetFormer(t.Context())
	if _, err := w.vault.Get(t.Context(), formerName("fake", "token")); err != nil {
		t.Errorf("a former secret was forgotten before its end: %v", err)
	}
	if err := acc.update(t.Context(), func(r *store.Account) { r.Former = map[string]time.Time{"token": time.Now().Add(-time.Second)} }); err != nil {
		t.Fatal(err)
	}
	w.app.forgetFormer(t.Context())
	if _, err := w.vault.Get(t.Context(), formerName("fake", "token")); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("a former secret outlived its end: %v", err)
	}
	if made, err := w.app.Make(t.Context(), "fake", "token"); err != nil || made.Value != "tok-made" {
		t.Errorf("%v %v", made, err)
	}
}

// TestDialsOutNow changes how an account is reached while its door is open.
func TestDialsOutNow(t *testing.T) {
	w := newWorld(t)
	w.callable(platforms.Webhook)
	change := w.change
	w.change = func(p *platforms.Platform) {
		change(p)
		p.InboundOf = func(settings map[string]string) platforms.Inbound {
			if settings["server"] == "socket" {
				return platforms.Dials
			}
			return platforms.Webhook
		}
	}
	w, bind := openedIn(t, w)
	if _, err := w.app.ChangeAccount(t.Context(), "fake", api.AccountDraft{Platform: "fake", Values: map[string]string{"server": "socket"}}); err != nil {
		t.Fatal(err)
	}
	w.until("it dials", func() bool { return w.account().Exposure == exposure.Outbound && w.account().Status == api.Connected })
	if post(t, bind, "tok-secret-value-1", "x") != 0 || len(w.app.Exposure().Doors) != 0 {
		t.Error("its door is open, or shown")
	}
	if _, ok := w.app.doors.guard.Consent("fake"); ok {
		t.Error("what was agreed to is still there")
	}
}

func TestListenersAreChecked(t *testing.T) {
	w := newWorld(t)
	w.callable(platforms.Webhook)
	w.start()
	w.add()
	for name, c := range map[string]struct {
		l     api.Listener
		wrong string
	}{
		"no address":          {api.Listener{Bind: ":47822", Public: "https://a.example"}, "bind"},
		"a star":              {api.Listener{Bind: "*:47822", Public: "https://a.example"}, "bind"},
		"a name":              {api.Listener{Bind: "example.org:47822", Public: "https://a.example"}, "bind"},
		"port 0":              {api.Listener{Bind: "127.0.0.1:0", Public: "https://a.example"}, "bind"},
		"no port":             {api.Listener{Bind: "127.0.0.1", Public: "https://a.example"}, "bind"},
		"a zone":              {api.Listener{Bind: "[fe80::1%eth0]:1", Public: "https://a.example"}, "bind"},
		"no public address":   {api.Listener{Bind: "127.0.0.1:1"}, "public"},
		"in the clear":        {api.Listener{Bind: "127.0.0.1:1", Public: "http://bot.example.org"}, "public"},
		"with a path":         {api.Listener{Bind: "127.0.0.1:1", Public: "https://bot.example.org/x"}, "public"},
		"with a password":     {api.Listener{Bind: "127.0.0.1:1", Public: "https://a:b@bot.example.org"}, "public"},
		"another scheme":      {api.Listener{Bind: "127.0.0.1:1", Public: "ftp://bot.example.org"}, "public"},
		"everybody's a proxy": {api.Listener{Bind: "127.0.0.1:1", Public: "https://a.example", Proxies: []string{"0.0.0.0/0"}}, "proxies"},
		"no range":            {api.Listener{Bind: "127.0.0.1:1", Public: "https://a.example", Allow: []string{"1.2.3"}}, "allow"},
		"half a certificate":  {api.Listener{Bind: "127.0.0.1:1", Public: "https://a.example", Cert: "/x"}, "cert"},
		"no certificate":      {api.Listener{Bind: "127.0.0.1:1", Public: "https://a.example", Cert: "/nowhere", Key: "/nowhere"}, "cert"},
	} {
		_, err := w.app.SetListener(t.Context(), "fake", c.l, "window")
		var e *api.Error
		if !errors.As(err, &e) || e.Fields[c.wrong] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d, err := w.app.SetListener(t.Context(), "fake", api.Listener{Public: "https://a.example"}, "window"); err != nil || !strings.HasPrefix(d.Bind, "127.0.0.1:478") && !strings.HasPrefix(d.Bind, "127.0.0.1:479") {
		t.Errorf("the usual: %v %+v", err, d)
	}
	t.Run("a port that is taken", func(t *testing.T) {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		w, _ := opened(t)
		if _, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: l.Addr().String(), Public: "https://a.example"}, "window"); err != nil {
			t.Fatal(err)
		}
		q, err := w.app.Ask(t.Context(), "fake")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 1), "window"); err != nil {
			t.Fatal(err)
		}
		w.until("it says so", func() bool { return strings.Contains(w.door().Why, "can't be listened on") })
	})
	if d, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: "0.0.0.0:47822", Public: "https://a.example"}, "window"); err != nil || d.If != exposure.Public || !d.Needs {
		t.Errorf("every address: %v %+v", err, d)
	}
}

// TestWhatIsTold looks at the audit record and the notices.
func TestWhatIsTold(t *testing.T) {
	w, _ := opened(t)
	w.app.doors.guard.CloseAccount("fake", "a tunnel came")
	w.until("somebody is told", func() bool {
		return slices.ContainsFunc(w.app.Snapshot().Notices, func(n api.Notice) bool { return strings.Contains(n.Text, "a tunnel came") })
	})
	w.app.doors.tell(guard.Event{What: guard.Alarm, Text: "a stranger"})
	w.until("an alarm is told", func() bool {
		return slices.ContainsFunc(w.app.Snapshot().Notices, func(n api.Notice) bool { return n.Text == "a stranger" })
	})
	p, err := w.app.Audit(t.Context(), 0, 0)
	if err != nil || p.State.Broken != 0 {
		t.Fatalf("%v %+v", err, p.State)
	}
	seen := map[string]bool{}
	for _, l := range p.Lines {
		seen[l.What] = true
		if strings.Contains(l.Text, "tok-secret") {
			t.Error("a secret in the record")
		}
	}
	for _, what := range []string{"started", "changed", "settings", "refused", "acknowledged", "opened", "closed", "alarm"} {
		if !seen[what] {
			t.Errorf("nothing is %q: %v", what, seen)
		}
	}
}

// TestAnotherRecordIsNoticed puts a journal without the record in its place.
func TestAnotherRecordIsNoticed(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.stop()
	w.dir = t.TempDir()
	w.start()
	if !slices.ContainsFunc(w.app.Snapshot().Notices, func(n api.Notice) bool { return n.ID == "audit" }) {
		t.Errorf("%+v", w.app.Snapshot().Notices)
	}
}

// TestMuteAccountsSendNothing refuses at once, instead of queueing what will die.
func TestMuteAccountsSendNothing(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *platforms.Platform) { p.Limits.Mute = true }
	w.start()
	w.add()
	_, err := w.app.Send(t.Context(), api.Draft{Account: "fake", Conversation: "c", Text: "x"}, nil)
	if platforms.KindOf(asPlatform(err)) != platforms.Unsupported || !w.app.Mute("fake") {
		t.Errorf("%v", err)
	}
}

// TestWhoMayComeIn: a program at the local interface may not widen what a person
// has agreed to; a person may.
func TestWhoMayComeIn(t *testing.T) {
	w, bind := opened(t)
	set := func(who string, allow ...string) {
		t.Helper()
		if _, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind, Public: "https://bot.example.org", Allow: allow}, who); err != nil {
			t.Fatal(err)
		}
	}
	set("window", "127.0.0.0/8")
	w.until("it is open", func() bool { return post(t, bind, "tok-secret-value-1", "a") == 200 })
	set("terminal", "192.0.2.0/24")
	w.until("others are let in now", func() bool { return post(t, bind, "tok-secret-value-1", "b") == 404 })
	set(byProgram, "192.0.2.0/24") // no change
	w.until("it is open", func() bool { return post(t, bind, "tok-secret-value-1", "c") == 404 })
	set(byProgram)
	w.until("it is refused", func() bool { return w.account().Exposure == exposure.Refused })
	if post(t, bind, "tok-secret-value-1", "d") != 0 || w.door().Ack != nil {
		t.Error("it stays open for more than was agreed to")
	}
}

// TestWhatWasNotShownIsNotAgreedTo has a program change who may come in between
// the question and its answer.
func TestWhatWasNotShownIsNotAgreedTo(t *testing.T) {
	w := newWorld(t)
	w.callable(platforms.Webhook)
	w.start()
	w.add()
	bind := freePort(t)
	set := func(who string, l api.Listener) {
		t.Helper()
		l.Bind, l.Public = bind, "https://bot.example.org"
		if _, err := w.app.SetListener(t.Context(), "fake", l, who); err != nil {
			t.Fatal(err)
		}
	}
	narrow := api.Listener{Allow: []string{"192.0.2.7"}}
	for name, l := range map[string]api.Listener{
		"allowed sources": {},
		"proxies":         {Allow: narrow.Allow, Proxies: []string{"127.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			set("window", narrow)
			w.until("it asks for its path", func() bool { return len(w.door().Paths) == 1 && w.account().Status == api.Blocked })
			q, err := w.app.Ask(t.Context(), "fake")
			if err != nil {
				t.Fatal(err)
			}
			set(byProgram, l)
			_, err = w.app.Acknowledge(t.Context(), "fake", yes(q, 1), "window")
			if platforms.KindOf(asPlatform(err)) != platforms.NotAcknowledged || w.door().Ack != nil || post(t, bind, "tok-secret-value-1", "a") != 0 {
				t.Errorf("it was agreed to: %v", err)
			}
		})
	}
	set("window", narrow)
	q, err := w.app.Ask(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	set(byProgram, narrow) // no change
	if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 1), "window"); err != nil {
		t.Error(err)
	}
}

// TestAReplayFillsNoList sends one recorded request again and again.
func TestAReplayFillsNoList(t *testing.T) {
	w, bind := opened(t)
	for range 300 {
		if got := post(t, bind, "tok-secret-value-1", "recorded"); got != 200 {
			t.Fatalf("status %d", got)
		}
	}
	w.until("it is there once", func() bool { return len(w.timeline("c")) == 1 })
	lines, err := w.app.Activity(t.Context(), control.ActivityQuery{What: []api.What{api.ToldAgain}})
	if err != nil || len(lines) == 0 || len(lines) > 3 {
		t.Errorf("%v, %d lines", err, len(lines))
	}
}

// TestAProgramsSecret: whoever sets the secret decides who gets in.
func TestAProgramsSecret(t *testing.T) {
	w, bind := opened(t)
	draft := api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-of-a-program"}}
	if _, err := w.app.ChangeAccount(control.As(t.Context(), control.ByWindow), "fake", api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-of-the-person"}}); err != nil {
		t.Fatal(err)
	}
	w.until("the person's counts", func() bool { return post(t, bind, "tok-of-the-person", "a") == 200 })
	if _, err := w.app.ChangeAccount(control.As(t.Context(), control.ByProgram), "fake", draft); err != nil {
		t.Fatal(err)
	}
	w.until("it is refused", func() bool { return w.account().Exposure == exposure.Refused })
	if post(t, bind, "tok-of-a-program", "b") != 0 || w.door().Ack != nil {
		t.Error("it is open for who has the program's secret")
	}
	p, err := w.app.Audit(t.Context(), 0, 0)
	if err != nil || !slices.ContainsFunc(p.Lines, func(l api.Audit) bool { return l.Who == control.ByProgram }) {
		t.Errorf("%v: nobody sees that a program did it", err)
	}
}

// TestWhatWasAskedIsWhatOpens changes who may come in between the question and
// its answer.
func TestWhatWasAskedIsWhatOpens(t *testing.T) {
	w, bind := opened(t)
	if err := w.app.CloseDoor(t.Context(), "fake", "window"); err != nil {
		t.Fatal(err)
	}
	set := func(who string, allow ...string) {
		t.Helper()
		if _, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind, Public: "https://bot.example.org", Allow: allow}, who); err != nil {
			t.Fatal(err)
		}
	}
	set("window", "192.0.2.0/24")
	q, err := w.app.Ask(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	set(byProgram)
	if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 1), "window"); platforms.KindOf(asPlatform(err)) != platforms.NotAcknowledged {
		t.Fatalf("it was taken: %v", err)
	}
	if post(t, bind, "tok-secret-value-1", "x") != 0 {
		t.Error("it is open")
	}
}

// TestAnEditedListenerIsNotWhatWasAgreedTo edits the journal's own settings while
// nothing runs.
func TestAnEditedListenerIsNotWhatWasAgreedTo(t *testing.T) {
	w, bind := opened(t)
	if _, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind, Public: "https://bot.example.org", Allow: []string{"127.0.0.1"}}, "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it is open", func() bool { return post(t, bind, "tok-secret-value-1", "a") == 200 })
	if err := w.app.doors.save(t.Context(), func(m map[platforms.AccountID]doorSetting) {
		s := m["fake"]
		s.Listener.Allow = nil
		m["fake"] = s
	}); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.start()
	w.until("it is refused", func() bool { return w.account().Status == api.Blocked })
	if post(t, bind, "tok-secret-value-1", "b") != 0 {
		t.Error("it is open for more than was agreed to")
	}
}
