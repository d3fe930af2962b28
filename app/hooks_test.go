package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// hookWorld is a world with an account, in which hooks are served at a free port.
func hookWorld(t *testing.T) *world {
	w := newWorld(t)
	w.change = func(p *platforms.Platform) { p.Limits.Text = 4000 }
	w.start()
	w.add()
	w.serveHooks()
	return w
}

func (w *world) serveHooks() {
	w.t.Helper()
	if _, err := w.app.SetHookListener(w.person(), api.HookListener{Bind: freePort(w.t)}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person() context.Context { return control.As(w.t.Context(), control.ByWindow) }

func (w *world) hook(d api.HookDraft) api.HookMade {
	w.t.Helper()
	d.Account = "fake"
	if d.Conversation == "" {
		d.Conversation = "1"
	}
	if d.Name == "" {
		d.Name = "CI"
	}
	made, err := w.app.AddHook(w.person(), d)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// told is an HTTP answer; Status 0 means that nothing listens.
type told struct {
	status int
	header http.Header
	body   string
}

// ask sends a request to a hook. change may alter it.
func ask(t *testing.T, method, url, body string, change ...func(*http.Request)) told {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	for _, c := range change {
		c(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return told{}
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return told{resp.StatusCode, resp.Header, string(b)}
}

func keyed(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Idempotency-Key", key) }
}

type receipt struct {
	Message string    `json:"message_id"`
	Channel string    `json:"channel_id"`
	Created time.Time `json:"created_at"`
	Status  string    `json:"status"`
}

func (a told) receipt(t *testing.T) (r receipt) {
	t.Helper()
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// outgoing is the messages to a conversation that are in the journal.
func (w *world) outgoing(c platforms.ConversationID) (out []api.Entry) {
	w.t.Helper()
	list, err := w.app.Timeline(w.t.Context(), "fake", c, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range list {
		if e.Outgoing {
			out = append(out, e)
		}
	}
	return out
}

func TestPostByHook(t *testing.T) {
	w := hookWorld(t)
	if h := w.app.Hooks(); h.Open || len(h.Forms) < 9 || h.Why != "" {
		t.Errorf("open without a hook: %+v", h)
	}
	made := w.hook(api.HookDraft{Avatar: "https://example.com/ci.png"})
	if !w.app.Hooks().Open {
		t.Fatal("it is not served as soon as it is made")
	}
	r := ask(t, "POST", made.URL, `{"content":"build 7 failed","username":"Jenkins"}`).receipt(t)
	if r.Channel != "1" || r.Message == "" || r.Status != "ok" || time.Since(r.Created).Abs() > time.Minute {
		t.Errorf("%+v", r)
	}
	out := w.outgoing("1")
	if len(out) != 1 {
		t.Fatalf("%+v", out)
	}
	e := out[0]
	if e.Hook != "CI" || e.Poster != "Jenkins" || e.Avatar != "https://example.com/ci.png" || !e.Stored.Equal(r.Created) {
		t.Errorf("%+v", e)
	}
	if e.Text != "Jenkins:\nbuild 7 failed\n\nWebhook · not E2EE · via hook CI" {
		t.Errorf("%q", e.Text)
	}
	w.until("it is sent", func() bool { return len(w.fake.texts()) == 1 })
	h := w.app.Hooks().Hooks[0]
	if h.Count != 1 || h.LastUsed.IsZero() || h.Label != "Mine" || !h.Marked || !h.On {
		t.Errorf("%+v", h)
	}
	w.until("who posted is recorded", func() bool {
		lines, err := w.app.Activity(t.Context(), control.ActivityQuery{What: []api.What{api.SentOut}})
		return err == nil && len(lines) == 1 && lines[0].Why == `posted by the hook "CI"`
	})
	v := w.app.Exposure()
	var seen bool
	for _, s := range v.Sockets {
		seen = seen || s.Whose == "Hooks" && s.Level == "local listener" && s.Addr == w.app.Hooks().Bind
	}
	if !seen {
		t.Errorf("sockets: %+v", v.Sockets)
	}

	t.Run("unmarked, and nobody named", func(t *testing.T) {
		plain := w.hook(api.HookDraft{Conversation: "2", Unmarked: true})
		ask(t, "POST", plain.URL, `{"content":"hello"}`).receipt(t)
		if out := w.outgoing("2"); len(out) != 1 || out[0].Text != "CI:\nhello" || out[0].Poster != "CI" {
			t.Errorf("%+v", out)
		}
	})
	t.Run("over a restart", func(t *testing.T) {
		w.stop()
		w.start()
		w.until("it is served", func() bool { return w.app.Hooks().Open })
		if h := w.app.Hooks().Hooks[0]; h.Count != 1 || h.LastUsed.IsZero() {
			t.Errorf("the counts are lost: %+v", h)
		}
		ask(t, "POST", made.URL, `{"content":"again"}`).receipt(t)
	})
	t.Run("no more than the last hook", func(t *testing.T) {
		for _, h := range w.app.Hooks().Hooks {
			if err := w.app.RemoveHook(w.person(), h.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.until("nothing listens", func() bool { return !w.app.Hooks().Open })
		if a := ask(t, "POST", made.URL, `{"content":"x"}`); a.status != 0 {
			t.Errorf("%+v", a)
		}
	})
}

// TestHookAnswers are those of the documentation.
func TestHookAnswers(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{Limit: platforms.Rate{N: 1, Per: time.Hour, Burst: 2}})
	for name, body := range map[string]string{
		"no JSON": `{`, "no content": `{}`, "empty": `{"content":""}`, "a number": `{"content":7}`,
		"too long": `{"content":"` + strings.Repeat("ü", 4001) + `"}`, "a long username": `{"content":"x","username":"` + strings.Repeat("é", 65) + `"}`,
		"too large": `{"content":"` + strings.Repeat("x", hooks.MostBody) + `"}`,
	} {
		a := ask(t, "POST", made.URL, body)
		var e struct {
			Error struct{ Code, Message string } `json:"error"`
		}
		if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != 422 || e.Error.Code == "" || e.Error.Message == "" {
			t.Errorf("%s: %v %+v", name, err, a)
		}
	}
	ask(t, "POST", made.URL, `{"content":"`+strings.Repeat("ü", 4000)+`","username":"`+strings.Repeat("é", 64)+`"}`).receipt(t) // characters, not bytes
	versioned := func(v string) string { return strings.Replace(made.URL, "/api/", "/api/"+v+"/", 1) }
	ask(t, "POST", versioned("v10"), `{"content":"2"}`).receipt(t) // as libraries write it
	if a := ask(t, "POST", made.URL, `{"content":"3"}`); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("%+v", a)
	}

	unknown := ask(t, "POST", strings.TrimSuffix(made.URL, made.URL[len(made.URL)-4:])+"aaaa", `{"content":"x"}`)
	if unknown.status != 404 {
		t.Fatalf("%+v", unknown)
	}
	same := func(what string, a told) {
		t.Helper()
		for _, k := range []string{"Date"} {
			a.header.Del(k)
			unknown.header.Del(k)
		}
		if a.status != unknown.status || a.body != unknown.body || len(a.header) != len(unknown.header) {
			t.Errorf("%s: %+v, unknown: %+v", what, a, unknown)
		}
	}
	same("another method", ask(t, "GET", made.URL, ""))
	same("PUT", ask(t, "PUT", made.URL, `{"content":"x"}`))
	same("another form", ask(t, "POST", made.URL+"/nothing", `{"content":"x"}`))
	same("no token", ask(t, "POST", w.app.Hooks().Address+hooks.Path, `{"content":"x"}`))
	same("no version", ask(t, "POST", versioned("vx"), `{"content":"x"}`))
	same("two versions", ask(t, "POST", versioned("v10/v10"), `{"content":"x"}`))
	same("elsewhere", ask(t, "POST", w.app.Hooks().Address+"/", `{"content":"x"}`))
	same("another host", ask(t, "POST", made.URL, `{"content":"x"}`, func(r *http.Request) { r.Host = "evil.example:47820" }))
	same("a web page", ask(t, "POST", made.URL, `{"content":"x"}`, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }))
	same("a browser", ask(t, "POST", made.URL, `{"content":"x"}`, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }))
	same("escaped", ask(t, "POST", strings.Replace(made.URL, "/api", "/%61pi", 1), `{"content":"x"}`))
	same("a web page's DELETE", ask(t, "DELETE", made.URL, "", func(r *http.Request) { r.Header.Set("Origin", "null") }))
	w.hook(api.HookDraft{Name: "other"}) // keeps the listener open
	off := false
	if _, err := w.app.ChangeHook(w.person(), made.Hook.ID, api.HookChange{On: &off}); err != nil {
		t.Fatal(err)
	}
	same("switched off", ask(t, "POST", made.URL, `{"content":"x"}`))
	same("switched off, in a form", ask(t, "POST", made.URL+"/slack", `{"text":"x"}`))
	if n := len(w.outgoing("1")); n != 2 {
		t.Errorf("%d messages", n)
	}
}

// TestHookByItsAddress: who has the token may change and end the hook.
func TestHookByItsAddress(t *testing.T) {
	w := hookWorld(t)
	w.hook(api.HookDraft{Name: "other"})
	made := w.hook(api.HookDraft{Avatar: "https://example.com/a.png"})
	var v struct {
		Name   string  `json:"name"`
		Avatar *string `json:"avatar_url"`
		Active bool    `json:"active"`
	}
	patch := func(body string) told {
		t.Helper()
		a := ask(t, "PATCH", made.URL, body)
		v.Avatar = nil
		if a.status == 200 {
			if err := json.Unmarshal([]byte(a.body), &v); err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	if a := patch(`{"name":"Build"}`); a.status != 200 || v.Name != "Build" || v.Avatar == nil || !v.Active {
		t.Errorf("%+v", a)
	}
	if a := patch(`{"avatar_url":null,"active":false}`); a.status != 200 || v.Avatar != nil || v.Active {
		t.Errorf("%+v", a)
	}
	if a := ask(t, "POST", made.URL, `{"content":"x"}`); a.status != 404 {
		t.Errorf("off: %+v", a)
	}
	if a := patch(`{"active":true}`); a.status != 200 || !v.Active {
		t.Errorf("%+v", a)
	}
	for _, bad := range []string{`{"name":""}`, `{"name":7}`, `{"token":"x"}`, `{`, `{"avatar_url":"javascript:x"}`, `{"name":"` + strings.Repeat("x", 65) + `"}`} {
		if a := patch(bad); a.status != 422 {
			t.Errorf("%s: %+v", bad, a)
		}
	}
	patch(`{"active":true}`)
	if a := patch(`{"active":true}`); a.status != 429 { // ten at once
		t.Errorf("without end: %+v", a)
	}
	ask(t, "POST", made.URL, `{"content":"x"}`).receipt(t) // changes use no post's budget

	// What its owner switched off, whoever found the address can't switch on.
	on, off := true, false
	if h, err := w.app.ChangeHook(w.person(), made.Hook.ID, api.HookChange{On: &off}); err != nil || h.On {
		t.Fatal(err)
	}
	unknown := ask(t, "PATCH", made.URL+"x", `{"active":true}`)
	for _, method := range []string{"PATCH", "DELETE"} {
		if a := ask(t, method, made.URL, `{"active":true}`); a.status != 404 || a.body != unknown.body {
			t.Errorf("%s of a hook that is shut: %+v", method, a)
		}
	}
	if h, err := w.app.ChangeHook(w.person(), made.Hook.ID, api.HookChange{On: &on}); err != nil || !h.On {
		t.Fatal(err)
	}

	again, err := w.app.RotateHook(w.person(), made.Hook.ID, api.HookRotation{Overlap: time.Hour})
	if err != nil || again.Hook.Rotating.IsZero() {
		t.Fatal(err)
	}
	ask(t, "POST", made.URL, `{"content":"by the former"}`).receipt(t)
	ask(t, "POST", again.URL, `{"content":"by the new one"}`).receipt(t)
	if a := ask(t, "DELETE", made.URL, ""); a.status != 404 {
		t.Errorf("the former address ends the hook: %+v", a)
	}
	w.app.hooking.gate.Limiter.Forget(made.Hook.ID)
	if a := ask(t, "DELETE", again.URL, ""); a.status != 204 || a.body != "" {
		t.Errorf("%+v", a)
	}
	if a := ask(t, "POST", again.URL, `{"content":"x"}`); a.status != 404 {
		t.Errorf("after its end: %+v", a)
	}
	if a := ask(t, "DELETE", again.URL, ""); a.status != 404 {
		t.Errorf("twice: %+v", a)
	}
	if _, err := w.app.RotateHook(w.person(), made.Hook.ID, api.HookRotation{}); err == nil {
		t.Error("it is still there")
	}
	page, err := w.app.Audit(t.Context(), 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"CI" was made`, `"Build" was changed`, "switched off", "has another address", `"Build" was removed`} {
		found := false
		for _, l := range page.Lines {
			found = found || strings.Contains(l.Text, want)
		}
		if !found {
			t.Errorf("no line says %s", want)
		}
	}
}

// TestHookDialects: tools post without change, by what stands at the end.
func TestHookDialects(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{Unmarked: true, Limit: platforms.Rate{N: 100, Per: time.Second, Burst: 100}})
	fired := `{"version":"4","status":"firing","receiver":"chat","commonLabels":{"alertname":"DiskFull"},"alerts":[{"status":"firing","labels":{"alertname":"DiskFull"},"annotations":{"summary":"Disk is full"}}]}`
	event := func(r *http.Request) { r.Header.Set("X-GitHub-Event", "ping") }
	for _, c := range []struct {
		suffix, body string
		status       int
		answer, says string
		change       func(*http.Request)
	}{
		{"/slack", `{"text":"*deployed*"}`, 200, "ok", "deployed", nil},
		{"/slack", `{}`, 400, "no_text", "", nil},
		{"/blocks", `{"blocks":[{"type":"header","text":{"type":"plain_text","text":"Head"}}]}`, 200, "ok", "Head", nil},
		{"/discord", `{"content":"hi"}`, 204, "", "hi", nil},
		{"/discord?wait=true", `{"embeds":[{"title":"Embedded"}]}`, 200, `"channel_id":"1"`, "Embedded", nil},
		{"?wait=true", `{"content":"native"}`, 201, `"status":"ok"`, "native", nil},
		{"/mattermost", `{"text":"mm"}`, 200, "ok", "mm", nil},
		{"/teams", `{"@type":"MessageCard","title":"Card","text":"of a team"}`, 200, "1", "Card", nil},
		{"/github", `{"zen":"Keep it simple.","hook_id":1,"repository":{"full_name":"o/r"}}`, 201, "ok", "o/r", event},
		{"/github", `{}`, 422, "error", "", nil},
		{"/alertmanager", fired, 201, "ok", "DiskFull", nil},
		{"/grafana", fired, 201, "ok", "DiskFull", nil},
		{"/template", `{"a":1}`, 500, "owner", "", nil},
	} {
		before := len(w.outgoing("1"))
		change := c.change
		if change == nil {
			change = func(*http.Request) {}
		}
		a := ask(t, "POST", made.URL+c.suffix, c.body, change)
		if a.status != c.status || !strings.Contains(a.body, c.answer) {
			t.Errorf("%s %s: %+v", c.suffix, c.body, a)
		}
		out := w.outgoing("1")
		if c.says == "" {
			if len(out) != before {
				t.Errorf("%s: posted", c.suffix)
			}
		} else if len(out) != before+1 || !strings.Contains(out[before].Text, c.says) {
			t.Errorf("%s: %+v", c.suffix, out[before:])
		}
	}
	own := w.hook(api.HookDraft{Conversation: "3", Dialect: "template", Template: "Ticket {{.id}}"})
	ask(t, "POST", own.URL, `{"id":17}`).receipt(t)
	if out := w.outgoing("3"); len(out) != 1 || !strings.Contains(out[0].Text, "Ticket 17") {
		t.Errorf("%+v", out)
	}
}

// TestHookKeys: a post that comes again is there once, also where a crash came
// between the outbox and the answer.
func TestHookKeys(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{})
	first := ask(t, "POST", made.URL, `{"content":"once"}`, keyed("k1"))
	first.receipt(t)
	if a := ask(t, "POST", made.URL, `{"content":"once"}`, keyed("k1")); a.body != first.body || a.status != 201 {
		t.Errorf("%+v, first %+v", a, first)
	}
	w.app.hooking.gate.Keys.Forget(made.Hook.ID) // as a crash does
	if a := ask(t, "POST", made.URL, `{"content":"once"}`, keyed("k1")); a.body != first.body || a.status != 201 {
		t.Errorf("after a crash: %+v, first %+v", a, first)
	}
	w.app.hooking.gate.Keys.Forget(made.Hook.ID)
	if a := ask(t, "POST", made.URL, `{"content":"other"}`, keyed("k1")); a.status != 422 || !strings.Contains(a.body, "idempotency_key_reused") {
		t.Errorf("another body: %+v", a)
	}
	ask(t, "POST", made.URL, `{"content":"once"}`, keyed("k2")).receipt(t)
	if n := len(w.outgoing("1")); n != 2 {
		t.Errorf("%d messages", n)
	}
	if h := w.app.Hooks().Hooks[0]; h.Count != 2 {
		t.Errorf("%d posts are counted", h.Count)
	}
}

// TestHookCrash starts anew from what is on disk at the moment of the answer.
func TestHookCrash(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{})
	first := ask(t, "POST", made.URL, `{"content":"once"}`, keyed("k"))
	first.receipt(t)
	left := image(t, w.dir)
	w.stop()
	w.dir = left
	w.start()
	w.until("it is served", func() bool { return w.app.Hooks().Open })
	if a := ask(t, "POST", made.URL, `{"content":"once"}`, keyed("k")); a.body != first.body {
		t.Errorf("%+v, before the crash %+v", a, first)
	}
	if n := len(w.outgoing("1")); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// TestHookTunnel: a tunnel to the port makes it public, and closes it.
func TestHookTunnel(t *testing.T) {
	w := newWorld(t)
	led := make(chan netip.AddrPort, 1)
	var bind netip.AddrPort
	w.tunnels = func(context.Context) ([]guard.Tunnel, error) {
		select {
		case bind = <-led:
		default:
		}
		at := bind
		return []guard.Tunnel{{Program: "ngrok", LeadsTo: func(a netip.AddrPort) bool { return a == at }}}, nil
	}
	w.start()
	w.add()
	port := freePort(t)
	led <- netip.MustParseAddrPort(port)
	if _, err := w.app.SetHookListener(w.person(), api.HookListener{Bind: port}); err != nil {
		t.Fatal(err)
	}
	made := w.hook(api.HookDraft{})
	h := w.app.Hooks()
	if h.Open || !strings.Contains(h.Why, "ngrok publishes port") || !strings.Contains(h.Why, "postern hooks listener 127.0.0.1:") {
		t.Errorf("%+v", h)
	}
	if a := ask(t, "POST", made.URL, `{"content":"x"}`); a.status != 0 {
		t.Errorf("%+v", a)
	}
	w.serveHooks()
	if h := w.app.Hooks(); !h.Open || h.Why != "" {
		t.Errorf("elsewhere: %+v", h)
	}
}

func TestHookPort(t *testing.T) {
	w := hookWorld(t)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, bad := range []string{taken.Addr().String(), "0.0.0.0:1234", "192.168.1.2:1234", "127.0.0.1", "", "127.0.0.1:0", "example.com:80"} {
		if _, err := w.app.SetHookListener(w.person(), api.HookListener{Bind: bad}); err == nil || !strings.HasSuffix(err.Error(), ".") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	free := freePort(t)
	if _, err := w.app.SetHookListener(w.person(), api.HookListener{Bind: free}); err != nil {
		t.Fatal(err)
	}
	squat, err := net.Listen("tcp4", free)
	if err != nil {
		t.Fatal(err)
	}
	defer squat.Close()
	w.hook(api.HookDraft{})
	if h := w.app.Hooks(); h.Open || !strings.Contains(h.Why, "can't be listened on") || !strings.Contains(h.Why, "postern hooks listener") {
		t.Errorf("%+v", h)
	}
}

// TestHookFollows: hooks go where their conversation goes, and end with their
// account.
func TestHookFollows(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{})
	w.fake.mu.Lock()
	w.fake.queue = append(w.fake.queue, platforms.Event{ID: "moved", Cursor: "1", Kind: platforms.ConversationMoved, Time: time.Now(),
		Conversation: platforms.Conversation{ID: "9", Moved: "1"}})
	w.fake.mu.Unlock()
	w.fake.poke()
	w.until("it follows", func() bool { return w.app.Hooks().Hooks[0].Conversation == "9" })
	if r := ask(t, "POST", made.URL, `{"content":"x"}`).receipt(t); r.Channel != "9" {
		t.Errorf("%+v", r)
	}
	if err := w.app.Pause(w.person(), "fake"); err != nil {
		t.Fatal(err)
	}
	if h := w.app.Hooks().Hooks[0]; !strings.Contains(h.Problem, "paused") {
		t.Errorf("%+v", h)
	}
	ask(t, "POST", made.URL, `{"content":"waits"}`).receipt(t)
	if err := w.app.RemoveAccount(w.person(), "fake"); err != nil {
		t.Fatal(err)
	}
	if h := w.app.Hooks(); len(h.Hooks) != 0 {
		t.Errorf("%+v", h)
	}
}

// TestHookEnds: a hook that is over is as if there were none, and so is the
// listener.
func TestHookEnds(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{Expires: time.Now().Add(time.Second)})
	ask(t, "POST", made.URL, `{"content":"x"}`).receipt(t)
	w.until("it is over", func() bool { return strings.Contains(w.app.Hooks().Hooks[0].Problem, "It ended on") })
	if a := ask(t, "POST", made.URL, `{"content":"x"}`); a.status != 404 && a.status != 0 {
		t.Errorf("%+v", a)
	}
	w.until("nothing listens", func() bool { return !w.app.Hooks().Open })
	never := time.Time{}
	if h, err := w.app.ChangeHook(w.person(), made.Hook.ID, api.HookChange{Expires: &never}); err != nil || h.Problem != "" {
		t.Errorf("%v %+v", err, h)
	}
	ask(t, "POST", made.URL, `{"content":"y"}`).receipt(t)
}

// TestHookCounts: a hook's counts and the changes that come meanwhile are
// all kept.
func TestHookCounts(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{Limit: platforms.Rate{N: 1000, Per: time.Second, Burst: 1000}})
	const posts, senders = 160, 16
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for range posts / senders {
				if a := ask(t, "POST", made.URL, `{"content":"x"}`); a.status != 201 {
					t.Errorf("%+v", a)
				}
			}
		})
	}
	for i := range 20 {
		name := fmt.Sprint("CI ", i)
		if _, err := w.app.ChangeHook(w.person(), made.Hook.ID, api.HookChange{Name: &name}); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	ask(t, "POST", made.URL, `{"content":"x"}`).receipt(t) // nothing but the stop keeps its count
	w.stop()
	w.start()
	if h := w.app.Hooks().Hooks[0]; h.Count != posts+1 || h.Name != "CI 19" {
		t.Errorf("%+v", h)
	}
	if n := len(w.outgoing("1")); n != posts+1 {
		t.Errorf("%d messages", n)
	}
}

// TestForgedHooks: another program that writes into the journal makes none.
func TestForgedHooks(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{})
	w.stop()
	st, _, err := store.Open(w.dir, w.key(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var k kept
	if found, err := st.Setting(settingHooks, &k); err != nil || !found {
		t.Fatalf("%v %v", found, err)
	}
	k.Value = bytes.Replace(k.Value, []byte(`"conversation":"1"`), []byte(`"conversation":"2"`), 1)
	if err := st.PutSetting(t.Context(), settingHooks, k); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	a := w.start()
	if h := a.Hooks(); len(h.Hooks) != 0 || h.Open {
		t.Errorf("%+v", h)
	}
	if told := ask(t, "POST", made.URL, `{"content":"x"}`); told.status != 0 {
		t.Errorf("%+v", told)
	}
	if n := a.Snapshot().Notices; len(n) == 0 || !strings.Contains(n[len(n)-1].Text, "hooks can't be trusted") {
		t.Errorf("%+v", n)
	}
}

func TestHookDrafts(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	for name, d := range map[string]api.HookDraft{
		"no account":    {Account: "nobody", Conversation: "1", Name: "x"},
		"nowhere":       {Account: "fake", Name: "x"},
		"no name":       {Account: "fake", Conversation: "1"},
		"a past end":    {Account: "fake", Conversation: "1", Name: "x", Expires: time.Now().Add(-time.Second)},
		"no such form":  {Account: "fake", Conversation: "1", Name: "x", Dialect: "morse"},
		"a bad picture": {Account: "fake", Conversation: "1", Name: "x", Avatar: "file:///etc/passwd"},
		"no template":   {Account: "fake", Conversation: "1", Name: "x", Dialect: "template"},
	} {
		if _, err := w.app.AddHook(w.person(), d); err == nil || !strings.Contains(err.Error(), ". ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.stop()
	w.change = func(p *platforms.Platform) { p.Limits.Mute = true }
	w.start()
	if _, err := w.app.AddHook(w.person(), api.HookDraft{Account: "fake", Conversation: "1", Name: "x"}); err == nil || !strings.Contains(err.Error(), "only brings messages") {
		t.Errorf("an account that sends nothing: %v", err)
	}
	try := func(d api.HookTry) api.HookTried {
		t.Helper()
		out, err := w.app.TryHook(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := try(api.HookTry{Body: `{"content":"hi","username":"Bo"}`}); out.Text != "hi" || out.Username != "Bo" || out.Problem != "" {
		t.Errorf("%+v", out)
	}
	if out := try(api.HookTry{Body: `{}`}); out.Problem == "" {
		t.Errorf("%+v", out)
	}
	if out := try(api.HookTry{Dialect: "template", Template: "{{.a}", Body: `{}`}); !strings.Contains(out.Problem, "can't be read, line 1: bad character") {
		t.Errorf("a mistake in a template: %+v", out)
	}
	if out := try(api.HookTry{Dialect: "github", Event: "ping", Body: `{"zen":"Simple.","repository":{"full_name":"o/r"}}`}); out.Problem != "" {
		t.Errorf("%+v", out)
	}
}

// TestHookMentions: who wrote there before is mentioned, by their handle; nobody
// else, and never everybody.
func TestHookMentions(t *testing.T) {
	w := hookWorld(t)
	made := w.hook(api.HookDraft{Unmarked: true})
	w.fake.mu.Lock()
	w.fake.queue = append(w.fake.queue, platforms.Event{ID: "e-ada", Cursor: "1", Kind: platforms.MessageReceived, Time: time.Now(),
		Conversation: platforms.Conversation{ID: "1", Kind: platforms.Group, Title: "T"}, Message: "m-ada",
		From: platforms.User{ID: "U42", Name: "Ada", Handle: "@ada"}, Text: "hi"})
	w.fake.mu.Unlock()
	w.fake.poke()
	w.until("she is known", func() bool { l, _ := w.app.Timeline(t.Context(), "fake", "1", 0, 10); return len(l) == 1 })
	ask(t, "POST", made.URL, `{"content":"@ada @Ada @bob bob@ada.com @everyone"}`).receipt(t)
	w.until("it is sent", func() bool { return len(w.fake.texts()) > 0 })
	got := w.fake.texts()[0]
	if strings.Count(got, "(mention:U42)") != 1 || strings.Contains(got, "@everyone") {
		t.Errorf("%q", got)
	}
}

// TestHookIntoTheOnlyOne: where an account has one conversation, there is no hook
// for another.
func TestHookIntoTheOnlyOne(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *platforms.Platform) { p.Only = "chat" }
	w.start()
	w.add()
	w.serveHooks()
	if _, err := w.app.AddHook(w.person(), api.HookDraft{Account: "fake", Conversation: "other", Name: "x"}); err == nil || !strings.Contains(err.Error(), `"chat"`) {
		t.Errorf("%v", err)
	}
	w.hook(api.HookDraft{Conversation: "chat"})
}

// TestHooksOfARevokedClient: whoever got an address from a client posts by it no
// longer, and what persons made goes on.
func TestHooksOfARevokedClient(t *testing.T) {
	w := hookWorld(t)
	own := w.hook(api.HookDraft{Name: "Own"})
	c, err := w.app.AddClient(w.person(), api.ClientDraft{Name: "ci", Scopes: []clients.Scope{{Do: clients.Hooks}}})
	if err != nil {
		t.Fatal(err)
	}
	made := w.hook(api.HookDraft{Name: "Theirs", By: c.Client.ID})
	ask(t, "POST", made.URL, `{"content":"x"}`).receipt(t)
	if err := w.app.RevokeClient(w.person(), c.Client.ID); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, "POST", made.URL, `{"content":"y"}`); a.status != 404 {
		t.Errorf("%+v", a)
	}
	if a := ask(t, "PATCH", made.URL, `{"active":true}`); a.status != 404 {
		t.Errorf("%+v", a)
	}
	ask(t, "POST", own.URL, `{"content":"z"}`).receipt(t)
	for _, h := range w.app.Hooks().Hooks {
		if h.On != (h.ID == own.Hook.ID) {
			t.Errorf("%+v", h)
		}
	}
}
