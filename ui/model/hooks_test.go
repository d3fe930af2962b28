package model

import (
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

var hookNow = time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)

func TestHookNames(t *testing.T) {
	for name, want := range map[string]struct {
		length, fault string
	}{
		"":                              {"0 of 64 characters", "The name is missing. Choose one."},
		"  ":                            {"0 of 64 characters", "The name is missing. Choose one."},
		" Zoë ":                         {"3 of 64 characters", ""},
		strings.Repeat("語", 64):         {"64 of 64 characters", ""},
		strings.Repeat("語", 64) + "x":   {"65 of 64 characters", "The name is longer than 64 characters. Shorten it."},
		strings.Repeat("a", 64) + "   ": {"64 of 64 characters", ""},
	} {
		t.Run(name, func(t *testing.T) {
			words, fits := NameLength(name)
			if words != want.length || fits != !strings.Contains(want.fault, "longer") || NameFault(name) != want.fault {
				t.Errorf("%q %v %q", words, fits, NameFault(name))
			}
		})
	}
	if got := HookName(api.Hook{Name: "a\u202eb\nc" + strings.Repeat("x", 100)}); strings.ContainsAny(got, "\u202e\n") || len([]rune(got)) > mostHookName {
		t.Errorf("%q", got)
	}
}

func TestHookWords(t *testing.T) {
	used := api.Hook{On: true, Created: hookNow.Add(-48 * time.Hour), LastUsed: hookNow.Add(-3 * time.Minute), Count: 2140}
	for name, c := range map[string]struct {
		change       func(*api.Hook)
		state, times string
	}{
		"in use":   {func(*api.Hook) {}, "Takes posts", "last used 3 min ago · 2,140 posts · made 2 days ago · no end"},
		"once":     {func(h *api.Hook) { h.Count = 1 }, "Takes posts", "last used 3 min ago · 1 post · made 2 days ago · no end"},
		"never":    {func(h *api.Hook) { h.LastUsed, h.Count = time.Time{}, 0 }, "Takes posts", "never used · made 2 days ago · no end"},
		"off":      {func(h *api.Hook) { h.On = false }, "Switched off: posts are refused", "last used 3 min ago · 2,140 posts · made 2 days ago · no end"},
		"ends":     {func(h *api.Hook) { h.Expires = hookNow.Add(time.Hour) }, "Takes posts", "last used 3 min ago · 2,140 posts · made 2 days ago · ends 15:00"},
		"over now": {func(h *api.Hook) { h.Expires = hookNow }, "Its time is over: posts are refused", "last used 3 min ago · 2,140 posts · made 2 days ago · ended 14:00"},
		"trouble":  {func(h *api.Hook) { h.Problem = "The account is gone." }, "Posts are refused", "last used 3 min ago · 2,140 posts · made 2 days ago · no end"},
		"limit": {func(h *api.Hook) { h.Limit = platforms.Rate{N: 5, Per: time.Hour, Burst: 1} }, "Takes posts",
			"last used 3 min ago · 2,140 posts · made 2 days ago · no end · at most 5 posts an hour"},
		"odd limit": {func(h *api.Hook) { h.Limit = platforms.Rate{N: 1, Per: 90 * time.Second, Burst: 1} }, "Takes posts",
			"last used 3 min ago · 2,140 posts · made 2 days ago · no end · at most 1 post in 1m30s"},
	} {
		t.Run(name, func(t *testing.T) {
			h := used
			c.change(&h)
			if got := HookState(h, hookNow).Words; got != c.state {
				t.Errorf("state %q", got)
			}
			if got := HookTimes(h, hookNow); got != c.times {
				t.Errorf("times %q", got)
			}
		})
	}
	if got := HookRotating(api.Hook{Rotating: hookNow}, hookNow); got != "" {
		t.Errorf("over, but %q", got)
	}
	if got := HookRotating(api.Hook{Rotating: hookNow.Add(5 * time.Minute)}, hookNow); !strings.Contains(got, "still counts, for 5 min") {
		t.Errorf("%q", got)
	}
	for _, want := range []string{"stops at once", "last used 3 min ago"} {
		if got := HookStops(used, hookNow); !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}

func TestCurlLine(t *testing.T) {
	const address = "http://127.0.0.1:47820/api/webhooks/execute/abc"
	if got, want := CurlLine(address, `{"content": "Hello"}`), `curl -H "Content-Type: application/json" -d "{\"content\": \"Hello\"}" `+address; got != want {
		t.Errorf("%s", got)
	}
	if got := CurlLine("http://[::1]:47820/api/webhooks/execute/abc", "{}"); got == "" {
		t.Error("no line for a version 6 address")
	}
	for _, bad := range []string{"", "http://h/$(id)", "http://h/a b", "http://h/a;id", "http://h/`id`", "http://h/'", `http://h/"`, "http://h/a\nid", "http://h/a&b"} {
		if got := CurlLine(bad, "{}"); got != "" {
			t.Errorf("%q gives %s", bad, got)
		}
	}
	for _, bad := range []string{"$x", "`id`", "%PATH%", "a\nb", `\`} {
		if got := CurlLine(address, bad); got != "" {
			t.Errorf("body %q gives %s", bad, got)
		}
	}
}

func TestFormAddress(t *testing.T) {
	for _, c := range []struct{ address, suffix, want string }{
		{"http://h/t", "/blocks", "http://h/t/blocks"}, {"http://h/t/", "blocks", "http://h/t/blocks"}, {"http://h/t", "", ""}, {"", "blocks", ""},
	} {
		if got := FormAddress(c.address, api.HookForm{Suffix: c.suffix}); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestHookListening(t *testing.T) {
	open := api.Hooks{Bind: "127.0.0.1:47820", Address: "http://127.0.0.1:47820", Open: true}
	words, badge := HookListening(open)
	if words != "Programs on this computer post to http://127.0.0.1:47820." || badge != Badge(exposure.Local) {
		t.Errorf("%q %+v", words, badge)
	}
	open.Open, open.Why = false, "Another program has port 47820. Choose another one."
	words, badge = HookListening(open)
	if !strings.HasPrefix(words, open.Why) || !badge.Outline || badge.Words == Badge(exposure.Local).Words {
		t.Errorf("%q %+v", words, badge)
	}
	open.Why = ""
	if words, _ = HookListening(open); !strings.HasPrefix(words, "Nothing listens before there is a hook.") {
		t.Errorf("%q", words)
	}
}

func TestByWebhook(t *testing.T) {
	hook, dials := api.Account{Inbound: platforms.Webhook}, api.Account{Exposure: exposure.Outbound}
	callback := func(l exposure.Level) api.Account { return api.Account{Inbound: platforms.Callback, Exposure: l} }
	click := api.Entry{Click: &platforms.Click{}}
	for name, c := range map[string]struct {
		e    api.Entry
		a    api.Account
		want bool
	}{
		"by a hook":               {api.Entry{Hook: "ci", Outgoing: true}, dials, true},
		"to a webhook's account":  {api.Entry{}, hook, true},
		"what we send there":      {api.Entry{Outgoing: true}, hook, false},
		"over a socket":           {api.Entry{}, dials, false},
		"a callback's message":    {api.Entry{}, callback(exposure.Public), false},
		"a public click":          {click, callback(exposure.Public), true},
		"a relayed click":         {click, callback(exposure.Relayed), true},
		"a click on your network": {click, callback(exposure.Private), false},
	} {
		if got := ByWebhook(c.e, c.a); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPostedBy(t *testing.T) {
	who, via := PostedBy(api.Entry{Hook: "ci\n", Poster: "Runner\u202e 4"})
	if who != "Runner 4" || via != "via hook ci" {
		t.Errorf("%q %q", who, via)
	}
	if who, _ = PostedBy(api.Entry{Hook: "ci"}); who != "ci" {
		t.Errorf("%q", who)
	}
	if who, via = PostedBy(api.Entry{Poster: "nobody"}); who+via != "" {
		t.Errorf("%q %q", who, via)
	}
}

func TestReplayWords(t *testing.T) {
	e := api.Entry{Replay: 104}
	if got := ReplayWords(api.Entry{}, nil); got != "" {
		t.Errorf("%q", got)
	}
	if got := ReplayWords(api.Entry{ReplayRequest: 7}, nil); got != "replay of request 7" {
		t.Errorf("%q", got)
	}
	if got := ReplayWords(e, nil); got != "replay of entry 104" {
		t.Errorf("%q", got)
	}
	if got := ReplayWords(e, &api.Entry{}); got != "replay of entry 104" {
		t.Errorf("%q", got)
	}
	if got := ReplayWords(e, &api.Entry{Text: "are you\nhome? " + strings.Repeat("x", 100)}); !strings.HasPrefix(got, "replay of “are you home? ") || len([]rune(got)) > 60 {
		t.Errorf("%q", got)
	}
}
