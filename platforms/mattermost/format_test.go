package mattermost_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/mattermost"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
)

var hostile = []string{
	"plain", "a *b* _c_ ~~d~~ `e` [f](g) <h> &amp; # i", "# no heading", "- no item\n1. nor this\n> nor a quote",
	"    no code", "\tno code", "```\nno fence\n```", "@all @channel @here @ada", "a@ada.example :smile: ~engine-room",
	"| a | b |\n|---|---|\n| c | d |", "https://example.org/a_b_c?d=e&f", "www.example.org", "\\", "a\n---\nb", "a\n===\nb", "😀 é", "$x^2$", "!!",
	"[x]: http://example.org", "<!-- no comment -->",
}

// blanks is what Markdown does not keep: white space at the ends of lines, and
// runs of blank lines.
var blanks = regexp.MustCompile(`[ \t]*(\n[ \t]*)+`)

func settled(s string) string {
	return strings.TrimSpace(blanks.ReplaceAllString(strings.ReplaceAll(s, "\u200b", ""), "\n"))
}

func shows(t *testing.T, s string) {
	t.Helper()
	out := mattermost.Escape(s)
	if got := mattermosttest.Render(out); settled(got) != settled(s) {
		t.Errorf("%q was sent as %q, and shows %q", s, out, got)
	}
	if called := mattermosttest.Called(out); len(called) > 0 {
		t.Errorf("%q was sent as %q, and calls %q", s, out, called)
	}
}

func TestPlain(t *testing.T) {
	for _, s := range hostile {
		shows(t, s)
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
			return // text.Clean comes before
		}
		shows(t, s)
	})
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range append(hostile, "**a** *b* `c`\n\n```go\nx\n```\n\n- d\n- e\n\n> f\n\n[g](https://example.org/)") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		out := mattermost.Format(s, platforms.Markdown)
		if !utf8.ValidString(out) {
			t.Errorf("%q became %q", s, out)
		}
		if n := mattermost.Length(s, platforms.Markdown); n < utf8.RuneCountInString(out) {
			t.Errorf("%q takes %d, and was said to take %d", s, utf8.RuneCountInString(out), n)
		}
	})
}
