package hooks

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// zwsp parts an @ from what would make it act; nobody sees it.
const zwsp = "\u200b"

// audience finds what addresses everybody on one platform or another, also where
// a letter follows at once: some platforms don't look. What ends a text counts,
// since another text may stand beside it.
var audience = regexp.MustCompile(`(?i)@(?:everyone|here|channel|all(?:[^a-z0-9]|$))|[@<]$|<!`)

// quiet makes what addresses everybody inert.
func quiet(s string) string {
	return hushed(s, func(m string) string { return m[:1] + zwsp + m[1:] })
}

// hushed replaces what addresses everybody: twice, since what ends one may begin
// the next.
func hushed(s string, by func(string) string) string {
	return audience.ReplaceAllStringFunc(audience.ReplaceAllStringFunc(s, by), by)
}

// escaped is text from outside as Markdown that shows every character of it.
func escaped(s string) string { return markup.Escape(quiet(text.Block(s))) }

// shortened is text from outside, in one line of at most n characters. Where it
// addresses everybody it loses what would: names are shown where nothing invisible
// may stand.
func shortened(s string, n int) string {
	if s = text.Line(s, n); audience.MatchString(s) {
		s = strings.NewReplacer("@", "", "<", "").Replace(s)
	}
	return s
}

// line is text from outside in one line of at most n characters, as Markdown.
func line(s string, n int) string { return markup.Escape(quiet(text.Line(s, n))) }

func bold(s string) string {
	if s = line(s, 300); s == "" {
		return ""
	}
	return "**" + s + "**"
}

// linked is label as Markdown, leading to address if that is one of the web's.
func linked(label, address string) string {
	if label == "" {
		label = text.Line(address, 300)
	}
	label = line(label, 300)
	if label == "" || !webAddress(address) {
		return label
	}
	return "[" + label + "](" + target(address) + ")"
}

// target is a checked address as it may stand between brackets.
func target(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	s := strings.NewReplacer("(", "%28", ")", "%29", `\`, "%5C", "<", "%3C", ">", "%3E", `"`, "%22", " ", "%20").Replace(u.String())
	return hushed(s, func(m string) string { return "%40" + m[1:] })
}

// field is a title and a value.
func field(title, value string) string {
	switch title, value = bold(title), strings.TrimSpace(value); {
	case title == "":
		return value
	case value == "":
		return title
	default:
		return title + ": " + value
	}
}

// fence is s as a block of code.
func fence(s, lang string) string {
	s = strings.Trim(quiet(text.Block(s)), "\n")
	mark := "```"
	for strings.Contains(s, mark) {
		mark += "`"
	}
	return mark + lang + "\n" + s + "\n" + mark
}

// span is s as code within a line.
func span(s string) string {
	s = quiet(text.Line(s, 2000))
	if s == "" {
		return ""
	}
	mark := "`"
	for strings.Contains(s, mark) {
		mark += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return mark + s + mark
}

// page collects blocks of Markdown up to the bounds of a Post.
type page struct {
	b           strings.Builder
	left, bytes int
	cut         bool
}

func newPage() *page { return &page{left: mostText - 2, bytes: mostBytes - 8} }

// read is how a text is read, unless the page is full already: then it is not.
func (p *page) read(how func(string) string) func(string) string {
	return func(s string) string {
		if p.cut {
			return ""
		}
		return how(s)
	}
}

// add puts a block below the others; an empty one is none.
func (p *page) add(block string) { p.put("\n\n", block) }

// below puts a line directly below what is there.
func (p *page) below(line string) { p.put("\n", line) }

func (p *page) put(between, s string) {
	s = strings.Trim(s, "\n")
	if strings.TrimSpace(s) == "" || p.cut {
		return
	}
	if p.b.Len() > 0 {
		s = between + s
	}
	n, at := 0, 0
	for i, r := range s {
		if n == p.left || i+utf8.RuneLen(r) > p.bytes {
			p.cut = true
			break
		}
		n, at = n+1, i+utf8.RuneLen(r)
	}
	if p.cut { // an escape isn't cut from what it stands before
		s = s[:at]
		s = strings.TrimRight(strings.TrimRight(s, `\`), " \n") + "…"
	}
	p.b.WriteString(s)
	p.left -= n
	p.bytes -= len(s)
}

// post is the page as a Post, or f where nothing is on it.
func (p *page) post(f *Fault) (Post, *Fault) {
	if p.b.Len() == 0 {
		return Post{}, f
	}
	return Post{Text: p.b.String(), Format: platforms.Markdown}, nil
}
