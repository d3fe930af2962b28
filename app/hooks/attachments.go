package hooks

import (
	"net/http"
	"regexp"
	"strings"
)

// angled is a link as an older form writes it, which is taken too.
var angled = regexp.MustCompile(`<(https?://[^|<>\s]+)\|([^<>|\n]+)>`)

// attachments reads what senders post to Mattermost's incoming webhooks
// (https://developers.mattermost.com/integrate/webhooks/incoming/,
// https://developers.mattermost.com/integrate/reference/message-attachments/).
// The channel that they may name isn't theirs to choose.
func attachments(header http.Header, body []byte) (Post, *Fault) {
	in, ok := readPayload(formPayload(header, body, "payload"))
	if !ok {
		return Post{}, malformed("", "Unable to parse incoming data.")
	}
	p := newPage()
	p.add(attachmentText(in.text("text")))
	for _, a := range in.list("attachments") {
		attachment(p, a, attachmentText)
	}
	post, f := p.post(empty("text", "No text specified."))
	if f == nil {
		post.Mentions = names(beginning(in.text("text")))
	}
	return post.named(in.text("username"), in.text("icon_url")), f
}

func attachmentText(s string) string {
	s = angled.ReplaceAllStringFunc(s, func(m string) string {
		p := angled.FindStringSubmatch(m)
		return "[" + strings.NewReplacer("[", `\[`, "]", `\]`).Replace(p[2]) + "](" + target(p[1]) + ")"
	})
	return fromMarkdown(s)
}
