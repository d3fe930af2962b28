package model

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// Ago is how long before now t was: "just now", "12 s ago", "4 min ago",
// "3 h ago", "2 days ago". A zero t is "never"; a t in the future, which
// clocks that disagree produce, is "just now". It rounds down.
func Ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	switch d := now.Sub(t); {
	case d < 5*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	case d < 48*time.Hour:
		return "1 day ago"
	default:
		return fmt.Sprintf("%d days ago", d/(24*time.Hour))
	}
}

// Size is a number of bytes in words. Zero and less mean that the size is not
// known.
func Size(n int64) string {
	if n <= 0 {
		return "size unknown"
	}
	return text.Size(n)
}

// Count is a number and its noun: "1 message", "2 messages".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// EntryWords says where a message stands.
func EntryWords(s api.EntryStatus) string {
	switch s {
	case api.Received:
		return "waiting to be handled"
	case api.Delivered:
		return "handled"
	case api.HeldBack:
		return "held: asks before anything acts on it"
	case api.Dismissed:
		return "left alone"
	case api.Failed:
		return "the responder failed"
	case api.Queued:
		return "waiting to be sent"
	case api.Sent:
		return "sent"
	case api.DeadEnd:
		return "could not be sent"
	case api.Discarded:
		return "given up"
	}
	return "unknown state"
}

// EntryMarks are the remarks beside a message, the ones that matter most
// first; nil for an ordinary one.
func EntryMarks(e api.Entry) []string {
	var m []string
	if e.MayDuplicate {
		m = append(m, "may be a duplicate")
	}
	if e.Stranger {
		m = append(m, "from a stranger")
	}
	if e.Away {
		m = append(m, "while you were away")
	}
	if e.Edited {
		m = append(m, "edited")
	}
	if e.Erased {
		m = append(m, "text not kept")
	}
	return m
}

// EntryNote is everything to say about a message in one line: "waiting to be
// sent · may be a duplicate". It is empty for a message that was handled or
// sent and has no remarks.
func EntryNote(e api.Entry) string {
	var parts []string
	if e.Status != api.Delivered && e.Status != api.Sent {
		w := EntryWords(e.Status)
		if why := text.Line(e.Why, 160); why != "" {
			w += " (" + why + ")"
		}
		parts = append(parts, w)
	}
	return strings.Join(append(parts, EntryMarks(e)...), " · ")
}

// ActivityWords names a kind of activity.
func ActivityWords(w api.What) string {
	switch w {
	case api.Routed:
		return "Routed"
	case api.Rejected:
		return "Rejected"
	case api.Ignored:
		return "Ignored"
	case api.SentOut:
		return "Sent"
	case api.Retried:
		return "Tried again"
	case api.DiedOut:
		return "Could not be sent"
	case api.Resumed:
		return "Resumed"
	case api.Stopped:
		return "Stopped"
	case api.Changed:
		return "Changed"
	case api.Alarm:
		return "Alarm"
	case api.Permission:
		return "Permission"
	case api.GaveUp:
		return "Failed"
	case api.ToldAgain:
		return "Arrived again"
	case api.Missed:
		return "Missed"
	}
	return "Something else"
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToLower(r)) + s[n:]
}
