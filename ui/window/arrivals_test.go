package window

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
)

func onArrivals(t *testing.T, f *fake) (*stage, *arrivals) {
	t.Helper()
	s := onInputs(t, f)
	s.press("What arrived")
	return s, s.w.inputs.arrived
}

func TestArrivals(t *testing.T) {
	t.Run("each line says what it was and whether it was genuine", func(t *testing.T) {
		s, _ := onArrivals(t, inputs())
		for _, words := range []string{"14:02:31", "POST", "GitHub postern builds · by the relay home", "200", "verified", "application/json · 161 bytes",
			"the signature is not that of the secret", "401", "again", "not kept", "content not kept", "Webhook doorbell", "verified, then failed: the journal is full"} {
			s.want(words)
		}
	})
	t.Run("begins as its body does, where that is known", func(t *testing.T) {
		f := inputs()
		f.came.requests[0].Line = "opened\x1b[2J pull request 12"
		s, _ := onArrivals(t, f)
		s.want("opened [2J pull request 12")
	})
	t.Run("is filtered", func(t *testing.T) {
		s, a := onArrivals(t, inputs())
		s.press("Refused")
		if len(a.lines) == 0 {
			t.Fatal("nothing is listed")
		}
		for _, r := range a.lines {
			if r.Verified {
				t.Fatalf("%+v is listed", r)
			}
		}
		s.press("Verified")
		for _, r := range a.lines {
			if !r.Verified {
				t.Fatalf("%+v is listed", r)
			}
		}
		test.Tap(a.input)
		s.pick("LINE shop")
		s.want("Nothing matches.")
		if a.input.label != "LINE shop" {
			t.Error(a.input.label)
		}
	})
	t.Run("a search waits for a pause, and ends the one before", func(t *testing.T) {
		s, a := onArrivals(t, inputs())
		for _, q := range []string{"n", "nu", `"number":3,`} {
			a.search.SetText(q)
			s.pass(100 * time.Millisecond)
		}
		if s.f.count(`Requests  "n"  0`)+s.f.count(`Requests  "nu"  0`) != 0 {
			t.Errorf("%q", s.f.calls)
		}
		hang := make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		s.pass(300 * time.Millisecond)
		s.f.set(func() { s.f.hang = nil })
		a.search.SetText(`"number":10,`)
		s.pass(300 * time.Millisecond)
		s.settle() // the former ended by its context, while it still hangs
		if len(a.lines) != 1 || a.lines[0].ID != 9990 {
			t.Errorf("%d lines", len(a.lines))
		}
		close(hang)
		s.settle()
		if len(a.lines) != 1 || a.lines[0].ID != 9990 {
			t.Error("the former search came in its place")
		}
	})
	t.Run("older ones are read when the end is near", func(t *testing.T) {
		f := inputs()
		f.came.requests = manyRequests(450)
		s, a := onArrivals(t, f)
		if len(a.lines) != arrivalsPageSize {
			t.Fatalf("%d lines", len(a.lines))
		}
		for range 4 {
			s.capture()
			a.list.ScrollToBottom()
			s.pass(time.Millisecond)
			s.settle()
		}
		if len(a.lines) != 450 || s.f.count(`Requests  ""  9801`) != 1 {
			t.Errorf("%d lines", len(a.lines))
		}
		for i := range a.lines {
			if a.lines[i].ID != uint64(10_000-i) {
				t.Fatalf("line %d is %d", i, a.lines[i].ID)
			}
		}
	})
	t.Run("the list has a bound", func(t *testing.T) {
		_, a := onArrivals(t, inputs())
		a.lines, a.more = make([]api.InputRequest, mostArrivals-10), true
		a.merge(7, make([]api.InputRequest, arrivalsPageSize))
		if len(a.lines) != mostArrivals || a.more {
			t.Errorf("%d lines, more: %v", len(a.lines), a.more)
		}
		a.lines[0].ID = 5
		news := make([]api.InputRequest, arrivalsPageSize)
		news[0].ID = 6
		a.merge(0, news)
		if len(a.lines) != mostArrivals || a.lines[0].ID != 6 {
			t.Errorf("%d lines after a new one", len(a.lines))
		}
	})
	t.Run("what is new comes above, and what is chosen stays", func(t *testing.T) {
		f := inputs()
		f.came.requests = manyRequests(100)
		s, a := onArrivals(t, f)
		s.capture()
		a.list.OnSelected(1)
		s.settle()
		a.list.ScrollToOffset(520)
		f.set(func() {
			f.came.requests = append([]api.InputRequest{{ID: 10_001, Account: "w1", At: noon, Method: "POST", Verified: true, Status: 200}}, f.came.requests...)
		})
		s.push(func(*api.Snapshot) {})
		s.pass(2 * time.Second)
		s.settle()
		if len(a.lines) != 101 || a.lines[0].ID != 10_001 {
			t.Fatalf("%d lines", len(a.lines))
		}
		if y := a.list.GetScrollOffset(); y != 520+arrivalRowHeight+4 {
			t.Errorf("scrolled to %v", y)
		}
		if a.chosen != 9999 || a.detail.r.ID != 9999 {
			t.Errorf("%d is chosen", a.chosen)
		}
	})
	t.Run("a failure is told", func(t *testing.T) {
		f := inputs()
		f.came.refuse = map[string]error{"Requests": &api.Error{Text: "The journal is full. Free some space."}}
		s, _ := onArrivals(t, f)
		s.want("What arrived could not be read. The journal is full. Free some space.")
	})
	t.Run("the keyboard searches, chooses and shuts", func(t *testing.T) {
		s, a := onArrivals(t, inputs())
		s.w.shortcut(&desktop.CustomShortcut{KeyName: fyne.KeyF, Modifier: fyne.KeyModifierShortcutDefault})
		if s.win.Canvas().Focused() != a.search {
			t.Error("the search has no focus")
		}
		s.win.Canvas().Focus(a.list)
		a.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
		a.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeyDown})
		a.list.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
		s.settle()
		if a.chosen != 9998 {
			t.Errorf("%d is chosen", a.chosen)
		}
		s.want("It was turned away, and nothing acted on it.")
		s.w.escape()
		if a.chosen != 0 {
			t.Error("it stays open")
		}
		s.wantNot("It was turned away")
	})
}

func TestArrival(t *testing.T) {
	open := func(t *testing.T, f *fake, i int) (*stage, *arrival) {
		t.Helper()
		s, a := onArrivals(t, f)
		s.capture()
		a.pick(f.came.requests[i])
		s.settle()
		s.capture()
		return s, a.detail
	}
	body := func(d *arrival) string { return strings.Join(d.body.rows, "\n") }
	t.Run("shows all of a request", func(t *testing.T) {
		s, d := open(t, inputs(), 0)
		for _, words := range []string{"POST · 200 OK", "It is genuine: it proved that it is from whom it says.", "It came by the relay home. Answered: 200 OK in 3 ms.",
			"1 secret value was taken out before it was kept.", "Message 105", "Authorization", "(taken out)", "X-Github-Event", "push"} {
			s.want(words)
		}
		if !strings.Contains(body(d), "\n  \"number\": 0,\n") {
			t.Errorf("%q", body(d))
		}
	})
	t.Run("the body is shown as is asked for", func(t *testing.T) {
		s, d := open(t, inputs(), 7)
		if !strings.Contains(body(d), "who = ada") {
			t.Errorf("%q", body(d))
		}
		s.want("The body may differ from what the sender sent: the relay writes it anew.")
		s.press("Raw")
		if !strings.Contains(strings.ReplaceAll(body(d), "\n  ", ""), "payload=%7B") {
			t.Errorf("%q", body(d))
		}
		s.press("Hex")
		if !strings.HasPrefix(body(d), "000000  70 61 79 6c") {
			t.Errorf("%q", body(d))
		}
	})
	t.Run("what is hostile is only text", func(t *testing.T) {
		s, _ := open(t, inputs(), 7)
		s.want("a⟨U+001B⟩[31m⟨U+202E⟩gnp.exe")
		for _, w := range s.texts() {
			if strings.ContainsAny(w, "\x1b\u202e\r") {
				t.Errorf("%q", w)
			}
		}
		s.walk(func(o fyne.CanvasObject) {
			if b, ok := o.(*button); ok && strings.Contains(b.label, "evil") {
				t.Errorf("%q can be pressed", b.label)
			}
		})
	})
	t.Run("a huge body is shown in part, and only what is in view is drawn", func(t *testing.T) {
		f := inputs()
		f.came.requests[0].Body = []byte(strings.Repeat("a long line of text\n", 1<<20/20))
		f.came.requests[0].Size = 1 << 20
		s, d := open(t, f, 0)
		if n := len(body(d)); n > bodyFirst+4096 || !d.body.more {
			t.Fatalf("%d bytes are shown", n)
		}
		drawn := func() (n int) {
			s.walk(func(o fyne.CanvasObject) {
				if x, ok := o.(*text); ok && strings.Contains(x.s, "a long line") {
					n += len(x.lines)
				}
			})
			return n
		}
		if n := drawn(); n == 0 || n > 200 {
			t.Errorf("%d rows are drawn", n)
		}
		for range 3 {
			for range 4 { // what is measured moves the end
				d.rows.scrollTo(d.rows.total())
			}
			if !d.body.more {
				break
			}
			s.want("This is its beginning. It has 1.0 MB in all.")
			before := d.rows.scroll.Offset.Y
			s.press("Show more")
			if y := d.rows.scroll.Offset.Y; y != before {
				t.Errorf("it moved from %v to %v", before, y)
			}
			s.capture()
		}
		if len(body(d)) < 1<<20-100 || d.body.more {
			t.Errorf("%d bytes are shown in the end", len(body(d)))
		}
		if n := drawn(); n == 0 || n > 200 {
			t.Errorf("%d rows are drawn in the end", n)
		}
	})
	t.Run("what is not kept can't be used", func(t *testing.T) {
		s, d := open(t, inputs(), 5)
		s.want("Its content is not kept: only when it came, and how it was answered.")
		for _, b := range d.acts {
			if !b.disabled {
				t.Errorf("%q can be pressed", b.label)
			}
		}
		d.show(s.f.came.requests[0])
		s.settle()
		if d.acts[0].disabled {
			t.Error("the next one can't be used either")
		}
	})
	t.Run("what can't be read says so", func(t *testing.T) {
		f := inputs()
		f.came.refuse = map[string]error{"Request": &api.Error{Text: "There is no such request, or it is not kept any more."}}
		s, _ := open(t, f, 0)
		s.want("The rest could not be read. There is no such request, or it is not kept any more.")
		s.want("It is genuine")
	})
	t.Run("another choice ends what is read", func(t *testing.T) {
		f := inputs()
		s, a := onArrivals(t, f)
		hang := make(chan struct{})
		f.set(func() { f.hang = hang })
		a.pick(f.came.requests[0])
		s.drain()
		f.set(func() { f.hang = nil })
		a.pick(f.came.requests[2])
		s.settle()
		close(hang)
		s.settle()
		if a.detail.r.ID != 9998 || !strings.Contains(body(a.detail), `"number": 2`) {
			t.Errorf("%d is shown: %q", a.detail.r.ID, body(a.detail))
		}
	})
	t.Run("leads to the inbox", func(t *testing.T) {
		s, _ := open(t, inputs(), 0)
		s.press("Message 105")
		if s.w.page != PageInbox || s.w.inbox.at != (place{"a1", "c1"}) {
			t.Errorf("%s %v", s.w.page, s.w.inbox.at)
		}
	})
	t.Run("is copied as a command, and saved", func(t *testing.T) {
		f := inputs()
		f.came.requests[0].Query = "a=1&b='2'"
		f.came.requests[0].Body = []byte(`{"it":"'s"}`)
		s, _ := open(t, f, 0)
		s.press("Copy as curl")
		if len(s.sent) != 1 || !strings.HasPrefix(s.sent[0], "curl ") || !strings.Contains(s.sent[0], f.came.inputs[0].Address) || strings.Contains(s.sent[0], `"'s`) {
			t.Errorf("%q", s.sent)
		}
		s.press("Save…")
		if got := s.file.saved.String(); !strings.HasPrefix(got, "POST ") || !strings.HasSuffix(got, "\r\n\r\n"+`{"it":"'s"}`) || !strings.Contains(got, "X-Github-Event: push\r\n") {
			t.Errorf("%q", got)
		}
		if want := fmt.Sprintf("request-10000-%s.http", noon.Format("2006-01-02-150405")); s.file.name != want {
			t.Errorf("%q", s.file.name)
		}
	})
	t.Run("stands in place of the list where there is no room for both", func(t *testing.T) {
		s, d := open(t, inputs(), 0)
		if !s.w.inputs.arrived.panes.list.Visible() || d.back.Visible() {
			t.Error("wide: the list is hidden")
		}
		s.captureAt(660, 560)
		if s.w.inputs.arrived.panes.list.Visible() || !d.back.Visible() {
			t.Error("narrow: both are shown")
		}
		s.press("Back")
		if !s.w.inputs.arrived.panes.list.Visible() || s.w.inputs.arrived.panes.other.Visible() {
			t.Error("the list did not come back")
		}
	})
}
