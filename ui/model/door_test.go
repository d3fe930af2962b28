package model

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/platforms"
)

func TestDoorTraffic(t *testing.T) {
	at := time.Date(2026, 11, 20, 14, 2, 31, 0, time.UTC)
	morning := time.Date(2026, 11, 20, 9, 14, 0, 0, time.UTC)
	month := &api.Acknowledgement{Ends: at.Add(29*24*time.Hour + time.Hour)}
	for name, c := range map[string]struct {
		d    api.Door
		want string
	}{
		"all of it": {api.Door{Open: true, Since: morning, Accepted: 212, Rejected: map[string]uint64{"stale": 3, "bad signature": 28}, Last: at.Add(-2 * time.Minute), Ack: month},
			"Open since 09:14, 212 accepted, 31 rejected (28 bad signature, 3 stale), last 2 min ago, ends in 29 days"},
		"nothing yet":         {api.Door{Open: true, Since: morning}, "Open since 09:14, 0 accepted, 0 rejected, nothing has come yet"},
		"another day":         {api.Door{Open: true, Since: morning.AddDate(0, 0, -3), Last: at, Accepted: 12345}, "Open since 17 Nov 09:14, 12,345 accepted, 0 rejected, last just now"},
		"closed":              {api.Door{Ack: month}, "Closed: nothing can come in"},
		"closed after a time": {api.Door{Accepted: 1, Last: at.Add(-time.Hour)}, "Closed: nothing can come in, 1 accepted, 0 rejected, last 1 h ago"},
		"no rejection counts": {api.Door{Open: true, Last: at, Rejected: map[string]uint64{"stale": 0}}, "Open, 0 accepted, 0 rejected, last just now"},
		"reasons from outside": {api.Door{Open: true, Last: at, Rejected: map[string]uint64{"a\nb\u202e": 1}},
			"Open, 0 accepted, 1 rejected (1 a b), last just now"},
		"relayed": {api.Door{Open: true, Relayed: true, Last: at, Accepted: 2}, "Received through a relay that this computer dials, 2 accepted, 0 rejected, last just now"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := DoorTraffic(c.d, at); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
	t.Run("many reasons are cut", func(t *testing.T) {
		m := map[string]uint64{}
		for _, r := range strings.Split("abcdefghij", "") {
			m[r] = 1
		}
		if got := DoorTraffic(api.Door{Open: true, Rejected: m}, at); !strings.Contains(got, "10 rejected (1 a, 1 b, 1 c, 1 d, 1 e, 1 f, and others)") {
			t.Errorf("got %q", got)
		}
	})
}

func TestIn(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "now", 0: "now", 30 * time.Second: "in 30 s", 119 * time.Second: "in 1 min", 23*time.Hour + 59*time.Minute: "in 23 h",
		25 * time.Hour: "in 1 day", 30*24*time.Hour - time.Second: "in 29 days",
	} {
		if got := In(now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	at := time.Date(2026, 11, 20, 14, 2, 0, 0, time.UTC)
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{at.Add(-time.Hour), "13:02"}, {at.AddDate(0, 0, -1), "19 Nov 14:02"}, {at.AddDate(-1, 0, 0), "20 Nov 2025 14:02"},
		{at.In(time.FixedZone("", 3600)), "14:02"},
	} {
		if got := Clock(c.t, at); got != c.want {
			t.Errorf("%v: %q, want %q", c.t, got, c.want)
		}
	}
}

func TestCaller(t *testing.T) {
	for l, want := range map[exposure.Level]string{
		exposure.Outbound: "nobody", exposure.Relayed: "nobody", exposure.Local: "this computer", exposure.Private: "your network",
		exposure.Public: "anyone on the internet", exposure.Refused: "anyone on the internet", "tomorrow's": "anyone on the internet",
	} {
		if got := Caller(l); got != want {
			t.Errorf("%s: %q, want %q", l, got, want)
		}
	}
}

func TestDoorBadge(t *testing.T) {
	for name, c := range map[string]struct {
		d      api.Door
		words  string
		hollow bool
	}{
		"public and open":             {api.Door{Open: true, Level: exposure.Public}, "public webhook", false},
		"private and open":            {api.Door{Open: true, Level: exposure.Private}, "private callback", false},
		"unknown and open":            {api.Door{Open: true, Level: "tomorrow's"}, "unknown exposure", false},
		"waits for consent":           {api.Door{Level: exposure.Refused, If: exposure.Public, Needs: true}, "refused: not acknowledged", true},
		"refused":                     {api.Door{Level: exposure.Refused, If: exposure.Private}, "refused: not acknowledged", true},
		"private, closed by hand":     {api.Door{Level: exposure.Refused, If: exposure.Private, Closed: true}, "closed by hand", true},
		"private, could not open":     {api.Door{Level: exposure.Private, If: exposure.Private}, "closed: not open", true},
		"a callback, closed by hand":  {api.Door{Level: exposure.Outbound, If: exposure.Private, Set: true, Closed: true}, "closed by hand", true},
		"a callback, not open yet":    {api.Door{Level: exposure.Outbound, If: exposure.Private, Set: true}, "closed: not open", true},
		"relayed":                     {api.Door{Level: exposure.Relayed, Relayed: true, Set: true}, "relayed webhook", false},
		"nothing is to listen for it": {api.Door{Level: exposure.Outbound}, "outbound socket", false},
	} {
		t.Run(name, func(t *testing.T) {
			if b := DoorBadge(c.d); b.Words != c.words || b.Outline != c.hollow || b.Symbol == "" {
				t.Errorf("got %+v", b)
			}
		})
	}
}

func TestSocketWords(t *testing.T) {
	for _, c := range []struct {
		s    api.Socket
		want string
	}{
		{api.Socket{Whose: "LINE shop: webhook", Level: exposure.Public}, "LINE shop: webhook · anyone on the internet can reach it"},
		{api.Socket{Whose: "Postern", Level: exposure.Local}, "Postern · this computer can reach it"},
		{api.Socket{Level: exposure.Private}, "It is not known whose this is, and your network can reach it."},
		{api.Socket{Whose: "trust me", Level: exposure.Local, Strange: true}, "Nobody here opened this, and this computer can reach it."},
	} {
		if got := SocketWords(c.s); got != c.want {
			t.Errorf("%+v: %q", c.s, got)
		}
	}
}

func TestTunnelWords(t *testing.T) {
	for _, c := range []struct {
		t    api.Tunnel
		want string
	}{
		{api.Tunnel{Program: "cloudflared", Public: "https://a.example", Target: "127.0.0.1:1"}, "cloudflared publishes 127.0.0.1:1 as https://a.example. A tunnel makes what is behind it public"},
		{api.Tunnel{Program: "ngrok", Public: "https://a.example"}, "ngrok publishes https://a.example; what it leads to can't be seen. A tunnel makes what is behind it public"},
		{api.Tunnel{Program: "tailscale", Target: "127.0.0.1:1", Inside: true}, "tailscale leads to 127.0.0.1:1; where it publishes it can't be seen, to your own network only"},
		{api.Tunnel{}, "A tunnel is running; what it publishes can't be seen. A tunnel makes what is behind it public"},
	} {
		if got := TunnelWords(c.t); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestRecordWords(t *testing.T) {
	for _, c := range []struct {
		a     api.AuditState
		want  string
		whole bool
	}{
		{api.AuditState{Lines: 212, First: now.Add(-time.Hour)}, "The record is whole: 212 lines since " + Clock(now.Add(-time.Hour), now) + ".", true},
		{api.AuditState{Lines: 1}, "The record is whole: 1 line.", true},
		{api.AuditState{}, "The record is empty: nothing has been opened yet.", true},
		{api.AuditState{Lines: 9, Broken: 4, Why: "Line 4 was changed."}, "The record is broken at line 4: what follows can't be trusted. Line 4 was changed.", false},
	} {
		if got, whole := RecordWords(c.a, now); got != c.want || whole != c.whole {
			t.Errorf("%+v: %q %v", c.a, got, whole)
		}
	}
}

func TestAckWords(t *testing.T) {
	at := time.Date(2026, 11, 20, 14, 2, 0, 0, time.UTC)
	for _, c := range []struct {
		a    api.Acknowledgement
		want string
	}{
		{api.Acknowledgement{Made: at.Add(-time.Hour), By: "terminal", Ends: at.Add(23 * time.Hour)}, "Acknowledged 13:02 in the terminal, ends in 23 h (21 Nov 13:02)"},
		{api.Acknowledgement{Made: at.AddDate(0, 0, -2), By: "window", Ends: at.Add(-time.Minute)}, "Acknowledged 18 Nov 14:02 in the window, ended 14:01"},
		{api.Acknowledgement{Made: at, By: "a\u202eb"}, "Acknowledged 14:02 by ab"},
	} {
		if got := AckWords(c.a, at); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestItemWords(t *testing.T) {
	for _, it := range guard.Question(guard.Claim{}, nil).Items {
		if ItemWords(it.Key) == it.Key {
			t.Errorf("%q has no words", it.Key)
		}
	}
	if got := ItemWords("new\u202e"); got != "new" {
		t.Errorf("got %q", got)
	}
}

func TestLanesOfOneHandle(t *testing.T) {
	s := api.Snapshot{Accounts: []api.Account{
		{ID: "a", Title: "Webhook", Handle: "GitHub", Name: "Engine", Exposure: exposure.Relayed, Inbound: platforms.Webhook},
		{ID: "b", Title: "Webhook", Handle: "GitHub", Name: "Second", Exposure: exposure.Relayed, Inbound: platforms.Webhook},
		{ID: "c", Title: "Telegram", Handle: "@postern", Name: "Family", Exposure: exposure.Outbound},
	}}
	var got []string
	for _, l := range Lanes(s, api.View{}) {
		got = append(got, l.Name)
	}
	if want := []string{"Webhook Engine", "Webhook Second", "Telegram @postern"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLanes(t *testing.T) {
	s := api.Snapshot{Accounts: []api.Account{
		{ID: "tg", Title: "Telegram", Exposure: exposure.Outbound},
		{ID: "mm", Title: "Mattermost", Exposure: exposure.Private, Inbound: platforms.Callback},
		{ID: "ln", Title: "LINE", Exposure: exposure.Public, Inbound: platforms.Webhook},
		{ID: "rl", Title: "LINE", Name: "relay", Exposure: exposure.Relayed, Inbound: platforms.Webhook},
		{ID: "nd", Title: "Hook", Exposure: exposure.Refused, Inbound: platforms.Webhook, Paused: true},
	}}
	v := api.View{Doors: []api.Door{
		{Account: "mm", Title: "Mattermost", Level: exposure.Private, If: exposure.Private, Open: true, Set: true, Listener: api.Listener{Bind: "192.168.1.2:1"}},
		{Account: "ln", Title: "LINE", Level: exposure.Public, If: exposure.Public, Open: true, Set: true},
		{Account: "rl", Title: "LINE", Name: "relay", Level: exposure.Relayed, If: exposure.Relayed, Relayed: true, Open: true},
	}}
	draw := func(s api.Snapshot, v api.View) (out []string) {
		for _, l := range Lanes(s, v) {
			line := l.Name + " > " + l.Badge.Words
			if l.In {
				line = l.From + " > " + l.Name + " " + l.At + " " + l.Badge.Words
			}
			if l.Closed {
				line += " (closed)"
			}
			out = append(out, line)
		}
		return out
	}
	want := []string{
		"anyone on the internet > LINE  public webhook",
		"anyone on the internet > Hook  refused: not acknowledged (closed)",
		"your network > Mattermost 192.168.1.2:1 private callback",
		"Telegram > outbound socket",
		"Mattermost > outbound socket",
		"LINE relay > relayed webhook",
	}
	if got := draw(s, v); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	t.Run("every account has a line, whatever the service tells", func(t *testing.T) {
		for _, a := range s.Accounts {
			if !slices.ContainsFunc(Lanes(s, api.View{}), func(l Lane) bool { return l.Account == a.ID }) {
				t.Errorf("%s has none", a.ID)
			}
		}
	})
	t.Run("a closed door keeps the colour of what it would be", func(t *testing.T) {
		d := api.Door{Account: "mm", Title: "Mattermost", Level: exposure.Refused, If: exposure.Private, Closed: true, Set: true}
		l := Lanes(api.Snapshot{}, api.View{Doors: []api.Door{d}})[0]
		if !l.Closed || l.From != "your network" || l.Level != exposure.Private || !l.Badge.Outline {
			t.Errorf("got %+v", l)
		}
	})
}

func TestReachable(t *testing.T) {
	one := api.Snapshot{Accounts: []api.Account{{ID: "a"}}}
	open := func(l exposure.Level) api.View {
		return api.View{Doors: []api.Door{{Open: true, Level: l, Set: true}}}
	}
	for name, c := range map[string]struct {
		s      api.Snapshot
		v      api.View
		want   string
		public bool
	}{
		"accounts that dial":  {one, api.View{}, "Nothing on this computer can be reached from outside. Your accounts dial out.", false},
		"no accounts":         {api.Snapshot{}, api.View{}, "Nothing on this computer can be reached from outside.", false},
		"closed doors":        {one, api.View{Doors: []api.Door{{Needs: true}}}, "Nothing on this computer can be reached from outside. Every door is closed.", false},
		"relayed":             {one, api.View{Doors: []api.Door{{Open: true, Level: exposure.Relayed, Relayed: true}}}, "Nothing on this computer can be reached from outside. Your accounts dial out.", false},
		"local":               {one, open(exposure.Local), "Nothing on this computer can be reached from outside: only programs on it can call.", false},
		"private":             {one, open(exposure.Private), "1 door is open to your network. Nobody beyond it can reach this computer.", false},
		"public":              {one, open(exposure.Public), "1 door is open to anyone on the internet: strangers can send bytes to a program on this computer.", true},
		"unknown is public":   {one, open("tomorrow's"), "1 door is open to anyone on the internet: strangers can send bytes to a program on this computer.", true},
		"something strange":   {one, api.View{Sockets: []api.Socket{{Strange: true}}}, "Something listens here that Postern did not open.", true},
		"strange and private": {one, api.View{Doors: open(exposure.Private).Doors, Sockets: []api.Socket{{Strange: true}}}, "Something listens here that Postern did not open.", true},
	} {
		t.Run(name, func(t *testing.T) {
			if got, public := Reachable(c.s, c.v); got != c.want || public != c.public {
				t.Errorf("got %q %v", got, public)
			}
		})
	}
}

func TestBeforeSaving(t *testing.T) {
	const asks = "It needs a public address. After saving, Postern asks you before anything opens, and nothing opens by itself."
	for _, c := range []struct {
		in   platforms.Inbound
		l    exposure.Level
		want string
	}{
		{platforms.Dials, exposure.Outbound, "usual"}, {platforms.Webhook, exposure.Refused, asks}, {platforms.Webhook, exposure.Public, asks},
		{platforms.Webhook, exposure.Relayed, "usual"},
		{platforms.Callback, exposure.Outbound, "usual Some features, such as buttons, need a listener: it is set up afterwards, and nothing opens by itself."},
		{platforms.Callback, exposure.Private, "usual"},
	} {
		if got := BeforeSaving(c.in, c.l, "usual"); got != c.want {
			t.Errorf("%v %s: %q", c.in, c.l, got)
		}
	}
}

func TestStrangeSockets(t *testing.T) {
	s := office()
	s.Strange = []string{"0.0.0.0:9229"}
	if icon, why := IconOf(s, now); icon != Attention || why != "1 listening socket nobody opened" {
		t.Errorf("icon %v, %q", icon, why)
	}
	if tip := Tooltip(s, now); !strings.Contains(tip, "1 listening socket nobody opened") {
		t.Errorf("the tooltip is %q", tip)
	}
	if it, ok := find(Menu(s, now), "strange"); !ok || it.Label != "Alarm: 1 listening socket nobody opened…" || it.Do.Request.Page != "exposure" {
		t.Errorf("the menu has %+v", it)
	}
	s.Exposure[exposure.Public], s.Strange = 1, append(s.Strange, "[::]:1")
	if icon, why := IconOf(s, now); icon != PublicOpen || why != "2 listening sockets nobody opened; 1 public listener open" {
		t.Errorf("icon %v, %q", icon, why)
	}
}
