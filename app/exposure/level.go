// Package exposure says what of this computer can be reached from outside, and
// is the one place that opens listeners for others to reach.
package exposure

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
