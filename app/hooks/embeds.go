package hooks

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of https://docs.discord.com/developers/resources/webhook#execute-webhook
const (
	embedContent = 2000 // characters
	embedsMost   = 10
)

var (
	customEmoji = regexp.MustCompile(`<a?:([A-Za-z0-9_]{2,32}):[0-9]+>`)
	timestamp   = regexp.MustCompile(`<t:(-?[0-9]{1,12})(?::[tTdDfFsSR])?>`)
)

// embeds reads what senders post to Discord's webhooks. Files aren't taken; who
// sends some beside a text has payload_json in a form.
func embeds(header http.Header, body []byte) (Post, *Fault) {
	in, ok := readPayload(formPayload(header, body, "payload_json"))
	if !ok {
		return Post{}, malformed("", "The request body contains invalid JSON.")
	}
	content := in.text("content")
	if utf8.RuneCountInString(content) > embedContent {
		return Post{}, &Fault{Kind: TooLong, Field: "content", Text: "Must be 2000 or fewer in length."}
	}
	if in.count("embeds") > embedsMost {
		return Post{}, &Fault{Kind: TooLong, Field: "embeds", Text: "Must be 10 or fewer in length."}
	}
	p := newPage()
	read := p.read(embedText)
	p.add(read(content))
	for _, e := range in.list("embeds") {
		p.add(linked(e.text("author", "name"), e.text("author", "url")))
		if t := e.text("title"); t != "" {
			p.add("**" + linked(t, e.text("url")) + "**")
		}
		p.add(read(e.text("description")))
		for _, f := range e.list("fields") {
			p.add(field(f.text("name"), read(f.text("value"))))
		}
		if u := e.text("image", "url"); webAddress(u) {
			p.add(linked("", u))
		}
		foot := line(e.text("footer", "text"), 300)
		if t, err := time.Parse(time.RFC3339, e.text("timestamp")); err == nil {
			foot = strings.TrimSpace(foot + " " + escaped(moment(t)))
		}
		p.add(foot)
	}
	post, f := p.post(empty("content", "Cannot send an empty message"))
	return post.named(in.text("username"), in.text("avatar_url")), f
}

// embedText is Markdown with marks of its own for emoji and times
// (https://docs.discord.com/developers/reference#message-formatting).
func embedText(s string) string {
	s = customEmoji.ReplaceAllString(s, ":$1:")
	s = timestamp.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseInt(timestamp.FindStringSubmatch(m)[1], 10, 64)
		if err != nil {
			return m
		}
		return moment(time.Unix(n, 0))
	})
	return fromMarkdown(s)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
