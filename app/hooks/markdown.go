package hooks

import (
	"strings"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// fromMarkdown is Markdown from outside as ours: what it says is kept, but it
// mentions nobody and leads only to addresses that package markup knows.
func fromMarkdown(s string) string {
	return render(markup.Parse(text.Block(beginning(s))), nil)
}

// beginning is as much of a text as a Post can show: what reads marks takes more
// than linear time at worst.
func beginning(s string) string {
	n := 0
	for i := range s {
		if n++; n > mostText {
			return s[:i] + "…"
		}
	}
	return s
}

// render writes a document as Markdown. say writes plain stretches of text;
// nil: escaped.
func render(doc []markup.Block, say func(string) string) string {
	if say == nil {
		say = escaped
	}
	var b strings.Builder
	for i, block := range doc {
		if i > 0 {
			b.WriteString("\n")
			if block.Kind != markup.Item || doc[i-1].Kind != markup.Item {
				b.WriteString("\n")
			}
		}
		switch block.Kind {
		case markup.Code:
			b.WriteString(fence(block.Code, block.Lang))
		case markup.Heading:
			b.WriteString(strings.Repeat("#", min(max(block.Level, 1), 6)) + " " + strings.ReplaceAll(inline(block.Spans, say), "\n", " "))
		case markup.Item:
			b.WriteString(item(block, say))
		case markup.Quote:
			b.WriteString("> " + strings.ReplaceAll(inline(block.Spans, say), "\n", "\n> "))
		default:
			b.WriteString(inline(block.Spans, say))
		}
	}
	return b.String()
}

func item(block markup.Block, say func(string) string) string {
	label := block.Label
	switch {
	case label == "•":
		label = "-"
	case label == "": // more of the item above
		label = "  "
	}
	in := strings.Repeat("   ", min(block.Level, 8))
	return in + label + " " + strings.ReplaceAll(inline(block.Spans, say), "\n", "\n"+in+"  ")
}

func inline(spans []markup.Span, say func(string) string) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(styled(s, say))
	}
	return b.String()
}

// styled is one span. The white space around it stays outside its marks, which
// would not be marks otherwise.
func styled(s markup.Span, say func(string) string) string {
	if s.Code {
		return span(s.Text)
	}
	if s.Mention != "" && !strings.HasPrefix(s.Text, "@") {
		s.Text = "@" + s.Text
	}
	word := strings.Trim(s.Text, " \t\n")
	if word == "" {
		return text.Block(s.Text)
	}
	at := strings.Index(s.Text, word)
	before, after := s.Text[:at], s.Text[at+len(word):]
	mark := ""
	for _, m := range []struct {
		on   bool
		mark string
	}{{s.Bold, "**"}, {s.Italic, "*"}, {s.Strike, "~~"}} {
		if m.on {
			mark += m.mark
		}
	}
	var out string
	switch {
	case s.Link != "":
		out = escaped(word)
		if to := s.Link; webAddress(to) || strings.HasPrefix(to, "mailto:") {
			out = "[" + strings.ReplaceAll(out, "\n", " ") + "](" + target(to) + ")"
		}
	case s.Mention != "":
		out = escaped(word)
	default:
		out = say(word)
	}
	return before + mark + out + reversed(mark) + after
}

// reversed closes the marks of mark.
func reversed(mark string) string {
	switch mark {
	case "**~~":
		return "~~**"
	case "*~~":
		return "~~*"
	case "***~~":
		return "~~***"
	}
	return mark
}

// Addressed is p with mentions of those of p.Mentions that member knows, 50 at
// most; what can't be a member's name stays text. p itself is as it was.
func (p Post) Addressed(member func(name string) (platforms.UserID, bool)) Post {
	ids, names := map[string]platforms.UserID{}, p.Mentions
	p.Mentions = nil
	for _, name := range names {
		if id, ok := member(name); ok && len(ids) < mostMentions {
			ids[name] = id
			p.Mentions = append(p.Mentions, name)
		}
	}
	if len(ids) == 0 {
		return p
	}
	left := mostMentions // of places: a text of nothing but mentions must not grow without end
	say := func(s string) string {
		var b strings.Builder
		at := 0
		for _, m := range mentions(s) {
			id, ok := ids[s[m.from+1:m.to]]
			if !ok || left == 0 || !mentionable(id) {
				continue
			}
			left--
			b.WriteString(escaped(s[at:m.from]) + "[" + escaped(s[m.from:m.to]) + "](mention:" + string(id) + ")")
			at = m.to
		}
		return b.String() + escaped(s[at:])
	}
	if p.Format == platforms.Plain {
		p.Text, p.Format = say(p.Text), platforms.Markdown
	} else {
		p.Text = render(markup.Parse(p.Text), say)
	}
	return p
}

// mentionable reports whether id can stand in Markdown without an escape.
func mentionable(id platforms.UserID) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsAny(string(id), "()<>\\ \t\n")
}
