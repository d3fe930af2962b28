package hooks

import (
	"net/http"
	"strings"
)

// mostDepth is how deep a payload's parts are looked into.
const mostDepth = 12

// blocks reads what senders post to Slack's incoming webhooks
// (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
// https://docs.slack.dev/reference/block-kit/blocks,
// https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments).
// Where there are blocks, the text is for notifications only, as it is there.
func blocks(header http.Header, body []byte) (Post, *Fault) {
	in, ok := readPayload(formPayload(header, body, "payload"))
	if !ok {
		return Post{}, malformed("", "The body is not a JSON object. Correct it.")
	}
	p := newPage()
	if !addBlocks(p, in.list("blocks"), 0) {
		if in.at("mrkdwn").v == false {
			p.add(escaped(in.text("text")))
		} else {
			p.add(fromMrkdwn(in.text("text")))
		}
	}
	for _, a := range in.list("attachments") {
		attachment(p, a, fromMrkdwn)
	}
	post, f := p.post(empty("text", "There is no text, and no block or attachment with any. Send some."))
	return post.named(in.text("username"), in.text("icon_url")), f
}

// addBlocks reports whether the blocks showed anything.
func addBlocks(p *page, list []payload, depth int) bool {
	before := p.b.Len()
	for _, b := range list {
		switch b.text("type") {
		case "header":
			p.add(bold(b.text("text", "text")))
		case "section":
			p.add(textObject(p, b.at("text")))
			for _, f := range b.list("fields") {
				p.add(textObject(p, f))
			}
			button(p, b.at("accessory"))
		case "context":
			var parts []string
			for _, e := range b.list("elements") {
				if s := textObject(p, e); s != "" {
					parts = append(parts, strings.ReplaceAll(s, "\n", " "))
				}
			}
			p.add(strings.Join(parts, " "))
		case "image":
			p.add(linked(first(b.text("title", "text"), b.text("alt_text")), b.text("image_url")))
		case "video":
			p.add(linked(b.text("title", "text"), first(b.text("title_url"), b.text("video_url"))))
			p.add(escaped(b.text("description", "text")))
		case "markdown":
			p.add(p.read(fromMarkdown)(b.text("text")))
		case "rich_text":
			for _, e := range b.list("elements") {
				p.add(richText(e, depth))
			}
		case "actions":
			for _, e := range b.list("elements") {
				button(p, e)
			}
		}
	}
	return p.b.Len() > before
}

// textObject is a text object, https://docs.slack.dev/reference/block-kit/composition-objects/text-object
func textObject(p *page, o payload) string {
	if o.text("type") == "mrkdwn" {
		return p.read(fromMrkdwn)(o.text("text"))
	}
	if o.text("type") == "image" {
		return linked(o.text("alt_text"), o.text("image_url"))
	}
	return escaped(o.text("text"))
}

// button shows a button that leads somewhere; others need somebody to answer.
func button(p *page, e payload) {
	if e.text("type") == "button" && webAddress(e.text("url")) {
		p.add(linked(e.text("text", "text"), e.text("url")))
	}
}

func richText(e payload, depth int) string {
	if depth > mostDepth {
		return ""
	}
	switch e.text("type") {
	case "rich_text_list":
		var lines []string
		for _, item := range e.list("elements") {
			if s := richText(item, depth+1); s != "" {
				lines = append(lines, "- "+strings.ReplaceAll(s, "\n", " "))
			}
		}
		return strings.Join(lines, "\n")
	case "rich_text_preformatted":
		var code strings.Builder
		for _, in := range e.list("elements") {
			code.WriteString(first(in.text("text"), in.text("url")))
		}
		if strings.TrimSpace(code.String()) == "" {
			return ""
		}
		return fence(code.String(), "")
	}
	var b strings.Builder
	for _, in := range e.list("elements") {
		b.WriteString(richInline(in))
	}
	if e.text("type") == "rich_text_quote" {
		return "> " + strings.ReplaceAll(b.String(), "\n", "\n> ")
	}
	return b.String()
}

func richInline(in payload) string {
	switch in.text("type") {
	case "text":
		s, style := in.text("text"), in.at("style")
		if style.at("code").v == true {
			return span(s)
		}
		word := strings.TrimSpace(s)
		if word == "" {
			return s
		}
		mark := ""
		for _, m := range []struct{ name, mark string }{{"bold", "**"}, {"italic", "*"}, {"strike", "~~"}} {
			if style.at(m.name).v == true {
				mark += m.mark
			}
		}
		at := strings.Index(s, word)
		return s[:at] + mark + escaped(word) + reversed(mark) + s[at+len(word):]
	case "link":
		return linked(in.text("text"), in.text("url"))
	case "user":
		return escaped("@" + in.text("user_id"))
	case "channel":
		return escaped("#" + in.text("channel_id"))
	case "usergroup":
		return escaped("@" + in.text("usergroup_id"))
	case "broadcast":
		return escaped("@" + in.text("range"))
	case "emoji":
		return escaped(":" + in.text("name") + ":")
	}
	return ""
}

// attachment is an attachment, whose texts read turns into Markdown.
func attachment(p *page, a payload, read func(string) string) {
	before := p.b.Len()
	read = p.read(read)
	p.add(read(a.text("pretext")))
	p.add(linked(a.text("author_name"), a.text("author_link")))
	if t := a.text("title"); t != "" {
		p.add("**" + linked(t, a.text("title_link")) + "**")
	}
	p.add(read(a.text("text")))
	addBlocks(p, a.list("blocks"), 0)
	for i, f := range a.list("fields") {
		s := field(f.text("title"), read(f.text("value")))
		if i == 0 {
			p.add(s)
		} else {
			p.below(s)
		}
	}
	if u := a.text("image_url"); webAddress(u) {
		p.add(linked("", u))
	}
	for _, action := range a.list("actions") {
		if u := action.text("url"); webAddress(u) {
			p.add(linked(first(action.text("text"), action.text("name")), u))
		}
	}
	p.add(line(a.text("footer"), 300))
	if p.b.Len() == before {
		p.add(escaped(a.text("fallback")))
	}
}

// first is the first of ss that says anything.
func first(ss ...string) string {
	for _, s := range ss {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}
