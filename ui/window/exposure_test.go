package window

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

func exposing(t *testing.T, f *fake) *stage {
	t.Helper()
	s := newStage(t, f, Light, Options{Page: PageExposure})
	s.settle()
	return s
}

func TestExposure(t *testing.T) {
	t.Run("draws who may come in and what leaves, in words beside the colours", func(t *testing.T) {
		s := exposing(t, exposed())
		for _, words := range []string{"this computer", "anyone on the internet", "your network", "outbound socket", "relayed webhook", "private callback · 192.168.1.10:47823",
			"public webhook · 127.0.0.1:47822", "refused: not acknowledged", "2 outbound · 1 relayed · 1 private · 1 public · 2 refused", "Prefer platforms that dial out.",
			"1 door is open to anyone on the internet"} {
			s.want(words)
		}
	})
	t.Run("a refused line is dashed and has no arrow, an open one is drawn through", func(t *testing.T) {
		s := exposing(t, exposed())
		n := map[exposure.Level][2]int{}
		s.walk(func(o fyne.CanvasObject) {
			if w, ok := o.(*wire); ok {
				var lines, rings int
				for _, p := range test.WidgetRenderer(w).Objects() {
					switch p := p.(type) {
					case *canvas.Line:
						lines++
					case *canvas.Circle:
						if p.Visible() {
							rings++
						}
					}
				}
				if w.closed != (lines > 3) || (w.closed && w.in) != (rings == 1) {
					t.Errorf("%s, closed %v: %d lines, %d rings", w.level, w.closed, lines, rings)
				}
				c := n[w.level]
				if w.closed {
					c[0]++
				} else {
					c[1]++
				}
				n[w.level] = c
			}
		})
		want := map[exposure.Level][2]int{exposure.Refused: {2, 0}, exposure.Public: {0, 1}, exposure.Private: {0, 1}, exposure.Outbound: {0, 3}, exposure.Relayed: {0, 1}}
		if fmt.Sprint(n) != fmt.Sprint(want) {
			t.Errorf("closed and open lines: %v, want %v", n, want)
		}
	})
	t.Run("says of a door what came through it and who consented", func(t *testing.T) {
		s := exposing(t, exposed())
		for _, words := range []string{"Open since 09:14, 212 accepted, 31 rejected (28 bad signature, 3 stale), last 2 min ago, ends in 29 days",
			"anyone on the internet, through Cloudflare Tunnel", "https://bot.example.org/line/c2f0a1", "Acknowledged 09:12 in the window",
			"only the sender's addresses let in · a plan for when it happens", "cloudflared publishes it", "The former channel secret still counts until 21 Nov 10:02"} {
			s.want(words)
		}
		s.pass(time.Minute)
		s.pass(time.Second)
		s.want("last 3 min ago")
	})
	t.Run("a socket that nobody opened is an alarm", func(t *testing.T) {
		s := exposing(t, exposed())
		s.want("1 listening socket nobody opened.")
		s.want("Nobody here opened this, and anyone on the internet can reach it.")
		s.f.set(func() { s.f.view.Sockets = s.f.view.Sockets[:2] })
		s.w.exposure.load()
		s.settle()
		s.wantNot("nobody opened")
	})
	t.Run("nothing to reach is said", func(t *testing.T) {
		f := sample()
		f.snap.Accounts = f.snap.Accounts[:1]
		f.view, f.audit = api.View{At: noon}, api.AuditPage{}
		s := exposing(t, f)
		s.want("Nothing on this computer can be reached from outside. Your accounts dial out.")
		s.want("None: this program listens on nothing.")
		s.want("None found.")
		s.want("The record is empty")
	})
	t.Run("offers what a door's state allows", func(t *testing.T) {
		f := exposed()
		f.view.Doors[1].Open, f.view.Doors[1].Closed, f.view.Doors[1].Level = false, true, exposure.Refused
		s := exposing(t, f)
		seen := func(id platforms.AccountID) string {
			c := s.w.exposure.cards[id]
			var out []string
			for _, b := range []*button{c.shut, c.ask, c.open, c.set, c.copied} {
				if b.Visible() {
					out = append(out, b.label)
				}
			}
			return strings.Join(out, ", ")
		}
		for id, want := range map[platforms.AccountID]string{
			"a4": "Open…, Change the listener…",
			"a2": "Open, Change the listener…, Copy address",
			"a5": "Close, Change the listener…, Copy address",
			"a6": "Set up the listener…",
			"a7": "",
		} {
			if got := seen(id); got != want {
				t.Errorf("%s offers %q, want %q", id, got, want)
			}
		}
		s.want("closed by hand")
		test.Tap(s.w.exposure.cards["a2"].open)
		s.settle()
		test.Tap(s.w.exposure.cards["a5"].copied)
		if f.count("OpenDoor a2") != 1 || len(s.sent) != 1 || s.sent[0] != "https://bot.example.org/line/c2f0a1" {
			t.Errorf("calls %v, copied %q", f.calls, s.sent)
		}
	})
	t.Run("closing acts at once, and once", func(t *testing.T) {
		s := exposing(t, exposed())
		n := s.f.count("Exposure")
		s.f.set(func() { s.f.hang = make(chan struct{}) })
		for range 3 {
			test.Tap(s.w.exposure.cards["a5"].shut)
			s.w.exposure.cards["a5"].closeDoor()
			test.Tap(s.w.exposure.shutAll)
			s.w.exposure.closeAll()
		}
		if len(s.w.modals) != 0 {
			t.Error("it asks")
		}
		s.f.set(func() { close(s.f.hang); s.f.hang = nil })
		s.settle()
		if s.f.count("CloseDoor a5") != 1 || s.f.count("CloseDoor ") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
		if s.f.count("Exposure") == n {
			t.Error("the page was not read anew")
		}
	})
	t.Run("closing everything is offered while a public one is open", func(t *testing.T) {
		s := exposing(t, sample())
		if !s.w.exposure.shutAll.disabled {
			t.Error("offered with none open")
		}
		s.push(func(n *api.Snapshot) { n.Exposure = api.Exposure{exposure.Public: 1} })
		if s.w.exposure.shutAll.disabled {
			t.Error("not offered with one open")
		}
	})
}

func TestExposureReads(t *testing.T) {
	t.Run("once a second at most, and the last change is not missed", func(t *testing.T) {
		s := exposing(t, exposed())
		s.pass(2 * time.Second)
		s.settle()
		n := s.f.count("Exposure")
		for range 5 {
			s.push(func(*api.Snapshot) {})
		}
		if got := s.f.count("Exposure") - n; got != 0 {
			t.Errorf("asked %d times at once", got)
		}
		s.pass(time.Second)
		s.settle()
		if got := s.f.count("Exposure") - n; got != 1 {
			t.Errorf("asked %d times in the first second", got)
		}
		s.pass(time.Second)
		s.settle()
		if got := s.f.count("Exposure") - n; got != 1 {
			t.Errorf("asked %d times, and nothing changed", got)
		}
	})
	t.Run("not sooner than a second after it was shown", func(t *testing.T) {
		s := newStage(t, exposed(), Light, Options{})
		s.pass(700 * time.Millisecond)
		s.w.Go(PageExposure)
		s.settle()
		n := s.f.count("Exposure")
		s.push(func(*api.Snapshot) {})
		s.pass(300 * time.Millisecond)
		s.settle()
		if got := s.f.count("Exposure") - n; got != 0 {
			t.Errorf("asked %d times after 0.3 s", got)
		}
		s.pass(time.Second)
		s.settle()
		if got := s.f.count("Exposure") - n; got != 1 {
			t.Errorf("asked %d times after 1.3 s", got)
		}
	})
	t.Run("the record with it while something happens to a door, else more rarely", func(t *testing.T) {
		s := exposing(t, exposed())
		round := func(change func(*api.View)) int {
			n := s.f.count("Audit 0")
			s.f.set(func() {
				v := s.f.view
				v.Doors = slices.Clone(v.Doors)
				change(&v)
				s.f.view = v
			})
			s.push(func(*api.Snapshot) {})
			s.pass(time.Second)
			s.settle()
			return s.f.count("Audit 0") - n
		}
		round(func(*api.View) {})
		if n := round(func(v *api.View) { v.Doors[2].Accepted++ }); n != 0 {
			t.Errorf("traffic: asked %d times", n)
		}
		if n := round(func(v *api.View) { v.Doors[2].Open = false }); n != 1 {
			t.Errorf("a closed door: asked %d times", n)
		}
		s.pass(time.Minute)
		if n := round(func(*api.View) {}); n != 1 {
			t.Errorf("after a minute: asked %d times", n)
		}
	})
	t.Run("not while another page is shown", func(t *testing.T) {
		s := exposing(t, exposed())
		s.w.Go(PageGeneral)
		n := s.f.count("Exposure")
		s.push(func(*api.Snapshot) {})
		s.pass(3 * time.Second)
		s.settle()
		if got := s.f.count("Exposure") - n; got != 0 {
			t.Errorf("asked %d times", got)
		}
	})
	t.Run("a failure says so, keeps what was known, and can be tried again", func(t *testing.T) {
		f := exposed()
		f.set(func() { f.failing = errors.New("out of order") })
		s := newStage(t, f, Light, Options{})
		s.w.known = true
		s.w.Go(PageExposure)
		s.settle()
		s.want("What can be reached could not be read. out of order")
		s.wantNot("Looking at what can be reached…")
		f.set(func() { f.failing = nil })
		s.press("Try again")
		s.want("LINE bakery")
		s.wantNot("out of order")
		f.set(func() { f.failing = errors.New("out of order") })
		s.w.exposure.load()
		s.settle()
		s.want("this is how it was 14:02. out of order")
		s.want("LINE bakery")
	})
	t.Run("waits in words", func(t *testing.T) {
		f := exposed()
		s := newStage(t, f, Light, Options{})
		f.set(func() { f.hang = make(chan struct{}) })
		s.w.Go(PageExposure)
		s.want("Looking at what can be reached…")
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		s.wantNot("Looking at what can be reached…")
	})
	t.Run("a door that went away goes", func(t *testing.T) {
		s := exposing(t, exposed())
		s.f.set(func() { s.f.view.Doors = s.f.view.Doors[:2] })
		s.w.exposure.load()
		s.settle()
		if len(s.w.exposure.cards) != 2 {
			t.Errorf("%d cards are there", len(s.w.exposure.cards))
		}
		s.wantNot("https://bot.example.org/line/c2f0a1")
	})
}

func TestExposureHolds(t *testing.T) {
	const rtl = "\u202eevil\u202c שלום שלום"
	f := exposed()
	for i := range 100 {
		id := platforms.AccountID(fmt.Sprintf("x%d", i))
		name := strings.Repeat("a very long name ", 20) + rtl
		f.snap.Accounts = append(f.snap.Accounts, api.Account{ID: id, Title: "Telegram\nTelegram", Name: name, Exposure: exposure.Outbound})
		f.view.Doors = append(f.view.Doors, api.Door{Account: id, Title: rtl, Name: name, Level: exposure.Public, If: exposure.Public, Open: true, Callers: name, Why: name,
			Listener: api.Listener{Bind: name, Public: name, Allow: []string{name, name}}, Address: name, Tunnels: []string{name}, Rejected: map[string]uint64{name: 1}})
	}
	f.view.Sockets = append(f.view.Sockets, api.Socket{Addr: rtl, Whose: strings.Repeat("w", 1000)})
	f.view.Tunnels = append(f.view.Tunnels, api.Tunnel{Program: rtl, Public: strings.Repeat("w", 1000), Ours: []string{rtl}})
	s := exposing(t, f)
	for _, w := range []float32{1100, 660} {
		s.captureAt(w, 560)
		if got := s.win.Content().MinSize().Width; got > w {
			t.Errorf("it needs %v of %v", got, w)
		}
		s.walk(func(o fyne.CanvasObject) {
			if x, ok := o.(*text); ok && strings.Contains(x.s, "\u202e") {
				t.Errorf("a text can turn the direction of others: %q", x.s)
			}
		})
	}
	if got := len(s.w.exposure.drawing.lanes); got < 200 {
		t.Errorf("%d lines are drawn", got)
	}
}

func TestExposureDoorOfAccount(t *testing.T) {
	f := exposed()
	s := newStage(t, f, Light, Options{})
	t.Run("a card leads to its door", func(t *testing.T) {
		s.want("Refused: not acknowledged. It needs a listener")
		s.want("Strangers can send bytes to a program on this computer through it.")
		s.press("Look at it")
		if s.w.page != PageExposure {
			t.Fatalf("shows %s", s.w.page)
		}
		if s.w.exposure.scroll.Offset.Y <= 0 {
			t.Error("it is not scrolled to the door")
		}
	})
	t.Run("so does a request", func(t *testing.T) {
		s.w.exposure.scroll.ScrollToTop()
		f.event(api.Event{Show: &api.Request{Page: "exposure", Account: "a7"}})
		s.settle()
		if s.w.page != PageExposure || s.w.exposure.scroll.Offset.Y <= 0 {
			t.Errorf("shows %s at %v", s.w.page, s.w.exposure.scroll.Offset)
		}
	})
}

func TestAudit(t *testing.T) {
	t.Run("says how the record stands, in words and in colour", func(t *testing.T) {
		f := exposed()
		s := exposing(t, f)
		s.want("The record is whole: 214 lines since 11 Oct 14:02.")
		f.set(func() { f.audit.State.Broken, f.audit.State.Why = 200, "Line 200 was changed." })
		s.w.exposure.load()
		s.settle()
		s.want("The record is broken at line 200: what follows can't be trusted. Line 200 was changed.")
		if s.w.exposure.record.state.look.color != colorBad {
			t.Error("it is not red")
		}
	})
	t.Run("older lines come by Show more, each once, and new ones go on top", func(t *testing.T) {
		f := exposed()
		f.audit.Lines = nil
		add := func(seq int) api.Audit {
			return api.Audit{Seq: uint64(seq), At: noon, What: "opened", Who: "window", Text: fmt.Sprintf("line %d.", seq), Hash: fmt.Sprint(seq)}
		}
		for i := 30; i > 0; i-- {
			f.audit.Lines = append(f.audit.Lines, add(i))
		}
		s := exposing(t, f)
		seqs := func() (out []uint64) {
			for _, a := range s.w.exposure.record.lines {
				out = append(out, a.Seq)
			}
			return out
		}
		s.press("Show more")
		s.press("Show more")
		if n := len(seqs()); n != 30 || s.w.exposure.record.more.Visible() {
			t.Errorf("%d lines are there", n)
		}
		f.set(func() { f.audit.Lines = append([]api.Audit{add(31)}, f.audit.Lines...) })
		s.w.exposure.load()
		s.settle()
		got := seqs()
		if len(got) != 31 || got[0] != 31 || got[30] != 1 {
			t.Errorf("lines %v", got)
		}
	})
	t.Run("exports", func(t *testing.T) {
		s := exposing(t, exposed())
		s.press("Export…")
		if s.file.saved.String() != "{}\n" || s.file.name != "postern-audit-2026-11-20.jsonl" {
			t.Errorf("wrote %q to %s", s.file.saved.String(), s.file.name)
		}
	})
}
