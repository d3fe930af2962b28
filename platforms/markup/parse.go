package markup

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensionast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/postern/postern/platforms"
)

// What Parse reads at most. A longer text, or one that nests deeper, is one
// plain paragraph: nobody writes so for people, and a parser's time grows with
// both.
const (
	maxText  = 32 << 10 // bytes; the parser is quadratic in some: this takes it a quarter of a second at worst
	maxDepth = 40       // quotes and lists inside one another
	maxID    = 128      // bytes of a mentioned user's id
)

// Parse reads the subset of CommonMark (https://spec.commonmark.org/0.31.2/)
// that answers are written in: paragraphs, ATX headings, lists, block quotes,
// fenced code, emphasis, strong emphasis, ~~strikethrough~~, code spans and
// links. HTML, tables, entities and all else is text as it stands. A line break
// is a line break, as people in chats expect.
//
// It never fails, and what it makes of s depends on s alone.
func Parse(s string) []Block {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD")
	if len(s) > maxText || nested(s) {
		return plain(s)
	}
	src := []byte(s)
	r := &reader{src: src}
	r.blocks(newParser().Parse(text.NewReader(src)), Block{})
	if len(r.out) == 0 && strings.TrimSpace(s) != "" { // link definitions, for one
		return plain(s)
	}
	return r.out
}

func plain(s string) []Block { return []Block{{Spans: []Span{{Text: s}}}} }

// nested reports whether a line of s opens more containers than anybody needs.
func nested(s string) bool {
	for line := range strings.Lines(s) {
		depth := 0
		for _, r := range line {
			if r == '>' || r == '-' || r == '+' || r == '*' {
				depth++
			} else if !unicode.IsSpace(r) && !unicode.IsDigit(r) && r != '.' && r != ')' {
				break
			}
			if depth > maxDepth {
				return true
			}
		}
	}
	return false
}

func newParser() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewEmphasisParser(), 500),
			util.Prioritized(extension.NewStrikethroughParser(), 500),
		),
	)
}

// reader turns a syntax tree into blocks.
type reader struct {
	src []byte
	out []Block
}

// blocks reads the children of n, which stand in what like describes.
func (r *reader) blocks(n ast.Node, like Block) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Heading:
			r.add(Block{Kind: Heading, Level: c.Level}, c)
		case *ast.FencedCodeBlock:
			r.out = append(r.out, Block{Kind: Code, Lang: language(c, r.src), Code: strings.TrimSuffix(lines(c, r.src), "\n")})
		case *ast.Blockquote:
			r.blocks(c, Block{Kind: Quote})
		case *ast.List:
			r.list(c, like)
		default:
			r.add(like, c)
		}
	}
}

func (r *reader) list(l *ast.List, like Block) {
	level := 0
	if like.Kind == Item {
		level = like.Level + 1
	}
	n := l.Start
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		at := Block{Kind: Item, Level: level, Label: "•"}
		if l.IsOrdered() {
			at.Label = fmt.Sprintf("%d.", n)
			n++
		}
		before := len(r.out)
		r.blocks(item, at)
		if len(r.out) == before {
			r.out = append(r.out, at)
		}
		for i := before + 1; i < len(r.out); i++ { // a second paragraph has no label of its own
			if b := &r.out[i]; b.Kind == Item && b.Level == level {
				b.Label = ""
			}
		}
	}
}

func (r *reader) add(b Block, n ast.Node) {
	r.spans(&b, n, Span{})
	r.out = append(r.out, b)
}

// spans reads the inline children of n in a style.
func (r *reader) spans(b *Block, n ast.Node, style Span) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		s := style
		switch c := c.(type) {
		case *ast.Text:
			s.Text = string(util.UnescapePunctuations(c.Value(r.src)))
			if c.SoftLineBreak() || c.HardLineBreak() {
				s.Text += "\n"
			}
			b.append(s)
		case *ast.String:
			s.Text = string(c.Value)
			b.append(s)
		case *ast.CodeSpan:
			s.Code = true
			for t := c.FirstChild(); t != nil; t = t.NextSibling() {
				if t, ok := t.(*ast.Text); ok {
					s.Text += strings.ReplaceAll(string(t.Value(r.src)), "\n", " ")
				}
			}
			b.append(s)
		case *ast.Emphasis:
			if c.Level > 1 {
				s.Bold = true
			} else {
				s.Italic = true
			}
			r.spans(b, c, s)
		case *extensionast.Strikethrough:
			s.Strike = true
			r.spans(b, c, s)
		case *ast.Link:
			r.link(b, c, string(c.Destination), s)
		case *ast.Image:
			r.link(b, c, string(c.Destination), s)
		default:
			r.spans(b, c, s)
		}
	}
}

// link reads a link or picture: somewhere that people go to, a person, or, of
// any other scheme, its text with the address beside it.
func (r *reader) link(b *Block, n ast.Node, dest string, style Span) {
	dest = string(util.UnescapePunctuations([]byte(dest)))
	if id, ok := strings.CutPrefix(dest, "mention:"); ok && isID(id) {
		style.Mention = platforms.UserID(id)
		before := len(b.Spans)
		r.spans(b, n, style)
		if len(b.Spans) == before {
			style.Text = "@" + id
			b.append(style)
		}
		return
	}
	u, err := url.Parse(dest)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" || err == nil && u.Scheme == "mailto" {
		style.Link = u.String()
		before := len(b.Spans)
		r.spans(b, n, style)
		if len(b.Spans) == before {
			style.Text = style.Link
			b.append(style)
		}
		return
	}
	r.spans(b, n, style)
	if dest != "" {
		style.Text = " (" + dest + ")"
		b.append(style)
	}
}

// append adds s, joined with what stands before in the same style.
func (b *Block) append(s Span) {
	if s.Text == "" {
		return
	}
	if n := len(b.Spans); n > 0 {
		last := b.Spans[n-1]
		last.Text = s.Text
		if last == s {
			b.Spans[n-1].Text += s.Text
			return
		}
	}
	b.Spans = append(b.Spans, s)
}

// isID reports whether id can be a user's id on any platform: one printable
// word.
func isID(id string) bool {
	return id != "" && len(id) <= maxID && strings.IndexFunc(id, func(r rune) bool {
		return r >= utf8.RuneSelf || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>"'&|`+"`", r)
	}) < 0
}

func language(c *ast.FencedCodeBlock, src []byte) string {
	lang := string(c.Language(src))
	if len(lang) > 32 || strings.IndexFunc(lang, func(r rune) bool {
		return r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+-#._", r)
	}) >= 0 {
		return ""
	}
	return lang
}

func lines(n ast.Node, src []byte) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		at := n.Lines().At(i)
		b.Write(at.Value(src))
	}
	return b.String()
}
