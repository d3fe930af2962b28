package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// registering is a running account and the API of the service that sends to it.
type registering struct {
	*bench
	api    *webhooktest.API
	reg    platforms.Registrar
	values map[string]string
	before platforms.Registered
}

var place = map[webhooktest.Service]string{gh: "octo/cat", gl: "group/sub/project", wx: ""}

func registrar(t *testing.T, s webhooktest.Service) *registering {
	t.Helper()
	in, err := ingresstest.NewLoopback()
	must(t, err)
	t.Cleanup(in.Close)
	api, err := webhooktest.NewAPI(s, nil, place[s], "octo", "octo/other")
	must(t, err)
	t.Cleanup(api.Close)
	b := start(t, s, in, &platformtest.Recorder{})
	r := &registering{bench: b, api: api, reg: b.conn.(platforms.Registrar), values: map[string]string{}}
	form, ok := webhook.Platform().Registers(map[string]string{"sender": string(s)})
	if !ok || form.Title == "" || len(form.Fields) == 0 || len(form.Setup.Steps) == 0 {
		t.Fatalf("%v %+v", ok, form)
	}
	for _, f := range form.Fields { // as an App does it
		typed := map[string]string{"where": place[s], "base": api.URL()}[f.Key]
		if typed != "" {
			if f.Parse != nil {
				typed, err = f.Parse(typed)
				must(t, err)
			}
			r.values[f.Key] = typed
		}
	}
	return r
}

func (r *registering) register(t *testing.T, token string) (platforms.Registered, error) {
	t.Helper()
	out, err := r.reg.Register(t.Context(), r.values, map[string]platforms.Secret{"token": platforms.NewSecret(token)}, r.before)
	if strings.Contains(fmt.Sprintf("%+v %v", out, err), token) {
		t.Errorf("the token is shown: %+v %v", out, err)
	}
	if s := secretOf(webhooktest.GitHub); strings.Contains(fmt.Sprintf("%+v %v", out, err), s) {
		t.Errorf("the secret is shown: %+v %v", out, err)
	}
	return out, err
}

func (r *registering) good(t *testing.T) platforms.Registered {
	t.Helper()
	out, err := r.register(t, webhooktest.Token)
	must(t, err)
	for _, s := range out.Steps {
		if s.Bad || s.Text == "" {
			t.Errorf("%+v", s)
		}
	}
	if out.ID == "" || out.Where == "" || out.Address == "" || out.Manual == "" || len(out.Steps) < 3 {
		t.Errorf("%+v", out)
	}
	return out
}

func withRegistrars(t *testing.T, f func(t *testing.T, s webhooktest.Service, r *registering)) {
	for _, s := range []webhooktest.Service{gh, gl, wx} {
		t.Run(string(s), func(t *testing.T) { f(t, s, registrar(t, s)) })
	}
}

// TestRegister registers, is pinged, registers again, and takes it back.
func TestRegister(t *testing.T) {
	withRegistrars(t, func(t *testing.T, s webhooktest.Service, r *registering) {
		address, err := r.reg.Address()
		must(t, err)
		got := r.good(t)
		hooks := r.api.Hooks()
		want := webhooktest.Hook{ID: got.ID, Where: place[s], URL: address, Secret: secretOf(s), JSON: s == gh}
		if len(hooks) != 1 {
			t.Fatalf("%+v", hooks)
		}
		want.Events = hooks[0].Events
		if fmt.Sprint(hooks[0]) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", hooks[0], want)
		}
		if s == wx {
			if fmt.Sprint(hooks[0].Events) != "[messages created ]" || got.Awaits != "" {
				t.Errorf("%+v %+v", hooks[0], got)
			}
			r.api.Event(got.ID, "", []byte(`{"resource":"messages","event":"created"}`))
		} else if fmt.Sprint(hooks[0].Events) != "[push]" || got.Awaits == "" {
			t.Errorf("%+v %+v", hooks[0], got)
		}
		r.rec.Wait(t, 1) // the ping, or what stands for it, was verified

		// Somebody switched it off, and our settings changed: the same hook.
		r.api.SwitchOff()
		r.values["events"] = "push issues"
		r.before = got
		again, err := r.register(t, webhooktest.Token)
		must(t, err)
		hooks = r.api.Hooks()
		if len(hooks) != 1 || again.ID != got.ID || hooks[0].Secret != secretOf(s) || s != wx && fmt.Sprint(hooks[0].Events) != "[push issues]" && fmt.Sprint(hooks[0].Events) != "[issues push]" {
			t.Errorf("%+v %+v", hooks, again)
		}
		if bad := slices.ContainsFunc(again.Steps, func(s platforms.RegisterStep) bool { return s.Bad }); bad != (s == gl) { // GitLab alone can't be told to wake it
			t.Errorf("%+v", again.Steps)
		}

		secrets := map[string]platforms.Secret{"token": platforms.NewSecret(webhooktest.Token)}
		must(t, r.reg.Unregister(t.Context(), again, secrets))
		if hooks := r.api.Hooks(); len(hooks) != 0 {
			t.Errorf("%+v", hooks)
		}
		must(t, r.reg.Unregister(t.Context(), again, secrets)) // gone already
	})
}

// TestRegisterFindsTheHook: what was made by hand is changed, on whichever page
// of the list it is, and what is somebody else's stays.
func TestRegisterFindsTheHook(t *testing.T) {
	withRegistrars(t, func(t *testing.T, s webhooktest.Service, r *registering) {
		address, err := r.reg.Address()
		must(t, err)
		r.api.Page(2)
		for n := range 5 {
			r.api.Add(webhooktest.Hook{Where: place[s], URL: fmt.Sprintf("https://other.example/%d", n), Secret: "theirs", Events: []string{"messages", "created", ""}})
		}
		id := r.api.Add(webhooktest.Hook{Where: place[s], URL: address, Secret: "old", Insecure: true, Events: []string{"messages", "created", ""}})
		got := r.good(t)
		hooks := r.api.Hooks()
		if got.ID != id || len(hooks) != 6 || hooks[5].Secret != secretOf(s) || s != wx && hooks[5].Insecure {
			t.Errorf("%s, want %s: %+v", got.ID, id, hooks)
		}
		for _, h := range hooks[:5] {
			if h.Secret != "theirs" {
				t.Errorf("%+v", h)
			}
		}
		if r.good(t); len(r.api.Hooks()) != 6 { // without knowing of before
			t.Errorf("%+v", r.api.Hooks())
		}
	})
}

// TestRegisterElsewhere: a hook at another address is found by its id, and one at
// another place is not touched.
func TestRegisterElsewhere(t *testing.T) {
	r := registrar(t, gh)
	id := r.api.Add(webhooktest.Hook{Where: "octo/cat", URL: "https://gone.example/hook"})
	r.before = platforms.Registered{Service: string(gh), ID: id, Address: "https://gone.example/hook", Values: r.values}
	if got := r.good(t); got.ID != id || len(r.api.Hooks()) != 1 || r.api.Hooks()[0].URL != got.Address {
		t.Errorf("%+v %+v", got, r.api.Hooks())
	}
	r.values = map[string]string{"where": "octo", "base": r.api.URL()}
	got := r.good(t)
	if got.ID == id || len(r.api.Hooks()) != 2 || r.api.Hooks()[1].Where != "octo" || got.Where != "octo" {
		t.Errorf("%+v %+v", got, r.api.Hooks())
	}
}

// TestRegisterFails holds what is said to what happened.
func TestRegisterFails(t *testing.T) {
	withRegistrars(t, func(t *testing.T, s webhooktest.Service, r *registering) {
		permission := map[webhooktest.Service]string{gh: "Webhooks: Read and write", gl: "scope api", wx: "spark:messages_read"}[s]
		for name, c := range map[string]struct {
			f    webhooktest.Failure
			kind platforms.Kind
			says []string
			wait time.Duration
		}{
			"401":                {webhooktest.Failure{Status: 401, Body: `{"message":"Bad credentials"}`}, platforms.Unauthorized, []string{"token", "Make a new one"}, 0},
			"403":                {webhooktest.Failure{Status: 403, Body: `{"message":"Resource not accessible by personal access token"}`}, platforms.Unauthorized, []string{permission, "Resource not accessible"}, 0},
			"403 for a limit":    {webhooktest.Failure{Status: 403, Header: http.Header{"Retry-After": {"61"}}}, platforms.RateLimited, []string{"in 1m1s"}, 61 * time.Second},
			"403 for an hour's":  {webhooktest.Failure{Status: 403, Header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1"}}}, platforms.RateLimited, []string{"in a few minutes"}, 0},
			"404":                {webhooktest.Failure{Status: 404, Body: `{"message":"Not Found"}`}, platforms.Rejected, []string{"Check the name", permission}, 0},
			"422":                {webhooktest.Failure{Status: 422, Body: `{"message":"Validation Failed","errors":[{"message":"url is not supported"}]}`}, platforms.Rejected, []string{"Validation Failed; url is not supported"}, 0},
			"422 with an object": {webhooktest.Failure{Status: 422, Body: `{"message":{"url":["is blocked"]}}`}, platforms.Rejected, []string{"url is blocked"}, 0},
			"429":                {webhooktest.Failure{Status: 429, Header: http.Header{"Retry-After": {"9999999"}}}, platforms.RateLimited, []string{"24h"}, 24 * time.Hour},
			"500":                {webhooktest.Failure{Status: 502, Body: "<html>"}, platforms.Temporary, []string{"Try again"}, 0},
			"no JSON":            {webhooktest.Failure{Status: 200, Body: "<html>"}, platforms.Rejected, []string{"is not the API"}, 0},
			"another shape":      {webhooktest.Failure{Status: 200, Body: `"x"`}, platforms.Rejected, []string{"is not the API"}, 0},
			"too much":           {webhooktest.Failure{Status: 200, Body: "[" + strings.Repeat(" ", 5<<20) + "]"}, platforms.Rejected, []string{"is not the API"}, 0},
			"echoes the token":   {webhooktest.Failure{Status: 400, Body: `{"message":"what is ` + webhooktest.Token + `\u0007?"}`}, platforms.Rejected, []string{"what is [secret]"}, 0},
		} {
			t.Run(name, func(t *testing.T) {
				r.api.Heal()
				r.api.Fail(c.f)
				_, err := r.register(t, webhooktest.Token)
				var e *platforms.Error
				if !errors.As(err, &e) || e.Kind != c.kind || e.RetryAfter != c.wait || strings.ContainsAny(e.Text, "\a\n") {
					t.Fatalf("%+v", err)
				}
				for _, want := range c.says {
					if !strings.Contains(e.Text, want) {
						t.Errorf("%q is not in %q", want, e.Text)
					}
				}
			})
		}
		r.api.Heal()
		if _, err := r.register(t, "another-token-entirely"); platforms.KindOf(err) != platforms.Unauthorized {
			t.Error(err)
		}
		if _, err := r.reg.Register(t.Context(), r.values, nil, platforms.Registered{}); platforms.KindOf(err) != platforms.Unauthorized {
			t.Error(err)
		}
		if n := len(r.api.Hooks()); n != 0 {
			t.Errorf("%d hooks", n)
		}
		// What may not look finds nothing: that does not mean it is gone.
		got := r.good(t)
		r.api.Fail(webhooktest.Failure{Status: 404})
		if err := r.reg.Unregister(t.Context(), got, map[string]platforms.Secret{"token": platforms.NewSecret(webhooktest.Token)}); platforms.KindOf(err) != platforms.Rejected {
			t.Error(err)
		}
		r.api.Heal()
		// A test that fails takes nothing back.
		if s == wx {
			return
		}
		r.before = got
		r.api.Fail(webhooktest.Failure{Method: http.MethodPost, Status: 422, Body: `{"message":"no commits"}`})
		got, err := r.register(t, webhooktest.Token)
		must(t, err)
		if last := got.Steps[len(got.Steps)-1]; !last.Bad || !strings.Contains(last.Text, "no commits") || got.Awaits != "" || got.ID == "" {
			t.Errorf("%+v", got)
		}
	})
}

// TestRegisterHidden: the hook is there, but this token may not see it.
func TestRegisterHidden(t *testing.T) {
	r := registrar(t, gh)
	address, err := r.reg.Address()
	must(t, err)
	r.api.Add(webhooktest.Hook{Where: "octo/cat", URL: address})
	r.api.Fail(webhooktest.Failure{Method: http.MethodGet, Status: 200, Body: "[]"})
	if _, err := r.register(t, webhooktest.Token); err == nil || !strings.Contains(platforms.Explain(err), "Delete it by hand") {
		t.Error(err)
	}
}

// TestTheTokenGoesNowhereElse: neither where a redirect leads nor to what the
// next page is said to be.
func TestTheTokenGoesNowhereElse(t *testing.T) {
	withRegistrars(t, func(t *testing.T, _ webhooktest.Service, r *registering) {
		stolen := make(chan string, 10)
		thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { stolen <- req.URL.Path }))
		defer thief.Close()
		r.api.Fail(webhooktest.Failure{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {thief.URL + "/redirect"}}, Times: 1})
		if _, err := r.register(t, webhooktest.Token); platforms.KindOf(err) != platforms.Rejected || !strings.Contains(platforms.Explain(err), "elsewhere") {
			t.Error(err)
		}
		body := "[]"
		if place[gh] != r.values["where"] && r.values["where"] == "" {
			body = `{"items":[]}`
		}
		r.api.Fail(webhooktest.Failure{Status: 200, Header: http.Header{"Link": {"<" + thief.URL + `/page>; rel="next"`}}, Body: body, Times: 1})
		r.good(t)
		select {
		case path := <-stolen:
			t.Error(path)
		default:
		}
	})
}

// TestRegisterNeedsAnAddress refuses what no service could deliver to, or would
// in the clear.
func TestRegisterNeedsAnAddress(t *testing.T) {
	in := ingresstest.New()
	conn := connect(t, account(gh, secretOf(gh), in)).(platforms.Registrar)
	secrets := map[string]platforms.Secret{"token": platforms.NewSecret(webhooktest.Token)}
	in.Refuse(&platforms.Error{Kind: platforms.NotAcknowledged, Text: "Nothing is open."})
	if _, err := conn.Register(t.Context(), map[string]string{"where": "octo/cat"}, secrets, platforms.Registered{}); platforms.KindOf(err) != platforms.NotAcknowledged {
		t.Error(err)
	}
	loop, err := ingresstest.NewLoopback()
	must(t, err)
	t.Cleanup(loop.Close)
	conn = connect(t, account(gh, secretOf(gh), loop)).(platforms.Registrar)
	if _, err := conn.Register(t.Context(), map[string]string{"where": "octo/cat"}, secrets, platforms.Registered{}); err == nil || !strings.Contains(err.Error(), "this computer's own") {
		t.Error(err)
	}
	for _, s := range []webhooktest.Service{webhooktest.Stripe, webhooktest.Slack, webhooktest.Standard} {
		conn := connect(t, account(s, secretOf(s), in)).(platforms.Registrar)
		if _, ok := webhook.Platform().Registers(map[string]string{"sender": string(s)}); ok {
			t.Errorf("%s has a form", s)
		}
		if _, err := conn.Register(context.Background(), nil, nil, platforms.Registered{}); platforms.KindOf(err) != platforms.Unsupported {
			t.Error(err)
		}
	}
}

func TestRegisterFields(t *testing.T) {
	parse := func(s webhooktest.Service, key, typed string) string {
		t.Helper()
		form, _ := webhook.Platform().Registers(map[string]string{"sender": string(s)})
		for _, f := range form.Fields {
			if f.Key == key {
				out, err := f.Parse(typed)
				if err != nil {
					return "!"
				}
				return out
			}
		}
		t.Fatalf("no field %s", key)
		return ""
	}
	for _, c := range []struct {
		s                webhooktest.Service
		key, typed, want string
	}{
		{gh, "where", " octo/cat ", "octo/cat"},
		{gh, "where", "https://github.com/octo/cat.git", "octo/cat"},
		{gh, "where", "https://github.com/octo/cat/settings/hooks?x=1", "octo/cat"},
		{gh, "where", "octo", "octo"},
		{gh, "where", "octo/cat/dog", "!"},
		{gh, "where", "../user", "!"},
		{gh, "where", "octo/cat%2f..", "!"},
		{gh, "where", "octo/ca t", "!"},
		{gl, "where", "https://gitlab.com/a/b/c/-/hooks", "a/b/c"},
		{gl, "where", "4711", "4711"},
		{gl, "base", "https://gitlab.com/", ""},
		{gl, "base", "https://git.example.org/api/v4/", "https://git.example.org/api/v4"},
		{gl, "base", "https://git.example.org/gitlab", "https://git.example.org/gitlab/api/v4"},
		{gl, "base", "http://git.example.org", "!"},
		{gl, "base", "http://127.0.0.1:80", "http://127.0.0.1:80/api/v4"},
		{gh, "base", "https://git.example.org", "https://git.example.org/api/v3"},
		{gh, "base", "https://api.octo.ghe.com", "https://api.octo.ghe.com"},
		{gh, "base", "https://github.com", ""},
		{gh, "base", "https://u:p@git.example.org", "!"},
		{gh, "base", "http://localhost.example.org", "!"},
		{gh, "base", "file:///etc/passwd", "!"},
		{gh, "events", "push, issues  push", "push issues"},
		{gh, "events", "*", "*"},
		{gh, "events", `"push"`, "!"},
		{gl, "events", "Push_events note", "push note"},
		{gl, "events", "stars", "!"},
		{gh, "token", "a b c d e f g h", "!"},
		{gh, "token", "short", "!"},
		{wx, "resource", "messages", "messages"},
		{wx, "resource", "secrets", "!"},
		{wx, "filter", "roomId=abc&mentionedPeople=me", "roomId=abc&mentionedPeople=me"},
		{wx, "filter", "everything", "!"},
	} {
		if got := parse(c.s, c.key, c.typed); got != c.want {
			t.Errorf("%s %s %q: %q, want %q", c.s, c.key, c.typed, got, c.want)
		}
	}
}

// TestPagesEnd: a list without an end is read so far only.
func TestPagesEnd(t *testing.T) {
	r := registrar(t, gh)
	r.api.Page(1)
	for n := range 15 {
		r.api.Add(webhooktest.Hook{Where: "octo/cat", URL: fmt.Sprintf("https://other.example/%d", n)})
	}
	r.good(t)
	lists := 0
	for _, a := range r.api.Asked() {
		if strings.HasPrefix(a, "GET ") {
			lists++
		}
	}
	if lists != 10 {
		t.Errorf("%d pages", lists)
	}
}
