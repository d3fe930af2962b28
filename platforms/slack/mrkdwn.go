package slack

import (
	"regexp"
	"strings"
)

// This file reads texts that came from Slack.
// https://docs.slack.dev/messaging/formatting-message-text

var (
	reference = regexp.MustCompile(`<([^<>|]*)(?:\|([^<>]*))?>`)
	personRef = regexp.MustCompile(`^@([UW][A-Z0-9]{2,30})$`)
	channelID = regexp.MustCompile(`^#(C[A-Z0-9]{2,30})$`)
)

// escapes is how Slack writes what would be a reference.
var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// readable is a text as people read it. Mentions without a name stay between
// zero bytes, for the names to be filled in.
func readable(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	var out strings.Builder
	at := 0
	for _, m := range reference.FindAllStringSubmatchIndex(s, -1) {
		out.WriteString(unescape.Replace(s[at:m[0]]))
		what, label := s[m[2]:m[3]], ""
		if m[4] >= 0 {
			label = unescape.Replace(s[m[4]:m[5]])
		}
		out.WriteString(referred(what, label))
		at = m[1]
	}
	out.WriteString(unescape.Replace(s[at:]))
	return out.String()
}

func referred(what, label string) string {
	switch {
	case strings.HasPrefix(what, "@"):
		if label != "" {
			return "@" + strings.TrimPrefix(label, "@")
		}
		if m := personRef.FindStringSubmatch(what); m != nil {
			return "\x00" + m[1] + "\x00"
		}
		return what
	case strings.HasPrefix(what, "#"):
		if label != "" {
			return "#" + strings.TrimPrefix(label, "#")
		}
		if m := channelID.FindStringSubmatch(what); m != nil {
			return "\x00" + m[1] + "\x00"
		}
		return what
	case strings.HasPrefix(what, "!"):
		if label != "" {
			return label
		}
		word, _, _ := strings.Cut(what[1:], "^")
		return "@" + word
	}
	address := unescape.Replace(what)
	bare := strings.TrimPrefix(address, "mailto:")
	if label == "" || label == address || label == bare {
		return bare
	}
	if strings.HasSuffix(address, "://"+label) || strings.HasSuffix(address, "://"+label+"/") {
		return address
	}
	return label + " (" + bare + ")"
}

// escape writes a text so that Slack reads no reference in it.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
