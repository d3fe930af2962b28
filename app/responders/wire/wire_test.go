package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

func full() app.Delivery {
	at := time.Date(2026, 1, 2, 16, 4, 5, 0, time.FixedZone("CET", 3600))
	return app.Delivery{Seq: 12, Account: "a1", Label: "My bot", Stored: at.Add(time.Second), Away: true, Stranger: true,
		Event: platforms.Event{ID: "e1", Kind: platforms.ButtonClicked, Cursor: "secret-cursor", Time: at,
			Conversation: platforms.Conversation{ID: "c1", Kind: platforms.Group, Title: "Kitchen", Moved: "c0"},
			Thread:       "t1", Message: "m7", ReplyTo: "m6",
			From:      platforms.User{ID: "u1", Name: "Ada", Handle: "@ada", Bot: true},
			Mentioned: true, Text: "dinner\xff?",
			Attachments: []platforms.Attachment{{Ref: "secret-ref", Name: "a.txt", MediaType: "text/plain", Size: 3}},
			Click:       &platforms.Click{Data: "yes", Token: "secret-token"},
			Note:        "poll", Reply: "secret-reply"}}
}

// TestFormIsStable is the promise to those who wrote a program: it changes with
// Version only, except for members that are added.
func TestFormIsStable(t *testing.T) {
	got, err := Of(full()).JSON()
	want := `{"version":1,"id":"evt_343044c1debf46cb86abf6db97c6ebd8","seq":12,"kind":"click","account":"a1","label":"My bot",` +
		`"time":"2026-01-02T15:04:05Z","stored":"2026-01-02T15:04:06Z",` +
		`"conversation":{"id":"c1","kind":"group","title":"Kitchen","moved":"c0"},"thread":"t1","message":"m7","reply_to":"m6",` +
		`"from":{"id":"u1","name":"Ada","handle":"@ada","bot":true},"mentioned":true,"stranger":true,"away":true,` +
		`"text":"dinner\ufffd?","attachments":[{"name":"a.txt","media_type":"text/plain","size":3}],"click":"yes","note":"poll"}`
	if err != nil || string(got) != want {
		t.Errorf("the event is\n%s (%v), want\n%s", got, err, want)
	}
	if strings.Contains(string(got), "secret") {
		t.Error("a token is in it")
	}
	var back Event
	if err := json.Unmarshal(got, &back); err != nil || back.Conversation.Title != "Kitchen" {
		t.Errorf("read back: %+v, %v", back, err)
	}
	least, err := Of(app.Delivery{Seq: 1, Account: "a1"}).JSON()
	if want := `"time":"0001-01-01T00:00:00Z","stored":"0001-01-01T00:00:00Z","conversation":{"id":""},"from":{"id":""}}`; err != nil || !strings.HasSuffix(string(least), want) {
		t.Errorf("an empty event is %s (%v)", least, err)
	}
}

func TestIDIsTheEvents(t *testing.T) {
	d := full()
	want := ID(d)
	if want != "evt_343044c1debf46cb86abf6db97c6ebd8" { // its receivers keep it
		t.Errorf("the id is %q", want)
	}
	same := d
	same.Seq, same.Event.Text, same.Stored = 99, "redelivered", time.Now()
	if ID(same) != want {
		t.Error("a redelivery has another id")
	}
	for name, change := range map[string]func(*app.Delivery){
		"event":   func(d *app.Delivery) { d.Event.ID = "e2" },
		"account": func(d *app.Delivery) { d.Account = "a2" },
		"border":  func(d *app.Delivery) { d.Account, d.Event.ID = "a1 id e1", "" },
		"no id":   func(d *app.Delivery) { d.Event.ID = "" },
	} {
		other := d
		change(&other)
		if ID(other) == want {
			t.Errorf("another %s has the same id", name)
		}
	}
	a, b := d, d
	a.Event.ID, b.Event.ID, b.Seq = "", "", 13
	if ID(a) == ID(b) {
		t.Error("two events without an id have the same one")
	}
}

func TestReply(t *testing.T) {
	for _, c := range []struct{ name, in, text string }{
		{"text", `{"text":"hi\u0007 \u202ethere\n"}`, "hi  there"},
		{"unknown members", `{"text":"hi","more":[1]}`, "hi"},
		{"null", `{"text":"hi","buttons":null,"files":null}`, "hi"},
		{"buttons are no rows", `{"text":"hi","buttons":[{"label":"x","data":"y"}]}`, "hi\n(The buttons were left out: they are not rows of buttons.)"},
		{"no label", `{"buttons":[[{"label":"\u200b","data":"y"}]]}`, "(A button was left out: it has no label.)"},
		{"no action", `{"buttons":[[{"label":"x"}]]}`, `(The button "x" was left out: it needs data or a url, one of the two.)`},
		{"two actions", `{"buttons":[[{"label":"x","data":"y","url":"https://a.example"}]]}`, `(The button "x" was left out: it needs data or a url, one of the two.)`},
		{"script", `{"buttons":[[{"label":"x","url":"javascript:alert(1)"}]]}`, `(The button "x" was left out: its address is not one of http or https.)`},
		{"disguise", `{"buttons":[[{"label":"x","url":"https://bank.example@evil.example"}]]}`, `(The button "x" was left out: its address is not one of http or https.)`},
		{"long data", `{"buttons":[[{"label":"x","data":"` + strings.Repeat("y", longData+1) + `"}]]}`, `(The button "x" was left out: its data is too long.)`},
		{"files are no list", `{"files":"x"}`, "(The files were left out: they are not a list of files.)"},
		{"not base64", `{"files":[{"name":"a","data":"%"}]}`, `(The file "a" was left out: its data is not base64.)`},
		{"both", `{"files":[{"name":"a","data":"aa==","path":"x"}]}`, `(The file "a" was left out: it has data and a path.)`},
		{"no folder", `{"files":[{"path":"/etc/passwd"}]}`, `(The file "passwd" was left out: no folder was chosen from which files may be sent.)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Rules{}.Parse([]byte(c.in))
			if err != nil || m.Text != c.text || len(m.Buttons)+len(m.Files) > 0 {
				t.Errorf("got %+v, %v; want %q", m, err, c.text)
			}
		})
	}
	for _, in := range []string{"", "null", "[]", `"x"`, "{", `{"text":1}`, `{"text":"a"}{"text":"b"}`} {
		if m, err := (Rules{}).Parse([]byte(in)); !errors.Is(err, ErrNotReply) {
			t.Errorf("%q gave %+v, %v", in, m, err)
		}
	}
}

func TestReplysButtonsAndBounds(t *testing.T) {
	row := `[` + strings.Repeat(`{"label":"x","data":"y"},`, 60) + `{"label":"Go ","url":"https://a.example/?q"}]`
	m, err := Rules{Format: platforms.Markdown}.Parse([]byte(`{"text":"hi","buttons":[` + row + `,[],` + row + `]}`))
	if err != nil || m.Format != platforms.Markdown || len(m.Buttons) != 2 || len(m.Buttons[0]) != 61 || len(m.Buttons[1]) != 39 {
		t.Fatalf("got %+v, %v", m, err)
	}
	if b := m.Buttons[0][60]; b != (platforms.Button{Label: "Go", URL: "https://a.example/?q"}) {
		t.Errorf("the button is %+v", b)
	}
	if n := strings.Count(m.Text, "\n"); n != 5 {
		t.Errorf("%d lines of notes", n)
	}
	file := `{"name":"../a/b.txt","media_type":"text/plain; x=1","data":"` + base64.StdEncoding.EncodeToString([]byte("hello")) + `"},`
	m, err = Rules{}.Parse([]byte(`{"format":"plain","files":[` + strings.Repeat(file, 11) + `{}]}`))
	if err != nil || len(m.Files) != mostFiles || m.Files[0].Name != "b.txt" || m.Files[0].MediaType != "text/plain" || m.Files[0].Size != 5 {
		t.Fatalf("got %+v, %v", m, err)
	}
	for range 2 { // each attempt at sending opens it
		if got := content(t, m.Files[0]); got != "hello" {
			t.Errorf("the file holds %q", got)
		}
	}
}

func content(t *testing.T, f platforms.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFilesStayInTheirFolder(t *testing.T) {
	base := t.TempDir()
	folder := filepath.Join(base, "out")
	for _, d := range []string{folder, filepath.Join(folder, "sub")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path, s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(base, "key"), "private")
	write(filepath.Join(folder, "sub", "a.txt"), "hello")
	if err := os.Symlink(filepath.Join(base, "key"), filepath.Join(folder, "link")); err != nil {
		t.Skip(err)
	}
	big, err := os.Create(filepath.Join(folder, "big"))
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(MaxFile + 1); err != nil {
		t.Fatal(err)
	}
	big.Close()
	parse := func(path string) platforms.Message {
		b, _ := json.Marshal(map[string]any{"files": []any{map[string]string{"path": path}}})
		m, err := Rules{Folder: folder}.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, path := range []string{"../key", "link", "sub/../../key", filepath.Join(base, "key"), "/etc/passwd", "none", ".", "sub", "big"} {
		if m := parse(path); len(m.Files) > 0 || !strings.Contains(m.Text, "was left out") {
			t.Errorf("%s gave %+v", path, m)
		}
	}
	for _, path := range []string{"sub/a.txt", filepath.Join(folder, "sub", "a.txt")} {
		m := parse(path)
		if len(m.Files) != 1 || m.Files[0].Name != "a.txt" || content(t, m.Files[0]) != "hello" {
			t.Errorf("%s gave %+v", path, m)
		}
	}
	// Exchanged for a link after it was looked at.
	m := parse("sub/a.txt")
	inner := filepath.Join(folder, "sub", "a.txt")
	if err := os.Remove(inner); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(base, "key"), inner); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Files[0].Open(); err == nil {
		r.Close()
		t.Error("it opened a file outside")
	}
	// And for what is no file.
	if err := os.Remove(inner); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	if r, err := m.Files[0].Open(); err == nil {
		r.Close()
		t.Error("it opened a folder")
	}
}

func TestWants(t *testing.T) {
	message, edit := platforms.Event{Kind: platforms.MessageReceived}, platforms.Event{Kind: platforms.MessageEdited}
	only := []platforms.EventKind{platforms.MessageEdited}
	if !Wants(nil, message) || Wants(nil, edit) || Wants(only, message) || !Wants(only, edit) || Wants(nil, platforms.Event{}) {
		t.Error("the wrong kinds are wanted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"text":"hi","buttons":[[{"label":"a","data":"b"}]],"files":[{"path":"../x"},{"data":"aGk="}]}`))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Rules{Folder: folder}.Parse(b)
		if err != nil {
			return
		}
		if m.Text != Text([]byte(m.Text)) && !strings.Contains(m.Text, "(") {
			t.Errorf("%q is not clean", m.Text)
		}
		for _, f := range m.Files {
			if f.Name == "" || strings.ContainsAny(f.Name, "/\\\x00\n") || f.Size > int64(len(b)) {
				t.Errorf("the file is %+v", f)
			}
		}
	})
}
