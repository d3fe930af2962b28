package window

import (
	"context"
	"slices"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// hookCard is one hook.
type hookCard struct {
	p       *hooksPage
	h       api.Hook
	view    *fyne.Container
	sign    *avatar
	name    *text
	place   *text
	state   *symbol
	status  *text
	times   *text
	former  *text
	trouble *fyne.Container
	problem *text
	on      *toggle
	more    *button
	busy    bool // the switch is on its way
}

func newHookCard(p *hooksPage, h api.Hook) *hookCard {
	c := &hookCard{p: p}
	c.sign = newAvatar("", "", 36)
	c.sign.square = true
	c.name, c.place = newText("", look{bold: true}), newText("", look{wrap: true})
	c.state, c.status = newSymbol("", 14, colorMuted), newText("", look{size: sizeSmall})
	c.times, c.former = note(""), newText("", look{size: sizeSmall, color: colorWarn, wrap: true})
	c.problem = body("")
	c.trouble = remark(true, c.problem)
	c.on = newToggle(c.turn)
	c.more = newButton(quiet, "", iconMore, c.menu)
	c.view = card(12, vbox(8, hboxTop(12, c.sign, fill(vbox(3, c.name, c.place, hbox(6, c.state, fill(c.status)), c.times, c.former)),
		sized(0, 32, hbox(0, c.on)), c.more), c.trouble))
	c.update(h)
	return c
}

// update takes what was read.
func (c *hookCard) update(h api.Hook) {
	c.h = h
	a, _ := c.p.w.account(h.Account)
	c.sign.set(glyphOf(a.Glyph, a.Title), a.Platform)
	c.name.set(model.HookName(h))
	if !c.busy {
		c.on.setOn(h.On)
	}
	c.problem.set(clean.Line(h.Problem, 400))
	setVisible(c.trouble, h.Problem != "")
	c.clock(c.p.w.now())
	c.view.Refresh()
}

// clock brings words that change with time and with the accounts up to date.
func (c *hookCard) clock(now time.Time) {
	changed := c.place.set("Posts into " + c.p.place(c.h) + " · form: " + model.FormTitle(c.h.Dialect, c.p.data.Forms))
	v := model.HookState(c.h, now)
	if c.busy {
		v = model.StatusView{State: model.Unknown, Symbol: model.Unknown.Symbol(), Words: map[bool]string{true: "Switching on…", false: "Switching off…"}[c.on.on]}
	}
	c.state.set(v.Symbol, stateColor(v.State))
	changed = c.status.set(v.Words) || changed
	changed = c.times.set(upper(model.HookTimes(c.h, now))) || changed
	former := model.HookRotating(c.h, now)
	changed = c.former.set(former) || changed
	if c.former.Visible() != (former != "") {
		setVisible(c.former, former != "")
		changed = true
	}
	if changed {
		c.view.Refresh()
	}
}

// turn switches the hook on or off at once.
func (c *hookCard) turn(on bool) {
	w, id, name := c.p.w, c.h.ID, model.HookName(c.h)
	c.busy = true
	c.on.enable(false)
	c.clock(w.now())
	call(w.b, briefly, func(ctx context.Context) (api.Hook, error) { return w.svc.ChangeHook(ctx, id, api.HookChange{On: &on}) },
		func(_ api.Hook, err error) {
			c.busy = false
			c.on.enable(true)
			if err != nil {
				c.on.setOn(c.h.On)
				w.fail(err)
			} else {
				c.h.On = on
				w.say(name + map[bool]string{true: " takes posts.", false: " takes no posts now."}[on])
			}
			c.clock(w.now())
			c.p.load()
		})
}

func (c *hookCard) menu() {
	c.p.w.menu(c.more, true,
		fyne.NewMenuItem("Edit…", func() { c.p.edit(c.h) }),
		fyne.NewMenuItem("New address…", func() { c.rotate() }),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem("Remove…", c.remove))
}

// hookOverlaps is for how long a replaced address may still count.
func hookOverlaps() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{0, time.Hour, day, 7 * day, 30 * day}
}

// rotation is the dialog in which a hook gets a new address.
type rotation struct {
	m    *modal
	make *button
	busy bool
}

// rotate makes a new address, after asking for how long the present one counts.
func (c *hookCard) rotate() *rotation {
	w, id, name, at := c.p.w, c.h.ID, model.HookName(c.h), 0
	r := &rotation{}
	row := flow(6)
	var radios []*radio
	for _, label := range []string{"not at all", "1 hour", "1 day", "7 days", "30 days"} {
		b := newRadio(label, nil)
		radios = append(radios, b)
		row.Add(b)
	}
	exclude(radios, func(i int) { at = i })(0)
	fault := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	fault.Hide()
	no := newButton(plain, "Keep the present one", "", func() { r.m.dismiss() })
	r.make = newButton(danger, "Make a new address", "", nil)
	r.make.tap = func() {
		if r.busy {
			return
		}
		r.busy = true
		r.make.enable(false)
		fault.Hide()
		overlap := hookOverlaps()[at]
		call(w.b, briefly, func(ctx context.Context) (api.HookMade, error) {
			return w.svc.RotateHook(ctx, id, api.HookRotation{Overlap: overlap})
		}, func(made api.HookMade, err error) {
			r.busy = false
			r.make.enable(true)
			if err != nil {
				fault.set(clean.Line(explain(err), 400))
				fault.Show()
				r.m.view.Refresh()
				return
			}
			if slices.Contains(w.modals, r.m) {
				r.m.close()
			}
			w.showHook(made, c.p.data.Forms)
			c.p.load()
		})
	}
	rows := vbox(12, heading("A new address for "+name+"?"),
		body("Programs must be given the new one. Until they have it, the present one can go on counting for a while."),
		vbox(4, newText("The present address still counts", look{bold: true, size: sizeSmall}), row), fault,
		pad(0, 8, 0, 0, hbox(8, gapFill(), no, r.make)))
	r.m = w.open(rows, 520, nil)
	w.win.Canvas().Focus(no)
	return r
}

// remove ends the hook, after asking.
func (c *hookCard) remove() {
	w, id, name := c.p.w, c.h.ID, model.HookName(c.h)
	w.confirm(question{title: "Remove the hook " + name + "?", text: model.HookStops(c.h, w.now()), quote: c.p.place(c.h),
		yes: "Remove", no: "Keep it", danger: true, then: func() {
			act(w.b, briefly, func(ctx context.Context) error { return w.svc.RemoveHook(ctx, id) }, func(err error) {
				if err != nil {
					w.fail(err)
				} else {
					w.say(name + " was removed.")
				}
				c.p.load()
			})
		}})
}
