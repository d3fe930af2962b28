package api

import "github.com/postern/postern/platforms"

// Health is what a check of the doctor found, in a word.
type Health string

// The states of a Finding.
const (
	Healthy Health = "ok"
	Warned  Health = "warning" // works, and wants to be looked at
	Sick    Health = "problem" // does not work
	Unclear Health = "unknown" // could not be found out
	Skipped Health = "skipped" // nothing to look at here
)

// Finding is one check of the doctor and what it found. Its texts are clean:
// what came from outside in them stays on one line.
type Finding struct {
	ID      string              `json:"id"` // stable: "clock", "account/…"
	Title   string              `json:"title"`
	Account platforms.AccountID `json:"account,omitempty"`
	State   Health              `json:"state,omitempty"` // empty: not looked at yet
	Text    string              `json:"text,omitempty"`  // what was found
	Do      string              `json:"do,omitempty"`    // what to do, empty for nothing
}

// Examination is one line of the doctor's stream: first all that will be looked
// at, then each finding as it is made, in any order, and at last Done. A stream
// that ends without it was broken off.
type Examination struct {
	Checks  []Finding `json:"checks,omitempty"` // without State
	Finding *Finding  `json:"finding,omitempty"`
	Done    bool      `json:"done,omitempty"`
}

// Support is a bundle for whoever helps, before it is saved anywhere: exactly
// these texts go into the file.
type Support struct {
	Files  []SupportFile `json:"files"`
	Masked []Masked      `json:"masked"`
}

// SupportFile is one file of a Support.
type SupportFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Masked is how often something of a kind was taken out.
type Masked struct {
	What  string `json:"what"` // in words: "secrets"
	Count int    `json:"count"`
}
