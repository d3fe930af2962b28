package feishu

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// shown is how a text looks to a reader, as a post and as a card.
func shown(t testing.TB, s string, f platforms.Format) (asPost, asCard string) {
	t.Helper()
	b, err := encode(post(s, f))
	if err != nil {
		t.Fatal(err)
	}
	content, _ := card(s, f, nil)
	c, err := encode(content)
	if err != nil {
		t.Fatal(err)
	}
	return feishutest.Read("post", string(b)), feishutest.Read("interactive", string(c))
}

func TestMarkdown(t *testing.T) {
	for _, c := range []struct{ in, post, card string }{
		{"plain", "plain", "plain"},
		{"# Title\n\ntext", "Title\n\ntext", "Title\n\ntext"},
		{"a **bold** *it* ~~gone~~ `code`", "a bold it gone code", "a bold it gone code"},
		{"- one\n- two", "• one\n• two", "• one\n• two"},
		{"> said\n> twice", "> said\n> twice", "> said\n> twice"},
		{"```go\nx := 1\n*y*\n```", "x := 1\n*y*", "x := 1\n*y*"},
		{"[link](https://example.org/a)", "link (https://example.org/a)", "link (https://example.org/a)"},
		{"[Ada](mention:ou_7d8a)", "@ou_7d8a", "@ou_7d8a"},
		{"[all](mention:all) [x](mention:oc_1)", "all x", "all x"},
		{`\*\*not bold\*\* <at user_id="all">x</at>`, `**not bold** <at user_id="all">x</at>`, `**not bold** <at user_id="all">x</at>`},
		{"2 \\* 3 \\* 4 & 5 < 6", "2 * 3 * 4 & 5 < 6", "2 * 3 * 4 & 5 < 6"},
	} {
		asPost, asCard := shown(t, c.in, platforms.Markdown)
		if asPost != c.post || asCard != c.card {
			t.Errorf("%q: as a post %q, want %q; as a card %q, want %q", c.in, asPost, c.post, asCard, c.card)
		}
	}
}

// TestMarkdownOnTheWire looks at the parts of a post that a reader can't tell.
func TestMarkdownOnTheWire(t *testing.T) {
	b, err := encode(post("**b** *i* ~~s~~ [l](https://e.org) [A](mention:ou_1)\n\n```py\nx\n```", platforms.Markdown))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"zh_cn":{"content":[[{"tag":"text","text":"b","style":["bold"]},{"tag":"text","text":" "},` +
		`{"tag":"text","text":"i","style":["italic"]},{"tag":"text","text":" "},{"tag":"text","text":"s","style":["lineThrough"]},` +
		`{"tag":"text","text":" "},{"tag":"a","text":"l","href":"https://e.org"},{"tag":"text","text":" "},{"tag":"at","user_id":"ou_1"}],` +
		`[{"tag":"text","text":""}],[{"tag":"code_block","text":"x","language":"PY"}]],"title":""}}`
	if string(b) != want {
		t.Errorf("%s\nwant\n%s", b, want)
	}
}

// TestLength: the figure by which the program cuts texts is what a request takes.
func TestLength(t *testing.T) {
	if n := length(strings.Repeat("é", 1000), platforms.Plain); n != 2000 {
		t.Errorf("%d", n)
	}
	if length("", platforms.Plain) != 0 || length(`"`, platforms.Plain) != 4 || length("a\nb", platforms.Plain) < 30 {
		t.Errorf("%d %d %d", length("", platforms.Plain), length(`"`, platforms.Plain), length("a\nb", platforms.Plain))
	}
	// The largest text, with the most and largest buttons, fits a request.
	row := make([]platforms.Button, limits().Buttons)
	for i := range row {
		row[i] = platforms.Button{Label: strings.Repeat("字", limits().Label), Data: strings.Repeat("d", limits().Data)}
	}
	_, err := worded(platforms.Message{Text: strings.Repeat("x", limits().Text), Buttons: [][]platforms.Button{row}})
	if err != nil {
		t.Error(err)
	}
	for _, s := range []string{strings.Repeat("\"\\\n\t<&>", 4000), strings.Repeat("**a** ", 8000), strings.Repeat("字\n", 8000)} {
		for _, f := range []platforms.Format{platforms.Plain, platforms.Markdown} {
			for _, p := range text.Fit(s, limits().Text, limits().Unit, func(s string) int { return length(s, f) }) {
				if n := length(p, f); n > limits().Text {
					t.Errorf("a piece of %d bytes takes %d", len(p), n)
				}
			}
		}
	}
}

// FuzzPlain: a plain text is shown as it is, both ways.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"a\nb", `<at user_id="all"></at>`, "[x](y) **b** `c`", "&amp; &#42; \\n", "\x00\u2028 𝄞", "```\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" {
			return
		}
		want := strings.ToValidUTF8(s, "\uFFFD")
		asPost, asCard := shown(t, want, platforms.Plain)
		if asPost != want || asCard != want {
			t.Errorf("%q is shown as %q and %q", want, asPost, asCard)
		}
	})
}

// FuzzMarkdown: whatever is written, a reader sees the words of the blocks, and
// nobody is addressed whom the blocks do not address.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{"# a\n\n- b\n- *c*", "**a", `<at id=all></at>`, "[x](https://e.org/?a=b&c)", "`` ` ``", "&lt;b&gt; &amp;amp;", "a\\\nb", "> a\n\n```\n```"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "\uFFFD")
		blocks := markup.Parse(s)
		mentions := 0
		for _, b := range blocks {
			for _, p := range b.Spans {
				if p.Mention != "" && personID.MatchString(string(p.Mention)) {
					mentions++
				}
			}
		}
		if mentions > 0 {
			return
		}
		b, err := encode(post(s, platforms.Markdown))
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]struct{ Content [][]part }
		if err := json.Unmarshal(b, &read); err != nil {
			t.Fatal(err)
		}
		for _, line := range read["zh_cn"].Content {
			for _, p := range line {
				if p.Tag == "at" || p.Tag == "md" || p.Tag == "img" {
					t.Errorf("%q became a part %+v", s, p)
				}
			}
		}
		content, _ := card(s, platforms.Markdown, nil)
		if c, err := encode(content); err != nil || strings.Contains(string(c), "<at ") && !strings.Contains(string(c), "```") {
			t.Errorf("%q became %s", s, c)
		}
		asPost, asCard := shown(t, s, platforms.Markdown)
		if squeeze(asPost) != squeeze(markup.Plain(blocks)) {
			t.Errorf("%q is shown as %q, want %q", s, asPost, markup.Plain(blocks))
		}
		if squeeze(asCard) != squeeze(asPost) {
			t.Errorf("%q: the card shows %q, the post %q", s, asCard, asPost)
		}
	})
}

// squeeze leaves out white space: platforms differ in it.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
