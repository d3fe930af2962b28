package window

import (
	"context"
	"slices"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// routeList is the ordered list of routes. It is changed here, and sent as a
// whole once the person saves it.
type routeList struct {
	p     *answersPage
	w     *Window
	view  fyne.CanvasObject
	rows  *fyne.Container
	rest  *text // what becomes of everything else
	bar   *fyne.Container
	words *text
	save  *button
	undo  *button

	base   []api.Route // as the service has them
	draft  []api.Route // as they are shown
	saving bool
	keys   []routeKeys // of each row
}

// routeKeys is what can be pressed in a row.
type routeKeys struct {
	on       *toggle
	up, down *button
}

func newRouteList(p *answersPage) *routeList {
	l := &routeList{p: p, w: p.w}
	l.rows = vbox(8)
	l.rest = newText("", look{wrap: true})
	try := newButton(plain, "Try them…", "", func() { p.w.tryRoutes(p, l.base, l.draft) })
	add := newButton(plain, "Add route…", iconPlus, func() { l.edit(-1, api.Route{}) })
	l.view = vbox(8, partHead("Routes", "The first that fits a message decides who gets it.", try, add),
		l.rows, strip(hbox(8, newText("Everything else", look{whole: true}), newIcon(iconSend, colorMuted, 14), fill(l.rest))))
	l.words = body("")
	l.save = newButton(primary, "Save", "", l.store)
	l.undo = newButton(plain, "Revert", "", func() { l.change(slices.Clone(l.base)) })
	also := newButton(plain, "Try them…", "", func() { p.w.tryRoutes(p, l.base, l.draft) })
	l.bar = container.NewStack(newBox(colorSidebar, "", 0), frame(rule(), nil, nil, nil,
		pad(28, 12, 28, 12, hbox(8, fill(l.words), also, l.undo, l.save))))
	l.bar.Hide()
	return l
}

// dirty reports whether the list differs from what the service has.
func (l *routeList) dirty() bool { return !sameRoutes(l.base, l.draft) }

func sameRoutes(a, b []api.Route) bool {
	return slices.EqualFunc(a, b, func(x, y api.Route) bool {
		return x.ID == y.ID && x.Name == y.Name && x.When == y.When && x.Off == y.Off && x.Also == y.Also && slices.Equal(x.To, y.To)
	})
}

// show takes in what was read. Changes that are not saved stay.
func (l *routeList) show() {
	now := l.p.data.routes.Routes
	switch {
	case !l.dirty():
		l.base, l.draft = now, slices.Clone(now)
		l.say("")
	case !sameRoutes(l.base, now):
		l.base = now
		l.say("The routes were changed elsewhere meanwhile. Saving puts yours in their place, Revert shows those.")
	}
	l.draw()
}

// say shows words beside the buttons; empty for the usual ones.
func (l *routeList) say(s string) {
	l.words.tint(colorBad)
	if s == "" {
		s = "The routes are changed, and not saved."
		l.words.tint(colorText)
	}
	l.words.set(s)
}

// change puts rs in the list's place, not saved yet.
func (l *routeList) change(rs []api.Route) {
	l.draft = rs
	l.say("")
	l.draw()
}

func (l *routeList) draw() {
	l.rows.Objects, l.keys = nil, nil
	for i := range l.draft {
		l.rows.Add(l.row(i))
	}
	l.rest.set(model.Labels(l.p.data.routes.Default, l.p.data.responders))
	setVisible(l.bar, l.dirty())
	l.p.content.Refresh()
}

// row is one route.
func (l *routeList) row(i int) fyne.CanvasObject {
	r := l.draft[i]
	c, known := l.p.data.checked[r.When]
	ink := colorText
	if r.Off {
		ink = colorMuted
	}
	words := vbox(1, newText(model.RouteName(r, i), look{bold: true, color: ink}),
		newText(model.RouteWords(r.When, c.Cond), look{size: sizeSmall, color: colorMuted, wrap: true}))
	if known && c.Problem != "" {
		words.Add(newText(clean.Block(c.Problem), look{size: sizeSmall, color: colorBad, wrap: true}))
	}
	to := model.Labels(r.To, l.p.data.responders)
	if r.Also {
		to += " · then looks at later routes"
	}
	words.Add(hboxTop(6, newIcon(iconSend, colorMuted, 14), fill(newText(to, look{size: sizeSmall, color: ink, wrap: true}))))
	on := newToggle(func(on bool) {
		l.alter(i, func(r *api.Route) { r.Off = !on })
		l.w.win.Canvas().Focus(l.keys[i].on)
	})
	on.on = !r.Off
	up := newButton(quiet, "", iconUp, func() { l.step(i, i-1) })
	down := newButton(quiet, "", iconDown, func() { l.step(i, i+1) })
	up.enable(i > 0)
	down.enable(i < len(l.draft)-1)
	l.keys = append(l.keys, routeKeys{on, up, down})
	more := newButton(quiet, "", iconMore, nil)
	more.tap = func() {
		l.w.menu(more, true,
			fyne.NewMenuItem("Edit…", func() { l.edit(i, r) }),
			fyne.NewMenuItem("Move to the top", func() { l.move(i, 0) }),
			fyne.NewMenuItem("Move to the end", func() { l.move(i, len(l.draft)-1) }),
			fyne.NewMenuItemSeparator(),
			fyne.NewMenuItem("Remove", func() { l.change(slices.Delete(slices.Clone(l.draft), i, i+1)) }))
	}
	number := exactWidth(26, newText(strconv.Itoa(i+1), look{color: colorMuted, align: fyne.TextAlignTrailing}))
	return card(10, hbox(10, number, fill(words), hbox(2, on, newButton(quiet, "", iconEdit, func() { l.edit(i, r) }), up, down, more)))
}

// alter changes one route.
func (l *routeList) alter(i int, change func(*api.Route)) {
	rs := slices.Clone(l.draft)
	change(&rs[i])
	l.change(rs)
}

func (l *routeList) move(from, to int) {
	rs := slices.Clone(l.draft)
	r := rs[from]
	rs = slices.Delete(rs, from, from+1)
	l.change(slices.Insert(rs, to, r))
}

// step moves a route by one, and keeps what moved it at hand: pressing again
// goes on.
func (l *routeList) step(from, to int) {
	l.move(from, to)
	k := l.keys[to].down
	if to < from && !l.keys[to].up.disabled || k.disabled {
		k = l.keys[to].up
	}
	l.w.win.Canvas().Focus(k)
}

// put replaces the route at i, or adds one before the end where i is below 0.
func (l *routeList) put(i int, r api.Route, c api.RouteChecked) {
	l.p.data.checked[r.When] = c
	if i < 0 || i >= len(l.draft) {
		l.change(append(slices.Clone(l.draft), r))
		return
	}
	l.alter(i, func(old *api.Route) { *old = r })
}

// store sends the list. Before that it looks whether somebody else changed it.
func (l *routeList) store() {
	if l.saving || !l.dirty() {
		return
	}
	l.wait(true)
	base, svc := l.base, l.w.svc
	call(l.w.b, briefly, svc.Routes, func(now api.Routes, err error) {
		switch {
		case err != nil:
			l.refused(err)
		case !sameRoutes(base, now.Routes):
			l.wait(false)
			l.p.data.routes = now
			l.show()
			l.w.confirm(question{title: "Put your routes in the place of others?",
				text: "The routes were changed elsewhere since you began: at a terminal, or in another window. Saving puts yours in their place.",
				yes:  "Save mine", no: "Look again", danger: true, then: l.send})
		default:
			l.send()
		}
	})
}

func (l *routeList) send() {
	l.wait(true)
	rs, svc := slices.Clone(l.draft), l.w.svc
	call(l.w.b, briefly, func(ctx context.Context) (api.Routes, error) { return svc.SetRoutes(ctx, rs) }, func(now api.Routes, err error) {
		if err != nil {
			l.refused(err)
			return
		}
		l.wait(false)
		later := !sameRoutes(l.draft, rs) // changed again while they were saved
		l.base, l.p.data.routes = now.Routes, now
		if !later {
			l.draft = slices.Clone(now.Routes)
		}
		l.say("")
		l.draw()
		l.w.say("The routes are saved.")
		l.p.load()
	})
}

// refused says why nothing was saved; the list stays as it is.
func (l *routeList) refused(err error) {
	l.wait(false)
	l.say("Not saved. " + explain(err))
	l.p.content.Refresh()
}

func (l *routeList) wait(on bool) {
	l.saving = on
	l.save.enable(!on)
	l.undo.enable(!on)
	l.save.setLabel(map[bool]string{true: "Saving…", false: "Save"}[on])
}
