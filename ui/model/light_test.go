package model

import (
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
)

var now = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

func TestLight(t *testing.T) {
	for name, c := range map[string]struct {
		light  api.Light
		status api.Status
		state  State
		words  string
	}{
		"never proven":             {api.Light{}, api.Connected, Unknown, "not proven yet"},
		"proven":                   {api.Light{Proven: ago(12 * time.Second)}, api.Connected, Good, "proven 12 s ago"},
		"proven before a failure":  {api.Light{Proven: ago(time.Hour), Failed: ago(3 * time.Minute)}, api.Connected, Bad, "failed 3 min ago"},
		"failure with a note":      {api.Light{Failed: ago(3 * time.Minute), Note: "HTTP 502\x1b[31m\n from far"}, api.Connected, Bad, "failed 3 min ago: HTTP 502 [31m from far"},
		"proven after a failure":   {api.Light{Proven: ago(time.Second), Failed: ago(time.Minute)}, api.Connected, Good, "proven just now"},
		"proven, now disconnected": {api.Light{Proven: ago(9 * time.Second)}, api.TransientDisconnect, Stale, "proven 9 s ago"},
		"proven, now paused":       {api.Light{Proven: ago(9 * time.Second)}, api.Paused, Stale, "proven 9 s ago"},
		"proven, now degraded":     {api.Light{Proven: ago(9 * time.Second)}, api.Degraded, Good, "proven 9 s ago"},
		"old proof of a send":      {api.Light{Proven: ago(72 * time.Hour)}, api.Connected, Good, "proven 3 days ago"},
		"failed and off":           {api.Light{Failed: ago(time.Minute)}, api.Blocked, Bad, "failed 1 min ago"},
	} {
		t.Run(name, func(t *testing.T) {
			v := Light(c.light, c.status, now)
			if v.State != c.state || v.Words != c.words || v.Symbol != c.state.Symbol() {
				t.Errorf("got %+v, want state %d %q", v, c.state, c.words)
			}
		})
	}
}

func TestHearsFades(t *testing.T) {
	a := api.Account{Status: api.Connected}
	for age, want := range map[time.Duration]State{
		0:                          Good,
		HearsFor:                   Good,
		HearsFor + time.Nanosecond: Stale,
		time.Hour:                  Stale,
	} {
		a.Hears.Proven = ago(age)
		if got := Hears(a, now).State; got != want {
			t.Errorf("proven %v ago: state %d, want %d", age, got, want)
		}
	}
}

func TestStateSymbolsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []State{Unknown, Good, Stale, Bad, Off} {
		if seen[s.Symbol()] {
			t.Errorf("%q stands for two states", s.Symbol())
		}
		seen[s.Symbol()] = true
	}
}

func TestStatus(t *testing.T) {
	fresh := api.Light{Proven: ago(12 * time.Second)}
	for name, c := range map[string]struct {
		account api.Account
		state   State
		words   string
		line    string
	}{
		"well": {
			api.Account{Status: api.Connected, Hears: fresh}, Good, "Connected",
			"● Telegram  @mybot   ↗ hears 12 s ago",
		},
		"connected alone": {
			api.Account{Status: api.Connected}, Unknown, "Connected, not proven yet",
			"◌ Telegram  @mybot   ↗ connected, not proven yet",
		},
		"connected and deaf": {
			api.Account{Status: api.Connected, Hears: api.Light{Proven: ago(5 * time.Minute)}}, Stale,
			"Connected, but last heard 5 min ago",
			"◔ Telegram  @mybot   ↗ last heard 5 min ago",
		},
		"connected, hearing fails": {
			api.Account{Status: api.Connected, Hears: api.Light{Failed: ago(2 * time.Minute)}}, Bad,
			"Connected, but hearing failed 2 min ago",
			"✕ Telegram  @mybot   ↗ does not hear, failed 2 min ago",
		},
		"refused": {
			api.Account{Status: api.Connected, Hears: fresh, Exposure: exposure.Refused}, Unknown,
			"Refused: needs acknowledgement",
			"◌ Telegram  @mybot   ○ refused: needs acknowledgement",
		},
		"paused": {
			api.Account{Status: api.Connected, Paused: true, Hears: fresh}, Off, "Paused",
			"‖ Telegram  @mybot   ↗ paused",
		},
		"connecting": {
			api.Account{Status: api.Connecting, Hears: fresh}, Unknown, "Connecting",
			"◌ Telegram  @mybot   ↗ connecting",
		},
		"lost": {
			api.Account{Status: api.TransientDisconnect, Hears: fresh}, Stale, "Connection lost, trying again",
			"◔ Telegram  @mybot   ↗ connection lost, trying again",
		},
		"bad credentials": {
			api.Account{Status: api.BadCredentials, Hears: fresh}, Bad, "Credentials refused",
			"✕ Telegram  @mybot   ↗ credentials refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.account
			a.Title, a.Handle = "Telegram", "@mybot"
			if a.Exposure == "" {
				a.Exposure = exposure.Outbound
			}
			st := Status(a, now)
			if st.State != c.state || st.Words != c.words || st.Symbol != c.state.Symbol() {
				t.Errorf("got %+v, want state %d %q", st, c.state, c.words)
			}
			if got := AccountLine(a, now); got != c.line {
				t.Errorf("line %q, want %q", got, c.line)
			}
		})
	}
}

func TestEveryStatusHasWords(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []api.Status{
		api.Connecting, api.Connected, api.Degraded, api.TransientDisconnect, api.BadCredentials,
		api.Conflict, api.RateLimited, api.Blocked, api.Paused, "NEW",
	} {
		w := StatusWords(s)
		if seen[w] || w == "" {
			t.Errorf("%s: %q is empty or used twice", s, w)
		}
		seen[w] = true
	}
}

func TestLabel(t *testing.T) {
	for name, c := range map[string]struct {
		account api.Account
		want    string
	}{
		"handle first":      {api.Account{Title: "Telegram", Name: "home", Handle: "@mybot"}, "Telegram  @mybot"},
		"the person's name": {api.Account{Title: "Mattermost", Name: "home"}, "Mattermost  home"},
		"no name":           {api.Account{Platform: "line"}, "line"},
		"hostile":           {api.Account{Title: "Telegram", Name: "a\n\u202eb"}, "Telegram  a b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Label(c.account); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestOnlySpeaks: where nothing ever comes in, that is no fault, and what is sent
// decides how the account is.
func TestOnlySpeaks(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	hour := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		speaks   api.Light
		state    State
		words    string
		line     string
		troubled bool
	}{
		"nothing sent yet": {api.Light{}, Unknown, "Connected, not proven yet", "only speaks, not proven yet", false},
		"an hour ago":      {api.Light{Proven: hour}, Good, "Connected", "only speaks, proven 1 h ago", false},
		"the last failed":  {api.Light{Proven: hour, Failed: now.Add(-time.Minute), Note: "Gone."}, Bad, "Connected, but sending failed 1 min ago: Gone.", "only speaks, failed 1 min ago: Gone.", true},
	} {
		a := api.Account{Status: api.Connected, Since: hour, Deaf: true, Speaks: c.speaks}
		if v := Hears(a, now); v.State != Off || v.Words != "only speaks" {
			t.Errorf("%s: it hears %+v", name, v)
		}
		if v := Answers(a, now); v.State != Off || v.Words != "nothing to answer" {
			t.Errorf("%s: it answers %+v", name, v)
		}
		if v := Status(a, now); v.State != c.state || v.Words != c.words {
			t.Errorf("%s: %+v, want %v %q", name, v, c.state, c.words)
		}
		if got := AccountLine(a, now); !strings.HasSuffix(got, " "+c.line) {
			t.Errorf("%s: %q, want %q", name, got, c.line)
		}
		if got := troubled(a, now); got != c.troubled {
			t.Errorf("%s: troubled %v", name, got)
		}
	}
}
