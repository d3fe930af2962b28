package hooks

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

func TestMrkdwn(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                                     "plain",
		"*b* _i_ ~s~ `c`":                           "**b** *i* ~~s~~ `c`",
		"*b _i ~s~_*":                               "**b *i ~~s~~***",
		"2 * 3 * 4, snake_case_x, a*b*c":            `2 \* 3 \* 4, snake\_case\_x, a\*b\*c`,
		"**double** [x](https://example.org)":       `\*\*double\*\* \[x\]\(https://example\.org\)`,
		"<https://example.org|a *b*>":               `[a \*b\*](https://example.org)`,
		"<https://example.org?a=1&amp;b=2>":         "[https://example\\.org?a=1\\&b=2](https://example.org?a=1&b=2)",
		"<javascript:alert(1)|x>":                   "x",
		"<mailto:a@example.org|mail>":               "mail",
		"<mailto:a@example.org>":                    `a@example\.org`,
		"<@U1> <@U1|ada> <#C1> <#C1|dev>":           `@U1 @ada \#C1 \#dev`,
		"<!subteam^S1|@ops> <!date^1^{date}|today>": "@ops today",
		"<!channel>":                                "@" + zwsp + "channel",
		"a &lt;b&gt; &amp;":                         `a \<b\> \&`,
		"&amp;lt;":                                  `\&lt;`,
		"a < b > c":                                 `a  b  c`,
		"&gt; q1\n&gt; q2\nafter":                   "> q1\n> q2\n\nafter",
		"&gt;&gt;&gt; q1\nq2":                       "> q1\n> q2",
		"x ```a *b* <https://e.org|l>``` y":         "x\n\n```\na *b* l\n```\n\ny",
		"``` ` ```x":                                "```\n ` \n```\n\nx",
		"`open *b*":                                 "\\`open **b**",
		"```open":                                   "\\`\\`\\`open",
		"*open\n*b*":                                "\\*open\n**b**",
	} {
		if strings.Contains(in, "a < b") {
			want = strings.TrimSpace("a " + escaped(" b ") + " c")
		}
		if got := fromMrkdwn(in); got != want {
			t.Errorf("%q:\n got %q\nwant %q", in, got, want)
		}
	}
}

// TestMarkdownFromOutside: what is read back is what was meant, without mentions.
func TestMarkdownFromOutside(t *testing.T) {
	for _, in := range []string{
		"plain *i* **b** ~~s~~ `c*d` x", "# Title\ntext", "- a\n- b\n\nend", "1. a\n2. b", "> said\n> so\n\nyes",
		"```go\nx := `a`\n**b**\n```\nend", "[site](https://example.org/?a=b&c)", "a_b_c 2 * 3", `\*not\*`, "<b>&amp;</b>", "***both*** x",
		"| a | b |\n|---|---|", "Title\n===", "[x](javascript:alert(1))", "a\n\nb", "````\n```\n````", "[m](mailto:a@example.org)",
	} {
		want := markup.Parse(in)
		if got := markup.Parse(fromMarkdown(in)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q became %q:\n got %+v\nwant %+v", in, fromMarkdown(in), got, want)
		}
	}
	for in, want := range map[string]string{
		"[Ada](mention:U1) x": "@Ada x",
		"[@Ada](mention:U1)":  "@Ada",
		"@everyone":           "@" + zwsp + "everyone",
	} {
		if got := fromMarkdown(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestPageIsBounded(t *testing.T) {
	for name, s := range map[string]string{
		"letters": strings.Repeat("a", 100_000),
		"escapes": strings.Repeat("*", 100_000),
		"emoji":   strings.Repeat("😀", 100_000),
		"lines":   strings.Repeat("a\n\n", 50_000),
		"spaces":  "a" + strings.Repeat(" ", 100_000) + "b",
	} {
		for _, d := range []Dialect{Blocks, Attachments} {
			p := parsed(t, d, http.Header{}, fmt.Sprintf(`{"text":%q}`, s))
			if n := utf8.RuneCountInString(p.Text); n > mostText || len(p.Text) > mostBytes || !utf8.ValidString(p.Text) || !strings.HasSuffix(p.Text, "…") {
				t.Errorf("%s %s: %d characters, %d bytes, %q", d, name, n, len(p.Text), p.Text[max(0, len(p.Text)-10):])
			}
			if shown := markup.Plain(markup.Parse(p.Text)); name == "escapes" && strings.Contains(shown, `\`) {
				t.Errorf("%s: an escape was cut", d)
			}
		}
	}
}

func TestTemplate(t *testing.T) {
	for _, c := range []struct{ template, body, want string }{
		{"**{{.title}}** {{.n}} {{.on}} {{.none}}.", `{"title":"a *b* [x](mention:U1)","n":12345678901234567890,"on":true}`,
			`**a \*b\* \[x\]\(mention:U1\)** 12345678901234567890 true .`},
		{"{{range .list}}- {{.name}}\n{{else}}none{{end}}", `{"list":[{"name":"a"},{"name":"b"}]}`, "- a\n- b"},
		{"{{range .list}}{{.}}{{else}}none{{end}}", `{}`, "none"},
		{"{{if eq .state \"ok\"}}🟢{{else}}🔴{{end}} {{code .cmd}} {{link .name .url}}", `{"state":"ok","cmd":"a` + "`" + `b","name":"n","url":"https://example.org"}`,
			"🟢 ``a`b`` [n](https://example.org)"},
		{"{{link .name .url}}", `{"name":"n","url":"javascript:alert(1)"}`, "n"},
		{"{{default \"nobody\" .who}} {{upper .a}} {{index .l 1}} {{len .l}} {{with .a}}{{.}}{{end}}", `{"a":"x","l":["p","q"]}`, "nobody X q 2 x"},
		{"{{.}}", `{"a":[1,"<b>"]}`, `\{"a":\["1","\\u003cb\\u003e"\]\}`},
		{"{{$x := .a}}{{$x}}", `{"a":"*"}`, `\*`},
		{"{{.a | upper | line}}", `{"a":"x\ny"}`, "X Y"},
		{"{{printf}}", "", ""},
	} {
		p, f := templated(c.template, []byte(c.body))
		if c.want == "" {
			if f == nil {
				t.Errorf("%s: %q", c.template, p.Text)
			}
			continue
		}
		want := strings.NewReplacer(`\{`, "{", `\}`, "}").Replace(c.want)
		if f != nil || p.Text != want || p.Format != platforms.Markdown {
			t.Errorf("%s:\n got %q %v\nwant %q", c.template, p.Text, f, want)
		}
	}
	for _, bad := range []string{"", " ", "{{", "{{.a", "{{printf \"%d\" 1}}", "{{html .a}}", "{{js .a}}", "{{call .a}}", "{{print .a}}", "{{urlquery .a}}", "{{show .a}}", "{{tick}}",
		"{{define \"x\"}}a{{end}}{{template \"x\"}}", "{{template \"hook\"}}", "{{block \"x\" .}}{{end}}", "{{if (print .a)}}x{{end}}", "{{range (print .a)}}{{end}}", "{{(print .a).b}}", strings.Repeat("x", mostTemplate+1)} {
		if _, err := compile(bad); err == nil {
			t.Errorf("%.40q: taken", bad)
		} else if _, ok := err.(Invalid); !ok {
			t.Errorf("%.40q: %T", bad, err)
		}
	}
}

func TestTemplateIsBounded(t *testing.T) {
	// What is long is so in every round of a loop.
	long := `{"big":"` + strings.Repeat("<", 100_000) + `","l":[` + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + `]}`
	for name, c := range map[string]struct {
		template string
		want     Kind // -1: cut
	}{
		"silent loops": {"{{range .l}}{{range $.l}}{{range $.l}}{{end}}{{end}}{{end}}", TooLong},
		"number":       {"{{range 1000000000}}{{end}}", TooLong},
		"long":         {"{{range .l}}{{range $.l}}xxxxxxxxxx{{end}}{{end}}", -1},
		"lacking":      {"{{.a.b.c}}", Malformed},
		"long values":  {`{{range .l}}{{if eq (upper $.big) "x"}}{{end}}{{end}}x`, TooLong},
		"all of it":    {`{{range .l}}{{if eq (lower $) "x"}}{{end}}{{end}}x`, TooLong},
		"long links":   {`{{range .l}}{{if link $.big $.big}}{{end}}{{end}}x`, TooLong},
		"long lines":   {`{{range .l}}{{if line $.big}}{{end}}{{end}}x`, TooLong},
		"long default": {`{{range .l}}{{if default "x" $.big}}{{end}}{{end}}x`, TooLong},
		"beyond":       {"{{index .l 5000}}", Malformed},
		"a method":     {"{{(index .l 0).Int64}}", Malformed},
		"nothing":      {"{{.a}}", Empty},
	} {
		p, f := templated(c.template, []byte(long))
		switch {
		case c.want == -1 && (f != nil || utf8.RuneCountInString(p.Text) > mostText || !strings.HasSuffix(p.Text, "…")):
			t.Errorf("%s: %v %d", name, f, len(p.Text))
		case c.want != -1 && (f == nil || f.Kind != c.want):
			t.Errorf("%s: %v %q", name, f, p.Text)
		}
	}
}

func TestCardsInCards(t *testing.T) {
	card := func(depth int) string {
		in := `{"type":"TextBlock","text":"deep"}`
		for range depth {
			in = `{"type":"Container","items":[` + in + `]}`
		}
		return `{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"top"},` + in + `]}`
	}
	if p := parsed(t, Cards, nil, card(5)); p.Text != "top\n\ndeep" {
		t.Errorf("%q", p.Text)
	}
	if p := parsed(t, Cards, nil, card(mostDepth+1)); p.Text != "top" {
		t.Errorf("%q", p.Text)
	}
}

func TestFormsOfRequests(t *testing.T) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if p := parsed(t, Blocks, form, "payload=%7B%22text%22%3A%22a%20b%22%7D"); p.Text != "a b" {
		t.Errorf("%q", p.Text)
	}
	if p := parsed(t, Blocks, http.Header{}, `{"text":"*b* &amp;","mrkdwn":false}`); p.Text != `\*b\* \&amp;` {
		t.Errorf("%q", p.Text)
	}
	if p := parsed(t, Attachments, http.Header{}, `payload={"text":"a"}`); p.Text != "a" {
		t.Errorf("%q", p.Text)
	}
	if p := parsed(t, Blocks, form, `{"text":"curl -d"}`); p.Text != `curl \-d` {
		t.Errorf("%q", p.Text)
	}
	multi := http.Header{"Content-Type": {`multipart/form-data; boundary="b"`}}
	body := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"payload_json\"\r\n\r\n{}\r\n--b\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}\r\n--b--\r\n"
	if p := parsed(t, Embeds, multi, body); p.Text != "hi" {
		t.Errorf("%q", p.Text)
	}
	if _, err := Parse(Hook{Dialect: Embeds}, multi, []byte("--b")); err == nil || kindOf(t, err) != Malformed {
		t.Error(err)
	}
	if _, err := Parse(Hook{Dialect: "morse"}, nil, nil); err == nil || kindOf(t, err) != Failed {
		t.Error(err)
	}
}
