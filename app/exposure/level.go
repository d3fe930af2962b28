// Package exposure says what of this computer can be reached from outside, and
// is the one place that opens listeners for others to reach.
package exposure

import "github.com/postern/postern/platforms"

// Level is how far an account, hook or listener can be reached from outside.
type Level string

// The levels, from the safest on. The words are what a person reads.
const (
	Outbound Level = "outbound socket"
	Relayed  Level = "relayed webhook"
	Local    Level = "local listener"
	Private  Level = "private callback"
	Public   Level = "public webhook"
	Refused  Level = "refused"
)

// Of is the level that an account stands at, from how its platform reaches
// us and whether anything has been opened for it. Nothing opens listeners yet:
// what would need one is refused.
func Of(in platforms.Inbound) Level {
	switch in {
	case platforms.Dials, platforms.Callback:
		return Outbound
	default:
		return Refused
	}
}
