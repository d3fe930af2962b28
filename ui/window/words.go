package window

import (
	"strings"
	"time"
	"unicode"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// clockOf is t as short as it is clear: the time today, the weekday this week,
// else the date.
func clockOf(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	t, now = t.Local(), now.Local()
	switch days := daysBetween(t, now); {
	case days == 0:
		return t.Format("15:04")
	case days == 1:
		return "Yesterday"
	case days > 1 && days < 7:
		return t.Format("Mon")
	case t.Year() == now.Year():
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// dayOf names a day in a timeline.
func dayOf(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	switch daysBetween(t, now) {
	case 0:
		return "Today"
	case 1:
		return "Yesterday"
	}
	if t.Year() == now.Year() {
		return t.Format("Monday, 2 January")
	}
	return t.Format("Monday, 2 January 2006")
}

func daysBetween(t, now time.Time) int {
	day := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	}
	return int(day(now).Sub(day(t)).Hours() / 24)
}

func moment(t time.Time) string { return t.Local().Format("Mon 2 Jan 2006, 15:04:05") }

// initials are one or two letters of a name.
func initials(name string) string {
	var out []rune
	for _, word := range strings.Fields(clean.Line(name, 80)) {
		for _, r := range word {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				out = append(out, unicode.ToUpper(r))
				break
			}
		}
		if len(out) == 2 {
			break
		}
	}
	if len(out) == 0 {
		return "·"
	}
	return string(out)
}

// userName is a person as they are shown; the id never shows as a name.
func userName(u platforms.User) string {
	if n := clean.Line(u.Name, 60); n != "" {
		return n
	}
	if h := clean.Line(u.Handle, 60); h != "" {
		return h
	}
	return "Someone"
}

func conversationTitle(c api.Conversation) string {
	if t := clean.Line(c.Title, 80); t != "" {
		return t
	}
	return "Conversation " + clean.Line(string(c.ID), 40)
}

// initial is the first letter of a name.
func initial(name string) string { return string([]rune(initials(name))[:1]) }
