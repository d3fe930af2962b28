package hooks

import (
	_ "embed"
	"encoding/json"
)

//go:embed forms.json
var formsJSON []byte

// Form is a dialect for the person who chooses one.
type Form struct {
	Dialect Dialect `json:"dialect"`
	// Paths is what its senders may have at the end of any hook's address, the
	// usual one first; none for Native.
	Paths   []string `json:"paths,omitempty"`
	Title   string   `json:"title"`
	Summary string   `json:"summary"`
	Docs    string   `json:"docs,omitempty"` // the senders' documentation
}

// Forms is all dialects, in the order in which they are offered.
func Forms() []Form {
	var forms []Form
	_ = json.Unmarshal(formsJSON, &forms) // a test reads it too
	return forms
}

// suffixes is the dialects by what stands at the end of an address.
func suffixes() map[string]Dialect {
	m := map[string]Dialect{}
	for _, f := range Forms() {
		for _, p := range f.Paths {
			m[p] = f.Dialect
		}
	}
	return m
}

func (d Dialect) known() bool {
	switch d {
	case Native, Blocks, Embeds, Attachments, Cards, GitHub, Alertmanager, Grafana, Template:
		return true
	}
	return false
}
