package model

import (
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// Capability is one thing that platforms can or can't do, in words, one value a
// platform.
type Capability struct {
	Name   string
	Values []string
}

// Capabilities is the table by which a person chooses: what each platform can
// and can't do, before anything is set up. It holds only what the platforms'
// data says.
func Capabilities(list []api.Platform) []Capability {
	rows := []struct {
		name  string
		value func(api.Platform) string
	}{
		{"Reached by", func(p api.Platform) string { return reachedBy(p.Exposure) }},
		{"First setup", func(p api.Platform) string { return about(p.Minutes) }},
		{"Hears and speaks", func(p api.Platform) string { return directions(p.Limits) }},
		{"Longest text", func(p api.Platform) string { return varying(p, longest) }},
		{"Edits its messages", func(p api.Platform) string { return yes(p.Limits.Edit) }},
		{"Threads", func(p api.Platform) string { return yes(p.Limits.Threads) }},
		{"Buttons", func(p api.Platform) string { return buttons(p.Limits) }},
		{"Sends files", func(p api.Platform) string { return upTo(p.Limits.Upload) }},
		{"Fetches files", func(p api.Platform) string { return upTo(p.Limits.Download) }},
		{"Typing sign", func(p api.Platform) string { return yes(p.Limits.Typing > 0) }},
		{"To one chat", func(p api.Platform) string {
			return varying(p, func(l platforms.Limits) string { return rate(l, l.Pace.Conversation) })
		}},
		{"All together", func(p api.Platform) string { return rate(p.Limits, p.Limits.Pace.Account) }},
		{"While this is off", func(p api.Platform) string { return p.Away }},
	}
	out := make([]Capability, 0, len(rows))
	for _, r := range rows {
		c := Capability{Name: r.name}
		for _, p := range list {
			c.Values = append(c.Values, r.value(p))
		}
		out = append(out, c)
	}
	return out
}

func reachedBy(l exposure.Level) string {
	if l == exposure.Refused {
		return "public webhook"
	}
	return string(l)
}

func directions(l platforms.Limits) string {
	switch {
	case l.Mute:
		return "only hears"
	case l.Deaf:
		return "only speaks"
	}
	return "both"
}

// varying is a limit in words, where it is the same for all accounts.
func varying(p api.Platform, words func(platforms.Limits) string) string {
	if p.Varies {
		return "depends on the chat"
	}
	return words(p.Limits)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func about(minutes int) string {
	if minutes <= 0 {
		return "–"
	}
	return strconv.Itoa(minutes) + " min"
}

func longest(l platforms.Limits) string {
	if l.Mute {
		return "sends nothing"
	}
	if l.Text == 0 {
		return "no limit known"
	}
	return thousands(l.Text) + " " + string(l.Unit)
}

func buttons(l platforms.Limits) string {
	if l.Mute {
		return "no"
	}
	if l.Buttons == 0 {
		return "as a numbered list"
	}
	s := "up to " + strconv.Itoa(l.Buttons)
	if l.ButtonsPerRow > 0 && l.ButtonsPerRow < l.Buttons {
		s += ", " + strconv.Itoa(l.ButtonsPerRow) + " a row"
	}
	return s
}

func upTo(n int64) string {
	if n == 0 {
		return "no"
	}
	switch { // some platforms count so, and 104.9 MB is nobody's figure
	case n%(1<<30) == 0:
		return "up to " + strconv.FormatInt(n>>30, 10) + " GiB"
	case n%(1<<20) == 0:
		return "up to " + strconv.FormatInt(n>>20, 10) + " MiB"
	}
	return "up to " + strings.Replace(Size(n), ".0 ", " ", 1)
}

// rate is how many messages in how long, in the words of a person.
func rate(l platforms.Limits, r platforms.Rate) string {
	if l.Mute {
		return "–"
	}
	if r.N == 0 || r.Per == 0 {
		return "no limit known"
	}
	per := "in " + strconv.Itoa(int(r.Per/time.Second)) + " s"
	switch r.Per {
	case time.Second:
		per = "a second"
	case time.Minute:
		per = "a minute"
	case time.Hour:
		per = "an hour"
	}
	return thousands(r.N) + " " + per
}

// thousands is n with its thousands set apart.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
