package window

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// reading is a window with a conversation open.
func reading(t *testing.T, f *fake, at place) *stage {
	t.Helper()
	s := newStage(t, f, Light, Options{})
	s.w.Show(api.Request{Account: at.account, Conversation: at.conversation})
	s.settle()
	s.settle()
	return s
}

func family() place { return place{"a1", "c1"} }

func TestConversations(t *testing.T) {
	s := newStage(t, sample(), Light, Options{Page: PageInbox})
	t.Run("unread ones come first, then the newest", func(t *testing.T) {
		var got []string
		for _, c := range s.w.inbox.convs {
			got = append(got, string(c.ID))
		}
		if want := "c1 c4 c2 c5 c3 c6 c7 c8"; strings.Join(got, " ") != want {
			t.Errorf("order %v, want %s", got, want)
		}
	})
	t.Run("the one that is read does not jump away", func(t *testing.T) {
		s.w.inbox.visit(place{"a1", "c2"}, 0)
		s.f.set(func() { s.f.convs[1].Unread = 0 })
		s.push(func(*api.Snapshot) {})
		if s.w.inbox.convs[2].ID != "c2" {
			t.Errorf("it is not where it was: %v", s.w.inbox.convs[2].ID)
		}
	})
	t.Run("marks say why to look", func(t *testing.T) {
		for _, words := range []string{"stranger", "1 not sent", "2 while you were away"} {
			s.want(words)
		}
	})
}

func TestPressedButtonsByTheirLabel(t *testing.T) {
	f := sample()
	at := family()
	last := f.entries[len(f.entries)-1].Seq
	f.entries = append(f.entries,
		api.Entry{Seq: last + 1, Account: at.account, Conversation: at.conversation, Outgoing: true, Status: api.Sent, At: noon, Text: "May I?",
			Buttons: [][]platforms.Button{{{Label: "Gladly", Data: "postern:x:0"}}}},
		api.Entry{Seq: last + 2, Account: at.account, Conversation: at.conversation, Status: api.Delivered, At: noon, Click: &platforms.Click{Data: "postern:x:0"}},
		api.Entry{Seq: last + 3, Account: at.account, Conversation: at.conversation, Status: api.Delivered, At: noon, Click: &platforms.Click{Data: "elsewhere"}})
	s := reading(t, f, at)
	s.want("Pressed “Gladly”")
	s.want("Pressed “elsewhere”")
	s.wantNot("Pressed “postern:x:0”")
}

func TestTimeline(t *testing.T) {
	t.Run("shows what there is to say of each message", func(t *testing.T) {
		s := reading(t, sample(), family())
		for _, words := range []string{"are you home?", "While you were away: 2 messages", "edited", "may be a duplicate", "waiting to be sent",
			"Sunday plan.pdf", "184.3 kB", "It came 2 hours late", "Act on it", "Leave it", "Eight people"} {
			s.want(words)
		}
	})
	t.Run("what is held is released or left", func(t *testing.T) {
		s := reading(t, sample(), family())
		s.f.set(func() { s.f.entries[6].Status = api.Delivered })
		s.press("Act on it")
		if s.f.count("Release") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
		s.wantNot("Act on it")
	})
	t.Run("what is dead says why, and is sent again or given up", func(t *testing.T) {
		s := reading(t, sample(), place{"a3", "c5"})
		s.want("Not sent. The token is refused.")
		s.press("Resend")
		s.press("Discard")
		if s.f.count("Resend") != 1 || s.f.count("Discard") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
	})
	t.Run("is marked as read, up to what was shown, once", func(t *testing.T) {
		s := reading(t, sample(), family())
		s.push(func(*api.Snapshot) {})
		if n := s.f.count("MarkRead c1 109"); n != 1 {
			t.Errorf("marked %d times: %v", n, s.f.calls)
		}
	})
	t.Run("is not marked if another page is shown when it comes", func(t *testing.T) {
		f := sample()
		s := newStage(t, f, Light, Options{Page: PageInbox})
		f.set(func() { f.hang = make(chan struct{}) })
		s.w.inbox.visit(family(), 0)
		s.until("it is being read", func() bool { return f.count("Timeline 0") == 1 })
		s.w.Go(PageAccounts)
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		if f.count("MarkRead c1 109") != 0 {
			t.Error("marked: nobody saw it")
		}
	})
	t.Run("a new message comes in at the end", func(t *testing.T) {
		s := reading(t, sample(), family())
		s.f.set(func() {
			s.f.entries = append(s.f.entries, api.Entry{Seq: 500, Account: "a1", Conversation: "c1", From: platforms.User{ID: "u9", Name: "Zoë"}, Text: "here I am", At: noon, Status: api.Delivered})
		})
		s.push(func(*api.Snapshot) {})
		s.want("here I am")
	})
	t.Run("a file is saved only after asking", func(t *testing.T) {
		s := reading(t, sample(), family())
		test.Tap(s.button("Save…"))
		s.want("Postern has not looked into it")
		if s.f.count("Attachment") != 0 {
			t.Fatal("fetched before the answer")
		}
		var yes *button
		s.walk(func(o fyne.CanvasObject) {
			if b, ok := o.(*button); ok && b.label == "Save…" && b.kind == primary {
				yes = b
			}
		})
		test.Tap(yes)
		s.settle()
		if s.file.saved.String() != "content" {
			t.Errorf("saved %q", s.file.saved.String())
		}
	})
	t.Run("an address from outside is shown before it is opened", func(t *testing.T) {
		s := reading(t, sample(), family())
		s.press("Open the recipe")
		s.want("https://recipes.example/soup?id=14")
		s.w.closeModals()
		s.w.visitForeign("javascript:alert(1)")
		s.want("This address is not opened")
	})
}

func TestHostileText(t *testing.T) {
	f := sample()
	const evil = "**bold** [click](https://evil.example) <b>x</b> `code` # head\n![i](http://e.example/p.png) \u202egnp.exe\u202c\x1b[31m"
	f.entries = []api.Entry{{Seq: 1, Account: "a1", Conversation: "c1", Status: api.Delivered, At: noon, Text: evil,
		From: platforms.User{ID: "u", Name: "Ad\u202emin\n**you**"}, Attachments: []api.Attachment{{Name: "../../.bashrc\x00", Size: 3}}}}
	f.convs[0].Title = "<img src=x>\u202e\n[a](b)"
	f.snap.Accounts[0].Last.Text = "[x](y) **z**"
	s := reading(t, f, family())
	s.want("**bold** [click](https://evil.example) <b>x</b> `code` # head")
	s.want("<img src=x>")
	for _, words := range s.texts() {
		if strings.ContainsAny(words, "\u202e\u202c\x1b\x00") {
			t.Errorf("%q holds what changes how text looks", words)
		}
	}
	s.walk(func(o fyne.CanvasObject) {
		switch fmt.Sprintf("%T", o) {
		case "*widget.RichText", "*widget.Hyperlink":
			if test.WidgetRenderer(o.(fyne.Widget)) != nil && strings.Contains(test.RenderObjectToMarkup(o), "evil") {
				t.Errorf("a %T shows text from outside", o)
			}
		}
	})
	if got := fileName("../../.bashrc\x00"); strings.ContainsAny(got, `/\`) || strings.HasPrefix(got, ".") {
		t.Errorf("it would be saved as %q", got)
	}
	s.w.Go(PageAccounts)
	s.want("[x](y) **z**")
}

func TestManyEntries(t *testing.T) {
	f := sample()
	f.entries = nil
	for i := range 100_000 {
		f.entries = append(f.entries, api.Entry{Seq: uint64(i + 1), Account: "a1", Conversation: "c1", Status: api.Delivered, At: noon,
			Text: strings.Repeat(fmt.Sprintf("message %d ", i+1), 1+i%7), From: platforms.User{ID: "u", Name: "Ada"}})
	}
	s := newStage(t, f, Light, Options{Page: PageInbox})
	th := s.w.inbox.thread
	s.w.inbox.visit(family(), 0)
	s.settle()
	s.want("message 100000 ")
	th.entries = f.entries // as if the person had gone back to the very first
	th.draw(true)

	t.Run("only what is in view exists", func(t *testing.T) {
		if n := len(th.line.live); n == 0 || n > 60 {
			t.Errorf("%d rows exist", n)
		}
	})
	t.Run("every place is reached and drawn right", func(t *testing.T) {
		for _, seq := range []string{"1", "50000", "99999", "12345"} {
			if !th.line.show(seq) {
				t.Errorf("message %s can't be shown", seq)
			}
			s.want("message " + seq + " ")
			checkStacked(t, th.line)
		}
	})
	t.Run("scrolling stays quick", func(t *testing.T) {
		built := 0
		for i := range th.line.rows {
			build := th.line.rows[i].build
			th.line.rows[i].build = func() fyne.CanvasObject { built++; return build() }
		}
		for range 200 {
			th.line.scroll.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, 40)})
		}
		if built > 400 {
			t.Errorf("%d rows were built for 200 small steps", built)
		}
		checkStacked(t, th.line)
	})
}

// checkStacked proves that rows in view touch each other and don't overlap.
func checkStacked(t *testing.T, l *timeline) {
	t.Helper()
	y := float32(-1)
	for _, o := range l.body.Objects {
		if y >= 0 && (o.Position().Y < y-1 || o.Position().Y > y+1) {
			t.Fatalf("a row begins at %v, the one before ends at %v", o.Position().Y, y)
		}
		y = o.Position().Y + o.Size().Height
		if h := o.MinSize().Height; h > o.Size().Height+0.5 {
			t.Fatalf("a row is %v high and needs %v", o.Size().Height, h)
		}
	}
}

func TestOlderEntries(t *testing.T) {
	f := sample()
	f.entries = nil
	for i := range 500 {
		f.entries = append(f.entries, api.Entry{Seq: uint64(i + 1), Account: "a1", Conversation: "c1", Status: api.Delivered, At: noon,
			Text: fmt.Sprintf("message %d.", i+1), From: platforms.User{ID: "u", Name: "Ada"}})
	}
	s := reading(t, f, family())
	th := s.w.inbox.thread
	if len(th.entries) != pageSize {
		t.Fatalf("%d entries were read", len(th.entries))
	}
	id, at := "", float32(0)
	t.Run("scrolling up reads them, and what is in view stays there", func(t *testing.T) {
		th.line.scroll.Scrolled(&fyne.ScrollEvent{Scrolled: fyne.NewDelta(0, 1e6)})
		id, at = th.line.anchor()
		s.settle()
		if len(th.entries) < 2*pageSize {
			t.Fatalf("%d entries are there", len(th.entries))
		}
		for i, r := range th.line.rows {
			if now := th.line.scroll.Offset.Y - th.line.top(i); r.id == id && (now < at-1 || now > at+1) {
				t.Errorf("message %s is at %v, was at %v", id, -now, -at)
			}
		}
		checkStacked(t, th.line)
	})
	t.Run("a message that is found opens in its place, with a way back", func(t *testing.T) {
		s.w.inbox.search.SetText("message 77.")
		s.pass(time.Second)
		s.settle()
		s.w.inbox.list.Select(0)
		s.settle()
		s.want("message 77.")
		s.wantNot("message 500.")
		s.press("Go to the newest")
		s.want("message 500.")
	})
	t.Run("the newest that is found needs no way to itself", func(t *testing.T) {
		s.w.inbox.search.SetText("message 500.")
		s.pass(time.Second)
		s.settle()
		s.w.inbox.list.Select(0)
		s.settle()
		s.want("message 500.")
		s.wantNot("Go to the newest")
	})
}

func TestSending(t *testing.T) {
	write := func(s *stage, words string) { s.w.inbox.composer.text.SetText(words) }
	t.Run("a sent text leaves the box", func(t *testing.T) {
		s := reading(t, sample(), family())
		write(s, "on my way")
		s.press("Send")
		if got := s.w.inbox.composer.text.Text; got != "" {
			t.Errorf("the box holds %q", got)
		}
		s.want("on my way")
	})
	t.Run("a text that was not sent stays, and the next attempt is the same message", func(t *testing.T) {
		f := sample()
		var keys []string
		f.send = func(d api.Draft) (api.Entry, error) {
			keys = append(keys, d.Key)
			if len(keys) < 3 {
				return api.Entry{}, errors.New("no answer")
			}
			return api.Entry{}, nil
		}
		s := reading(t, f, family())
		write(s, "on my way")
		s.press("Send")
		s.want("Not sent. no answer")
		if got := s.w.inbox.composer.text.Text; got != "on my way" {
			t.Fatalf("the box holds %q", got)
		}
		s.press("Send")
		write(s, "on my way!")
		s.press("Send")
		if len(keys) != 3 || keys[0] == "" || keys[0] != keys[1] || keys[1] == keys[2] {
			t.Errorf("keys %q", keys)
		}
		s.wantNot("Not sent. no answer")
	})
	t.Run("each conversation keeps its own text", func(t *testing.T) {
		s := reading(t, sample(), family())
		write(s, "for the family")
		s.w.inbox.visit(place{"a1", "c2"}, 0)
		if got := s.w.inbox.composer.text.Text; got != "" {
			t.Errorf("the other box holds %q", got)
		}
		write(s, "for Mira")
		s.w.Go(PageGeneral)
		s.w.Go(PageInbox)
		s.w.inbox.visit(family(), 0)
		if got := s.w.inbox.composer.text.Text; got != "for the family" {
			t.Errorf("the box holds %q", got)
		}
	})
	t.Run("a failure after switching away is told, and kept", func(t *testing.T) {
		f := sample()
		s := reading(t, f, family())
		f.set(func() { f.hang = make(chan struct{}); f.failing = errors.New("no answer") })
		write(s, "on my way")
		test.Tap(s.button("Send"))
		s.until("it is under way", func() bool { return f.count("Send") == 1 })
		s.w.inbox.visit(place{"a1", "c2"}, 0)
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		s.want("A message to Family was not sent.")
		s.w.inbox.visit(family(), 0)
		if got := s.w.inbox.composer.text.Text; got != "on my way" {
			t.Errorf("the box holds %q", got)
		}
	})
	t.Run("pressed twice is sent once", func(t *testing.T) {
		f := sample()
		s := reading(t, f, family())
		write(s, "once")
		f.set(func() { f.hang = make(chan struct{}) })
		for range 3 {
			s.w.inbox.composer.submit()
		}
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		if n := f.count("Send"); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
	t.Run("says into how many messages a long text is cut", func(t *testing.T) {
		s := reading(t, sample(), family())
		write(s, strings.Repeat("word ", 1500))
		s.want("it will be sent as 2 messages")
		write(s, strings.Repeat("x", 4000))
		s.want("4000 of 4096 characters")
	})
	t.Run("a file that is too large is refused at once", func(t *testing.T) {
		s := reading(t, sample(), family())
		s.file.pick = &Picked{Name: "film.mkv", Size: 60 << 20}
		s.w.inbox.composer.pick()
		s.want("Telegram takes files up to 52.4 MB")
		s.wantNot("film.mkv · ")
	})
	t.Run("a file goes with the text", func(t *testing.T) {
		s := reading(t, sample(), family())
		read := false
		s.file.pick = &Picked{Name: "plan.txt", Size: 4, Open: func() (io.ReadCloser, error) {
			read = true
			return io.NopCloser(strings.NewReader("plan")), nil
		}}
		s.w.inbox.composer.pick()
		s.want("plan.txt · 4 bytes")
		s.press("Send")
		if !read || s.f.count("Send") != 1 {
			t.Error("it was not sent")
		}
		s.wantNot("plan.txt · 4 bytes")
	})
	t.Run("a conversation that is chosen can be answered at once", func(t *testing.T) {
		s := reading(t, sample(), family())
		s.win.Canvas().Unfocus()
		s.w.inbox.selected(1)
		if s.win.Canvas().Focused() != fyne.Focusable(s.w.inbox.composer.text) {
			t.Errorf("the focus is on %T", s.win.Canvas().Focused())
		}
	})
	t.Run("a platform that only brings messages says so", func(t *testing.T) {
		f := sample()
		for i := range f.kinds {
			f.kinds[i].Limits.Mute = f.kinds[i].Name == "home"
		}
		s := reading(t, f, place{"a2", "c4"})
		s.want("only brings messages")
		if !s.w.inbox.composer.text.Disabled() || !s.w.inbox.composer.send.disabled {
			t.Error("something can be sent")
		}
	})
	t.Run("a platform without files says so", func(t *testing.T) {
		s := reading(t, sample(), place{"a2", "c4"})
		s.want("This platform takes no files from bots.")
		if !s.w.inbox.composer.attach.disabled {
			t.Error("a file can be attached")
		}
	})
	t.Run("Enter sends, with Shift it breaks the line", func(t *testing.T) {
		s := reading(t, sample(), family())
		e := s.w.inbox.composer.text
		s.win.Canvas().Focus(e)
		test.Type(e, "one")
		e.KeyDown(&fyne.KeyEvent{Name: "LeftShift"})
		e.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		e.KeyUp(&fyne.KeyEvent{Name: "LeftShift"})
		test.Type(e, "two")
		if e.Text != "one\ntwo" || s.f.count("Send") != 0 {
			t.Fatalf("the box holds %q", e.Text)
		}
		e.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		if s.f.count("Send") != 1 {
			t.Error("not sent")
		}
	})
}
