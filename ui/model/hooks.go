package model

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// mostHookName is how long a hook's name may be, in characters.
const mostHookName = 64

// HookName is a hook's name as it is shown.
func HookName(h api.Hook) string {
	if name := text.Line(h.Name, mostHookName); name != "" {
		return name
	}
	return "a hook without a name"
}

// NameLength says how much of what a name may be is used: "5 of 64 characters".
// What surrounds the name does not count, and characters are no bytes.
func NameLength(name string) (words string, fits bool) {
	n := utf8.RuneCountInString(strings.TrimSpace(name))
	return strconv.Itoa(n) + " of " + strconv.Itoa(mostHookName) + " characters", n <= mostHookName
}

// NameFault is what is wrong with a hook's name, empty if nothing is.
func NameFault(name string) string {
	if strings.TrimSpace(name) == "" {
		return "The name is missing. Choose one."
	}
	if _, fits := NameLength(name); !fits {
		return "The name is longer than " + strconv.Itoa(mostHookName) + " characters. Shorten it."
	}
	return ""
}

// hookEnded reports whether a hook's time is over.
func hookEnded(h api.Hook, now time.Time) bool { return !h.Expires.IsZero() && !now.Before(h.Expires) }

// HookState is whether posts are taken.
func HookState(h api.Hook, now time.Time) StatusView {
	view := func(s State, words string) StatusView { return StatusView{s, s.Symbol(), words} }
	switch {
	case hookEnded(h, now):
		return view(Bad, "Its time is over: posts are refused")
	case !h.On:
		return view(Off, "Switched off: posts are refused")
	case h.Problem != "":
		return view(Bad, "Posts are refused")
	}
	return view(Good, "Takes posts")
}

// HookTimes is when a hook was used, and until when it counts: "last used 3 min
// ago · 214 posts · ends 3 Dec 14:00 · at most 30 posts a minute".
func HookTimes(h api.Hook, now time.Time) string {
	words := []string{"never used"}
	if !h.LastUsed.IsZero() {
		words = []string{"last used " + Ago(h.LastUsed, now), many(h.Count, "post", "posts")}
	}
	words = append(words, "made "+Ago(h.Created, now))
	switch {
	case h.Expires.IsZero():
		words = append(words, "no end")
	case hookEnded(h, now):
		words = append(words, "ended "+Clock(h.Expires, now))
	default:
		words = append(words, "ends "+Clock(h.Expires, now))
	}
	if limit := rateWords(h.Limit); limit != "" {
		words = append(words, limit)
	}
	return strings.Join(words, " · ")
}

// rateWords is a limit of posts: "at most 30 posts a minute"; empty for the usual
// one.
func rateWords(r platforms.Rate) string {
	if r.N == 0 {
		return ""
	}
	per := "in " + r.Per.String()
	switch r.Per {
	case time.Second:
		per = "a second"
	case time.Minute:
		per = "a minute"
	case time.Hour:
		per = "an hour"
	case 24 * time.Hour:
		per = "a day"
	}
	return "at most " + Count(r.N, "post ", "posts ") + per
}

// HookRotating says until when the address before this one still counts; empty
// if it does not.
func HookRotating(h api.Hook, now time.Time) string {
	if !now.Before(h.Rotating) {
		return ""
	}
	return "The address before this one still counts, for " + Left(h.Rotating, now) + "."
}

// HookStops is what stops when a hook is removed.
func HookStops(h api.Hook, now time.Time) string {
	words := "Its address stops at once: programs that post to it are refused. What was posted stays in the conversation. "
	if h.LastUsed.IsZero() {
		return words + "It was never used."
	}
	return words + "It was last used " + Ago(h.LastUsed, now) + "."
}

// FormTitle names the form that a hook is posted to in.
func FormTitle(dialect string, forms []api.HookForm) string {
	for _, f := range forms {
		if f.Dialect == dialect {
			return text.Line(f.Title, 40)
		}
	}
	return text.Line(dialect, 40)
}

// FormAddress is a hook's address for programs that post in another form than
// the hook's own; empty if there is none.
func FormAddress(address string, f api.HookForm) string {
	suffix := strings.Trim(f.Suffix, "/")
	if address == "" || suffix == "" {
		return ""
	}
	return strings.TrimSuffix(address, "/") + "/" + suffix
}

// CurlLine posts body to an address, as a line for a shell of any system: what
// is between double quotes is read alike by them all, as long as it has none of
// $, ` and !. An address with anything unusual gives none.
func CurlLine(address, body string) string {
	const usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:/._-~[]"
	if address == "" || strings.Trim(address, usual) != "" || strings.ContainsAny(body, "$`!%\\\r\n") {
		return ""
	}
	return `curl -H "Content-Type: application/json" -d "` + strings.ReplaceAll(body, `"`, `\"`) + `" ` + address
}

// HookListening is where hooks are served, and how it is shown.
func HookListening(h api.Hooks) (words string, badge BadgeView) {
	address := text.Line(h.Address, 80)
	if address == "" {
		address = text.Line(h.Bind, 80)
	}
	if h.Open {
		return "Programs on this computer post to " + address + ".", Badge(exposure.Local)
	}
	badge = Badge(exposure.Local)
	badge.Symbol, badge.Words, badge.Outline = "○", "closed", true
	words = text.Line(h.Why, 300)
	switch {
	case words != "":
	case len(h.Hooks) == 0:
		words = "Nothing listens before there is a hook."
	default:
		words = "Nothing is taken. Choose another address."
	}
	if address != "" {
		words += " The address would be " + address + "."
	}
	return words, badge
}

// WebhookBadge marks a message that came by a webhook.
func WebhookBadge() BadgeView {
	return BadgeView{Symbol: "△", Words: "Webhook · not E2EE", Light: amberLight.color(), Dark: amberDark.color()}
}

// ByWebhook reports whether a message of an account came by an HTTP request: to
// one of the person's hooks, or to the account's public or relayed address.
func ByWebhook(e api.Entry, a api.Account) bool {
	switch {
	case e.Hook != "":
		return true
	case e.Outgoing:
		return false
	case a.Inbound == platforms.Webhook:
		return true
	}
	return a.Inbound == platforms.Callback && e.Click != nil && (a.Exposure == exposure.Public || a.Exposure == exposure.Relayed)
}

// PostedBy is who posted a message by a hook, and how: "Build server · via hook
// ci". Both are from outside.
func PostedBy(e api.Entry) (who, via string) {
	if e.Hook == "" {
		return "", ""
	}
	hook := text.Line(e.Hook, mostHookName)
	who = text.Line(e.Poster, mostHookName)
	if who == "" {
		who = hook
	}
	return who, "via hook " + hook
}

// ReplayWords says what a message repeats; of is that message, if it is known.
// It is empty for one that repeats nothing.
func ReplayWords(e api.Entry, of *api.Entry) string {
	switch {
	case e.ReplayRequest != 0:
		return "replay of request " + strconv.FormatUint(e.ReplayRequest, 10)
	case e.Replay == 0:
		return ""
	}
	if of != nil {
		if s := text.Line(of.Text, 40); s != "" {
			return "replay of “" + s + "”"
		}
	}
	return "replay of entry " + strconv.FormatUint(e.Replay, 10)
}

// many is Count for what may be very much.
func many(n uint64, one, other string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + other
}
