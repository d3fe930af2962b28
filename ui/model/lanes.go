package model

import (
	"cmp"
	"slices"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Lane is one line of the drawing of what goes out and what may come in.
type Lane struct {
	Account platforms.AccountID
	Sign    string // the platform's glyph
	Name    string // "LINE shop"
	In      bool   // it comes in; else it leaves
	From    string // who may come in: Caller's words
	At      string // what it reaches, for one that comes in: "127.0.0.1:47822"
	Badge   BadgeView
	Level   exposure.Level // whose colour it has
	Closed  bool           // nothing can pass
}

// Lanes is the drawing's lines: those that come in, the most reachable first,
// then those that leave, as the accounts are ordered.
func Lanes(s api.Snapshot, v api.View) []Lane {
	var in, out []Lane
	doors := map[platforms.AccountID]api.Door{}
	for _, d := range v.Doors {
		doors[d.Account] = d
		if d.Relayed || d.Level == exposure.Outbound && !d.Open && !d.Set {
			continue
		}
		in = append(in, doorLane(d))
	}
	for _, a := range s.Accounts {
		d, has := doors[a.ID]
		relayed := a.Exposure == exposure.Relayed || has && d.Relayed
		if a.Inbound == platforms.Webhook && !relayed || !has && incoming(a.Exposure) {
			if !has { // what the service has no door for is still shown
				in = append(in, doorLane(api.Door{Account: a.ID, Platform: a.Platform, Title: a.Title, Glyph: a.Glyph, Name: a.Name,
					Level: a.Exposure, If: exposure.Public, Open: a.Exposure == exposure.Public, Needs: a.Exposure == exposure.Refused}))
			}
			continue
		}
		l := Lane{Account: a.ID, Sign: a.Glyph, Name: named(a), Level: exposure.Outbound}
		if relayed {
			l.Level = exposure.Relayed
		}
		l.Badge, l.Closed = Badge(l.Level), off(a) || s.Program.Paused
		out = append(out, l)
	}
	drawn := slices.Clone(out)
	for i, l := range drawn { // two of one handle are told apart by what the person calls them
		if a, ok := accountOf(s, l.Account); ok && slices.ContainsFunc(drawn, func(o Lane) bool { return o.Account != l.Account && o.Name == l.Name }) {
			out[i].Name = text.Line(a.Title+" "+cmp.Or(a.Name, a.Handle), 60)
		}
	}
	slices.SortStableFunc(in, func(a, b Lane) int { return cmp.Compare(distance(a.From), distance(b.From)) })
	return append(in, out...)
}

func accountOf(s api.Snapshot, id platforms.AccountID) (api.Account, bool) {
	i := slices.IndexFunc(s.Accounts, func(a api.Account) bool { return a.ID == id })
	if i < 0 {
		return api.Account{}, false
	}
	return s.Accounts[i], true
}

func incoming(l exposure.Level) bool { return l != exposure.Outbound && l != exposure.Relayed }

func doorLane(d api.Door) Lane {
	l := Lane{Account: d.Account, Sign: d.Glyph, Name: DoorName(d), In: true, At: text.Line(d.Bind, 60), Badge: DoorBadge(d), Level: d.Level, Closed: !d.Open}
	if !d.Open {
		l.Level = exposure.Refused
		if d.Level != exposure.Refused || d.Closed && !d.Needs {
			l.Level = d.If
		}
	}
	of := d.Level
	if !d.Open {
		of = d.If
	}
	l.From = Caller(of)
	if !incoming(of) {
		l.From = Caller(exposure.Public)
	}
	return l
}

// distance orders callers from the farthest on.
func distance(from string) int {
	switch from {
	case Caller(exposure.Local):
		return 2
	case Caller(exposure.Private):
		return 1
	}
	return 0
}

// Reachable says in a sentence what of this computer can be reached, and
// whether strangers can.
func Reachable(s api.Snapshot, v api.View) (words string, public bool) {
	open := map[exposure.Level]int{}
	for _, d := range v.Doors {
		if d.Open && incoming(d.Level) {
			open[d.Level]++
		}
	}
	strange := 0
	for _, k := range v.Sockets {
		if k.Strange {
			strange++
		}
	}
	n := open[exposure.Private] + open[exposure.Local]
	wide := -n
	for _, k := range open {
		wide += k
	}
	switch {
	case wide > 0:
		return Count(wide, "door is", "doors are") + " open to anyone on the internet: strangers can send bytes to a program on this computer.", true
	case strange > 0:
		return "Something listens here that Postern did not open.", true
	case open[exposure.Private] > 0:
		return Count(open[exposure.Private], "door is", "doors are") + " open to your network. Nobody beyond it can reach this computer.", false
	case n > 0:
		return "Nothing on this computer can be reached from outside: only programs on it can call.", false
	case len(s.Accounts) == 0:
		return "Nothing on this computer can be reached from outside.", false
	}
	for _, d := range v.Doors {
		if d.Set || d.Needs {
			return "Nothing on this computer can be reached from outside. Every door is closed.", false
		}
	}
	return "Nothing on this computer can be reached from outside. Your accounts dial out.", false
}
