package platforms

// Field is one setting of an account, as a form shows it.
type Field struct {
	Key         string
	Label       string
	Help        string
	Placeholder string
	Secret      bool // kept in the vault, never shown again
	Required    bool
	Advanced    bool // folded away at first

	// Caller marks the address of the server that calls back, where Inbound is
	// Callback: who can reach us depends on where it is.
	Caller bool

	// Rotates says that after a change the former value, a secret, may count for
	// a while: see Config.Former.
	Rotates bool
	// Make makes a fresh value, where the person may have us choose one. It is
	// shown to them once, before it is saved.
	Make func() string

	// Options, if any, are what can be chosen; the first one is meant where
	// nothing is.
	Options []Option

	// Parse cleans what a person typed or pasted: it trims, unquotes, or takes
	// the value out of a longer text. The error says what is wrong and what to
	// do, and never repeats a secret. Nil accepts the trimmed text as it is.
	Parse func(string) (string, error)
}

// Option is one value that a Field may have, and what a person reads.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Guide is the setup of one platform, step by step.
type Guide struct {
	Steps    []Step   `json:"steps,omitempty"`
	Scopes   []string `json:"scopes,omitempty"`   // exact names of permissions the bot needs
	Manifest string   `json:"manifest,omitempty"` // text to paste where the platform takes one
}

// Step is one step of a Guide. URL is where to do it, Copy a text to paste there.
type Step struct {
	Text string `json:"text,omitempty"`
	URL  string `json:"url,omitempty"`
	Copy string `json:"copy,omitempty"`
}
