package mattermost_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/mattermost"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
	"github.com/postern/postern/platforms/platformtest"
)

// TestForgedCommands tries what somebody could who reaches the address.
func TestForgedCommands(t *testing.T) {
	w := newCommandWorld(t, "ask")
	conn := w.connect(t)
	must(t, fix(t, conn, "command"))
	const stranger, secluded = "eve00000000000000000000001", "cave0000000000000000000001"
	w.s.AddUser(mattermosttest.User{ID: stranger, Username: "eve"})
	w.s.Leave(mattermosttest.Town, stranger)
	w.s.AddChannel(mattermosttest.Channel{ID: secluded, TeamID: mattermosttest.Team, Type: "P", Name: "cave"})
	w.s.Leave(secluded, mattermosttest.Bot)
	const far = "far00000000000000000000001"
	w.s.AddChannel(mattermosttest.Channel{ID: far, TeamID: "team0000000000000000000009", Type: "O", Name: "far"})
	rec := &platformtest.Recorder{}
	end := start(t, conn, rec)
	defer end()
	w.wait(t, 2)
	at := w.s.Commands()[0]
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	post := func(t *testing.T, change func(h http.Header, f url.Values), edit func(r *http.Request)) int {
		t.Helper()
		c, form, err := w.s.CommandForm(mattermosttest.Person, mattermosttest.Town, "/ask why")
		must(t, err)
		h := http.Header{"Authorization": {"Token " + c.Token}, "Content-Type": {"application/x-www-form-urlencoded"}}
		change(h, form)
		r, err := http.NewRequest(http.MethodPost, at.URL, strings.NewReader(form.Encode()))
		must(t, err)
		r.Header = h
		if edit != nil {
			edit(r)
		}
		resp, err := (&http.Client{Transport: transport}).Do(r)
		must(t, err)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	wrong := strings.Repeat("a", 26)
	for name, c := range map[string]struct {
		change func(h http.Header, f url.Values)
		edit   func(r *http.Request)
		want   int
	}{
		"no header":      {func(h http.Header, _ url.Values) { h.Del("Authorization") }, nil, 404},
		"wrong header":   {func(h http.Header, _ url.Values) { h.Set("Authorization", "Token "+wrong) }, nil, 404},
		"empty header":   {func(h http.Header, _ url.Values) { h.Set("Authorization", "Token ") }, nil, 404},
		"another scheme": {func(h http.Header, _ url.Values) { h.Set("Authorization", "Bearer "+at.Token) }, nil, 404},
		"two headers":    {func(h http.Header, _ url.Values) { h.Add("Authorization", "Token "+wrong) }, nil, 404},
		"two headers, first bad": {func(h http.Header, _ url.Values) {
			h["Authorization"] = []string{"Token " + wrong, "Token " + at.Token}
		}, nil, 404},
		"wrong token in form":  {func(_ http.Header, f url.Values) { f.Set("token", wrong) }, nil, 404},
		"no token in form":     {func(_ http.Header, f url.Values) { f.Del("token") }, nil, 404},
		"two tokens in form":   {func(_ http.Header, f url.Values) { f.Add("token", wrong) }, nil, 404},
		"both wrong":           {func(h http.Header, f url.Values) { h.Set("Authorization", "Token "+wrong); f.Set("token", wrong) }, nil, 404},
		"another team":         {func(_ http.Header, f url.Values) { f.Set("team_id", "team0000000000000000000009") }, nil, 404},
		"another command":      {func(_ http.Header, f url.Values) { f.Set("command", "/tell") }, nil, 404},
		"two users":            {func(_ http.Header, f url.Values) { f.Add("user_id", mattermosttest.Bot) }, nil, 404},
		"a path for a user":    {func(_ http.Header, f url.Values) { f.Set("user_id", "../../users/me") }, nil, 404},
		"a path for a channel": {func(_ http.Header, f url.Values) { f.Set("channel_id", "x/../y") }, nil, 404},
		"JSON":                 {func(h http.Header, _ url.Values) { h.Set("Content-Type", "application/json") }, nil, 404},
		"no type":              {func(h http.Header, _ url.Values) { h.Del("Content-Type") }, nil, 404},
		"a query":              {func(http.Header, url.Values) {}, func(r *http.Request) { r.URL.RawQuery = "token=" + at.Token }, 404},
		"GET":                  {func(http.Header, url.Values) {}, func(r *http.Request) { r.Method = http.MethodGet }, 404},
		"too large":            {func(_ http.Header, f url.Values) { f.Set("more", strings.Repeat("x", mattermost.SlashMost)) }, nil, 404},
		"too long a text":      {func(_ http.Header, f url.Values) { f.Set("text", strings.Repeat("x", 16384)) }, nil, 404},
		"too long an id": {func(_ http.Header, f url.Values) {
			f.Set("trigger_id", strings.Repeat("x", mattermost.TriggerIDMost+1))
		}, nil, 404},
		"no id":                    {func(_ http.Header, f url.Values) { f.Set("trigger_id", "") }, nil, 404},
		"no text at all":           {func(_ http.Header, f url.Values) { f.Del("text") }, nil, 404},
		"the bot":                  {func(_ http.Header, f url.Values) { f.Set("user_id", mattermosttest.Bot) }, nil, 403},
		"nobody":                   {func(_ http.Header, f url.Values) { f.Set("user_id", "nobody0000000000000000001") }, nil, 403},
		"who is not there":         {func(_ http.Header, f url.Values) { f.Set("user_id", stranger) }, nil, 403},
		"a channel of another":     {func(_ http.Header, f url.Values) { f.Set("channel_id", far) }, nil, 403},
		"where the bot is not":     {func(_ http.Header, f url.Values) { f.Set("channel_id", secluded) }, nil, 200},
		"a channel that is no one": {func(_ http.Header, f url.Values) { f.Set("channel_id", "nowhere0000000000000000001") }, nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			if got := post(t, c.change, c.edit); got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
		})
	}
	if n := len(rec.Events()); n > 0 {
		t.Fatalf("%d events: %+v", n, rec.Events())
	}
	t.Run("the real one, once", func(t *testing.T) {
		for range 3 {
			if got := post(t, func(_ http.Header, f url.Values) { f.Set("trigger_id", "the-same==") }, nil); got != 200 {
				t.Errorf("status %d", got)
			}
		}
		if calls := rec.Calls(); len(rec.Events()) != 1 || len(rec.Twice()) != 0 {
			t.Errorf("%+v", calls)
		}
	})
}

// TestCommandToken renews the token at the server: what comes with the new one
// is refused until it has been looked up, and taken after that.
func TestCommandToken(t *testing.T) {
	w := newCommandWorld(t, "ask")
	must(t, fix(t, w.connect(t), "command"))
	conn := w.connect(t) // which has been told nothing
	rec := &platformtest.Recorder{}
	end := start(t, conn, rec)
	defer end()
	w.wait(t, 2)
	old, form, err := w.s.CommandForm(mattermosttest.Person, mattermosttest.Town, "/ask with the old one")
	must(t, err)
	w.s.RenewCommandTokens()
	for end := time.Now().Add(10 * time.Second); ; {
		got, err := w.s.Execute(t.Context(), mattermosttest.Person, mattermosttest.Town, "/ask with the new one")
		must(t, err)
		if got.Status == 200 {
			break
		}
		if got.Status != 404 || time.Now().After(end) {
			t.Fatalf("%+v", got)
		}
	}
	if got, err := mattermosttest.Call(t.Context(), old, form); err != nil || got.Status != 404 {
		t.Errorf("the old token is answered with %+v, %v", got, err)
	}
	if evs := rec.Wait(t, 1); len(evs) != 1 || evs[0].Text != "with the new one" {
		t.Errorf("%+v", evs)
	}
}

// TestRenewedTokenEnds renews the token, because it leaked: it ends here too,
// though nobody executes the command.
func TestRenewedTokenEnds(t *testing.T) {
	w := newCommandWorld(t, "ask")
	must(t, fix(t, w.connect(t), "command"))
	conn := w.connect(t)
	mattermost.Look(conn, time.Millisecond, 2*time.Millisecond)
	rec := &platformtest.Recorder{}
	end := start(t, conn, rec)
	defer end()
	w.wait(t, 2)
	old, form, err := w.s.CommandForm(mattermosttest.Person, mattermosttest.Town, "/ask with the old one")
	must(t, err)
	w.s.RenewCommandTokens()
	seen := w.s.Calls("GET commands")
	must(t, w.s.WaitCalls(soon(t), "GET commands", seen+3)) // one answer after the renewal has been taken
	if got, err := mattermosttest.Call(t.Context(), old, form); err != nil || got.Status != 404 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestCommandIsNotLostNorDoubled has the store refuse: the server is told, and
// the same command may come again.
func TestCommandIsNotLostNorDoubled(t *testing.T) {
	w := newCommandWorld(t, "ask")
	conn := w.connect(t)
	must(t, fix(t, conn, "command"))
	c, form, err := w.s.CommandForm(mattermosttest.Person, mattermosttest.Town, "/ask why")
	must(t, err)
	rec := &platformtest.Recorder{}
	end := start(t, conn, rec)
	w.wait(t, 2)
	rec.WaitCursor(t)
	rec.FailOn(1, nil)
	if got, err := mattermosttest.Call(t.Context(), c, form); err != nil || got.Status != 503 {
		t.Errorf("%+v, %v", got, err)
	}
	end()
	if w.in.Open() != 0 {
		t.Error("a route is open after Run")
	}
	rec = &platformtest.Recorder{}
	end = start(t, conn, rec)
	defer end()
	w.wait(t, 2)
	for range 2 {
		if got, err := mattermosttest.Call(t.Context(), c, form); err != nil || got.Status != 200 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if evs := rec.Wait(t, 1); len(evs) != 1 || len(rec.Twice()) != 0 {
		t.Errorf("%+v", evs)
	}
}

// TestCommandClosed opens nothing without a token to hold requests against.
func TestCommandClosed(t *testing.T) {
	w := newCommandWorld(t, "ask")
	conn := w.connect(t)
	public, err := w.in.Address("/")
	must(t, err)
	// Of another creator, or leading elsewhere: those tokens prove nothing.
	w.s.SetCommandRights(mattermosttest.OthersCommands)
	w.s.AddCommand(mattermosttest.Command{CreatorID: mattermosttest.Bot, TeamID: mattermosttest.Team, Trigger: "ask", Method: "P", URL: public + "elsewhere"})
	told := make(chan string, 100)
	w.in.On(func(address string) { told <- address }, func() { w.opened <- struct{}{} })
	ctx, cancel := context.WithCancel(t.Context())
	rec := &platformtest.Recorder{}
	done := make(chan error, 1)
	go func() { done <- conn.Run(ctx, "", rec) }()
	w.wait(t, 1)
	must(t, w.s.WaitCalls(soon(t), "GET commands", 1))
	addresses := map[string]bool{}
	for range len(told) {
		addresses[<-told] = true
	}
	if len(addresses) != 2 {
		t.Errorf("%d addresses were asked for, want both before anybody agrees", len(addresses))
	}
	mattermost.LookAgain(conn) // once it asks again, it has decided about the first answer
	must(t, w.s.WaitCalls(soon(t), "GET commands", 2))
	if p := problem(t, conn, "command"); p.Fix != "Update /ask" {
		t.Errorf("%+v", p)
	}
	if n := w.in.Open(); n != 1 {
		t.Errorf("%d routes are open, want the buttons' only", n)
	}
	cancel()
	<-done
}

func FuzzCommandForm(f *testing.F) {
	good := "token=aaaaaaaaaaaaaaaaaaaaaaaaaa&team_id=t&channel_id=c&user_id=u&command=%2Fask&text=why&trigger_id=x%3D%3D&response_url=http%3A%2F%2Fx"
	for _, seed := range []string{good, good + "&text=2", strings.Replace(good, "user_id=u", "user_id=..%2F", 1), strings.Replace(good, "why", "%ff", 1),
		strings.Replace(good, "why", "%F0%9F%98%80", 1), good + "&user_mentions=a&user_mentions=b", "", "&&&", "text=%", strings.Replace(good, "&text", ";text", 1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		team, channel, user, id, text, err := mattermost.ParseSlash(body, "ask")
		if err != nil {
			if !errors.Is(err, platforms.ErrMalformed) || team != "" {
				t.Errorf("%q, %v", team, err)
			}
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Fatal(err)
		}
		for key, got := range map[string]string{"team_id": team, "channel_id": channel, "user_id": user, "trigger_id": id} {
			if len(form[key]) != 1 || form.Get(key) != got || got == "" || strings.ContainsAny(got, " \n\x00") || key != "trigger_id" && strings.ContainsAny(got, "/.?#%") {
				t.Errorf("%s is %q of %q", key, got, form[key])
			}
		}
		if form.Get("command") != "/ask" || strings.TrimSpace(form.Get("text")) != text {
			t.Errorf("%q of %q", text, form)
		}
	})
}
