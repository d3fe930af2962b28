package markup

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []Block
	}{
		{"", nil},
		{"  \n ", nil},
		{"hello", []Block{{Spans: []Span{{Text: "hello"}}}}},
		{"a\nb\n\nc", []Block{{Spans: []Span{{Text: "a\nb"}}}, {Spans: []Span{{Text: "c"}}}}},
		{"**b** *i* ~~s~~ `c*d`", []Block{{Spans: []Span{
			{Text: "b", Bold: true}, {Text: " "}, {Text: "i", Italic: true}, {Text: " "}, {Text: "s", Strike: true}, {Text: " "}, {Text: "c*d", Code: true}}}}},
		{"***both***", []Block{{Spans: []Span{{Text: "both", Bold: true, Italic: true}}}}},
		{"snake_case_name 2 * 3 * 4", []Block{{Spans: []Span{{Text: "snake_case_name 2 * 3 * 4"}}}}},
		{`\*not\*`, []Block{{Spans: []Span{{Text: "*not*"}}}}},
		{"<b>x</b> &amp; <script>", []Block{{Spans: []Span{{Text: "<b>x</b> &amp; <script>"}}}}},
		{"<div>\n\n**x**", []Block{{Spans: []Span{{Text: "<div>"}}}, {Spans: []Span{{Text: "x", Bold: true}}}}},
		{"# Title\ntext", []Block{{Kind: Heading, Level: 1, Spans: []Span{{Text: "Title"}}}, {Spans: []Span{{Text: "text"}}}}},
		{"- a\n- b\n  - c", []Block{
			{Kind: Item, Label: "•", Spans: []Span{{Text: "a"}}}, {Kind: Item, Label: "•", Spans: []Span{{Text: "b"}}},
			{Kind: Item, Level: 1, Label: "•", Spans: []Span{{Text: "c"}}}}},
		{"3. a\n4. b\n\n   more", []Block{
			{Kind: Item, Label: "3.", Spans: []Span{{Text: "a"}}}, {Kind: Item, Label: "4.", Spans: []Span{{Text: "b"}}}, {Kind: Item, Spans: []Span{{Text: "more"}}}}},
		{"> said\n> so\n\nyes", []Block{{Kind: Quote, Spans: []Span{{Text: "said\nso"}}}, {Spans: []Span{{Text: "yes"}}}}},
		{"```go\nx := `a`\n**b**\n```\nend", []Block{{Kind: Code, Lang: "go", Code: "x := `a`\n**b**"}, {Spans: []Span{{Text: "end"}}}}},
		{"```a\"><b\nx", []Block{{Kind: Code, Code: "x"}}},
		{"[site](https://example.org/?a=b&c)", []Block{{Spans: []Span{{Text: "site", Link: "https://example.org/?a=b&c"}}}}},
		{"[**x** y](https://example.org)", []Block{{Spans: []Span{{Text: "x", Bold: true, Link: "https://example.org"}, {Text: " y", Link: "https://example.org"}}}}},
		{"[run](javascript:alert(1))", []Block{{Spans: []Span{{Text: "run (javascript:alert(1))"}}}}},
		{"[x](tg://resolve?domain=y)", []Block{{Spans: []Span{{Text: "x (tg://resolve?domain=y)"}}}}},
		{"![pic](https://example.org/a.png)", []Block{{Spans: []Span{{Text: "pic", Link: "https://example.org/a.png"}}}}},
		{"hi [Ada](mention:U123)", []Block{{Spans: []Span{{Text: "hi "}, {Text: "Ada", Mention: "U123"}}}}},
		{"[](mention:U1)", []Block{{Spans: []Span{{Text: "@U1", Mention: "U1"}}}}},
		{"[Ada](<mention:a b>)", []Block{{Spans: []Span{{Text: "Ada (mention:a b)"}}}}},
		{"| a | b |\n|---|---|", []Block{{Spans: []Span{{Text: "| a | b |\n|---|---|"}}}}},
		{"Title\n===", []Block{{Spans: []Span{{Text: "Title\n==="}}}}},
		{"[x]: https://example.org", []Block{{Spans: []Span{{Text: "[x]: https://example.org"}}}}},
		{"bad \xff", []Block{{Spans: []Span{{Text: "bad \uFFFD"}}}}},
	} {
		if got := Parse(c.in); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q:\n got %+v\nwant %+v", c.in, got, c.want)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	for name, in := range map[string]string{
		"long":  strings.Repeat("*a* ", maxText/4+1),
		"quote": strings.Repeat(">", 1000) + "x",
		"lists": strings.Repeat("- ", 1000) + "x",
	} {
		if got := Parse(in); len(got) != 1 || len(got[0].Spans) != 1 || got[0].Spans[0].Text != in {
			t.Errorf("%s: %d blocks", name, len(got))
		}
	}
}

func TestPlain(t *testing.T) {
	const in = "# T\n\nhi **you** [x](https://example.org)\n\n- a\n  - b\n\n> q\n> r\n\n```\ncode\n```"
	const want = "T\n\nhi you x (https://example.org)\n\n• a\n  • b\n\n> q\n> r\n\ncode"
	if got := Plain(Parse(in)); got != want {
		t.Errorf("%q", got)
	}
}

func TestEscape(t *testing.T) {
	for _, s := range []string{"*a* _b_ ~~c~~ `d`", "# x", "1. x", "- x", "> x", "[a](mention:b)", "```\nx", "\\*", "a\\"} {
		if got := Plain(Parse(Escape(s))); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// FuzzParse looks for texts that crash the parser, and for words that it loses.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"**a** [b](c)", "> - 1. `x", "```\na", "[a](mention:b)", "\\", "~~a~~", "![", "- \n  > \n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := "word1 " + s + " word2"
		out := Plain(Parse(in))
		if !strings.Contains(out, "word1") {
			t.Errorf("%q became %q", in, out)
		}
		if !reflect.DeepEqual(Parse(in), Parse(in)) {
			t.Errorf("%q is read in two ways", in)
		}
	})
}
