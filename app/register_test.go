package app

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/platforms"
	source "github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

const hookSecret = "the-secret-that-github-signs-with"

// registrable is an account that a service delivers to, by an open public door, and
// the service's API.
type registrable struct {
	*world
	api  *webhooktest.API
	bind string
	logs *safeBuffer
	mu   sync.Mutex
	host string // the door's public one
	// tunnel is the way there in place of deliver's own, if it is set.
	tunnel webhooktest.Deliver
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// deliver is the way from the internet to the door: a tunnel that keeps the name.
func (in *registrable) deliver(address string, h http.Header, body []byte) int {
	u, err := url.Parse(address)
	in.mu.Lock()
	host, tunnel := in.host, in.tunnel
	in.mu.Unlock()
	if tunnel != nil {
		return tunnel(address, h, body)
	}
	if err != nil || u.Host != host {
		return 0
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+in.bind+u.Path, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Host, r.Header = host, h
	t := &http.Transport{DisableKeepAlives: true}
	resp, err := t.RoundTrip(r)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func newInput(t *testing.T, s webhooktest.Service, responders ...Responder) *registrable {
	t.Helper()
	in := &registrable{world: newWorld(t, responders...), bind: freePort(t), logs: &safeBuffer{}}
	in.log = slog.NewTextHandler(in.logs, &slog.HandlerOptions{Level: slog.LevelDebug})
	in.change = func(p *platforms.Platform) { *p = source.Platform() }
	var err error
	in.api, err = webhooktest.NewAPI(s, in.deliver, "octo/cat", "octo/other")
	if err != nil {
		t.Fatal(err)
	}
	in.start()
	t.Cleanup(in.api.Close) // before the App stops
	if _, err := in.app.AddAccount(t.Context(), api.AccountDraft{Platform: "webhook", Name: "Mine", Values: map[string]string{"sender": string(s), "secret": hookSecret}}); err != nil {
		t.Fatal(err)
	}
	return in
}

// open opens the door, for anyone, under a name.
func (in *registrable) open(host string) {
	in.t.Helper()
	in.mu.Lock()
	in.host = host
	in.mu.Unlock()
	if _, err := in.app.SetListener(in.t.Context(), "webhook", api.Listener{Bind: in.bind, Public: "https://" + host}, "window"); err != nil {
		in.t.Fatal(err)
	}
	in.until("it asks for its path", func() bool { d := in.door(); return len(d.Paths) == 1 && !d.Open && in.account().Status == api.Blocked })
	q, err := in.app.Ask(in.t.Context(), "webhook")
	if err != nil {
		in.t.Fatal(err)
	}
	if _, err := in.app.Acknowledge(in.t.Context(), "webhook", yes(q, 1), "window"); err != nil {
		in.t.Fatal(err)
	}
	in.until("it is open", func() bool { return in.door().Open })
}

func (in *registrable) draft(more ...string) api.RegistrationDraft {
	v := map[string]string{"where": "octo/cat", "base": in.api.URL(), "token": webhooktest.Token}
	for i := 0; i+1 < len(more); i += 2 {
		if v[more[i]] = more[i+1]; more[i+1] == "-" {
			delete(v, more[i])
		}
	}
	return api.RegistrationDraft{Values: v}
}

func (in *registrable) register(more ...string) api.Registration {
	in.t.Helper()
	r, err := in.app.Register(in.t.Context(), "webhook", in.draft(more...))
	if err != nil {
		in.t.Fatal(err)
	}
	return r
}

func (in *registrable) registration() *api.Registration {
	in.t.Helper()
	c, err := in.app.account("webhook")
	if err != nil {
		in.t.Fatal(err)
	}
	v := in.app.input(c)
	if v.RegistersAt == "" {
		in.t.Error("it can't be registered")
	}
	return v.Registration
}

// bad is the steps that failed.
func bad(r *api.Registration) (out []string) {
	for _, s := range r.Steps {
		if s.Bad {
			out = append(out, s.Text)
		}
	}
	return out
}

// told is the notices of what could not be taken back. That the service's API
// listens in this process is alarming, and rightly so.
func (in *registrable) told() (out []api.Notice) {
	for _, n := range in.app.Snapshot().Notices {
		if strings.HasPrefix(n.ID, "unregister-") {
			out = append(out, n)
		}
	}
	return out
}

// silent fails if a secret is in the data folder or in the log.
func (in *registrable) silent() {
	in.t.Helper()
	in.hidden(webhooktest.Token, hookSecret)
}

// hidden fails if any of secrets is in the data folder or in the log.
func (in *registrable) hidden(secrets ...string) {
	in.t.Helper()
	_ = filepath.WalkDir(in.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			in.t.Error(err)
		}
		for _, s := range secrets {
			if bytes.Contains(b, []byte(s)) {
				i := bytes.Index(b, []byte(s))
				in.t.Errorf("%s is in %s: %q", s, path, b[max(0, i-300):min(len(b), i+100)])
			}
		}
		return nil
	})
	log := in.logs.String()
	if !strings.Contains(log, "connected") {
		in.t.Errorf("the log: %s", log)
	}
	for _, s := range secrets {
		if strings.Contains(log, s) {
			in.t.Errorf("%s is in the log: %s", s, log)
		}
	}
}

// TestRegistration registers an input, is pinged, changes it in place, and takes
// it back with the account.
func TestRegistration(t *testing.T) {
	for _, s := range []webhooktest.Service{webhooktest.GitHub, webhooktest.GitLab, webhooktest.Webex} {
		t.Run(string(s), func(t *testing.T) {
			in := newInput(t, s)
			if form, err := in.app.RegisterForm(t.Context(), "webhook"); err != nil || form.Address != "" || form.Why == "" || len(form.Kept) != 0 {
				t.Errorf("%v %+v", err, form)
			}
			if _, err := in.app.Register(t.Context(), "webhook", in.draft()); platforms.KindOf(asPlatform(err)) != platforms.NotAcknowledged || !strings.Contains(err.Error(), "relay or a listener") {
				t.Errorf("without an address: %v", err)
			}
			if n := len(in.api.Asked()); n != 0 {
				t.Errorf("%d requests before there is an address", n)
			}
			in.open("bot.example.org")
			form, err := in.app.RegisterForm(t.Context(), "webhook")
			if err != nil || !strings.HasPrefix(form.Address, "https://bot.example.org/hook/") || form.Why != "" || form.Title == "" {
				t.Fatalf("%v %+v", err, form)
			}
			draft := in.draft()
			if s == webhooktest.Webex {
				delete(draft.Values, "where")
			}
			r, err := in.app.Register(t.Context(), "webhook", draft)
			if err != nil {
				t.Fatal(err)
			}
			if s == webhooktest.Webex {
				if !r.Proven.IsZero() {
					t.Errorf("proven by nothing: %+v", r)
				}
				in.api.Event(r.ID, "", []byte(`{"resource":"messages","event":"created","data":{"id":"m1"}}`))
				in.until("it is proven", func() bool { return !in.registration().Proven.IsZero() })
				r = *in.registration()
			}
			hooks := in.api.Hooks()
			if len(hooks) != 1 || hooks[0].URL != form.Address || hooks[0].Secret != hookSecret || r.ID != hooks[0].ID || r.Address != form.Address || r.Proven.IsZero() || r.At.IsZero() {
				t.Fatalf("%+v %+v", r, hooks)
			}
			if last := r.Steps[len(r.Steps)-1]; len(bad(&r)) > 0 || len(r.Steps) < 4 || !last.Done || !strings.Contains(last.Text, "verified") {
				t.Errorf("%+v", r.Steps)
			}

			// The form knows what was typed, and the token need not be typed again.
			form, err = in.app.RegisterForm(t.Context(), "webhook")
			if err != nil || form.Values["where"] != draft.Values["where"] || form.Values["token"] != "" || !slices.Equal(form.Kept, []string{"token"}) {
				t.Errorf("%v %+v", err, form)
			}
			again, err := in.app.Register(t.Context(), "webhook", api.RegistrationDraft{Values: map[string]string{"token": ""}})
			if err != nil || again.ID != r.ID || len(in.api.Hooks()) != 1 {
				t.Errorf("%v %+v %+v", err, again, in.api.Hooks())
			}
			in.silent()

			// All of it is known after a restart.
			in.stop()
			in.start()
			in.until("it is open", func() bool { return in.door().Open })
			if got := in.registration(); got == nil || got.ID != r.ID || len(bad(got)) > 0 {
				t.Errorf("%+v", got)
			}
			if err := in.app.RemoveAccount(t.Context(), "webhook"); err != nil {
				t.Fatal(err)
			}
			if hooks := in.api.Hooks(); len(hooks) != 0 {
				t.Errorf("%+v", hooks)
			}
			if n := in.told(); len(n) != 0 {
				t.Errorf("%+v", n)
			}
			if _, err := in.vault.Get(t.Context(), "account/webhook/@register/token"); err == nil {
				t.Error("the token is kept still")
			}
			if _, ok := in.app.registers.get("webhook"); ok {
				t.Error("it is in the book still")
			}
			in.silent()
		})
	}
}

// TestRegistrationGoesStale: what changed here is told, and registering again
// changes the same hook.
func TestRegistrationGoesStale(t *testing.T) {
	in := newInput(t, webhooktest.GitHub)
	in.open("bot.example.org")
	r := in.register()
	in.open("door.example.org")
	if b := bad(in.registration()); len(b) != 1 || !strings.Contains(b[0], "https://door.example.org/") {
		t.Errorf("%q", b)
	}
	if again := in.register("token", "-"); again.ID != r.ID || len(bad(&again)) != 0 || !strings.Contains(in.api.Hooks()[0].URL, "door.example.org") || again.Proven.IsZero() {
		t.Errorf("%+v %+v", again, in.api.Hooks())
	}
	if _, err := in.app.ChangeAccount(t.Context(), "webhook", api.AccountDraft{Values: map[string]string{"secret": hookSecret + "-2"}}); err != nil {
		t.Fatal(err)
	}
	if b := bad(in.registration()); len(b) != 1 || !strings.Contains(b[0], "secrets") {
		t.Errorf("%q", b)
	}
	if again := in.register("token", "-"); len(bad(&again)) != 0 || in.api.Hooks()[0].Secret != hookSecret+"-2" || again.Proven.IsZero() {
		t.Errorf("%+v", again)
	}
	// At another place: the former is taken back.
	other := in.register("where", "octo/other")
	if hooks := in.api.Hooks(); len(hooks) != 1 || hooks[0].Where != "octo/other" || other.ID == r.ID || len(bad(&other)) != 0 {
		t.Errorf("%+v %+v", other, hooks)
	}
	if err := in.app.Unregister(t.Context(), "webhook"); err != nil || len(in.api.Hooks()) != 0 || in.registration() != nil {
		t.Errorf("%v %+v", err, in.api.Hooks())
	}
	if err := in.app.Unregister(t.Context(), "webhook"); err == nil {
		t.Error("nothing was taken back twice")
	}
}

// TestRegistrationFails: nothing is kept of what failed, and what can't be taken
// back is told.
func TestRegistrationFails(t *testing.T) {
	in := newInput(t, webhooktest.GitHub)
	in.open("bot.example.org")
	in.api.Fail(webhooktest.Failure{Status: 403, Body: `{"message":"Resource not accessible by personal access token"}`})
	if _, err := in.app.Register(t.Context(), "webhook", in.draft()); platforms.KindOf(asPlatform(err)) != platforms.Unauthorized || !strings.Contains(err.Error(), "Webhooks: Read and write") {
		t.Error(err)
	}
	if _, err := in.vault.Get(t.Context(), "account/webhook/@register/token"); err == nil || in.registration() != nil {
		t.Error("something is kept of it")
	}
	in.api.Heal()
	for _, d := range []api.RegistrationDraft{{}, in.draft("where", "../x"), in.draft("token", "-"), in.draft("nonsense", "1"), in.draft("base", "http://api.example.org")} {
		if _, err := in.app.Register(t.Context(), "webhook", d); platforms.KindOf(asPlatform(err)) != platforms.Rejected {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if n := len(in.api.Asked()); n != 1 {
		t.Errorf("%d requests", n)
	}
	if err := in.app.Pause(t.Context(), "webhook"); err != nil {
		t.Fatal(err)
	}
	if _, err := in.app.Register(t.Context(), "webhook", in.draft()); err == nil || !strings.Contains(err.Error(), "paused") {
		t.Error(err)
	}
	if err := in.app.Resume(t.Context(), "webhook"); err != nil {
		t.Fatal(err)
	}

	// Nothing comes: that is told, but later.
	in.api.Quiet(true)
	in.app.registers.patience = time.Millisecond
	r := in.register()
	if last := r.Steps[len(r.Steps)-1]; !r.Proven.IsZero() || last.Done || last.Bad || !strings.Contains(last.Text, "ping") {
		t.Errorf("%+v", r)
	}
	in.app.registers.mu.Lock()
	late := in.app.registers.book["webhook"]
	late.At = late.At.Add(-overdue - time.Second)
	in.app.registers.book["webhook"] = late
	in.app.registers.mu.Unlock()
	if b := bad(in.registration()); len(b) != 1 || !strings.Contains(b[0], "has not arrived") {
		t.Errorf("%q", b)
	}

	// The service is down: it is kept, for another time.
	in.api.Fail(webhooktest.Failure{Status: 503})
	if err := in.app.Unregister(t.Context(), "webhook"); platforms.KindOf(asPlatform(err)) != platforms.Temporary || in.registration() == nil {
		t.Error(err)
	}
	// It refuses: it is forgotten, and told what to do by hand.
	in.api.Heal()
	in.api.Fail(webhooktest.Failure{Status: 401})
	if err := in.app.Unregister(t.Context(), "webhook"); err == nil || !strings.Contains(err.Error(), r.ID) || !strings.Contains(err.Error(), "Settings, Webhooks") || in.registration() != nil {
		t.Error(err)
	}
	in.api.Heal()
	r = in.register()
	in.api.Fail(webhooktest.Failure{Status: 503})
	if err := in.app.RemoveAccount(t.Context(), "webhook"); err != nil {
		t.Fatal(err)
	}
	if n := in.told(); len(n) != 1 || !n[0].Bad || !strings.Contains(n[0].Text, r.ID) || !strings.Contains(n[0].Text, "octo/cat") {
		t.Errorf("%+v", n)
	}
	if len(in.app.Snapshot().Accounts) != 0 || len(in.api.Hooks()) != 1 {
		t.Errorf("%+v", in.api.Hooks())
	}
	in.silent()
}

// TestOneRegistrationAtATime, and none of an account that was removed meanwhile.
func TestOneRegistrationAtATime(t *testing.T) {
	in := newInput(t, webhooktest.GitHub)
	in.open("bot.example.org")
	if _, err := in.app.registers.begin("webhook"); err != nil {
		t.Fatal(err)
	}
	if _, err := in.app.Register(t.Context(), "webhook", in.draft()); platforms.KindOf(asPlatform(err)) != platforms.Temporary {
		t.Error(err)
	}
	in.app.registers.done("webhook")
	in.register()
	// Whoever registers while the account is removed leaves nothing behind.
	c, err := in.app.account("webhook")
	if err != nil {
		t.Fatal(err)
	}
	reg, err := in.app.registrar(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	now, _ := in.app.registers.get("webhook")
	if err := in.app.RemoveAccount(t.Context(), "webhook"); err != nil {
		t.Fatal(err)
	}
	now.ID = in.api.Add(webhooktest.Hook{Where: "octo/cat", URL: "https://bot.example.org/late"})
	err = in.app.noteRegistration(t.Context(), c, &registering{}, now)
	if err == nil {
		t.Fatal("it was kept")
	}
	_, rec, _ := in.app.registerForm(c)
	err = in.app.revoke(t.Context(), reg, rec, now, map[string]platforms.Secret{"token": platforms.NewSecret(webhooktest.Token)}, err)
	if err == nil || !strings.Contains(err.Error(), "was removed") || len(in.api.Hooks()) != 0 {
		t.Errorf("%v %+v", err, in.api.Hooks())
	}
}

// TestRegistrationsOfNobody: an account that went while Postern was stopped in
// the middle of it is told of, and one that somebody forged is not believed.
// TestStoppedWhileRegistering: the token of a registration that was never noted
// goes with its account.
func TestStoppedWhileRegistering(t *testing.T) {
	in := newInput(t, webhooktest.GitHub)
	name := secretName(registrationID("webhook"), "token")
	if err := in.vault.Set(t.Context(), name, platforms.NewSecret("token-of-nothing-0123")); err != nil {
		t.Fatal(err)
	}
	if err := in.app.RemoveAccount(t.Context(), "webhook"); err != nil {
		t.Fatal(err)
	}
	if s, err := in.vault.Get(t.Context(), name); err == nil {
		t.Errorf("it is kept still: %d bytes", len(s.Reveal()))
	}
}

func TestRegistrationsOfNobody(t *testing.T) {
	in := newInput(t, webhooktest.GitHub)
	in.open("bot.example.org")
	r := in.register()
	book := map[platforms.AccountID]registered{}
	in.app.registers.mu.Lock()
	for id, was := range in.app.registers.book {
		book[id+"-gone"] = was
	}
	in.app.registers.mu.Unlock()
	if err := in.app.keep(t.Context(), settingRegisters, book); err != nil {
		t.Fatal(err)
	}
	in.stop()
	in.start()
	if n := in.told(); len(n) != 1 || !strings.Contains(n[0].Text, r.ID) {
		t.Errorf("%+v", n)
	}
	if in.registration() != nil || len(in.app.registers.book) != 0 {
		t.Errorf("%+v", in.app.registers.book)
	}
	if err := in.app.store.PutSetting(t.Context(), settingRegisters, kept{Value: []byte(`{"webhook":{"id":"1"}}`), Seal: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	in.stop()
	in.start()
	if in.registration() != nil {
		t.Error("a forged one is believed")
	}
}

// TestOthersCantBeRegistered: a sender without an API, and another platform.
func TestOthersCantBeRegistered(t *testing.T) {
	in := newInput(t, webhooktest.Stripe)
	for _, id := range []platforms.AccountID{"webhook", "nobody"} {
		_, err := in.app.RegisterForm(t.Context(), id)
		_, err2 := in.app.Register(t.Context(), id, in.draft())
		if err == nil || err2 == nil || in.app.Unregister(t.Context(), id) == nil {
			t.Errorf("%s: %v, %v", id, err, err2)
		}
	}
	c, err := in.app.account("webhook")
	if err != nil {
		t.Fatal(err)
	}
	if v := in.app.input(c); v.RegistersAt != "" || v.Registration != nil {
		t.Errorf("%+v", v)
	}
	if fmt.Sprint(in.api.Asked()) != "[]" {
		t.Error(in.api.Asked())
	}
}

// TestRegistrationOfARelay: a relay whose address is a secret is registered, and
// nobody is shown that, neither now nor in what is kept.
func TestRegistrationOfARelay(t *testing.T) {
	in := newInput(t, webhooktest.GitHub)
	relay := ssetest.New(ssetest.Streams)
	t.Cleanup(relay.Close)
	in.tunnel = webhooktest.Post
	addRelay(t, in.world, api.RelayDraft{Kind: "gosmee", Name: "Mine", Values: map[string]string{"server": relay.URL(), "channel": ssetest.Channel}, Channels: []api.RelayChannel{{Account: "webhook"}}})
	in.until("it is connected", func() bool { return in.account().Status == api.Connected && in.relay().Status == api.Connected })
	if !relay.Subscribed(1, relayWait) {
		t.Fatal("nobody listens at the relay")
	}
	form, err := in.app.RegisterForm(t.Context(), "webhook")
	if err != nil || form.Address == "" {
		t.Fatalf("%v %+v", err, form)
	}
	in.app.registers.patience = relayWait
	r := in.register()
	if r.Proven.IsZero() || len(bad(&r)) != 0 || in.api.Hooks()[0].URL != relay.Hook() {
		t.Errorf("%+v %+v", r, in.api.Hooks())
	}
	in.api.Fail(webhooktest.Failure{Status: 422, Body: `{"message":"what is ` + relay.Hook() + `?"}`, Times: 1})
	_, err = in.app.Register(t.Context(), "webhook", in.draft())
	if err == nil || !strings.Contains(err.Error(), "what is http") {
		t.Error(err)
	}
	if all := fmt.Sprintf("%+v %+v %+v %v %+v", form, r, in.registration(), err, in.app.registers.book); strings.Contains(all, ssetest.Channel) {
		t.Errorf("the channel is shown: %s", all)
	}
	in.hidden(ssetest.Channel)
	in.silent()
}
