package model

import (
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms/text"
)

// Icon is which of the four pictures stands in the tray.
type Icon int

// The icons.
const (
	AllWell    Icon = iota // closed door
	Attention              // door with a dot: something waits for the person
	Paused                 // door with two bars
	PublicOpen             // door ajar: strangers can reach this computer
)

// patience is how long an account may be without connection or proof before it
// asks for attention: most outages mend themselves within it.
const patience = 3 * time.Minute

// IconOf is the icon for a snapshot, and why, in words; the words are empty when
// all is well.
//
// An open public listener comes before everything else, because that is what a
// person must never overlook; a listening socket that nobody opened is told
// first in the words, and is the first thing that asks for attention. Attention
// comes before Paused: what is paused
// waits, what is wrong gets worse. A paused account can't be wrong, and
// unread messages are not a fault.
func IconOf(s api.Snapshot, now time.Time) (Icon, string) {
	alarm := StrangeWords(len(s.Strange))
	if n := s.Exposure[exposure.Public]; n > 0 {
		why := Count(n, "public listener", "public listeners") + " open"
		if alarm != "" {
			why = alarm + "; " + why
		}
		return PublicOpen, why
	}
	if alarm != "" {
		return Attention, alarm
	}
	if why := attention(s, now); why != "" {
		return Attention, why
	}
	if paused(s) {
		return Paused, "Everything is paused"
	}
	return AllWell, ""
}

func paused(s api.Snapshot) bool {
	if s.Program.Paused {
		return true
	}
	for _, a := range s.Accounts {
		if !off(a) {
			return false
		}
	}
	return len(s.Accounts) > 0
}

func off(a api.Account) bool { return a.Paused || a.Status == api.Paused }

// attention is the first thing that waits for the person, or empty.
func attention(s api.Snapshot, now time.Time) string {
	for _, n := range s.Notices {
		if n.Bad {
			return text.Line(n.Text, 120)
		}
	}
	for _, w := range []string{AsksWords(s.Asks), ClaimsWords(s.Claims)} { // both end by themselves
		if w != "" {
			return w
		}
	}
	for _, a := range s.Accounts {
		if !s.Program.Paused && troubled(a, now) {
			return named(a) + ": " + lowerFirst(trouble(a, now))
		}
	}
	switch {
	case s.Dead > 0:
		return Count(s.Dead, "message", "messages") + " could not be sent"
	case s.Held > 0:
		return Count(s.Held, "held message waits", "held messages wait") + " for you"
	}
	return ""
}

func troubled(a api.Account, now time.Time) bool {
	if off(a) {
		return false
	}
	if a.Exposure == exposure.Refused {
		return true
	}
	for _, p := range a.Problems {
		if p.Bad {
			return true
		}
	}
	for _, l := range []LightView{Speaks(a, now), Answers(a, now)} {
		if l.State == Bad {
			return true
		}
	}
	lasting := now.Sub(a.Since) > patience
	switch a.Status {
	case api.BadCredentials, api.Conflict, api.Blocked, api.Degraded:
		return true
	case api.Connected:
		if a.Deaf { // a send that failed was looked at
			return false
		}
		switch Hears(a, now).State {
		case Good:
			return false
		case Bad:
			return true
		}
		return lasting
	}
	return lasting
}

// trouble is what is wrong with a troubled account.
func trouble(a api.Account, now time.Time) string {
	st := Status(a, now)
	if st.State == Good {
		for _, p := range a.Problems {
			if p.Bad {
				return text.Line(p.Text, 100)
			}
		}
		if v := Speaks(a, now); v.State == Bad {
			return "sending " + v.Words
		}
		if v := Answers(a, now); v.State == Bad {
			return "answering " + v.Words
		}
	}
	return st.Words
}
