package window

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// accountCard is one account: who it is, how it is, and what to do about it.
type accountCard struct {
	w    *Window
	a    api.Account
	view *fyne.Container

	sign    *avatar
	name    *text
	handle  *text
	state   *symbol
	status  *text
	badge   *badge
	lights  [3]*lightView
	note    *fyne.Container
	noteTxt *text
	hint    *fyne.Container // the note of an account that works
	hintTxt *text
	trouble *fyne.Container
	door    *fyne.Container // how strangers can reach it, or that it waits for consent
	doorTxt *text
	doorBtn *button
	last    *text
	lastAt  *text
	pause   *button
	check   *button
	more    *button

	busy   bool
	drawnP string // the problems that are drawn
}

func newAccountCard(w *Window, a api.Account) *accountCard {
	c := &accountCard{w: w}
	c.sign = newAvatar("", a.Platform, 40)
	c.sign.square = true
	c.name = newText("", look{size: sizeHeading, bold: true, whole: true})
	c.handle = newText("", look{color: colorMuted})
	c.state, c.status = newSymbol("", 14, colorMuted), newText("", look{size: sizeSmall})
	c.badge = newBadge(a.Exposure)
	c.more = newButton(quiet, "", iconMore, c.menu)
	head := hbox(12, c.sign, fill(vbox(1, hbox(8, c.name, fill(c.handle)), hbox(6, c.state, fill(c.status)))), c.badge, c.more)

	for i, n := range []string{"hears", "speaks", "answers"} {
		c.lights[i] = newLightView(n)
	}
	lights := strip(hbox(12, fill(c.lights[0].view), fill(c.lights[1].view), fill(c.lights[2].view)))

	c.noteTxt, c.hintTxt = body(""), body("")
	c.note, c.hint = remark(true, c.noteTxt), remark(false, c.hintTxt)
	c.trouble = vbox(6)
	c.trouble.Hide()
	c.doorTxt = body("")
	c.doorBtn = newButton(plain, "", "", func() { c.w.showDoor(c.a.ID) })
	c.door = remark(true, c.doorTxt, c.doorBtn)
	c.last = newText("", look{size: sizeSmall, color: colorMuted})
	c.lastAt = newText("", look{size: sizeSmall, color: colorMuted, whole: true})
	c.pause = newButton(plain, "Pause", iconPause, c.pauseOrResume)
	c.check = newButton(plain, "Check", iconCheck, c.runCheck)
	foot := hbox(8, fill(hbox(8, fill(c.last), c.lastAt)), sized(8, 0, newBox(colorClear, "", 0)), c.check, c.pause)
	c.view = card(16, vbox(12, head, lights, c.door, c.note, c.hint, c.trouble, foot))
	return c
}

// lightView is one direction's proof of life: a symbol in its colour, a name,
// and when it was proven.
type lightView struct {
	view  fyne.CanvasObject
	sign  *symbol
	words *text
}

func newLightView(name string) *lightView {
	l := &lightView{sign: newSymbol("", 16, colorMuted), words: newText("", look{size: sizeSmall, color: colorMuted})}
	l.view = hbox(6, l.sign, newText(name, look{bold: true, size: sizeSmall, whole: true}), fill(l.words))
	return l
}

func stateColor(s model.State) fyne.ThemeColorName {
	switch s {
	case model.Good:
		return colorGood
	case model.Stale:
		return colorWarn
	case model.Bad:
		return colorBad
	}
	return colorMuted
}

func (l *lightView) show(v model.LightView) {
	l.sign.set(v.Symbol, stateColor(v.State))
	l.words.set(v.Words)
}

// clock brings what depends on the time up to date.
func (c *accountCard) clock(now time.Time) {
	c.lights[0].show(model.Hears(c.a, now))
	c.lights[1].show(model.Speaks(c.a, now))
	c.lights[2].show(model.Answers(c.a, now))
	st := model.Status(c.a, now)
	words := st.Words
	if wait := c.a.RetryAt.Sub(now); !c.a.RetryAt.IsZero() && wait > 0 {
		words += ", next try in " + seconds(wait)
	}
	if c.a.Queued > 0 {
		words += " · " + model.Count(c.a.Queued, "message waits", "messages wait") + " to be sent"
	}
	if c.a.Dead > 0 {
		words += " · " + model.Count(c.a.Dead, "message", "messages") + " could not be sent"
	}
	if c.a.Ephemeral {
		words += " · keeps no texts"
	}
	c.state.set(st.Symbol, stateColor(st.State))
	c.status.set(words)
	c.status.tint(stateColor(st.State))
}

func seconds(d time.Duration) string {
	if d < time.Minute {
		return model.Count(int(d.Round(time.Second)/time.Second), "second", "seconds")
	}
	return model.Count(int(d.Round(time.Minute)/time.Minute), "minute", "minutes")
}

func (c *accountCard) update(a api.Account) {
	c.a = a
	c.sign.set(glyphOf(a.Glyph, a.Title), a.Platform)
	c.name.set(clean.Line(a.Title, 40))
	c.handle.set(accountName(a))
	c.badge.set(a.Exposure)
	c.clock(c.w.now())

	words, do := model.DoorRemark(a)
	told := a.Note != "" && words != a.Note
	setVisible(c.note, told && a.Status != api.Connected)
	setVisible(c.hint, told && a.Status == api.Connected)
	c.noteTxt.set(clean.Block(a.Note))
	c.hintTxt.set(clean.Block(a.Note))

	c.doorTxt.set(clean.Block(words))
	c.doorBtn.setLabel(do)
	setVisible(c.door, words != "")

	c.last.set(map[bool]string{false: "Nothing has arrived since the start", true: "It takes messages, and brings none"}[a.Deaf])
	c.lastAt.set("")
	if l := a.Last; l != nil {
		c.last.set(lastWords(*l))
		c.lastAt.set(clockOf(l.At, c.w.now()))
	}
	paused := a.Paused || a.Status == api.Paused
	c.pause.setLabel(map[bool]string{false: "Pause", true: "Resume"}[paused])
	c.pause.setGlyph(map[bool]glyph{false: iconPause, true: iconPlay}[paused])
	if a.Status == api.Blocked {
		c.pause.setLabel("Resume")
		c.pause.setGlyph(iconPlay)
	}
	c.problems(a.Problems)
}

// accountName tells accounts of one platform apart: the handle and the
// person's own label.
func accountName(a api.Account) string {
	handle, name := clean.Line(a.Handle, 48), clean.Line(a.Name, 48)
	switch {
	case handle == "":
		return name
	case name == "" || name == handle:
		return handle
	}
	return handle + " · " + name
}

func glyphOf(glyph, title string) string {
	if glyph != "" {
		return glyph
	}
	return initials(title)
}

// lastWords is: In "Family", Ann: "are you home?"
func lastWords(l api.LastEvent) string {
	s := ""
	from, where := clean.Line(l.From, 40), clean.Line(l.Title, 40)
	switch {
	case where != "" && where != from:
		s = "Last, in “" + where + "”"
		if from != "" {
			s += ", " + from
		}
	case from != "":
		s = "Last, from " + from
	default:
		s = "Last"
	}
	if t := clean.Line(l.Text, 200); t != "" {
		s += ": “" + t + "”"
	}
	return s
}

func (c *accountCard) problems(ps []platforms.Problem) {
	key := ""
	for _, p := range ps {
		key += p.Code + "\n" + p.Text + "\n" + p.Fix + "\n"
	}
	if key == c.drawnP {
		return
	}
	c.drawnP = key
	c.trouble.Objects = nil
	for _, p := range ps {
		var actions []fyne.CanvasObject
		if p.Fix != "" {
			b := newButton(plain, clean.Line(p.Fix, 40), "", nil)
			b.tap = func() { c.fix(p.Code, b) }
			actions = append(actions, b)
		}
		c.trouble.Add(remark(p.Bad, body(clean.Block(p.Text)), actions...))
	}
	setVisible(c.trouble, len(ps) > 0)
	c.view.Refresh()
}

func (c *accountCard) fix(code string, b *button) {
	b.enable(false)
	id := c.a.ID
	call(c.w.b, patient, func(ctx context.Context) (api.Check, error) { return c.w.svc.Fix(ctx, id, code) },
		func(out api.Check, err error) {
			b.enable(true)
			c.told(out, err, "Done. The account was checked again and is fine.")
		})
}

// told says what a check found.
func (c *accountCard) told(out api.Check, err error, fine string) {
	switch {
	case err != nil:
		c.w.fail(err)
	case out.Error != nil:
		c.w.toasts.say(out.Error.Text, true)
	case len(out.Identity.Problems) > 0:
		c.w.toasts.say(clean.Block(out.Identity.Problems[0].Text), out.Identity.Problems[0].Bad)
	default:
		c.w.say(fine)
	}
}

func (c *accountCard) runCheck() {
	c.check.enable(false)
	c.check.setLabel("Checking…")
	c.view.Refresh()
	id := c.a.ID
	call(c.w.b, patient, func(ctx context.Context) (api.Check, error) { return c.w.svc.CheckAccount(ctx, id) },
		func(out api.Check, err error) {
			c.check.enable(true)
			c.check.setLabel("Check")
			c.view.Refresh()
			who := clean.Line(out.Identity.Handle, 48)
			if who == "" {
				who = clean.Line(out.Identity.Name, 48)
			}
			c.told(out, err, "The platform accepts the credentials of "+who+".")
		})
}

func (c *accountCard) pauseOrResume() {
	if c.busy {
		return
	}
	c.busy = true
	c.pause.enable(false)
	id, f := c.a.ID, c.w.svc.Pause
	if c.a.Paused || c.a.Status == api.Paused || c.a.Status == api.Blocked {
		f = c.w.svc.Resume
	}
	act(c.w.b, briefly, func(ctx context.Context) error { return f(ctx, id) }, func(err error) {
		c.busy = false
		c.pause.enable(true)
		c.w.fail(err)
	})
}

func (c *accountCard) menu() {
	items := []*fyne.MenuItem{
		fyne.NewMenuItem("Edit…", func() { c.w.edit(c.a) }),
		fyne.NewMenuItem("Show its activity", func() {
			c.w.activity.only(c.a.ID)
			c.w.Go(PageActivity)
		}),
	}
	if c.a.Inbound != platforms.Dials {
		items = append(items, fyne.NewMenuItem("Look at its listener…", func() { c.w.showDoor(c.a.ID) }))
	}
	if c.a.Link != "" {
		items = append(items, fyne.NewMenuItem("Copy link to the bot", func() { c.w.copy(c.a.Link, "Link") }))
	}
	items = append(items, fyne.NewMenuItemSeparator(), fyne.NewMenuItem("Remove…", c.remove))
	pop := widget.NewPopUpMenu(fyne.NewMenu("", items...), c.w.win.Canvas())
	pop.ShowAtRelativePosition(fyne.NewPos(c.more.Size().Width-pop.MinSize().Width, c.more.Size().Height+2), c.more)
}

func (c *accountCard) remove() {
	id, label := c.a.ID, clean.Line(c.a.Title, 40)+" "+accountName(c.a)
	c.w.confirm(question{
		title: "Remove " + label + "?",
		text: "This deletes its credentials from where secrets are kept, its conversations and messages from the journal, " +
			"and what still waits to be sent. The bot itself and the chats on the platform stay as they are.",
		yes: "Remove account", no: "Keep it", danger: true,
		then: func() {
			act(c.w.b, briefly, func(ctx context.Context) error { return c.w.svc.RemoveAccount(ctx, id) }, func(err error) {
				if err != nil {
					c.w.fail(err)
					return
				}
				c.w.say(label + " was removed.")
			})
		}})
}
