package api

import (
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

// People is who may talk to the bots.
type People struct {
	Rules   []access.Rule   `json:"rules"`
	Ignored []access.Ignore `json:"ignored,omitempty"`
	Open    []access.Place  `json:"open,omitempty"` // where a bot need not be mentioned
	// Claims wait for the person's yes: who sent a pairing code.
	Claims []access.Claim `json:"claims,omitempty"`
	// Pairing is until when a code can be claimed; zero: none is out.
	Pairing time.Time `json:"pairing,omitzero"`
}

// RuleDraft lets somebody in. Either Entry names a message of theirs, or User,
// and Conversation for a shared place, are ids as a person pasted them.
type RuleDraft struct {
	Entry        uint64              `json:"entry,omitempty"`
	Account      platforms.AccountID `json:"account,omitempty"`
	User         string              `json:"user,omitempty"`
	Conversation string              `json:"conversation,omitempty"`

	Role  access.Role `json:"role"`
	Bot   bool        `json:"bot,omitempty"`
	Until time.Time   `json:"until,omitzero"`
	Name  string      `json:"name,omitempty"`
	Place string      `json:"place,omitempty"`
}

// RuleKey names a rule, what is ignored, or an open place.
type RuleKey struct {
	Account      platforms.AccountID      `json:"account"`
	User         platforms.UserID         `json:"user,omitempty"`
	Conversation platforms.ConversationID `json:"conversation,omitempty"`
}

// IgnoreDraft keeps somebody out for good: who wrote Entry, or who is named.
type IgnoreDraft struct {
	Entry        uint64                   `json:"entry,omitempty"`
	Account      platforms.AccountID      `json:"account,omitempty"`
	User         platforms.UserID         `json:"user,omitempty"`
	Conversation platforms.ConversationID `json:"conversation,omitempty"`
	Name         string                   `json:"name,omitempty"`
}

// Pairing is a code that somebody sends to a bot to be let in. It is a secret.
type Pairing struct {
	Code  string    `json:"code"`
	Until time.Time `json:"until"`
	// Links open a direct conversation with a bot in which the code is written
	// already; Bots are those to send it to.
	Bots []PairingBot `json:"bots"`
}

// PairingBot is a bot that a code can be sent to.
type PairingBot struct {
	Account platforms.AccountID `json:"account"`
	Name    string              `json:"name"`             // the person's label
	Title   string              `json:"title"`            // the platform's
	Handle  string              `json:"handle,omitempty"` // "@mybot"
	Link    string              `json:"link,omitempty"`   // sends the code with one press; empty where there is no such link
	Chat    string              `json:"chat,omitempty"`   // opens the conversation only
}

// ClaimAnswer says whether a claim's user is let in.
type ClaimAnswer struct {
	Claim  access.Claim `json:"claim"`
	Accept bool         `json:"accept"`
}

// Why is how an event was or would be decided.
type Why struct {
	// Then is what was decided when it came; nil: that is not kept.
	Then *access.Decision `json:"then,omitempty"`
	// Now is what would be decided today.
	Now access.Decision `json:"now"`
	// Routes are the routes in their order, and To the responders that it goes
	// to, by their labels.
	Routes []RouteStep `json:"routes,omitempty"`
	To     []string    `json:"to,omitempty"`
	Lease  string      `json:"lease,omitempty"` // who has the conversation, in words
}

// Simulation is an event that never happened.
type Simulation struct {
	Account      platforms.AccountID        `json:"account"`
	User         platforms.UserID           `json:"user"`
	Bot          bool                       `json:"bot,omitempty"`
	Conversation platforms.ConversationID   `json:"conversation,omitempty"` // empty: their direct conversation
	Kind         platforms.ConversationKind `json:"kind"`
	Text         string                     `json:"text"`
	Mentioned    bool                       `json:"mentioned,omitempty"`
}
