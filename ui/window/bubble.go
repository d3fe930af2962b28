package window

import (
	"context"
	"io"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// shownRunes is how much of a text a bubble shows; the rest is one click away.
const shownRunes = 3000

// bubble is one message.
type bubble struct {
	widget.BaseWidget
	p    *inboxPage
	e    api.Entry
	view fyne.CanvasObject
}

// newBubble draws e. head says that its sender differs from the message
// before.
func newBubble(p *inboxPage, e api.Entry, head bool) *bubble {
	b := &bubble{p: p, e: e}
	b.view = b.build(head)
	b.ExtendBaseWidget(b)
	return b
}

// CreateRenderer implements fyne.Widget.
func (b *bubble) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(b.view) }

// MinSize implements fyne.CanvasObject.
func (b *bubble) MinSize() fyne.Size { return b.view.MinSize() }

// Resize implements fyne.CanvasObject.
func (b *bubble) Resize(s fyne.Size) {
	b.BaseWidget.Resize(s)
	b.view.Resize(s)
}

// TappedSecondary implements fyne.SecondaryTappable.
func (b *bubble) TappedSecondary(ev *fyne.PointEvent) {
	w, e := b.p.w, b.e
	items := []*fyne.MenuItem{fyne.NewMenuItem("Copy text", func() { w.copy(e.Text, "Text") })}
	if e.Message != "" {
		items = append(items, fyne.NewMenuItem("Reply to this", func() { b.p.composer.replyTo(e) }))
	}
	if !e.Outgoing {
		items = append(items, fyne.NewMenuItem("Why?…", func() { w.why(e.Seq) }), fyne.NewMenuItem("Replay…", func() { w.replayEntry(e.Seq) }))
	}
	items = append(items, fyne.NewMenuItem("Details…", func() { b.details() }))
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), w.win.Canvas(), ev.AbsolutePosition)
}

func (b *bubble) build(head bool) fyne.CanvasObject {
	e := b.e
	inside := vbox(6)
	if s := b.words(); s != nil {
		inside.Add(s)
	}
	for i, a := range e.Attachments {
		inside.Add(b.attachment(i, a))
	}
	if keys := b.buttons(); keys != nil {
		inside.Add(keys)
	}
	ground := colorTheirs
	if e.Outgoing {
		ground = colorMine
	}
	shape := container.New(&snug{}, container.NewStack(newBox(ground, "", 12), pad(12, 8, 12, 8, inside)))
	rows := vbox(2)
	if line := b.sender(); head && line != nil {
		rows.Add(pad(2, 6, 2, 2, line))
	}
	rows.Add(shape)
	rows.Add(b.meta())
	if s := b.decision(); s != nil {
		rows.Add(s)
	}
	if e.Outgoing {
		shape.Layout.(*snug).right = true
		return pad(24, 2, 24, 2, rows)
	}
	var sign fyne.CanvasObject = sized(32, 0, newBox(colorClear, "", 0))
	if head {
		sign = pad(0, 6, 0, 0, newAvatar(initials(userName(e.From)), string(e.From.ID), 32))
	}
	return pad(24, 2, 24, 2, hboxTop(10, sign, fill(rows)))
}

func botMark(u platforms.User) string {
	if u.Bot {
		return " (bot)"
	}
	return ""
}

func (b *bubble) words() fyne.CanvasObject {
	e := b.e
	if e.Click != nil {
		return newText("Pressed “"+clean.Line(b.p.thread.pressed(e), 120)+"”", look{wrap: true})
	}
	s := clean.Block(e.Text)
	switch {
	case s == "" && e.Note != "":
		return newText("["+clean.Line(e.Note, 200)+"]", look{wrap: true, color: colorMuted})
	case s == "" && e.Erased:
		return newText("The text is not kept.", look{wrap: true, color: colorMuted})
	case s == "":
		return nil
	}
	r := []rune(s)
	if len(r) <= shownRunes {
		return body(s)
	}
	whole := newButton(plain, "Show all "+strconv.Itoa(len(r))+" characters", "", func() { b.p.w.read(userName(e.From), s) })
	return vbox(6, body(string(r[:shownRunes])+"…"), hbox(0, whole, gapFill()))
}

// read shows a long text in a dialog.
func (w *Window) read(who, s string) {
	lines := widget.NewMultiLineEntry()
	lines.Wrapping = fyne.TextWrapWord
	lines.SetText(s)
	lines.OnChanged = func(string) { lines.SetText(s) }
	var m *modal
	m = w.open(vbox(12, heading(who), sized(0, 420, lines),
		hbox(8, gapFill(), newButton(plain, "Copy", iconCopy, func() { w.copy(s, "Text") }), newButton(primary, "Close", "", func() { m.close() }))), 640, nil)
}

// attachment is a file that stays where it is until it is asked for.
func (b *bubble) attachment(i int, a api.Attachment) fyne.CanvasObject {
	name := clean.Line(a.Name, 120)
	if name == "" {
		name = "File without a name"
	}
	size := model.Size(a.Size)
	if a.MediaType != "" {
		size += " · " + clean.Line(a.MediaType, 60)
	}
	row := hbox(10, newIcon(iconFile, colorMuted, 20),
		fill(vbox(0, newText(name, look{size: sizeSmall, bold: true}), newText(size, look{size: sizeTiny, color: colorMuted}))))
	if !b.e.Outgoing {
		row.Add(newButton(plain, "Save…", "", func() { b.saveFile(i, name, size) }))
	}
	return sized(300, 0, row)
}

func (b *bubble) saveFile(i int, name, size string) {
	w, seq := b.p.w, b.e.Seq
	w.confirm(question{title: "Save this file?",
		text:  "It comes from " + userName(b.e.From) + ". Postern has not looked into it: open it only if you trust them.",
		quote: name + "\n" + size, yes: "Save…", no: "Leave it",
		then: func() {
			w.o.Files.Save(name, func(out io.WriteCloser, err error) {
				if out == nil {
					w.fail(err)
					return
				}
				w.say("Saving " + name + "…")
				act(w.b, transit, func(ctx context.Context) error { return w.fetch(ctx, seq, i, out) }, func(err error) {
					if err != nil {
						w.toasts.say("The file was not saved completely. "+explain(err), true)
						return
					}
					w.say(name + " was saved.")
				})
			})
		}})
}

// fetch writes one attachment to out and closes it.
func (w *Window) fetch(ctx context.Context, seq uint64, i int, out io.WriteCloser) error {
	_, in, err := w.svc.Attachment(ctx, seq, i)
	if err == nil {
		_, err = io.Copy(out, in)
		_ = in.Close()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}

// buttons shows what stands under the message; only addresses do anything here.
func (b *bubble) buttons() fyne.CanvasObject {
	if len(b.e.Buttons) == 0 {
		return nil
	}
	rows := vbox(4)
	for _, line := range b.e.Buttons {
		keys := flow(4)
		for _, k := range line {
			label := clean.Line(k.Label, 60)
			if k.URL != "" {
				keys.Add(newButton(chip, label, iconOpen, func() { b.p.w.visitForeign(k.URL) }))
				continue
			}
			c := newButton(chip, label, "", nil)
			c.disabled = true
			keys.Add(c)
		}
		rows.Add(keys)
	}
	return rows
}

// meta is the small line below a message: when, and what is to be said of it.
func (b *bubble) meta() fyne.CanvasObject {
	e := b.e
	s := e.At.Local().Format("15:04")
	ink := colorMuted
	switch e.Status {
	case api.Queued:
		s += " · " + model.EntryWords(e.Status)
	case api.Sent:
		s += " · sent"
	case api.Received, api.Dismissed, api.Discarded:
		s += " · " + model.EntryWords(e.Status)
	}
	for _, m := range model.EntryMarks(e) {
		if m != "while you were away" { // the divider says it
			s += " · " + m
		}
	}
	if r := b.replay(); r != "" {
		s += " · " + r
	}
	if e.MayDuplicate {
		ink = colorWarn
	}
	t := newTapText(s, ink, b.details)
	t.look.whole = false
	if e.Outgoing {
		t.look.align = fyne.TextAlignTrailing
	}
	return pad(2, 0, 2, 2, t)
}

// decision asks what a person has to decide about a message.
func (b *bubble) decision() fyne.CanvasObject {
	e, p := b.e, b.p
	why := clean.Block(e.Why)
	yes := func(label string, f func(context.Context, uint64) error, done string) *button {
		return p.deed(label, e.Seq, f, done)
	}
	switch e.Status {
	case api.HeldBack:
		if why == "" {
			why = "It came late. Nothing acts on it until you say so."
		}
		return remark(false, body(why), yes("Act on it", p.w.svc.Release, "It is acted on now."), yes("Leave it", p.w.svc.Dismiss, ""))
	case api.DeadEnd:
		if why == "" {
			why = "The platform did not take it."
		}
		return remark(true, body("Not sent. "+why), yes("Resend", p.w.svc.Resend, "It waits to be sent again."), yes("Discard", p.w.svc.Discard, ""))
	case api.Failed:
		if why == "" {
			why = "It was not acted on."
		}
		return remark(true, body("The responder failed. "+why))
	}
	return nil
}

func (b *bubble) details() {
	e, w := b.e, b.p.w
	rows := vbox(8, heading("Message"))
	add := func(k, v string) {
		if v == "" {
			return
		}
		rows.Add(hboxTop(8, exactWidth(110, small(k)), fill(newText(v, look{size: sizeSmall, wrap: true})),
			newButton(quiet, "", iconCopy, func() { w.copy(v, k) })))
	}
	who := userName(e.From)
	if e.Outgoing {
		who = "You, as the bot"
	}
	if by, via := model.PostedBy(e); by != "" {
		who = by + ", " + via
	}
	add("From", who)
	add("User id", clean.Line(string(e.From.ID), 200))
	add("Written", moment(e.At))
	if d := e.Stored.Sub(e.At); d > time.Minute {
		add("Arrived", moment(e.Stored))
	}
	add("State", model.EntryWords(e.Status))
	add("Message id", clean.Line(string(e.Message), 200))
	for _, id := range e.IDs {
		if id != e.Message {
			add("Sent part", clean.Line(string(id), 200))
		}
	}
	add("Conversation", clean.Line(string(e.Conversation), 200))
	add("Journal entry", strconv.FormatUint(e.Seq, 10))
	if e.Replay != 0 {
		add("Repeats entry", strconv.FormatUint(e.Replay, 10))
	}
	if e.ReplayRequest != 0 {
		add("Repeats request", strconv.FormatUint(e.ReplayRequest, 10))
	}
	if w.byWebhook(e) {
		add("Came by", "a webhook, not end-to-end encrypted")
	}
	var m *modal
	done := newButton(primary, "Close", "", func() { m.close() })
	rows.Add(pad(0, 8, 0, 0, hbox(8, gapFill(), done)))
	m = w.open(rows, 480, nil)
	w.win.Canvas().Focus(done)
}

// snug lets its object be as wide as its texts need, and no wider than three
// quarters of the place there is.
type snug struct {
	right bool
}

func (s *snug) fit(o fyne.CanvasObject, width float32) float32 {
	return min(widest(o), max(120, width*0.76))
}

func (s *snug) MinSize(objs []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, objs[0].MinSize().Height)
}

func (s *snug) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	o := objs[0]
	w := s.fit(o, size.Width)
	o.Resize(fyne.NewSize(w, o.MinSize().Height))
	o.Resize(fyne.NewSize(w, o.MinSize().Height))
	x := float32(0)
	if s.right {
		x = size.Width - w
	}
	o.Move(fyne.NewPos(x, 0))
}

// widest is how wide an object is if none of its texts is cut or wrapped.
func widest(o fyne.CanvasObject) float32 {
	switch o := o.(type) {
	case *text:
		return o.natural() + 1
	case *fyne.Container:
		var w, sum float32
		n := 0
		for _, c := range o.Objects {
			v := widest(c)
			w = max(w, v)
			sum += v
			n++
		}
		switch l := o.Layout.(type) {
		case *padding:
			return w + l.left + l.right
		case *line:
			return sum + l.space*float32(max(0, n-1))
		case *wrapping:
			return sum + l.space*float32(max(0, n-1))
		case *atLeast:
			return max(w, l.size.Width)
		}
		return w
	}
	return o.MinSize().Width
}

// tapText is a text that opens something.
type tapText struct {
	text
	tap func()
}

func newTapText(s string, c fyne.ThemeColorName, tap func()) *tapText {
	t := &tapText{text: text{s: s, look: look{size: sizeTiny, color: c}}, tap: tap}
	t.ExtendBaseWidget(t)
	t.wrapLines()
	return t
}

// Tapped implements fyne.Tappable.
func (t *tapText) Tapped(*fyne.PointEvent) { t.tap() }
