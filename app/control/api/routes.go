package api

import (
	"time"

	"github.com/postern/postern/platforms"
)

// Route says which responders get an event. Of an ordered list, the first that
// matches counts, and after one with Also the next as well.
type Route struct {
	ID   string   `json:"id"`
	Name string   `json:"name,omitempty"`
	When string   `json:"when,omitempty"` // expression; empty: always
	To   []string `json:"to"`             // ids of responders
	Off  bool     `json:"off,omitempty"`
	Also bool     `json:"also,omitempty"`
}

// RouteStep is what became of one route for an event.
type RouteStep struct {
	Route string `json:"route"` // its id
	Name  string `json:"name,omitempty"`
	Match bool   `json:"match"`
	Words string `json:"words"`
}

// Routes is all of them. What no route takes goes to Default.
type Routes struct {
	Routes  []Route  `json:"routes"`
	Default []string `json:"default"` // ids of responders; fixed
}

// RouteName is a name that expressions may use.
type RouteName struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // "text", "yes or no", "number", "list", "function", "any"
	Help    string `json:"help"`
	Example string `json:"example,omitempty"`
}

// RouteCheck is an expression to check, or a whole list to try.
type RouteCheck struct {
	When string `json:"when"`
}

// RouteChecked is what is wrong with it; empty: nothing.
type RouteChecked struct {
	Problem string `json:"problem,omitempty"`
	// Cond is the expression as a person picks it from lists; nil where it is
	// not of that form.
	Cond *Cond `json:"cond,omitempty"`
}

// Cond is a condition as it is picked from lists.
type Cond struct {
	Op    string `json:"op"` // "and", "or", "not", or a comparison
	Field string `json:"field,omitempty"`
	Value string `json:"value,omitempty"`
	Of    []Cond `json:"of,omitempty"`
}

// RouteTried is what would become of one of the last events.
type RouteTried struct {
	Entry Entry       `json:"entry"`
	Steps []RouteStep `json:"steps"`
	To    []string    `json:"to"` // labels
}

// ResponderKind is a sort of responder that can be set up.
type ResponderKind struct {
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Summary string  `json:"summary"`
	Fields  []Field `json:"fields"`
}

// Responder is one that is set up, or built in.
type Responder struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Title    string            `json:"title"` // the kind's, for people
	Label    string            `json:"label"`
	Builtin  bool              `json:"builtin,omitempty"`
	Talks    bool              `json:"talks,omitempty"` // it has conversations: see Lease
	Off      bool              `json:"off,omitempty"`
	Problem  string            `json:"problem,omitempty"` // why it can't work, and what to do
	Settings map[string]string `json:"settings,omitempty"`
	Secrets  map[string]string `json:"secrets,omitempty"` // hints

	Waiting int       `json:"waiting,omitempty"` // events that wait to be tried again
	Working int       `json:"working,omitempty"` // turns at work
	Last    time.Time `json:"last,omitzero"`     // when it last finished an event
	Error   string    `json:"error,omitempty"`   // its last failure, if that is newer
}

// ResponderDraft is a responder to add or change; as AccountDraft.
type ResponderDraft struct {
	Kind   string            `json:"kind"`
	Label  string            `json:"label"`
	Values map[string]string `json:"values"`
	Off    bool              `json:"off,omitempty"`
}

// Lease is which responder has a conversation, of those that talk.
type Lease struct {
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Title        string                   `json:"title,omitempty"`
	Holder       string                   `json:"holder"` // id of a responder; empty: nobody
	Label        string                   `json:"label,omitempty"`
	Since        time.Time                `json:"since,omitzero"`
	Given        bool                     `json:"given,omitempty"` // by a person
}

// Ask is a permission that a responder asks for.
type Ask struct {
	ID           string                   `json:"id"`
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Where        string                   `json:"where,omitempty"` // the conversation's title
	Responder    string                   `json:"responder"`       // label
	Title        string                   `json:"title"`
	Detail       string                   `json:"detail,omitempty"`
	Choices      []AskChoice              `json:"choices"`
	At           time.Time                `json:"at"`
	Until        time.Time                `json:"until"`
}

// AskChoice is a possible answer.
type AskChoice struct {
	ID     string `json:"id"`
	Label  string `json:"label"`
	Grants bool   `json:"grants,omitempty"`
}

// AskAnswer is the choice.
type AskAnswer struct {
	Choice string `json:"choice"`
}
