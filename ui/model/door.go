package model

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Caller is who can reach something at this level, in words. For a level that
// this program does not know it is everyone: a mistake here may frighten, never
// soothe.
func Caller(l exposure.Level) string {
	switch l {
	case exposure.Outbound, exposure.Relayed:
		return "nobody"
	case exposure.Local:
		return "this computer"
	case exposure.Private:
		return "your network"
	}
	return "anyone on the internet"
}

// DoorName names a door's account: "LINE shop".
func DoorName(d api.Door) string {
	return named(api.Account{Platform: d.Platform, Title: d.Title, Name: d.Name})
}

// named is Label for a heading, where nothing needs to line up.
func named(a api.Account) string { return strings.ReplaceAll(Label(a), "  ", " ") }

// DoorBadge is how a door is shown: its level while it is open, and hollow, in
// the colour it would have, while it is not.
func DoorBadge(d api.Door) BadgeView {
	switch {
	case d.Open || d.Relayed || d.Level == exposure.Relayed || d.Level == exposure.Outbound && !d.Set:
		return Badge(d.Level)
	case d.Needs || d.Level == exposure.Refused && !d.Closed:
		return Badge(exposure.Refused)
	}
	b := Badge(d.If)
	b.Symbol, b.Outline, b.Words = "○", true, "closed: not open"
	if d.Closed {
		b.Words = "closed by hand"
	}
	return b
}

// DoorTraffic is what has come through an open door: "Open since 09:14, 212
// accepted, 31 rejected (28 bad signature, 3 stale), last 2 min ago, ends in 29
// days". For a closed one it says that it is, and what was counted before.
func DoorTraffic(d api.Door, now time.Time) string {
	var parts []string
	switch {
	case d.Relayed:
		parts = append(parts, "Received through a relay that this computer dials")
	case !d.Open:
		parts = append(parts, "Closed: nothing can come in")
	case d.Since.IsZero():
		parts = append(parts, "Open")
	default:
		parts = append(parts, "Open since "+Clock(d.Since, now))
	}
	var rejected uint64
	for _, n := range d.Rejected {
		rejected += n
	}
	if d.Open || d.Accepted+rejected > 0 {
		parts = append(parts, count(d.Accepted)+" accepted", count(rejected)+" rejected"+reasons(d.Rejected))
	}
	switch {
	case !d.Last.IsZero():
		parts = append(parts, "last "+Ago(d.Last, now))
	case d.Open:
		parts = append(parts, "nothing has come yet")
	}
	if d.Open && d.Ack != nil && !d.Ack.Ends.IsZero() {
		parts = append(parts, "ends "+In(d.Ack.Ends, now))
	}
	return strings.Join(parts, ", ")
}

// reasons is " (28 bad signature, 3 stale)", the most frequent first; empty if
// there are none.
func reasons(m map[string]uint64) string {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, k := range keys {
		if m[k] > 0 {
			parts = append(parts, count(m[k])+" "+text.Line(k, 40))
		}
	}
	const most = 6
	if len(parts) > most {
		parts = append(parts[:most], "and others")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// In is how long after now t is: "in 29 days", "in 3 h", "in 4 min"; "now" for
// one that has passed. It rounds down, so that nothing seems to last longer than
// it does.
func In(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("in %d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("in %d min", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("in %d h", d/time.Hour)
	case d < 48*time.Hour:
		return "in 1 day"
	default:
		return fmt.Sprintf("in %d days", d/(24*time.Hour))
	}
}

// Clock is t in now's time zone, as short as it is clear: "09:14" today, else
// "19 Nov 09:14", with the year if it is another.
func Clock(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case t.Year() != now.Year():
		return t.Format("2 Jan 2006 15:04")
	case t.YearDay() != now.YearDay():
		return t.Format("2 Jan 15:04")
	}
	return t.Format("15:04")
}

// AckWords says when, where and for how long a person consented.
func AckWords(a api.Acknowledgement, now time.Time) string {
	s := "Acknowledged " + Clock(a.Made, now)
	switch a.By {
	case "":
	case "window", "terminal":
		s += " in the " + a.By
	default:
		s += " by " + text.Line(a.By, 40)
	}
	if a.Ends.IsZero() {
		return s
	}
	if !a.Ends.After(now) {
		return s + ", ended " + Clock(a.Ends, now)
	}
	return s + ", ends " + In(a.Ends, now) + " (" + Clock(a.Ends, now) + ")"
}

// ItemWords is what a line of the checklist is about, by its key; a key that
// this program does not know is its own words.
func ItemWords(key string) string {
	switch key {
	case "tunnel":
		return "a tunnel with a stable host name"
	case "sources":
		return "only the sender's addresses let in"
	case "signature":
		return "signatures checked at the tunnel too"
	case "identity":
		return "an identity-aware proxy"
	case "limits":
		return "limits at the tunnel"
	case "alerts":
		return "somebody told about odd traffic"
	case "plan":
		return "a plan for when it happens"
	}
	return text.Line(key, 80)
}

// RotationWords says that a replaced secret still counts.
func RotationWords(r api.Rotation, now time.Time) string {
	return "The former " + text.Line(strings.ReplaceAll(r.Field, "_", " "), 40) + " still counts until " + Clock(r.Until, now) + ", ends " + In(r.Until, now)
}

// SocketWords says whose a listening socket is, and who can reach it.
func SocketWords(s api.Socket) string {
	reach := Caller(s.Level) + " can reach it"
	if s.Strange {
		return "Nobody here opened this, and " + reach + "."
	}
	if w := text.Line(s.Whose, 120); w != "" {
		return w + " · " + reach
	}
	return "It is not known whose this is, and " + reach + "."
}

// StrangeWords is the alarm for n sockets that nobody opened: "1 listening
// socket nobody opened"; empty for none.
func StrangeWords(n int) string {
	if n == 0 {
		return ""
	}
	return Count(n, "listening socket", "listening sockets") + " nobody opened"
}

// TunnelWords says what a program that was found publishes, and to whom.
func TunnelWords(t api.Tunnel) string {
	s := text.Line(t.Program, 40)
	if s == "" {
		s = "A tunnel"
	}
	public, target := text.Line(t.Public, 120), text.Line(t.Target, 120)
	switch {
	case public != "" && target != "":
		s += " publishes " + target + " as " + public
	case public != "":
		s += " publishes " + public + "; what it leads to can't be seen"
	case target != "":
		s += " leads to " + target + "; where it publishes it can't be seen"
	default:
		s += " is running; what it publishes can't be seen"
	}
	if t.Inside {
		return s + ", to your own network only"
	}
	return s + ". A tunnel makes what is behind it public"
}

// AuditWords names what a line of the audit record tells.
func AuditWords(what string) string {
	s := text.Line(what, 24)
	if s == "" {
		return "Something else"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// RecordWords says how the audit record stands, and whether it is whole.
func RecordWords(a api.AuditState, now time.Time) (words string, whole bool) {
	why := text.Line(a.Why, 240)
	if a.Broken != 0 {
		s := "The record is broken at line " + strconv.FormatUint(a.Broken, 10) + ": what follows can't be trusted."
		if why != "" {
			s += " " + why
		}
		return s, false
	}
	if a.Lines == 0 {
		return "The record is empty: nothing has been opened yet.", true
	}
	s := "The record is whole: " + Count(a.Lines, "line", "lines")
	if !a.First.IsZero() {
		s += " since " + Clock(a.First, now)
	}
	return s + ".", true
}

// DoorRemark is what an account's card says about its door, and what its button
// is called; both are empty where there is nothing to look at.
func DoorRemark(a api.Account) (words, do string) {
	switch a.Exposure {
	case exposure.Refused:
		if a.Status == api.Blocked && a.Note != "" { // the note says it better
			return a.Note, "Open…"
		}
		return "Refused: not acknowledged. It needs a listener that others can reach, and nothing is open.", "Open…"
	case exposure.Public:
		return "Strangers can send bytes to a program on this computer through it.", "Look at it"
	}
	return "", ""
}

// BeforeSaving says, before an account is saved, what has to be opened for it;
// level is what its level means otherwise.
func BeforeSaving(in platforms.Inbound, l exposure.Level, level string) string {
	switch {
	case in == platforms.Webhook && l != exposure.Relayed:
		return "It needs a public address. After saving, Postern asks you before anything opens, and nothing opens by itself."
	case in == platforms.Callback && l == exposure.Outbound:
		return level + " Some features, such as buttons, need a listener: it is set up afterwards, and nothing opens by itself."
	}
	return level
}

// Recommendation is the honest advice that stands on the page of what can be
// reached.
const Recommendation = "Prefer platforms that dial out. Nothing can then be sent to this computer that it did not ask for. " +
	"A public listener lets strangers send bytes to a program here, and a tunnel in front of it does not change that."
