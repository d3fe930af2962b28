package model

import (
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms/text"
)

// StatusView is how an account is, at a glance.
type StatusView struct {
	State  State
	Symbol string
	Words  string
}

// StatusWords is a status in words, as a sentence starts.
func StatusWords(s api.Status) string {
	switch s {
	case api.Connecting:
		return "Connecting"
	case api.Connected:
		return "Connected"
	case api.Degraded:
		return "Connected, with problems"
	case api.TransientDisconnect:
		return "Connection lost, trying again"
	case api.BadCredentials:
		return "Credentials refused"
	case api.Conflict:
		return "In use by another program"
	case api.RateLimited:
		return "Asked to slow down"
	case api.Blocked:
		return "Stopped after a fault"
	case api.Paused:
		return "Paused"
	}
	return "Unknown state"
}

// Status is how an account is, all things considered: its connection, and
// whether anything proves that it hears. "Connected" without a fresh proof is
// never shown as well.
func Status(a api.Account, now time.Time) StatusView {
	view := func(s State, words string) StatusView {
		return StatusView{State: s, Symbol: s.Symbol(), Words: words}
	}
	words := StatusWords(a.Status)
	switch {
	case a.Paused || a.Status == api.Paused:
		return view(Off, StatusWords(api.Paused))
	case a.Exposure == exposure.Refused:
		return view(Unknown, "Refused: needs acknowledgement")
	}
	switch a.Status {
	case api.Connected:
		if a.Deaf {
			switch speaks := Speaks(a, now); speaks.State {
			case Unknown:
				return view(Unknown, words+", not proven yet")
			case Bad:
				return view(Bad, words+", but sending "+speaks.Words)
			}
			return view(Good, words)
		}
		hears := Hears(a, now)
		switch hears.State {
		case Good:
			return view(Good, words)
		case Stale:
			return view(Stale, words+", but last heard "+Ago(a.Hears.Proven, now))
		case Bad:
			return view(Bad, words+", but hearing "+hears.Words)
		}
		return view(Unknown, words+", not proven yet")
	case api.Degraded, api.TransientDisconnect, api.RateLimited:
		return view(Stale, words)
	case api.BadCredentials, api.Conflict, api.Blocked:
		return view(Bad, words)
	}
	return view(Unknown, words)
}

// Label names an account for a person: the platform, then the bot's handle or
// the person's own label.
func Label(a api.Account) string {
	title := text.Line(a.Title, 24)
	if title == "" {
		title = text.Line(a.Platform, 24)
	}
	name := text.Line(a.Handle, 32)
	if name == "" {
		name = text.Line(a.Name, 32)
	}
	if name == "" {
		return title
	}
	return title + "  " + name
}

// titled is an account's platform and the person's own label, once if both are
// the same.
func titled(a api.Account) string {
	if a.Name == a.Title {
		return a.Title
	}
	return a.Title + " " + a.Name
}

// AccountLine is an account's line in the tray's menu:
// "● Telegram  @mybot   ↗ hears 12 s ago".
func AccountLine(a api.Account, now time.Time) string {
	st := Status(a, now)
	return st.Symbol + " " + Label(a) + "   " + Badge(a.Exposure).Symbol + " " + brief(a, st, now)
}

// brief is the end of an account's line: what matters most, in few words.
func brief(a api.Account, st StatusView, now time.Time) string {
	switch {
	case st.State == Off:
		return "paused"
	case a.Exposure == exposure.Refused:
		return "refused: needs acknowledgement"
	case a.Status != api.Connected:
		return lowerFirst(st.Words)
	case a.Deaf:
		return "only speaks, " + Speaks(a, now).Words
	}
	switch h := Hears(a, now); h.State {
	case Good:
		return "hears " + Ago(a.Hears.Proven, now)
	case Stale:
		return "last heard " + Ago(a.Hears.Proven, now)
	case Bad:
		return "does not hear, failed " + Ago(a.Hears.Failed, now)
	}
	return "connected, not proven yet"
}
