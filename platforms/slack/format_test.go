package slack_test

import (
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/slack/slacktest"
)

func TestMarkdown(t *testing.T) {
	s := newServer(t)
	conn, _ := connector(t, s, config(t, s))
	for in, want := range map[string]string{
		"# Head\ntext\n\nmore":                   "Head\n\ntext\n\nmore",
		"- a\n- b\n  - c\n\n3. d\n4. e":          "• a\n• b\n  • c\n3. d\n4. e",
		"> one\n> two":                           "one\ntwo",
		"[Ada](mention:U0ADAAAAA1) hi":           "@Ada Lovelace hi",
		"[all](mention:channel)":                 "all",
		"**hi** [Nobody](mention:U0NOBODY01)":    "hi Nobody",
		"[x](https://example.org) <!channel>":    "x <!channel>",
		"```go\n<!here> *x*\n```":                "<!here> *x*",
		"&lt; &amp; <@U0ADAAAAA1> @channel :+1:": "&lt; &amp; <@U0ADAAAAA1> @channel :+1:",
	} {
		if _, err := conn.Send(soon(t), platforms.Message{Key: in, Conversation: slacktest.Direct, Text: in, Format: platforms.Markdown}); err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		sent := s.Sent()
		last := sent[len(sent)-1]
		if last.Text != want {
			t.Errorf("%q became %q, want %q", in, last.Text, want)
		}
		if strings.ContainsAny(last.Fallback, "<>") {
			t.Errorf("the text for notifications can refer: %q", last.Fallback)
		}
	}
}

// FuzzFormat looks for texts that do not arrive as they are.
func FuzzFormat(f *testing.F) {
	s, err := slacktest.New(botToken, appToken)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	for _, v := range []string{"plain", "<!channel> &amp; *x*", "```", "a\nb\n\nc", "😀", ":tada:", "\xff", "\u202e"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, words string) {
		conn, _ := connector(t, s, config(t, s))
		for _, m := range []platforms.Message{
			{Key: "k", Conversation: slacktest.Direct, Text: words},
			{Key: "k", Conversation: slacktest.Direct, Text: markup.Escape(words), Format: platforms.Markdown},
		} {
			_, err := conn.Send(soon(t), m)
			if platforms.KindOf(err) == platforms.Rejected && (strings.TrimSpace(m.Text) == "" || len(m.Text) > 4000 || strings.Trim(m.Text, " \t\n\r\v\f\x00") == "") {
				continue
			}
			if err != nil {
				t.Fatalf("%q: %v", m.Text, err)
			}
			sent := s.Sent()
			got := sent[len(sent)-1].Text
			want := strings.ToValidUTF8(strings.ReplaceAll(words, "\x00", ""), "\uFFFD")
			if m.Format == platforms.Plain && got != want {
				t.Errorf("%q arrived as %q", want, got)
			}
			if strings.Contains(sent[len(sent)-1].Fallback, "<") {
				t.Errorf("the text for notifications can refer: %q", sent[len(sent)-1].Fallback)
			}
		}
	})
}
