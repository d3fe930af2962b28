package model

import (
	"image/color"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// State is how well something is.
type State int

// The states, from "nothing known" on.
const (
	Unknown State = iota // nothing was ever proven
	Good                 // proven, and recently enough
	Stale                // proven once, but that says nothing about now
	Bad                  // the newest thing known is a failure
	Off                  // switched off by the person
)

// Symbol is the state without colour; all differ in shape.
func (s State) Symbol() string {
	switch s {
	case Good:
		return "●"
	case Stale:
		return "◔"
	case Bad:
		return "✕"
	case Off:
		return "‖"
	}
	return "◌"
}

// Colors are the state's colours on the light and the dark page.
func (s State) Colors() (light, dark color.NRGBA) {
	switch s {
	case Good:
		return greenLight.color(), greenDark.color()
	case Stale:
		return amberLight.color(), amberDark.color()
	case Bad:
		return redLight.color(), redDark.color()
	}
	return greyLight.color(), greyDark.color()
}

// HearsFor is how long a proof that an account hears stays good. Connectors
// prove it at least once a minute, by traffic or by a probe.
const HearsFor = 3 * time.Minute

// LightView is how one direction's proof of life is shown.
type LightView struct {
	State  State
	Symbol string
	Words  string // "proven 12 s ago", "not proven yet", "failed 3 min ago: …"
}

// Light shows a proof that does not fade with time, as long as the account is
// connected: a send that worked, an answer that was given. For the direction
// that fades use Hears.
func Light(l api.Light, status api.Status, now time.Time) LightView {
	switch {
	case !l.Failed.IsZero() && l.Failed.After(l.Proven):
		w := "failed " + Ago(l.Failed, now)
		if note := text.Line(l.Note, 160); note != "" {
			w += ": " + note
		}
		return light(Bad, w)
	case l.Proven.IsZero():
		return light(Unknown, "not proven yet")
	case !online(status):
		return light(Stale, "proven "+Ago(l.Proven, now))
	}
	return light(Good, "proven "+Ago(l.Proven, now))
}

// Hears is the light for "something arrives". Being connected proves nothing
// here: without a proof younger than HearsFor the light is stale.
func Hears(a api.Account, now time.Time) LightView {
	if a.Deaf {
		return LightView{State: Off, Symbol: Off.Symbol(), Words: "only speaks"}
	}
	v := Light(a.Hears, a.Status, now)
	if v.State == Good && now.Sub(a.Hears.Proven) > HearsFor {
		return light(Stale, v.Words)
	}
	return v
}

// Speaks is the light for "what we send is accepted".
func Speaks(a api.Account, now time.Time) LightView { return Light(a.Speaks, a.Status, now) }

// Answers is the light for "what should act on messages does".
func Answers(a api.Account, now time.Time) LightView {
	if a.Deaf {
		return LightView{State: Off, Symbol: Off.Symbol(), Words: "nothing to answer"}
	}
	return Light(a.Answers, a.Status, now)
}

func light(s State, words string) LightView {
	return LightView{State: s, Symbol: s.Symbol(), Words: words}
}

// online reports whether proofs of the past still speak for the present.
func online(s api.Status) bool {
	return s == api.Connected || s == api.Degraded || s == api.RateLimited
}
