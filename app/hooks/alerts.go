package hooks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// alertsShown is how many alerts of a group are shown, and labels of an alert.
const (
	alertsShown = 20
	labelsShown = 15
)

// alerts reads Alertmanager's webhook_config
// (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config),
// and Grafana's webhook, which is the same and more
// (https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/),
// with what it sent before version 8
// (https://grafana.com/docs/grafana/v7.5/alerting/notifications/#webhook).
func alerts(body []byte) (Post, *Fault) {
	in, ok := readPayload(body)
	if !ok {
		return Post{}, malformed("", "The body is not a JSON object. Correct it.")
	}
	p := newPage()
	if in.at("ruleName").v != nil || in.at("ruleUrl").v != nil {
		legacyAlert(p, in)
		return p.post(empty("", "There is no alert in the body. Send one."))
	}
	list := in.list("alerts")
	if len(list) == 0 {
		return Post{}, empty("alerts", "There is no alert in the body. Send one.")
	}
	status := strings.ToUpper(first(in.text("status"), "unknown"))
	name := first(in.text("commonLabels", "alertname"), in.text("groupLabels", "alertname"))
	if name == "" && in.text("title") == "" {
		name = first(in.text("receiver"), "alerts")
	}
	head := sign(in.text("status")) + " "
	if name != "" {
		head += bold(status + ": " + name)
	} else { // which says the state
		head += bold(in.text("title"))
	}
	if n := in.count("alerts"); n > 1 && name != "" {
		head += fmt.Sprintf(" \\(%d\\)", n)
	}
	p.add(strings.TrimSpace(head))
	for _, a := range list[:min(len(list), alertsShown)] {
		alert(p, a, name)
	}
	more := in.count("alerts") - alertsShown
	var left int
	if _, err := fmt.Sscan(in.text("truncatedAlerts"), &left); err == nil && left > 0 && left < 1_000_000 {
		more = max(more, 0) + left
	}
	if more > 0 {
		p.add(fmt.Sprintf("… and %d more", more))
	}
	if u := in.text("externalURL"); webAddress(u) {
		p.add(linked("Open", u))
	}
	return p.post(empty("alerts", "There is no alert in the body. Send one."))
}

// alert is one of a group: its summary, and its name unless all have that.
func alert(p *page, a payload, common string) {
	summary, name := a.text("annotations", "summary"), a.text("labels", "alertname")
	what := first(summary, name, a.text("fingerprint"))
	if summary != "" && name != "" && name != common {
		what = name + ": " + summary
	}
	p.add(strings.TrimSpace(sign(a.text("status")) + " " + bold(what)))
	p.below(escaped(first(a.text("annotations", "description"), a.text("annotations", "message"))))
	p.below(labels(a.at("labels")))
	if v := a.text("valueString"); v != "" && a.at("values").v == nil {
		p.below("Value: " + line(v, 300))
	} else if v := labels(a.at("values")); v != "" {
		p.below("Values: " + v)
	}
	var links []string
	for _, l := range []struct{ label, key string }{
		{"Source", "generatorURL"}, {"Dashboard", "dashboardURL"}, {"Panel", "panelURL"}, {"Silence", "silenceURL"},
	} {
		if u := a.text(l.key); webAddress(u) {
			links = append(links, linked(l.label, u))
		}
	}
	if u := a.text("annotations", "runbook_url"); webAddress(u) {
		links = append(links, linked("Runbook", u))
	}
	p.below(strings.Join(links, " · "))
}

// labels is name=value of all but the alert's name, in order.
func labels(in payload) string {
	m, _ := in.v.(map[string]any)
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if v := in.text(k); k != "alertname" && v != "" && len(parts) < labelsShown {
			parts = append(parts, line(k, 100)+"="+line(v, 200))
		}
	}
	return strings.Join(parts, ", ")
}

func legacyAlert(p *page, in payload) {
	title := first(in.text("title"), in.text("ruleName"))
	p.add(strings.TrimSpace(sign(in.text("state")) + " **" + linked(first(title, "Alert"), in.text("ruleUrl")) + "**"))
	p.add(escaped(in.text("message")))
	for i, m := range in.list("evalMatches") {
		if s := field(m.text("metric"), line(m.text("value"), 100)); i == 0 {
			p.add(s)
		} else {
			p.below(s)
		}
	}
}

// sign is how a state is seen at a glance, in signs that older fonts have: the
// window's knows no green and yellow circles.
func sign(state string) string {
	switch state {
	case "firing", "alerting":
		return "🔴"
	case "resolved", "ok":
		return "✅"
	case "no_data", "paused", "pending":
		return "⚪"
	}
	return ""
}
