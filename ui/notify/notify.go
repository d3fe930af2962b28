// Package notify shows desktop notifications and tells what the person did with
// them.
//
// What they say comes from strangers, so it is only ever text: it is bounded,
// cleaned, escaped where the desktop would read markup, and no shell or script
// sees it.
package notify

import (
	"errors"
	"log/slog"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// ErrUnavailable says that nothing here shows notifications. The error that
// wraps it says why and what to do, in a sentence for the person.
var ErrUnavailable = errors.New("desktop notifications are not available")

// Click is the action of clicking on the notification itself.
const Click = "default"

// Notification is one thing to tell the person.
type Notification struct {
	// Key names what it is about. It replaces the earlier one with the same
	// key, so that a burst of messages is one notification.
	Key         string
	Title, Body string // plain text from outside; cut to 120 and 400 characters
	Actions     []Action
	Urgent      bool // stays until the person has seen it
}

// Action is a button. Desktops show two or three. A click on the notification
// itself is always possible and is called Click; it needs no Action, and a
// desktop that makes a button of it calls that "Open".
type Action struct{ ID, Label string }

// Options is how a Notifier works.
type Options struct {
	Log *slog.Logger

	// OnAction is told what the person did: the notification's key, and the id
	// of one of its actions or Click. It is called from one goroutine at a
	// time and must return quickly.
	OnAction func(key, action string)
}

const (
	maxTitle = 120
	maxBody  = 400
	maxLabel = 40
)

// cleaned is n with its text fit to be shown.
func cleaned(n Notification) Notification {
	n.Title = text.Line(n.Title, maxTitle)
	if n.Title == "" {
		n.Title = "Postern" // an empty title is refused or shown as a gap
	}
	n.Body = block(n.Body, maxBody)
	actions := make([]Action, len(n.Actions))
	for i, a := range n.Actions {
		actions[i] = Action{ID: a.ID, Label: text.Line(a.Label, maxLabel)}
	}
	n.Actions = actions
	return n
}

// block cleans text of several lines, without blank ones, and cuts it to max
// characters.
func block(s string, max int) string {
	// Cleaning costs time in proportion, and little of a long text is used. A
	// character torn here is beyond what is shown.
	if limit := max * utf8.UTFMax * 8; len(s) > limit {
		s = s[:limit]
	}
	var lines []string
	for l := range strings.Lines(text.Block(s)) {
		if l = strings.TrimSpace(strings.ReplaceAll(l, "\t", " ")); l != "" {
			lines = append(lines, l)
		}
	}
	s = strings.Join(lines, "\n")
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	return text.Split(s, max-1, platforms.Runes)[0] + "…"
}

// offers reports whether n can bring about action.
func offers(n Notification, action string) bool {
	if action == Click {
		return true
	}
	for _, a := range n.Actions {
		if a.ID == action {
			return true
		}
	}
	return false
}
