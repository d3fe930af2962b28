package window

import (
	"context"
	"reflect"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// consent is the dialog in which a person opens a public listener, or keeps it
// closed. Nothing in it is chosen beforehand but the shortest period.
type consent struct {
	w    *Window
	id   platforms.AccountID
	q    api.Question
	done func() // after it was opened

	m     *modal
	body  *container.Scroll
	marks map[string][2]*radio // done, not done
	items map[string]bool      // what was chosen
	days  int
	typed *entry
	fault *text
	hint  *text // what is still missing
	keep  *button
	open  *button
	busy  bool
	stale bool // the question was answered once: its nonce is used up
	stop  func()
}

// acknowledge asks q about account id's door.
func (w *Window) acknowledge(id platforms.AccountID, q api.Question, done func()) *consent {
	c := &consent{w: w, id: id, q: q, done: done, marks: map[string][2]*radio{}, items: map[string]bool{}}
	host := clean.Line(q.Type, 253)
	c.typed = newEntry(w, "")
	c.typed.OnChanged = func(string) { c.check() }
	c.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	c.fault.Hide()
	c.keep = newButton(primary, "Keep closed", "", func() { c.m.dismiss() })
	c.open = newButton(danger, "Open", "", c.answer)
	c.open.noEnter = true
	c.open.enable(false)

	rows := vbox(14)
	v := model.Badge(exposure.Public)
	rows.Add(hboxTop(10, newSymbol(v.Symbol, 20, levelColor(exposure.Public)), fill(newText(clean.Block(q.What), look{bold: true, wrap: true}))))
	rows.Add(body(clean.Block(q.Means)))
	if len(q.Risks) > 0 {
		rows.Add(vbox(4, newText("What strangers could then do", look{bold: true}), bullets(q.Risks)))
	}
	if len(q.Items) > 0 {
		rows.Add(c.checklist())
	}
	if len(q.Safer) > 0 {
		rows.Add(vbox(4, newText("Safer", look{bold: true, color: colorGood}), bullets(q.Safer),
			pad(0, 4, 0, 0, hbox(0, newButton(plain, "Set up a relay…", iconRelays, func() { w.setUpRelay(id) }), gapFill()))))
	}
	c.body = container.NewVScroll(pad(0, 0, 12, 4, rows))
	ask := flow(6, newText("Type", look{whole: true}), newText(host, look{mono: true, bold: true, whole: true}), newText("to open it", look{whole: true}))
	if !fits(host) {
		ask = vbox(2, newText("Type this to open it", look{}), newText(host, look{mono: true, bold: true, wrap: true}))
	}
	c.hint = note("")
	foot := vbox(10, rule())
	if len(q.Periods) > 0 {
		foot.Add(c.periods())
	}
	foot.Add(vbox(4, ask, c.typed))
	foot.Add(c.fault)
	foot.Add(hbox(8, fill(c.hint), c.keep, c.open))
	content := frame(pad(0, 0, 0, 12, heading(clean.Line(q.Title, 120))), foot, nil, nil, container.New(&uncut{}, c.body))
	c.m = w.open(content, 640, c.closed)
	c.check()
	w.win.Canvas().Focus(c.keep)
	return c
}

// fits reports whether a host's name can stand in one line of the dialog.
func fits(host string) bool { return len(host) <= 48 }

// uncut asks for as much height as what scrolls in it, and makes do with less.
type uncut struct{}

func (uncut) MinSize(objs []fyne.CanvasObject) fyne.Size {
	s, ok := objs[0].(*container.Scroll)
	if !ok {
		return objs[0].MinSize()
	}
	return fyne.NewSize(0, s.Content.MinSize().Height)
}

func (uncut) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	objs[0].Move(fyne.Position{})
	objs[0].Resize(size)
}

func bullets(lines []string) fyne.CanvasObject {
	rows := vbox(2)
	for _, l := range lines {
		rows.Add(hboxTop(6, newText("·", look{bold: true, whole: true}), fill(newText(clean.Line(l, 400), look{wrap: true}))))
	}
	return rows
}

// checklist is a line for each item, of which each is done or not done.
func (c *consent) checklist() fyne.CanvasObject {
	head := func(s string) fyne.CanvasObject {
		return exactWidth(64, newText(s, look{size: sizeTiny, color: colorMuted, bold: true, align: fyne.TextAlignCenter}))
	}
	rows := vbox(6, hbox(4, fill(newText("What running it safely takes", look{bold: true})), head("done"), head("not done")))
	for _, it := range c.q.Items {
		words := vbox(0, newText(clean.Line(it.Text, 240), look{wrap: true}))
		if it.Note != "" {
			words.Add(note(clean.Line(it.Note, 240)))
		}
		pair := [2]*radio{newRadio("", nil), newRadio("", nil)}
		exclude(pair[:], func(i int) {
			c.items[it.Key] = i == 0
			c.check()
		})
		c.marks[it.Key] = pair
		cell := func(r *radio) fyne.CanvasObject { return exactWidth(64, container.New(&centre{}, r)) }
		rows.Add(hbox(4, fill(words), cell(pair[0]), cell(pair[1])))
	}
	return rows
}

// centre puts its object in the middle, at its own size.
type centre struct{}

func (centre) MinSize(objs []fyne.CanvasObject) fyne.Size { return objs[0].MinSize() }

func (centre) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	m := objs[0].MinSize()
	objs[0].Resize(m)
	objs[0].Move(fyne.NewPos((size.Width-m.Width)/2, (size.Height-m.Height)/2))
}

func (c *consent) periods() fyne.CanvasObject {
	label := newText("Ends after", look{bold: true, whole: true})
	row := flow(8, sized(0, 28, container.New(&centre{}, label)))
	var rs []*radio
	for _, p := range c.q.Periods {
		r := newRadio(clean.Line(p.Label, 40), nil)
		rs = append(rs, r)
		row.Add(r)
	}
	pick := exclude(rs, func(i int) { c.days = c.q.Periods[i].Days })
	pick(0)
	return row
}

// missing says what must still be chosen or typed; empty if nothing.
func (c *consent) missing() string {
	left := 0
	for _, it := range c.q.Items {
		if _, ok := c.items[it.Key]; !ok {
			left++
		}
	}
	switch {
	case left > 0:
		return "Choose done or not done: " + model.Count(left, "item is", "items are") + " left."
	case c.q.Type == "":
		return "It has no public address, so it can't be opened."
	case c.typed.Text != c.q.Type:
		return "Type the name as it stands above."
	}
	return ""
}

func (c *consent) complete() bool { return c.missing() == "" }

func (c *consent) check() {
	c.open.enable(!c.busy && c.complete())
	if c.hint.set(c.missing()) && c.m != nil {
		c.m.view.Refresh()
	}
}

// answer gives consent. A question is good for one answer: after one that was
// refused it is asked again, and what is asked must be the same.
func (c *consent) answer() {
	if c.busy || !c.complete() {
		return
	}
	c.say("")
	c.wait(true)
	svc, id, old, stale := c.w.svc, c.id, c.q, c.stale
	a := api.Answer{Nonce: c.q.Nonce, Typed: c.typed.Text, Items: map[string]bool{}, Days: c.days}
	for k, v := range c.items {
		a.Items[k] = v
	}
	c.stop = call(c.w.b, briefly, func(ctx context.Context) (api.Door, error) {
		if stale {
			q, err := svc.Ask(ctx, id)
			if err != nil {
				return api.Door{}, err
			}
			a.Nonce = q.Nonce
			if q.Nonce = old.Nonce; !reflect.DeepEqual(q, old) {
				return api.Door{}, &api.Error{Kind: platforms.Rejected, Text: "What is asked has changed meanwhile. Keep it closed, and read it again before you open it."}
			}
		}
		return svc.Acknowledge(ctx, id, a)
	}, func(d api.Door, err error) {
		c.stop = nil
		c.wait(false)
		if err != nil {
			c.stale = true
			c.say(explain(err))
			return
		}
		c.m.close()
		c.w.say("Acknowledged. " + opened(d))
		if c.done != nil {
			c.done()
		}
	})
}

func (c *consent) wait(on bool) {
	c.busy = on
	c.open.setLabel(map[bool]string{true: "Opening…", false: "Open"}[on])
	c.check()
	c.m.view.Refresh()
}

// say shows what went wrong, in the dialog.
func (c *consent) say(s string) {
	c.fault.set(clean.Block(s))
	setVisible(c.fault, s != "")
	c.m.view.Refresh()
}

// closed is called when the person kept it closed: an answer on its way is
// taken back, as far as it can be, and what came of it is shown.
func (c *consent) closed() {
	if c.stop == nil {
		return
	}
	c.stop()
	if c.done != nil {
		c.done()
	}
}
