package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

func well(id, title, handle string) api.Account {
	return api.Account{
		ID: platforms.AccountID(id), Title: title, Handle: handle, Status: api.Connected,
		Exposure: exposure.Outbound, Since: ago(time.Hour), Hears: api.Light{Proven: ago(12 * time.Second)},
	}
}

func office() api.Snapshot {
	mm := well("mm", "Mattermost", "")
	mm.Name, mm.Exposure, mm.Hears.Proven = "home", exposure.Private, ago(3*time.Second)
	ln := well("ln", "LINE", "")
	ln.Name, ln.Exposure = "shop", exposure.Refused
	return api.Snapshot{
		Accounts: []api.Account{well("tg", "Telegram", "@mybot"), mm, ln},
		Exposure: api.Exposure{exposure.Outbound: 4, exposure.Private: 1, exposure.Refused: 1},
		Unread:   3,
	}
}

// draw writes a menu as text: one line an item, children indented, disabled
// ones in brackets.
func draw(items []Item) []string {
	var out []string
	for _, it := range items {
		switch {
		case it.Separator:
			out = append(out, "---")
			continue
		case it.Enabled:
			out = append(out, it.Label)
		default:
			out = append(out, "["+it.Label+"]")
		}
		for _, c := range draw(it.Children) {
			out = append(out, "  "+c)
		}
	}
	return out
}

func TestMenu(t *testing.T) {
	t.Run("the usual one", func(t *testing.T) {
		want := []string{
			"[Postern: 4 outbound · 1 private · 0 public · 1 refused]",
			"---",
			"● Telegram  @mybot   ↗ hears 12 s ago",
			"  [Connected]",
			"  Show account",
			"  Pause",
			"● Mattermost  home   ◐ hears just now",
			"  [Connected]",
			"  Show account",
			"  Pause",
			"◌ LINE  shop   ○ refused: needs acknowledgement",
			"  [Refused: needs acknowledgement]",
			"  Show account",
			"  Look at its listener…",
			"  Pause",
			"---",
			"Open inbox (3)",
			"Pause all",
			"Settings…",
			"Quit Postern",
		}
		if got := draw(Menu(office(), now)); !slices.Equal(got, want) {
			t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
	t.Run("no accounts", func(t *testing.T) {
		want := []string{
			"[Postern: no accounts yet]", "---", "Add an account…", "---",
			"Open inbox", "[Pause all]", "Settings…", "Quit Postern",
		}
		if got := draw(Menu(api.Snapshot{}, now)); !slices.Equal(got, want) {
			t.Errorf("got:\n%s", strings.Join(got, "\n"))
		}
	})
	t.Run("closing listeners is offered when one is open", func(t *testing.T) {
		s := office()
		if _, ok := find(Menu(s, now), "close"); ok {
			t.Error("offered with none open")
		}
		s.Exposure[exposure.Public] = 1
		it, ok := find(Menu(s, now), "close")
		if !ok || it.Do.Verb != CloseListeners {
			t.Errorf("not offered with one open: %+v", it)
		}
	})
	t.Run("everything paused", func(t *testing.T) {
		s := office()
		s.Program.Paused = true
		items := Menu(s, now)
		it, ok := find(items, "resume")
		if !ok || it.Do.Verb != Resume || it.Do.Account != "" || it.Label != "Resume all" {
			t.Errorf("no way to resume: %+v", it)
		}
		if _, ok := find(items, "account:tg:pause"); ok {
			t.Error("one account can be paused while all are")
		}
	})
	t.Run("one paused account resumes by itself", func(t *testing.T) {
		s := office()
		s.Accounts[0].Paused = true
		it, _ := find(Menu(s, now), "account:tg:resume")
		if it.Do != (Command{Verb: Resume, Account: "tg"}) {
			t.Errorf("got %+v", it)
		}
	})
	t.Run("a stopped account can be tried again, and tells why", func(t *testing.T) {
		s := office()
		s.Accounts[0].Status, s.Accounts[0].Note = api.BadCredentials, "Telegram refused the token (401).\nPaste the current one."
		items := Menu(s, now)
		if it, _ := find(items, "account:tg:resume"); it.Label != "Try again" {
			t.Errorf("got %+v", it)
		}
		if it, _ := find(items, "account:tg:note"); it.Label != "Telegram refused the token (401). Paste the current one." || it.Enabled {
			t.Errorf("got %+v", it)
		}
	})
	t.Run("what waits is counted", func(t *testing.T) {
		s := office()
		s.Held, s.Dead = 1, 2
		got := strings.Join(draw(Menu(s, now)), "\n")
		if !strings.Contains(got, "1 held message…\n2 messages could not be sent…\nPause all") {
			t.Errorf("got:\n%s", got)
		}
	})
	t.Run("a long list ends in a way to the rest", func(t *testing.T) {
		s := api.Snapshot{}
		for i := range 30 {
			s.Accounts = append(s.Accounts, well(fmt.Sprint(i), "T", fmt.Sprint(i)))
		}
		items := Menu(s, now)
		if it, ok := find(items, "more"); !ok || it.Label != "and 19 more…" {
			t.Errorf("got %+v", it)
		}
		if _, ok := find(items, "account:11"); ok {
			t.Error("more than the bound is shown")
		}
	})
	t.Run("ids are unique", func(t *testing.T) {
		s := office()
		s.Held, s.Dead, s.Exposure[exposure.Public] = 1, 1, 1
		seen := map[string]bool{}
		var walk func([]Item)
		walk = func(items []Item) {
			for _, it := range items {
				if it.ID == "" || seen[it.ID] {
					t.Errorf("id %q is empty or used twice", it.ID)
				}
				seen[it.ID] = true
				if it.Enabled && !it.Separator && len(it.Children) == 0 && it.Do.Verb == Nothing {
					t.Errorf("%q can be clicked and does nothing", it.ID)
				}
				walk(it.Children)
			}
		}
		walk(Menu(s, now))
	})
}

func find(items []Item, id string) (Item, bool) {
	for _, it := range items {
		if it.ID == id {
			return it, true
		}
		if c, ok := find(it.Children, id); ok {
			return c, true
		}
	}
	return Item{}, false
}

func TestIconOf(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*api.Snapshot)
		want   Icon
		why    string
	}{
		"well":        {func(s *api.Snapshot) {}, AllWell, ""},
		"no accounts": {func(s *api.Snapshot) { s.Accounts = nil }, AllWell, ""},
		"unread":      {func(s *api.Snapshot) { s.Unread = 9 }, AllWell, ""},
		"public": {
			func(s *api.Snapshot) { s.Exposure = api.Exposure{exposure.Public: 1} }, PublicOpen, "1 public listener open",
		},
		"public comes before attention and pause": {
			func(s *api.Snapshot) {
				s.Exposure, s.Dead, s.Program.Paused = api.Exposure{exposure.Public: 2}, 1, true
			}, PublicOpen, "2 public listeners open",
		},
		"attention comes before pause": {
			func(s *api.Snapshot) { s.Dead, s.Program.Paused = 1, true }, Attention, "1 message could not be sent",
		},
		"all paused":          {func(s *api.Snapshot) { s.Program.Paused = true }, Paused, "Everything is paused"},
		"each account paused": {func(s *api.Snapshot) { s.Accounts[0].Paused = true; s.Accounts[1].Status = api.Paused }, Paused, "Everything is paused"},
		"one account paused":  {func(s *api.Snapshot) { s.Accounts[0].Paused = true }, AllWell, ""},
		"a paused account is not wrong": {
			func(s *api.Snapshot) { s.Accounts[0].Paused, s.Accounts[0].Status = true, api.BadCredentials }, AllWell, "",
		},
		"bad credentials": {
			func(s *api.Snapshot) { s.Accounts[0].Status = api.BadCredentials }, Attention, "Telegram @a: credentials refused",
		},
		"deaf": {
			func(s *api.Snapshot) { s.Accounts[0].Hears.Proven = ago(4 * time.Minute) }, Attention,
			"Telegram @a: connected, but last heard 4 min ago",
		},
		"not proven for long": {
			func(s *api.Snapshot) { s.Accounts[0].Hears = api.Light{} }, Attention, "Telegram @a: connected, not proven yet",
		},
		"not proven, but new": {
			func(s *api.Snapshot) { s.Accounts[0].Hears = api.Light{}; s.Accounts[0].Since = ago(time.Minute) }, AllWell, "",
		},
		"lost a moment ago": {
			func(s *api.Snapshot) {
				s.Accounts[0].Status, s.Accounts[0].Since = api.TransientDisconnect, ago(time.Minute)
			}, AllWell, "",
		},
		"lost for long": {
			func(s *api.Snapshot) { s.Accounts[0].Status = api.TransientDisconnect }, Attention, "Telegram @a: connection lost, trying again",
		},
		"responder fails": {
			func(s *api.Snapshot) { s.Accounts[1].Answers = api.Light{Failed: ago(time.Minute), Note: "exit 1"} }, Attention,
			"Telegram @b: answering failed 1 min ago: exit 1",
		},
		"bad problem": {
			func(s *api.Snapshot) {
				s.Accounts[0].Problems = []platforms.Problem{{Text: "Minor."}, {Text: "Privacy mode is on.", Bad: true}}
			}, Attention, "Telegram @a: privacy mode is on.",
		},
		"minor problem": {
			func(s *api.Snapshot) { s.Accounts[0].Problems = []platforms.Problem{{Text: "Minor."}} }, AllWell, "",
		},
		"refused": {
			func(s *api.Snapshot) { s.Accounts[0].Exposure = exposure.Refused }, Attention, "Telegram @a: refused: needs acknowledgement",
		},
		"held":        {func(s *api.Snapshot) { s.Held = 2 }, Attention, "2 held messages wait for you"},
		"bad notice":  {func(s *api.Snapshot) { s.Notices = []api.Notice{{Text: "Disk full.", Bad: true}} }, Attention, "Disk full."},
		"mild notice": {func(s *api.Snapshot) { s.Notices = []api.Notice{{Text: "News."}} }, AllWell, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := api.Snapshot{Accounts: []api.Account{well("a", "Telegram", "@a"), well("b", "Telegram", "@b")}}
			c.change(&s)
			icon, why := IconOf(s, now)
			if icon != c.want || why != c.why {
				t.Errorf("got %d %q, want %d %q", icon, why, c.want, c.why)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	for name, c := range map[string]struct {
		snapshot api.Snapshot
		want     string
	}{
		"usual": {
			api.Snapshot{Accounts: make([]api.Account, 5), Exposure: api.Exposure{exposure.Outbound: 4, exposure.Private: 1}},
			"Postern: 4 outbound · 1 private · 0 public",
		},
		"rare levels": {
			api.Snapshot{Accounts: make([]api.Account, 5), Exposure: api.Exposure{exposure.Relayed: 1, exposure.Local: 2, exposure.Refused: 3}},
			"Postern: 0 outbound · 1 relayed · 2 local · 0 private · 0 public · 3 refused",
		},
		"demo": {
			api.Snapshot{Program: api.Program{Demo: true}, Accounts: make([]api.Account, 1), Exposure: api.Exposure{exposure.Outbound: 1}},
			"Postern demo: 1 outbound · 0 private · 0 public",
		},
		"empty":                      {api.Snapshot{}, "Postern: no accounts yet"},
		"public without any account": {api.Snapshot{Exposure: api.Exposure{exposure.Public: 1}}, "Postern: 0 outbound · 0 private · 1 public"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Header(c.snapshot); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTooltip(t *testing.T) {
	t.Run("says what waits", func(t *testing.T) {
		s := office()
		s.Accounts = s.Accounts[:2]
		s.Dead = 1
		want := "Postern: 4 outbound · 1 private · 0 public · 1 refused\n1 message could not be sent\n3 unread messages"
		if got := Tooltip(s, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("fits what Windows shows", func(t *testing.T) {
		s := office()
		s.Notices = []api.Notice{{Bad: true, Text: strings.Repeat("😀", 200)}}
		if n := len(utf16.Encode([]rune(Tooltip(s, now)))); n > 127 || n < 120 {
			t.Errorf("%d UTF-16 units, want close to and at most 127", n)
		}
	})
}
