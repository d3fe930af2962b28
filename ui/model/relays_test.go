package model

import (
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
)

func TestRelayStatus(t *testing.T) {
	since := hookNow.Add(-5 * time.Hour)
	for name, c := range map[string]struct {
		r     api.Relay
		state State
		words string
	}{
		"connected": {api.Relay{Status: api.Connected, Since: since}, Good, "Connected since 09:00"},
		"lost":      {api.Relay{Status: api.TransientDisconnect, Since: since, RetryAt: hookNow.Add(12 * time.Second)}, Stale, "Connection lost, trying again in 12 s"},
		"refused":   {api.Relay{Status: api.BadCredentials}, Bad, "Credentials refused"},
		"slow":      {api.Relay{Status: api.RateLimited, RetryAt: hookNow.Add(12 * time.Second)}, Stale, "Asked to slow down, next try in 12 s"},
		"begins":    {api.Relay{Status: api.Connecting}, Unknown, "Connecting"},
		"paused":    {api.Relay{Status: api.Connected, Paused: true}, Off, "Paused: requests are not fetched"},
		"unknown":   {api.Relay{Status: "tomorrow's"}, Unknown, "Unknown state"},
		"past":      {api.Relay{Status: api.TransientDisconnect, RetryAt: since}, Stale, "Connection lost, trying again"},
	} {
		if v := RelayStatus(c.r, hookNow); v.State != c.state || v.Words != c.words || v.Symbol != c.state.Symbol() {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestRelayWords(t *testing.T) {
	if got := RelayTraffic(0, 0, time.Time{}, hookNow); got != "nothing has come yet" {
		t.Errorf("%q", got)
	}
	if got := RelayTraffic(1412, 3, hookNow.Add(-2*time.Minute), hookNow); got != "1,412 taken · 3 refused · last 2 min ago" {
		t.Errorf("%q", got)
	}
	if got := ChannelWords(api.RelayChannel{Channel: "orders\n", Path: "/a\u202e1"}, "Webhook ci"); got != "orders leads to Webhook ci /a1" {
		t.Errorf("%q", got)
	}
	if got := ChannelWords(api.RelayChannel{}, "Webhook ci"); got != "Leads to Webhook ci" {
		t.Errorf("%q", got)
	}
	for _, c := range []struct {
		r    api.Relay
		want string
	}{{api.Relay{Kind: "k", Title: "Kind", Name: " mine\n"}, "mine"}, {api.Relay{Kind: "k", Title: "Kind"}, "Kind"}, {api.Relay{Kind: "k"}, "k"}, {api.Relay{}, "a relay"}} {
		if got := RelayName(c.r); got != c.want {
			t.Errorf("%q", got)
		}
	}
	if got := RelayStops(api.Relay{Channels: []api.RelayChannel{{Account: "a"}, {Account: "b"}}}, func(c api.RelayChannel) string { return string(c.Account) }); !strings.HasSuffix(got, "Nothing reaches a and b by it any more.") {
		t.Errorf("%q", got)
	}
}

func TestGapWords(t *testing.T) {
	g := api.RelayGap{At: hookNow, Since: hookNow.Add(-time.Hour), Text: "14 were\ndropped."}
	if got := GapWords(g, hookNow); got != "13:00 to 14:00: 14 were dropped." {
		t.Errorf("%q", got)
	}
	if got := GapWords(api.RelayGap{At: hookNow, Since: hookNow, Certain: true}, hookNow); got != "14:00: Requests are missing." {
		t.Errorf("%q", got)
	}
	if got := GapWords(api.RelayGap{At: hookNow}, hookNow); got != "14:00: Requests may be missing." {
		t.Errorf("%q", got)
	}
	if got := GapsWords([]api.RelayGap{{}, {Certain: true}}); got != "2 gaps: requests are missing" {
		t.Errorf("%q", got)
	}
	if got := GapsWords([]api.RelayGap{{}}); got != "1 gap: requests may be missing" {
		t.Errorf("%q", got)
	}
}

func TestExactWords(t *testing.T) {
	if got := ExactWords(api.RelayKind{Exact: true, Warning: "x"}); !strings.Contains(got, "byte for byte") {
		t.Errorf("%q", got)
	}
	if got := ExactWords(api.RelayKind{Warning: "It writes JSON anew."}); got != "It writes JSON anew." {
		t.Errorf("%q", got)
	}
	if got := ExactWords(api.RelayKind{}); !strings.Contains(got, "may not verify") {
		t.Errorf("%q", got)
	}
}
