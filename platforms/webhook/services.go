package webhook

import (
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"
)

// gitlab reads an event of GitLab's.
// https://docs.gitlab.com/user/project/integrations/webhook_events/
func gitlab(v value, body []byte) said {
	kind, a := v.get("object_kind").line(40), v.get("object_attributes")
	it := said{subject: v.get("project", "path_with_namespace").line(titleMost), who: v.get("user", "id").raw(40), name: v.get("user", "username").line(nameMost)}
	if it.who == "" { // pushes have it outside
		it.who, it.name = v.get("user_id").raw(40), v.get("user_username").line(nameMost)
	}
	if it.name == "" {
		it.name = v.get("user_name").line(nameMost)
	}
	action := a.get("action").line(40)
	switch action {
	case "open", "reopen", "close", "merge", "update":
		action = strings.TrimSuffix(action, "e") + "ed"
	}
	it.time = gitlabTime(a)
	thing := func(what, sign string, of value) string {
		return lines(what+" "+sign+of.get("iid").line(20)+before(" ", action)+before(" by ", it.name)+before(": ", of.get("title").line(titleMost)), a.get("url").line(titleMost))
	}
	switch kind {
	case "push", "tag_push":
		n := int(max(0, min(v.get("total_commits_count").number(), 1<<30)))
		deleted := strings.Trim(v.get("after").raw(64), "0") == "" && v.get("after").raw(64) != ""
		it.text = pushed(v.get("ref").line(titleMost), it.name, deleted, false, n, v.get("commits"), v.get("project", "web_url"))
	case "issue", "work_item":
		it.text = thing("issue", "#", a)
	case "merge_request":
		it.text = thing("merge request", "!", a)
	case "note":
		of, sign, on := strings.ToLower(a.get("noteable_type").line(40)), "#", v.get("issue")
		if of == "mergerequest" {
			of, sign, on = "merge request", "!", v.get("merge_request")
		}
		about := of
		if id := on.get("iid").line(20); id != "" {
			about += " " + sign + id
		}
		it.text = lines("comment on "+about+before(" by ", it.name)+before(": ", on.get("title").line(titleMost)), a.get("note").block(2*dumpMost), a.get("url").line(titleMost))
	case "pipeline":
		it.text = lines(fmt.Sprintf("pipeline %s: %s%s", a.get("id").line(20), a.get("status").line(40), before(" on ", a.get("ref").line(nameMost))), a.get("url").line(titleMost))
	case "build":
		it.text = fmt.Sprintf("job %s: %s%s", v.get("build_name").line(nameMost), v.get("build_status").line(40), before(" on ", v.get("ref").line(nameMost)))
	case "release":
		it.text = lines(fmt.Sprintf("release %s %sd%s", v.get("tag").line(nameMost), v.get("action").line(40), before(": ", v.get("name").line(titleMost))), v.get("url").line(titleMost))
	default:
		if kind == "" {
			kind = v.get("event_name").line(nameMost)
		}
		it.text = other(strings.ReplaceAll(kind, "_", " ")+before(" by ", it.name), body)
	}
	return it
}

// gitlabTime reads both of the forms that GitLab writes times in.
func gitlabTime(a value) time.Time {
	for _, name := range []string{"updated_at", "finished_at", "created_at"} {
		if at := a.get(name).time(); !at.IsZero() {
			return at
		}
		if at, err := time.Parse("2006-01-02 15:04:05 MST", a.get(name).raw(40)); err == nil && at.Year() >= 2000 {
			return at
		}
	}
	return time.Time{}
}

// stripeEvent reads an event of Stripe's. Nothing of the customer is shown: what
// is not the type, the amount or the object's id stays there.
// https://docs.stripe.com/api/events/object
func stripeEvent(v value) said {
	o := v.get("data", "object")
	mode := "test mode"
	if v.get("livemode").is() {
		mode = "live mode"
	}
	account := v.get("account").line(nameMost)
	it := said{subject: "stripe " + join(" ", account, mode), title: "Stripe, " + join(", ", account, mode), time: v.get("created").time()}
	it.text = v.get("type").line(nameMost)
	if it.text == "" {
		it.text = "an event"
	}
	for _, name := range []string{"amount", "amount_total", "amount_due", "amount_paid", "amount_received"} {
		if a := o.get(name); a.any != nil {
			it.text += before(": ", money(a.raw(20), o.get("currency").raw(3)))
			break
		}
	}
	it.text = lines(it.text, join(" ", strings.ReplaceAll(o.get("object").line(nameMost), "_", " "), o.get("id").line(nameMost), before("is ", strings.ReplaceAll(o.get("status").line(40), "_", " "))))
	return it
}

// money is an amount in a currency's smallest unit.
// https://docs.stripe.com/currencies
func money(amount, currency string) string {
	n, ok := new(big.Int).SetString(amount, 10)
	if !ok || len(currency) != 3 {
		return ""
	}
	currency = strings.ToUpper(currency)
	digits := 2
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		digits = 0
	case "BHD", "JOD", "KWD", "OMR", "TND":
		digits = 3
	}
	if digits == 0 {
		return n.String() + " " + currency
	}
	sign := ""
	if n.Sign() < 0 {
		sign, n = "-", n.Abs(n)
	}
	s := fmt.Sprintf("%0*s", digits+1, n.String())
	return sign + s[:len(s)-digits] + "." + s[len(s)-digits:] + " " + currency
}

// slack reads what Slack's Events API and its buttons send. The body bears an old
// token that verified requests once, so it is never shown as a whole.
// https://docs.slack.dev/apis/events-api/
func slack(v value) said {
	e := v.get("event")
	it := said{who: e.get("user").raw(40), name: e.get("username").line(nameMost), bot: e.get("bot_id").any != nil, time: v.get("event_time").time()}
	channel := e.get("channel")
	if channel.raw(40) == "" {
		channel = e.get("item", "channel")
	}
	if e.any == nil { // a button
		it.who, it.name, channel = v.get("user", "id").raw(40), v.get("user", "username").line(nameMost), v.get("channel", "id")
	}
	if c := channel.line(40); c != "" {
		it.subject = "slack " + c
		it.title = v.get("channel", "name").line(nameMost)
		if it.title == "" {
			it.title = c
		}
	}
	kind := e.get("type").line(nameMost)
	switch {
	case kind == "message" && e.get("subtype").any == nil || kind == "app_mention":
		if it.text = e.get("text").block(textMost); it.text == "" {
			it.text = "a message without words"
		}
	case kind == "reaction_added" || kind == "reaction_removed":
		it.text = strings.ReplaceAll(kind, "_", " ") + before(": ", e.get("reaction").line(nameMost))
	case kind == "":
		it.text = strings.ReplaceAll(v.get("type").line(nameMost), "_", " ")
		for _, a := range v.get("actions").list() {
			it.text = join(": ", it.text, value{a}.get("text", "text").line(nameMost))
		}
	default:
		it.text = strings.ReplaceAll(join(" ", kind, e.get("subtype").line(nameMost)), "_", " ")
	}
	if it.text == "" {
		it.text = "an event"
	}
	return it
}

// slackForm reads a slash command.
// https://docs.slack.dev/interactivity/implementing-slash-commands/
func slackForm(body []byte) said {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("command") == "" {
		return said{text: "a request that is not in the form of Slack's"}
	}
	get := func(name string, most int) string { return value{form.Get(name)}.line(most) }
	it := said{text: join(" ", get("command", nameMost), value{form.Get("text")}.block(textMost-nameMost)), who: get("user_id", 40), name: get("user_name", nameMost)}
	if c := get("channel_id", 40); c != "" {
		it.subject, it.title = "slack "+c, get("channel_name", nameMost)
	}
	return it
}

// webexEvent reads an event of Webex's, which tells ids and not what was said.
// https://developer.webex.com/docs/webhooks
func webexEvent(v value) said {
	d := v.get("data")
	it := said{who: v.get("actorId").raw(nameMost + 40), name: d.get("personEmail").line(nameMost), time: d.get("created").time()}
	if it.name == "" {
		it.name = "Webex"
	}
	if room := d.get("roomId").line(titleMost); room != "" {
		end := []rune(room)
		it.subject, it.title = "webex "+room, "Webex room …"+string(end[max(0, len(end)-8):])
	}
	it.text = lines(join(" ", strings.TrimSuffix(v.get("resource").line(40), "s"), v.get("event").line(40), before("by ", d.get("personEmail").line(nameMost))), v.get("name").line(titleMost))
	if it.text == "" {
		it.text = "an event"
	}
	return it
}
