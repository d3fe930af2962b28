package hooks

import (
	"regexp"
	"strings"
)

// at is a mention as cards write it: a name for which the payload elsewhere says
// who is meant, which is not looked at.
var at = regexp.MustCompile(`</?at>`)

// cards reads what senders post to Microsoft Teams: the MessageCard of
// connectors
// (https://learn.microsoft.com/en-us/outlook/actionable-messages/message-card-reference),
// a message with Adaptive Cards, or one such card
// (https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using,
// https://adaptivecards.io/explorer/).
func cards(body []byte) (Post, *Fault) {
	in, ok := readPayload(body)
	if !ok {
		return Post{}, malformed("", "Bad payload received by generic incoming webhook.")
	}
	p := newPage()
	if in.text("type") == "AdaptiveCard" {
		adaptive(p, in, 0)
	} else {
		messageCard(p, in)
	}
	for _, a := range in.list("attachments") {
		if c := a.at("content"); a.text("contentType") == "application/vnd.microsoft.card.adaptive" || c.text("type") == "AdaptiveCard" {
			adaptive(p, c, 0)
		}
	}
	if p.b.Len() == 0 {
		p.add(p.read(cardText)(in.text("summary")))
	}
	return p.post(empty("text", "Summary or Text is required."))
}

func messageCard(p *page, in payload) {
	p.add(bold(in.text("title")))
	p.add(p.read(cardText)(in.text("text")))
	for _, s := range in.list("sections") {
		p.add(bold(s.text("title")))
		p.add(p.read(cardText)(s.text("activityTitle")))
		p.add(p.read(cardText)(s.text("activitySubtitle")))
		p.add(p.read(cardText)(s.text("activityText")))
		p.add(p.read(cardText)(s.text("text")))
		facts(p, s.list("facts"), "name")
		messageActions(p, s.list("potentialAction"))
	}
	messageActions(p, in.list("potentialAction"))
}

// messageActions shows those that lead somewhere.
func messageActions(p *page, list []payload) {
	for _, a := range list {
		for _, t := range a.list("targets") {
			if u := t.text("uri"); a.text("@type") == "OpenUri" && webAddress(u) {
				p.add(linked(a.text("name"), u))
				break
			}
		}
	}
}

func facts(p *page, list []payload, name string) {
	for i, f := range list {
		s := field(strings.TrimSuffix(strings.TrimSpace(f.text(name)), ":"), p.read(cardText)(f.text("value")))
		if i == 0 {
			p.add(s)
		} else {
			p.below(s)
		}
	}
}

// adaptive shows an element of an Adaptive Card, and what is in it.
func adaptive(p *page, e payload, depth int) {
	if depth > mostDepth || e.at("isVisible").v == false {
		return
	}
	switch e.text("type") {
	case "TextBlock":
		s := p.read(cardText)(e.text("text"))
		if heavy(e) && !strings.ContainsAny(s, "*\n") {
			s = "**" + s + "**"
		}
		if s != "****" {
			p.add(s)
		}
	case "RichTextBlock":
		var b strings.Builder
		for _, run := range e.list("inlines") {
			if s, ok := run.v.(string); ok {
				b.WriteString(escaped(s))
			} else {
				b.WriteString(escaped(run.text("text")))
			}
		}
		p.add(b.String())
	case "FactSet":
		facts(p, e.list("facts"), "title")
	case "CodeBlock":
		if code := e.text("codeSnippet"); code != "" {
			p.add(fence(code, ""))
		}
	case "Image":
		if u := e.text("url"); webAddress(u) {
			p.add(linked(first(e.text("altText"), u), u))
		}
	}
	for _, key := range []string{"body", "items", "columns", "rows", "cells", "images"} {
		for _, in := range e.list(key) {
			adaptive(p, in, depth+1)
		}
	}
	for _, a := range e.list("actions") {
		if u := a.text("url"); a.text("type") == "Action.OpenUrl" && webAddress(u) {
			p.add(linked(a.text("title"), u))
		}
	}
}

func heavy(e payload) bool {
	return strings.EqualFold(e.text("weight"), "bolder") || strings.EqualFold(e.text("style"), "heading")
}

// cardText is a card's text: Markdown, with mentions by name.
func cardText(s string) string { return strings.TrimSpace(fromMarkdown(at.ReplaceAllString(s, ""))) }
