package platformtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// last is the message with this id, as the server knows it.
func (d *desk) sent(id platforms.MessageID) Sent {
	d.t.Helper()
	all := d.Sent()
	i := slices.IndexFunc(all, func(m Sent) bool { return m.ID == id })
	if i < 0 {
		d.t.Fatalf("the server knows no message %q of the bot", id)
	}
	return all[i]
}

// sendsNothing proves that a connector that only hears says so, at once and for
// good, whatever is to be sent.
func (s *suite) sendsNothing(t *testing.T) {
	l := s.limits
	if !l.Mute || l.Text > 0 || l.Buttons > 0 || l.Upload > 0 || l.Edit || l.Typing > 0 {
		t.Errorf("Limits don't say that nothing can be sent: %+v", l)
	}
	d := s.open(t)
	switch d.conn.(type) {
	case platforms.Editor, platforms.Typer, platforms.Clicker:
		t.Errorf("%T sends after all", d.conn)
	}
	for _, m := range []platforms.Message{
		{Key: "k", Conversation: d.Direct, Text: "x"}, {Key: "k2", Conversation: d.Direct, Format: platforms.Markdown, Text: "**x**"},
		{Key: "k3", Conversation: d.Nowhere, Text: "x"}, {Key: "k4"},
	} {
		id, err := d.conn.Send(d.context(), m)
		d.kind("Send", err, platforms.Unsupported)
		if id != "" {
			t.Errorf("it has the id %q", id)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.conn.Send(ctx, platforms.Message{Key: "k", Conversation: d.Direct, Text: "x"}); err == nil {
		t.Error("a context that has ended sends")
	}
}

func (s *suite) send(t *testing.T) {
	t.Run("returns the server's id, without Run", func(t *testing.T) {
		d := s.open(t)
		id, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "hi"})
		if err != nil {
			t.Fatal(err)
		}
		if m := d.sent(id); m.Text != "hi" || m.Conversation != d.Direct {
			t.Errorf("%+v", m)
		}
	})
	t.Run("reply and thread", func(t *testing.T) {
		d := s.open(t)
		to := platforms.MessageID("a question")
		if !s.h.OnlySpeaks {
			to = d.say("question")
		}
		id, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "answer", ReplyTo: to})
		if err != nil {
			t.Fatal(err)
		}
		if m := d.sent(id); m.ReplyTo != "" && m.ReplyTo != to {
			t.Errorf("%+v", m)
		}
		if !s.limits.Threads {
			return
		}
		id, err = d.conn.Send(d.context(), platforms.Message{Key: "k2", Conversation: d.Group, Thread: d.Thread, Text: "there"})
		if err != nil {
			t.Fatal(err)
		}
		if m := d.sent(id); m.Thread != d.Thread {
			t.Errorf("%+v", m)
		}
	})
	t.Run("hostile text is text", func(t *testing.T) {
		d := s.open(t)
		for i, words := range hostile() {
			id, err := d.conn.Send(d.context(), platforms.Message{Key: fmt.Sprint(i), Conversation: d.Direct, Text: words})
			if err != nil {
				t.Errorf("%q: %v", words, err)
				continue
			}
			if got := d.sent(id).Text; got != words {
				t.Errorf("%q arrived as %q", words, got)
			}
		}
	})
	t.Run("markdown", func(t *testing.T) {
		d := s.open(t)
		for i, words := range []string{"<b>", "@everyone @here", "<!channel> <@U1>", `<at user_id="all">x</at>`, "{{x}} {y}", "a_b*c~d", "| a | b |"} {
			m := platforms.Message{Key: fmt.Sprint(i), Conversation: d.Direct, Format: platforms.Markdown, Text: "**bold** and `code` " + words}
			id, err := d.conn.Send(d.context(), m)
			if err != nil {
				t.Errorf("%q: %v", words, err)
				continue
			}
			if got := d.sent(id).Text; got != "bold and code "+words {
				t.Errorf("%q arrived as %q", m.Text, got)
			}
		}
		id, err := d.conn.Send(d.context(), platforms.Message{Key: "long", Conversation: d.Direct, Format: platforms.Markdown,
			Text: "# Head\n\nA [place](https://example.org/?a=b&c) and [Ada](mention:" + string(d.Person) + ")\n\n- one\n- two\n\n> said\n\n```go\nx := `1` // *y*\n```\nend"})
		if err != nil {
			t.Fatal(err)
		}
		got := d.sent(id).Text
		for _, want := range []string{"Head", "place", "one", "two", "said", "x := `1` // *y*", "end"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in %q", want, got)
			}
		}
		for _, not := range []string{"mention:", "](", "# Head", "```"} {
			if strings.Contains(got, not) {
				t.Errorf("%q is in %q", not, got)
			}
		}
	})
	t.Run("at once from several goroutines", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, "")
		r.rec.WaitPhase(t, platforms.Connected)
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids := map[platforms.MessageID]string{}
		for i := range 40 {
			wg.Go(func() {
				words := fmt.Sprint("n", i)
				id, err := d.conn.Send(d.context(), platforms.Message{Key: words, Conversation: d.Direct, Text: words})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				ids[id] = words
			})
		}
		wg.Wait()
		if len(ids) != 40 {
			t.Fatalf("%d ids for 40 messages", len(ids))
		}
		for id, words := range ids {
			if got := d.sent(id).Text; got != words {
				t.Errorf("%s is %q, want %q", id, got, words)
			}
		}
		r.stop()
	})
	t.Run("length", s.length)
}

// written is how long a plain text is in the platform's form.
func (s *suite) written(words string) int {
	if f := s.h.Platform.Length; f != nil {
		return f(words, platforms.Plain)
	}
	return text.Len(words, s.limits.Unit)
}

// length proves that Limits.Text is the server's own bound, and that what
// package text cuts fits it.
func (s *suite) length(t *testing.T) {
	if s.limits.Text == 0 {
		t.Skip("the platform names no bound")
	}
	unit := "é"
	if s.limits.Unit == platforms.UTF16 {
		unit = "😀" // two units: who counts characters is wrong by half
	}
	n := s.limits.Text / text.Len(unit, s.limits.Unit)
	t.Run("as long as allowed", func(t *testing.T) {
		d := s.open(t)
		id, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: strings.Repeat(unit, n)})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.sent(id).Text; got != strings.Repeat(unit, n) {
			t.Errorf("%d bytes arrived", len(got))
		}
	})
	t.Run("longer", func(t *testing.T) {
		d := s.open(t)
		_, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: strings.Repeat(unit, n+1)})
		d.kind("Send", err, platforms.Rejected)
	})
	t.Run("cut into pieces", func(t *testing.T) {
		d := s.open(t)
		long := strings.Repeat("👩‍👩‍👧 e\u0301 word\n", s.limits.Text/4) + "```go\n" + strings.Repeat("code()\n", s.limits.Text/4) + "```\nend"
		pieces := text.Fit(long, s.limits.Text, s.limits.Unit, s.written)
		if len(pieces) < 2 {
			t.Fatalf("%d pieces", len(pieces))
		}
		pieces = append(pieces[:1], pieces[len(pieces)-3:]...)
		for i, p := range pieces {
			id, err := d.conn.Send(d.context(), platforms.Message{Key: fmt.Sprint(i), Conversation: d.Direct, Text: p})
			if err != nil {
				t.Fatalf("piece %d: %v", i, err)
			}
			if got := d.sent(id).Text; got != p {
				t.Errorf("piece %d arrived changed", i)
			}
		}
	})
}

func (s *suite) features(t *testing.T) {
	t.Run("edit", func(t *testing.T) {
		if !s.limits.Edit {
			t.Skip("the platform has no edits")
		}
		d := s.open(t)
		editor, ok := d.conn.(platforms.Editor)
		if !ok {
			t.Fatal("Limits.Edit, but no Editor")
		}
		id, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "teh"})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the same content again is no error
			if err := editor.Edit(d.context(), id, platforms.Message{Key: "k2", Conversation: d.Direct, Text: "the <b>"}); err != nil {
				t.Fatal(err)
			}
		}
		if m := d.sent(id); m.Text != "the <b>" || !m.Edited {
			t.Errorf("%+v", m)
		}
		d.kind("Edit of nothing", editor.Edit(d.context(), "999999999", platforms.Message{Conversation: d.Direct, Text: "x"}), platforms.Rejected)
	})
	t.Run("buttons", func(t *testing.T) {
		if s.limits.Buttons == 0 {
			t.Skip("the platform has no buttons")
		}
		d := s.open(t)
		r := d.start(nil, d.begin())
		most := strings.Repeat("d", s.limits.Data)
		id, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "Well?",
			Buttons: [][]platforms.Button{{{Label: "Yes <b>", Data: most}, {Label: "No", Data: "n"}}, {{Label: "Read", URL: "https://example.org/?a=b&c"}}}})
		if err != nil {
			t.Fatal(err)
		}
		if s.h.Numbered {
			if got := d.sent(id).Text; !strings.Contains(got, "Yes <b>") || !strings.Contains(got, "https://example.org/?a=b&c") {
				t.Errorf("%q", got)
			}
		} else {
			rows := d.sent(id).Buttons
			got := slices.Concat(rows...)
			if len(got) != 3 || got[0].Label != "Yes <b>" || got[2].URL != "https://example.org/?a=b&c" ||
				s.limits.ButtonsPerRow > 1 && (len(rows) != 2 || len(rows[0]) != 2) {
				t.Errorf("%+v", rows)
			}
		}
		d.Click(d.Direct, id, "Yes <b>")
		ev := r.rec.Wait(t, 1)[0]
		if ev.Kind != platforms.ButtonClicked || ev.Click == nil || ev.Click.Data != most || ev.Message != id || ev.From.ID != d.Person {
			t.Fatalf("%+v", ev)
		}
		clicker, ok := d.conn.(platforms.Clicker)
		if !ok {
			return
		}
		for range 2 {
			if err := clicker.Clicked(d.context(), ev.Click.Token, "noted"); err != nil {
				t.Errorf("Clicked: %v", err)
			}
		}
		if !slices.Contains(d.Answered(), "noted") {
			t.Errorf("answered: %q", d.Answered())
		}
		_, err = d.conn.Send(d.context(), platforms.Message{Key: "k3", Conversation: d.Direct, Text: "x",
			Buttons: [][]platforms.Button{{{Label: "l", Data: most + "!"}}}})
		d.kind("data beyond the limit", err, platforms.Rejected)
		r.stop()
	})
	t.Run("buttons bring back what they were given", s.pressed)
	t.Run("typing", func(t *testing.T) {
		if s.limits.Typing == 0 {
			t.Skip("the platform has no typing sign")
		}
		d := s.open(t)
		typer, ok := d.conn.(platforms.Typer)
		if !ok {
			t.Fatal("Limits.Typing, but no Typer")
		}
		r := d.start(nil, d.begin())
		d.say("a question") // some platforms show the sign at what is answered
		r.rec.Wait(t, 1)
		if err := typer.Typing(d.context(), d.Direct, ""); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(d.Typed(), d.Direct) {
			t.Errorf("%v", d.Typed())
		}
		r.stop()
	})
	t.Run("probe", func(t *testing.T) {
		d := s.open(t)
		p, ok := d.conn.(platforms.Prober)
		if !ok {
			t.Skip("the connector has no probe")
		}
		from := d.begin()
		if b, err := p.Probe(d.context(), from); err != nil || b.Waiting != 0 {
			t.Errorf("%+v, %v", b, err)
		}
		d.say("one")
		d.say("two")
		if b, err := p.Probe(d.context(), from); err != nil || b.Waiting != 2 {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

func (s *suite) files(t *testing.T) {
	data := bytes.Repeat([]byte("\x00\xff\r\nabc"), 30_000)
	for _, name := range []string{"notes.txt", "../../etc/passwd", "zoë 😀.png", `a"b;c.txt`} {
		t.Run("out: "+name, func(t *testing.T) {
			if s.limits.Upload == 0 {
				t.Skip("the platform takes no files")
			}
			d := s.open(t)
			f := platforms.File{Name: name, MediaType: "application/octet-stream", Size: int64(len(data)),
				Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
			id, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "look", Files: []platforms.File{f}})
			if err != nil {
				t.Fatal(err)
			}
			m := d.sent(id)
			if len(m.Files) != 1 || !bytes.Equal(m.Files[0].Data, data) {
				t.Fatalf("%d files", len(m.Files))
			}
			if strings.ContainsAny(m.Files[0].Name, "/\\") || m.Files[0].Name == "" {
				t.Errorf("its name is %q", m.Files[0].Name)
			}
		})
	}
	t.Run("out: too large", func(t *testing.T) {
		if s.limits.Upload == 0 {
			t.Skip("the platform takes no files")
		}
		d := s.open(t)
		f := platforms.File{Name: "big", Size: s.limits.Upload + 1, Open: func() (io.ReadCloser, error) {
			t.Error("it was opened")
			return nil, io.EOF
		}}
		_, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Files: []platforms.File{f}})
		d.kind("Send", err, platforms.Rejected)
	})
	t.Run("in", func(t *testing.T) {
		if s.limits.Download == 0 {
			t.Skip("the platform gives no files")
		}
		d := s.open(t)
		opener, ok := d.conn.(platforms.Opener)
		if !ok {
			t.Fatal("Limits.Download, but no Opener")
		}
		r := d.start(nil, d.begin())
		d.Say(Said{Conversation: d.Direct, Text: "see", Files: []Content{{Name: "in.bin", MediaType: "application/octet-stream", Data: data}}})
		ev := r.rec.Wait(t, 1)[0]
		if len(ev.Attachments) != 1 || ev.Attachments[0].Name != "in.bin" || ev.Attachments[0].Ref == "" {
			t.Fatalf("%+v", ev)
		}
		body, err := opener.Open(d.context(), ev.Attachments[0])
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err2 := body.Close(); err != nil || err2 != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v, %v", len(got), err, err2)
		}
		_, err = opener.Open(d.context(), platforms.Attachment{Ref: "gone"})
		d.kind("Open of nothing", err, platforms.Rejected)
		r.stop()
	})
}
