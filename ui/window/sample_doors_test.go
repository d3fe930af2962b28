package window

import (
	"net/netip"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/platforms"
)

// doors is what of the sample can be reached.
func doors() api.View {
	return api.View{At: noon,
		Doors: []api.Door{
			{Account: "a4", Platform: "shop", Title: "LINE", Glyph: "◆", Name: "shop", Level: exposure.Refused, If: exposure.Public, Needs: true, Set: true,
				Callers: "anyone on the internet, through the tunnel", Why: "A public listener opens only after you acknowledged what it means.",
				Listener: api.Listener{Bind: "127.0.0.1:47824", Public: "https://bot.example.org"}, Paths: []string{"/line/4f1c"}},
			{Account: "a2", Platform: "home", Title: "Mattermost", Glyph: "✦", Name: "home", Level: exposure.Private, If: exposure.Private, Open: true, Set: true,
				Callers:  "the server mattermost.home.arpa (192.168.1.20) and others on your network",
				Listener: api.Listener{Bind: "192.168.1.10:47823", Public: "http://192.168.1.10:47823", Allow: []string{"192.168.1.20"}},
				Address:  "http://192.168.1.10:47823/c/9d2e61c0", Since: ago(8 * time.Hour), Last: ago(26 * time.Minute), Accepted: 41},
		},
		Sockets: []api.Socket{{Addr: "192.168.1.10:47823", Whose: "Mattermost home: button clicks", Level: exposure.Private}},
	}
}

// ackQuestion is what the sample's LINE account asks.
func ackQuestion() api.Question {
	q := guard.Question(guard.Claim{Title: "LINE “shop”", Tuple: guard.Tuple{Account: "a4", Bind: netip.MustParseAddrPort("127.0.0.1:47824"), Path: "/line/4f1c", Host: "bot.example.org"}}, []string{"/line/4f1c"})
	q.Nonce = "n1"
	return q
}

func auditRecord() api.AuditPage {
	line := func(seq uint64, d time.Duration, what string, account platforms.AccountID, who, text string) api.Audit {
		return api.Audit{Seq: seq, At: ago(d), What: what, Account: account, Who: who, Text: text, Hash: "h" + text}
	}
	return api.AuditPage{State: api.AuditState{Lines: 212, First: ago(40 * 24 * time.Hour), Last: ago(8 * time.Hour), Why: "The record is whole."},
		Lines: []api.Audit{
			line(212, 8*time.Hour, "opened", "a2", "Postern", "Listens on 192.168.1.10:47823 for the server on your network."),
			line(211, 26*time.Hour, "refused", "a4", "Postern", "LINE shop needs a public listener, and nobody acknowledged one."),
			line(210, 27*time.Hour, "settings", "a4", "window", "The listener was set: 127.0.0.1:47822, published as https://bot.example.org."),
			line(209, 27*time.Hour, "closed", "a4", "terminal", "Closed by hand."),
		}}
}

// exposed is a Postern with everything at once: a public listener that was
// acknowledged, a private one, a relay, refused ones, tunnels, and a socket that
// nobody opened.
func exposed() *fake {
	f := sample()
	f.kinds[4].Exposure = exposure.Refused
	add := func(id platforms.AccountID, platform, title, glyph, name string, l exposure.Level, in platforms.Inbound) {
		f.snap.Accounts = append(f.snap.Accounts, api.Account{ID: id, Platform: platform, Title: title, Glyph: glyph, Name: name, Status: api.Connected,
			Since: ago(time.Hour), Hears: api.Light{Proven: ago(20 * time.Second)}, Exposure: l, Inbound: in})
	}
	add("a5", "shop", "LINE", "◆", "bakery", exposure.Public, platforms.Webhook)
	add("a6", "hook", "Webhook", "⚓", "builds", exposure.Refused, platforms.Webhook)
	add("a7", "shop", "LINE", "◆", "relay", exposure.Relayed, platforms.Webhook)
	f.snap.Exposure = api.Exposure{exposure.Outbound: 2, exposure.Relayed: 1, exposure.Private: 1, exposure.Public: 1, exposure.Refused: 2}
	f.snap.Strange = []string{"0.0.0.0:9229"}
	f.view.Doors = append(f.view.Doors,
		api.Door{Account: "a5", Platform: "shop", Title: "LINE", Glyph: "◆", Name: "bakery", Level: exposure.Public, If: exposure.Public, Open: true, Needs: true, Set: true,
			Callers:  "anyone on the internet, through Cloudflare Tunnel",
			Listener: api.Listener{Bind: "127.0.0.1:47822", Public: "https://bot.example.org", Proxies: []string{"127.0.0.1"}},
			Address:  "https://bot.example.org/line/c2f0a1", Tunnels: []string{"cloudflared publishes it as https://bot.example.org"},
			Since: time.Date(2026, 11, 20, 9, 14, 0, 0, time.UTC), Last: ago(2 * time.Minute), Accepted: 212, Rejected: map[string]uint64{"bad signature": 28, "stale": 3},
			Ack: &api.Acknowledgement{Made: ago(4*time.Hour + 50*time.Minute), Ends: noon.Add(29*24*time.Hour + 4*time.Hour), Version: 1, By: "window",
				Done: []string{"tunnel"}, NotDone: []string{"sources", "plan"}},
			Rotating: []api.Rotation{{Field: "channel_secret", Until: noon.Add(20 * time.Hour)}}},
		api.Door{Account: "a6", Platform: "hook", Title: "Webhook", Glyph: "⚓", Name: "builds", Level: exposure.Refused, If: exposure.Public, Needs: true,
			Why: "It has no public address yet. Set up its listener."},
		api.Door{Account: "a7", Platform: "shop", Title: "LINE", Glyph: "◆", Name: "relay", Level: exposure.Relayed, If: exposure.Relayed, Relayed: true, Callers: "a relay that this computer dials"})
	f.view.Sockets = append(f.view.Sockets,
		api.Socket{Addr: "127.0.0.1:47822", Whose: "LINE bakery: webhook", Level: exposure.Public},
		api.Socket{Addr: "0.0.0.0:9229", Level: exposure.Public, Strange: true})
	f.view.Tunnels = []api.Tunnel{
		{Program: "cloudflared", Public: "https://bot.example.org", Target: "127.0.0.1:47822", Ours: []string{"LINE bakery"}},
		{Program: "tailscale", Target: "127.0.0.1:3000", Inside: true},
	}
	f.audit.Lines = append([]api.Audit{
		{Seq: 214, At: ago(time.Minute), What: "alarm", Who: "Postern", Text: "0.0.0.0:9229 listens, and nobody here opened it.", Hash: "x2"},
		{Seq: 213, At: ago(4*time.Hour + 50*time.Minute), What: "acknowledged", Account: "a5", Who: "window", Text: "https://bot.example.org, for 30 days; 5 done, 2 not done.", Hash: "x1"},
	}, f.audit.Lines...)
	f.audit.State.Lines = 214
	return f
}
