package hooks

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

func parsed(t *testing.T, d Dialect, header http.Header, body string) Post {
	t.Helper()
	p, err := Parse(Hook{Dialect: d}, header, []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return p
}

func kindOf(t *testing.T, err error) Kind {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("%T %v", err, err)
	}
	return f.Kind
}

// TestPayloads shows what becomes of payloads as the senders' documentation has
// them: testdata/SOURCES.txt says where. UPDATE=1 writes what becomes of them anew.
func TestPayloads(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		dialect, event, _ := strings.Cut(name, "-")
		p, err := Parse(Hook{Dialect: Dialect(dialect)}, http.Header{"X-Github-Event": {strings.ReplaceAll(event, "-", "_")}}, body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := "username: " + p.Username + "\navatar: " + p.Avatar + "\n\n" + p.Text + "\n"
		golden := strings.TrimSuffix(file, ".json") + ".md"
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range []string{"**", "](", "~~", "```", "\\"} {
			if shown := markup.Plain(markup.Parse(p.Text)); strings.Contains(shown, mark) && name != "github-issues" { // whose Markdown is quoted as it stands
				t.Errorf("%s: %q is left in\n%s", name, mark, shown)
			}
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestNative(t *testing.T) {
	p := parsed(t, Native, nil, `{"content":"Hello *all* [x](mention:U1) @bob","username":"CI","avatar_url":"https://example.org/a.png","more":1}`)
	if p.Text != "Hello *all* [x](mention:U1) @bob" || p.Format != platforms.Plain || p.Username != "CI" || p.Avatar != "https://example.org/a.png" || len(p.Mentions) != 1 {
		t.Errorf("%+v", p)
	}
	if p := parsed(t, Native, nil, `{"content":"x","username":null,"avatar_url":null}`); p.Username != "" || p.Avatar != "" {
		t.Errorf("%+v", p)
	}
	// Characters count, not bytes.
	if p := parsed(t, Native, nil, `{"content":"`+strings.Repeat("😀", 4000)+`"}`); len([]rune(p.Text)) != 4000 {
		t.Error(len(p.Text))
	}
	for body, want := range map[string]Kind{
		``:                        Malformed,
		`null`:                    Empty,
		`[]`:                      Malformed,
		`{"content":1}`:           Malformed,
		`{"content":"x"} {}`:      Malformed,
		`{}`:                      Empty,
		`{"content":null}`:        Empty,
		`{"content":""}`:          Empty,
		`{"content":" \n\u200b"}`: Empty,
		`{"content":"` + strings.Repeat("ä", 4001) + `"}`:                   TooLong,
		`{"content":"x","username":"` + strings.Repeat("ä", 65) + `"}`:      Malformed,
		`{"content":"x","avatar_url":"javascript:alert(1)"}`:                Malformed,
		`{"content":"x","avatar_url":"https://user:word@example.org/"}`:     Malformed,
		`{"content":"x","avatar_url":"//example.org/a.png"}`:                Malformed,
		`{"content":"x"` + strings.Repeat(" ", MostBody) + `}`:              TooLong,
		`{"content":"x","username":["` + strings.Repeat("[", 20000) + `"]}`: Malformed,
	} {
		if _, err := Parse(Hook{}, nil, []byte(body)); err == nil || kindOf(t, err) != want {
			t.Errorf("%.60s: %v", body, err)
		}
	}
	if p := parsed(t, Native, nil, `{"content":"x","username":"`+strings.Repeat("ä", 64)+`"}`); len([]rune(p.Username)) != 64 {
		t.Error(p.Username)
	}
}

func TestMentions(t *testing.T) {
	for in, want := range map[string]string{
		"@bob":                     "bob",
		"hi @bob, @Bob and @bob":   "bob Bob",
		"bob@alice.com":            "",
		"ä@bob _@bob 1@bob @@bob":  "",
		"(@bob) @bob-smith .@b_1":  "bob b_1",
		"@everyone @HERE @Channel": "",
		"@everyone_else @hereford": "everyone_else hereford",
		"@ bob @":                  "",
		"@bob\n@eve":               "bob eve",
		"\u202e@bob":               "bob",
	} {
		if got := strings.Join(names(in), " "); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAddressed(t *testing.T) {
	know := func(ids map[string]platforms.UserID) func(string) (platforms.UserID, bool) {
		return func(n string) (platforms.UserID, bool) { id, ok := ids[n]; return id, ok }
	}
	p := parsed(t, Native, nil, `{"content":"*hi* @bob bob@bob @eve @Bob"}`)
	got := p.Addressed(know(map[string]platforms.UserID{"bob": "U1"}))
	if got.Format != platforms.Markdown || len(got.Mentions) != 1 {
		t.Errorf("%+v", got)
	}
	var who []string
	for _, b := range markup.Parse(got.Text) {
		for _, s := range b.Spans {
			if s.Bold || s.Italic {
				t.Errorf("styled: %+v", s)
			}
			if s.Mention != "" {
				who = append(who, s.Text+"="+string(s.Mention))
			}
		}
	}
	if strings.Join(who, " ") != "@bob=U1" || markup.Plain(markup.Parse(got.Text)) != p.Text {
		t.Errorf("%v %q", who, got.Text)
	}
	if same := p.Addressed(know(nil)); same.Text != p.Text || same.Format != platforms.Plain || same.Mentions != nil {
		t.Errorf("%+v", same)
	}
	if odd := p.Addressed(know(map[string]platforms.UserID{"bob": "a) b"})); strings.Contains(odd.Text, "mention:") {
		t.Errorf("%q", odd.Text)
	}

	md := parsed(t, Attachments, nil, `{"text":"**@bob** `+"`@bob`"+` [@bob](https://example.org)"}`).Addressed(know(map[string]platforms.UserID{"bob": "U1"}))
	if strings.Count(md.Text, "mention:U1") != 1 {
		t.Errorf("%q", md.Text)
	}

	ids := map[string]platforms.UserID{}
	var text strings.Builder
	for i := range 120 {
		n := "u" + strings.Repeat("x", i%60) + string(rune('a'+i/60))
		ids[n] = platforms.UserID(n)
		text.WriteString("@" + n + " ")
	}
	many := parsed(t, Native, nil, `{"content":"`+text.String()[:3900]+`"}`).Addressed(know(ids))
	if len(many.Mentions) != 50 || strings.Count(many.Text, "(mention:") != 50 {
		t.Errorf("%d, %d", len(many.Mentions), strings.Count(many.Text, "(mention:"))
	}
	lots := parsed(t, Native, nil, `{"content":"`+strings.Repeat("@b ", 1300)+`"}`).Addressed(know(map[string]platforms.UserID{"b": platforms.UserID(strings.Repeat("i", 128))}))
	if strings.Count(lots.Text, "(mention:") != 50 || len(lots.Text) > mostBytes {
		t.Errorf("%d places, %d bytes", strings.Count(lots.Text, "(mention:"), len(lots.Text))
	}
}

// loud is what acts on one platform or another.
func loud(s string) bool {
	s = strings.ToLower(s)
	for _, w := range []string{"@everyone", "@here", "@channel", "@all ", "@all@", "<!"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return strings.HasSuffix(s, "@all")
}

// TestNobodyIsCalled: whatever the form, nothing addresses everybody, and nobody
// is mentioned before Addressed.
func TestNobodyIsCalled(t *testing.T) {
	calls := `@everyone @here @channel @all @EVERYONE @@here <!channel> <!here|here> <!everyone> <@U1> <@&2> [Ada](mention:U1) [@here](https://example.org/@everyone) x@all@all@all`
	inside := strings.NewReplacer("D", strings.ReplaceAll(calls, `"`, `\"`))
	for d, body := range map[Dialect]string{
		Native:       `{"content":"D","username":"@@here <!here"}`,
		Blocks:       `{"text":"D","attachments":[{"text":"D","title":"D","fallback":"D","fields":[{"title":"D","value":"D"}]}]}`,
		"blocks ":    `{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"D"}},{"type":"header","text":{"text":"D"}},{"type":"markdown","text":"D"},{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"D"},{"type":"broadcast","range":"here"},{"type":"link","url":"https://x.org/@all","text":"D"}]},{"type":"rich_text_preformatted","elements":[{"type":"text","text":"D"}]}]}]}`,
		Embeds:       `{"content":"D","embeds":[{"title":"D","description":"D","footer":{"text":"D"},"author":{"name":"D"},"fields":[{"name":"D","value":"D"}]}]}`,
		Attachments:  `{"text":"D","username":"D","attachments":[{"text":"D","title":"D","footer":"D"}]}`,
		Cards:        `{"title":"D","text":"D","sections":[{"activityTitle":"<at>D</at>","facts":[{"name":"D","value":"D"}]}],"attachments":[{"content":{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"D","weight":"bolder"},{"type":"CodeBlock","codeSnippet":"D"},{"type":"RichTextBlock","inlines":["D"]}]}}]}`,
		GitHub:       `{"sender":{"login":"D"},"repository":{"full_name":"D","html_url":"https://x.org/@here"},"issue":{"number":1,"title":"D","body":"D"},"action":"opened"}`,
		Alertmanager: `{"status":"firing","alerts":[{"status":"D","labels":{"alertname":"D","D":"D"},"annotations":{"description":"D","summary":"D"}}]}`,
		Template:     `{"a":"D"}`,
	} {
		h := Hook{Dialect: Dialect(strings.TrimSpace(string(d))), Template: "{{.a}} {{code .a}} {{link .a \"https://example.org/@all\"}}"}
		p, err := Parse(h, http.Header{"X-Github-Event": {"issues"}}, []byte(inside.Replace(body)))
		if err != nil {
			t.Errorf("%s: %v", d, err)
			continue
		}
		calm(t, string(d), p)
		if !strings.Contains(p.Text, "everyone") {
			t.Errorf("%s: nothing left: %q", d, p.Text)
		}
	}
}

func calm(t *testing.T, name string, p Post) {
	t.Helper()
	if loud(p.Username) {
		t.Errorf("%s: username %q", name, p.Username)
	}
	if p.Format == platforms.Plain {
		if loud(p.Text) {
			t.Errorf("%s: %q", name, p.Text)
		}
		return
	}
	for _, b := range markup.Parse(p.Text) {
		if loud(b.Code) {
			t.Errorf("%s: code %q", name, b.Code)
		}
		for _, s := range b.Spans {
			if loud(s.Text) || loud(s.Link) {
				t.Errorf("%s: %+v", name, s)
			}
			if s.Mention != "" {
				t.Errorf("%s: mentions %q", name, s.Mention)
			}
		}
	}
}
