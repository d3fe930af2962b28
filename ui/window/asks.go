package window

import (
	"context"
	"slices"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// asksStrip stands at the top of the inbox while responders ask a person for
// permissions: one at a time, the oldest first.
type asksStrip struct {
	w    *Window
	view *fyne.Container

	data    []api.Ask
	pid     int
	seen    uint64
	loading bool
	again   bool
	at      string // id of the one that is shown
	drawn   string
	card    *askCard
	fault   *text
	failed  *fyne.Container
}

func newAsksStrip(w *Window) *asksStrip {
	s := &asksStrip{w: w, view: vbox(0)}
	s.fault = body("")
	s.failed = remark(true, s.fault, newButton(plain, "Try again", "", s.load))
	s.view.Hide()
	return s
}

// snapshot follows the state.
func (s *asksStrip) snapshot() {
	n := s.w.snap
	if n.Asks == 0 && len(s.data) == 0 && !s.loading {
		return
	}
	if n.Revision == s.seen && n.Program.PID == s.pid {
		return
	}
	s.seen, s.pid = n.Revision, n.Program.PID
	s.load()
}

func (s *asksStrip) load() {
	if s.loading {
		s.again = true
		return
	}
	s.loading, s.again = true, false
	call(s.w.b, briefly, s.w.svc.Asks, func(as []api.Ask, err error) {
		s.loading = false
		if err != nil {
			s.fault.set("What waits for your permission could not be read. " + explain(err))
			s.put(s.failed)
		} else {
			s.data = as
			s.draw()
		}
		if s.again {
			s.load()
		}
	})
}

func (s *asksStrip) put(o fyne.CanvasObject) {
	s.view.Objects = nil
	if o != nil {
		s.view.Objects = []fyne.CanvasObject{o}
	}
	setVisible(s.view, o != nil)
	s.w.inbox.content.Refresh()
}

// index is where the one that is shown stands, or 0.
func (s *asksStrip) index() int {
	return max(0, slices.IndexFunc(s.data, func(a api.Ask) bool { return a.ID == s.at }))
}

// draw shows the one that was shown before, or else the oldest.
func (s *asksStrip) draw() {
	if len(s.data) == 0 {
		s.at, s.drawn, s.card = "", "", nil
		s.put(nil)
		return
	}
	i := s.index()
	a := s.data[i]
	if s.card == nil || s.at != a.ID || !sameAsk(s.card.a, a) {
		s.at = a.ID
		s.card = newAskCard(s, a)
		s.put(s.card.view)
	} else if len(s.view.Objects) != 1 || s.view.Objects[0] != s.card.view {
		s.put(s.card.view)
	}
	s.card.count(len(s.data))
	s.tick()
}

func sameAsk(a, b api.Ask) bool {
	return a.ID == b.ID && a.Title == b.Title && a.Detail == b.Detail && a.Responder == b.Responder && a.Where == b.Where &&
		a.Until.Equal(b.Until) && slices.Equal(a.Choices, b.Choices)
}

// tick brings the time that is left up to date.
func (s *asksStrip) tick() {
	if s.card != nil {
		s.card.clock(s.w.now())
	}
}

// next shows the one after.
func (s *asksStrip) next() {
	if n := len(s.data); n > 1 {
		s.at = s.data[(s.index()+1)%n].ID
		s.card = nil
		s.draw()
	}
}

// askCard is one permission that a responder asks for.
type askCard struct {
	s       *asksStrip
	a       api.Ask
	view    fyne.CanvasObject
	title   *text
	left    *text
	fault   *text
	more    *button
	buttons []*button
	busy    bool
	done    bool // it was answered, or is over
}

func newAskCard(s *asksStrip, a api.Ask) *askCard {
	c := &askCard{s: s, a: a, left: small(""), fault: newText("", look{size: sizeSmall, color: colorBad, wrap: true})}
	c.left.look.whole = true
	c.fault.Hide()
	c.more = newButton(quiet, "", iconRight, s.next)
	c.title = newText(clean.Line(a.Title, 300), look{bold: true, wrap: true})
	who := clean.Line(a.Responder, 40) + " asks, in " + askPlace(s.w, a)
	head := hbox(8, newIcon(iconWarn, colorWarn, 18), fill(small(who)), c.left, c.more)
	what := vbox(8, c.title)
	if d := clean.Block(a.Detail); d != "" {
		what.Add(container.NewStack(newBox(colorSurface, colorBorder, 6), pad(10, 8, 10, 8, newText(d, look{size: sizeSmall, mono: true, wrap: true}))))
	}
	// Bounded, so that neither the answers nor the inbox leave the window.
	rows := vbox(8, head, container.New(&uncutMost{140}, container.NewVScroll(what)), c.fault)
	row := flow(8)
	// What grants stands last and is no button of Enter's.
	choices := slices.Clone(a.Choices)
	slices.SortStableFunc(choices, func(x, y api.AskChoice) int { return b2i(x.Grants) - b2i(y.Grants) })
	for _, ch := range choices {
		k := plain
		if ch.Grants {
			k = danger
		}
		label := clean.Line(ch.Label, 40)
		if label == "" {
			label = clean.Line(ch.ID, 40)
		}
		b := newButton(k, label, "", func() { c.answer(ch) })
		b.noEnter = ch.Grants
		c.buttons = append(c.buttons, b)
		row.Add(b)
	}
	rows.Add(row)
	c.view = pad(20, 14, 20, 4, newClaimGround(rows))
	s.w.settleButtons(func() bool { return !c.busy && !c.done }, c.buttons...)
	return c
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func askPlace(w *Window, a api.Ask) string {
	where := clean.Line(a.Where, 60)
	if where == "" {
		where = shownID(string(a.Conversation))
	}
	return where + " (" + w.accountLabel(a.Account) + ")"
}

// count says how many there are of which this is one.
func (c *askCard) count(n int) {
	setVisible(c.more, n > 1)
	c.more.setLabel(strconv.Itoa(n-1) + " more")
}

func (c *askCard) clock(now time.Time) {
	if c.a.Until.IsZero() {
		c.left.set("")
		return
	}
	if !now.Before(c.a.Until) {
		c.left.set("the time is over")
		c.over()
		return
	}
	c.left.set(model.Left(c.a.Until, now) + " left")
}

// over takes the buttons away: nothing can be answered any more.
func (c *askCard) over() {
	if c.done {
		return
	}
	c.done = true
	for _, b := range c.buttons {
		b.enable(false)
	}
}

func (c *askCard) answer(ch api.AskChoice) {
	if c.busy || c.done {
		return
	}
	c.busy = true
	for _, b := range c.buttons {
		b.enable(false)
	}
	w, id := c.s.w, c.a.ID
	act(w.b, briefly, func(ctx context.Context) error { return w.svc.AnswerAsk(ctx, id, ch.ID) }, func(err error) {
		c.busy = false
		if err != nil {
			c.fault.set(clean.Block(explain(err)))
			setVisible(c.fault, true)
			w.fail(err) // the card may be gone in a moment
			if !c.done {
				w.settleButtons(func() bool { return !c.busy && !c.done }, c.buttons...)
			}
			w.inbox.content.Refresh()
			c.s.load()
			return
		}
		c.done = true
		w.say(clean.Line(c.a.Responder, 40) + " was told: " + clean.Line(ch.Label, 40) + ".")
		c.s.data = slices.DeleteFunc(slices.Clone(c.s.data), func(a api.Ask) bool { return a.ID == id })
		c.s.draw()
		c.s.load()
	})
}

// uncutMost asks for as much height as what scrolls in it, up to a bound.
type uncutMost struct{ height float32 }

// MinSize implements fyne.Layout.
func (u *uncutMost) MinSize(objs []fyne.CanvasObject) fyne.Size {
	s, ok := objs[0].(*container.Scroll)
	if !ok {
		return objs[0].MinSize()
	}
	return fyne.NewSize(0, min(u.height, s.Content.MinSize().Height))
}

// Layout implements fyne.Layout.
func (*uncutMost) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	objs[0].Move(fyne.Position{})
	objs[0].Resize(size)
}
