package model

import (
	"strconv"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
)

// Roles are the roles that a person gives, the usual one first.
func Roles() []access.Role { return []access.Role{access.Member, access.Owner, access.Listener} }

// RoleBadge is how a role is shown. One that this program does not know says
// so.
func RoleBadge(r access.Role) BadgeView {
	switch r {
	case access.Owner:
		return BadgeView{Symbol: "●", Words: "owner", Light: tealLight.color(), Dark: tealDark.color()}
	case access.Member:
		return BadgeView{Symbol: "◐", Words: "member", Light: blueLight.color(), Dark: blueDark.color()}
	case access.Listener:
		return BadgeView{Symbol: "○", Words: "listener", Light: greyLight.color(), Dark: greyDark.color()}
	}
	return BadgeView{Symbol: "✕", Words: "unknown role", Light: redLight.color(), Dark: redDark.color(), Outline: true}
}

// RoleHelp says what who has a role may do.
func RoleHelp(r access.Role) string {
	switch r {
	case access.Owner:
		return "May do everything: talk, and press what approves."
	case access.Member:
		return "May talk, and press what is not an approval."
	case access.Listener:
		return "Is told what the bot has to tell, and is not heard."
	}
	return "This version of Postern does not know this role."
}

// VerdictWords says what became of an event, in a few words. One that this
// program does not know is never shown as let in.
func VerdictWords(v access.Verdict) string {
	switch v {
	case access.Allowed:
		return "Let in"
	case access.Ignored:
		return "Ignored for good"
	case access.NeedsMention:
		return "The bot was not addressed"
	case access.Listens:
		return "A listener is not heard"
	case access.Insufficient:
		return "The role is not enough for this"
	case access.Elsewhere:
		return "Named, but not for this conversation"
	case access.Stranger:
		return "A stranger"
	case access.Robot:
		return "A bot that no rule names"
	case access.Faceless:
		return "Nobody in particular"
	case access.Detached:
		return "An edit of what was not let in"
	case access.Own:
		return "The bot's own"
	case access.Unsaid:
		return "Nothing was said"
	}
	return "Not let in"
}

// DecisionWords is a decision in one line: "Let in as an owner, by rule 3".
func DecisionWords(d access.Decision) string {
	if w := VerdictWords(d.Verdict); w == "Not let in" {
		return w
	} else if d.Verdict != access.Allowed {
		return "Not let in: " + lowerFirst(w)
	}
	words := "Let in"
	switch d.Role {
	case access.Owner:
		words += " as an owner"
	case access.Member, access.Listener:
		words += " as a " + string(d.Role)
	}
	if d.Rule > 0 {
		words += ", by rule " + strconv.Itoa(d.Rule)
	}
	return words
}

// EndWords is when a rule ends: "for ever", "until 3 Dec 14:00", "ended 3 Dec".
func EndWords(until, now time.Time) string {
	switch {
	case until.IsZero():
		return "for ever"
	case !now.Before(until):
		return "ended " + Clock(until, now)
	}
	return "until " + Clock(until, now)
}

// Left is the time until t in words, rounded up so that it never says more has
// passed than has: "4 min 32 s", "2 h 5 min", "3 days". What is over is "0 s".
func Left(t, now time.Time) string {
	d := (t.Sub(now) + time.Second - 1).Truncate(time.Second)
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min " + strconv.Itoa(int(d%time.Minute/time.Second)) + " s"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h " + strconv.Itoa(int(d%time.Hour/time.Minute)) + " min"
	}
	return Count(int(d/(24*time.Hour)), "day", "days")
}

// AsksWords says how many permissions responders wait for; empty for none.
func AsksWords(n int) string {
	if n <= 0 {
		return ""
	}
	return Count(n, "permission waits", "permissions wait") + " for you"
}

// ClaimsWords says how many people sent a code and wait; empty for none.
func ClaimsWords(n int) string {
	if n <= 0 {
		return ""
	}
	return Count(n, "person waits", "people wait") + " to be let in"
}

// waiting is the lines of the tray's menu for what only a person can answer.
func waiting(s api.Snapshot) (items []Item) {
	if w := AsksWords(s.Asks); w != "" {
		items = append(items, button("asks", w+"…", show("inbox")))
	}
	if w := ClaimsWords(s.Claims); w != "" {
		items = append(items, button("claims", w+"…", show("people")))
	}
	return items
}
