package hooks

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// FuzzParse: whatever comes, there is no panic, and what is shown is bounded,
// valid and calls nobody.
func FuzzParse(f *testing.F) {
	dialects := []Dialect{Native, Blocks, Embeds, Attachments, Cards, GitHub, Alertmanager, Grafana, Template}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		name, event, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
		for i, d := range dialects {
			if d == Dialect(name) {
				f.Add(uint8(i), "application/json", strings.ReplaceAll(event, "-", "_"), body)
			}
		}
	}
	f.Add(uint8(0), "", "", []byte(`{"content":"@everyone @bob","username":"@@here"}`))
	f.Add(uint8(1), "application/x-www-form-urlencoded", "", []byte(`payload={"text":"<!here|@here> *_~x~_* `+"```a```"+`"}`))
	f.Add(uint8(2), "multipart/form-data; boundary=b", "", []byte("--b\r\nContent-Disposition: form-data; name=payload_json\r\n\r\n{\"content\":\"x\"}\r\n--b--"))
	f.Add(uint8(3), "", "", []byte(`{"text":"a@ [@](mention:U) @**here**"}`))
	f.Add(uint8(8), "", "", []byte(`{"a":"x","l":[1,[2]]}`))
	f.Fuzz(func(t *testing.T, which uint8, kind, event string, body []byte) {
		h := Hook{Dialect: dialects[int(which)%len(dialects)], Template: `{{.a}} {{range .l}}{{code .}} {{link . .}}{{end}}`}
		p, err := Parse(h, http.Header{"Content-Type": {kind}, "X-Github-Event": {event}}, body)
		if err != nil {
			a := Refused(h.Dialect, faultOf(err))
			if a.Status < 400 || a.Status > 499 {
				t.Errorf("%d for a bad post: %v", a.Status, err)
			}
			return
		}
		if strings.TrimSpace(p.Text) == "" || !utf8.ValidString(p.Text) || utf8.RuneCountInString(p.Text) > mostText || len(p.Text) > mostBytes {
			t.Errorf("%d bytes: %.100q", len(p.Text), p.Text)
		}
		if utf8.RuneCountInString(p.Username) > mostName || p.Avatar != "" && !webAddress(p.Avatar) {
			t.Errorf("%q %q", p.Username, p.Avatar)
		}
		calm(t, string(h.Dialect), p)
		if len(markup.Parse(p.Text)) == 0 {
			t.Errorf("nothing is shown of %q", p.Text)
		}
	})
}

// FuzzText puts one text where each form has text.
func FuzzText(f *testing.F) {
	for _, s := range []string{"*b* _i_ <!here> `c` ```x```", "[Ada](mention:U1) @everyone", "<https://e.org|x>", "> q\n- a\n  - b\n# h", "@**here** @all", "a\\", "<t:1> <:ab:1> <at>x</at>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := json.Marshal(s)
		if err != nil {
			t.Skip()
		}
		d := string(b)
		for dialect, body := range map[Dialect]string{
			Native:      `{"content":` + d + `}`,
			Blocks:      `{"text":` + d + `,"attachments":[{"title":` + d + `,"text":` + d + `}],"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","style":{"bold":true,"strike":true},"text":` + d + `}]}]}]}`,
			Embeds:      `{"content":` + d + `,"embeds":[{"title":` + d + `,"url":` + d + `}]}`,
			Attachments: `{"text":` + d + `}`,
			Cards:       `{"type":"AdaptiveCard","body":[{"type":"TextBlock","weight":"bolder","text":` + d + `},{"type":"CodeBlock","codeSnippet":` + d + `}]}`,
			GitHub:      `{"ref":` + d + `,"commits":[{"message":` + d + `}]}`,
			Template:    `{"a":` + d + `,"l":[` + d + `]}`,
		} {
			h := Hook{Dialect: dialect, Template: `{{.a}} {{range .l}}{{code .}} {{link . .}}{{end}}`}
			p, err := Parse(h, http.Header{"X-Github-Event": {"push"}}, []byte(body))
			if err != nil {
				continue
			}
			if !utf8.ValidString(p.Text) || utf8.RuneCountInString(p.Text) > mostText || len(p.Text) > mostBytes {
				t.Errorf("%s: %d bytes", dialect, len(p.Text))
			}
			calm(t, string(dialect), p)
			who := func(string) (platforms.UserID, bool) { return "U1", true }
			if got := p.Addressed(who); strings.Count(got.Text, "(mention:") > mostMentions {
				t.Errorf("%s: %d mentions", dialect, strings.Count(got.Text, "(mention:"))
			}
		}
	})
}
