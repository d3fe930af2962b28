package discord_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/discord"
	"github.com/postern/postern/platforms/discord/discordtest"
	"github.com/postern/postern/platforms/markup"
)

// visible leaves out what a reader can't tell apart.
func visible(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)), " ")
}

// FuzzPlain sends any text, and reads it as Discord shows it.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"plain", "*a* _b_ ~~c~~ ||d|| `e` ```f```", "# x\n- y\n1. z\n> q\n-# s", "[a](http://b) <http://c>", "<@1> <@&2> <#3> <:a:4> <t:5:R> </x:6>",
		"@everyone @here", "https://example.org/a_b_c*d* https://example.org/x, (https://example.org/y)", ":smile: 10:30:45 a::b:", `\*\\_`, "a_b_c __d__ *e*f", "https:\\\\x https://", "foohttps://a_b_c_d",
		"  - a", "\t# b", "12) c", "x\n\n   y"} {
		f.Add(s)
	}
	s, err := discordtest.New(token)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	transport := &http.Transport{}
	f.Cleanup(transport.CloseIdleConnections)
	conn, err := discord.Platform().New(platforms.Config{Settings: map[string]string{"server": s.URL()},
		Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token)}, HTTP: &http.Client{Transport: transport}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, words string) {
		if visible(words) == "" || len(words) > 500 {
			return
		}
		for _, format := range []platforms.Format{platforms.Plain, platforms.Markdown} {
			text, want := words, visible(words)
			if format == platforms.Markdown {
				text = markup.Escape(words)
				want = visible(markup.Plain(markup.Parse(text)))
				if strings.ContainsAny(want, "•`▎>") || want == "" { // lists and code have their own look
					continue
				}
			}
			n := discord.Platform().Length(text, format)
			if _, err := conn.Send(t.Context(), platforms.Message{Conversation: direct, Text: text, Format: format}); err != nil {
				if n > 2000 {
					return
				}
				t.Fatal(err)
			}
			sent := s.Sent()
			m := sent[len(sent)-1]
			if got := visible(m.Text); got != want {
				t.Errorf("%q (%s) was written as %q and reads %q", words, format, m.Content, got)
			}
			if len(m.Pinged) > 0 || m.Everyone {
				t.Errorf("%q calls %q, everyone %v", words, m.Pinged, m.Everyone)
			}
		}
	})
}

func TestMarkdown(t *testing.T) {
	s := newStage(t)
	for words, want := range map[string]string{
		"# One\n\n#### Four":                            "# One\n\n**Four**",
		"**a**b*c*":                                     "**a**b_c_",
		"- one\n- two\n  - three":                       "- one\n- two\n  - three",
		"1. one\n2. two":                                "1. one\n2. two",
		"> said\n> more":                                "> said\n> more",
		"```go\nx := `1`*y*\n```":                       "```go\nx := `1`*y*\n```",
		"[place](https://example.org/?a=b&c)":           "[place](https://example.org/?a=b&c)",
		"[https://good.example](https://evil.example/)": "https\\://good.example (https\\://evil.example/)",
		"***all***":                                     "**_all_**",
		"see https://example.org/a_b_c now":             "see https://example.org/a_b_c now",
		"`x*y*`":                                        "`x*y*`",
		"~~no~~ yes":                                    "~~no~~ yes",
	} {
		_, err := s.conn.Send(soon(t), platforms.Message{Conversation: direct, Text: words, Format: platforms.Markdown})
		must(t, err)
		sent := s.Sent()
		if got := sent[len(sent)-1].Content; got != want {
			t.Errorf("%q became %q, want %q", words, got, want)
		}
	}
}
