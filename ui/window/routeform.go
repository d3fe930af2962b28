package window

import (
	"context"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// routeForm is the dialog in which a person writes a route.
type routeForm struct {
	l  *routeList
	w  *Window
	at int // its place in the list; below 0 for a new one
	r  api.Route
	m  *modal

	name  *entry
	to    map[string]*check
	order []string // ids, as they are shown
	none  *text    // nobody is chosen
	also  *toggle
	fault *text
	done  *button
	try   *button

	pick   *condition
	source *entry // the expression
	wrong  *text  // what is wrong with it
	byHand bool   // the expression is written, not picked
	modes  [2]*radio
	helper fyne.CanvasObject // the names that expressions may use
	hint   *text

	filling  bool // the fields are being filled by us
	asked    int  // of the checks and writings, the newest counts
	checked  api.RouteChecked
	debounce func()
}

// edit opens the dialog for the route at i, or for a new one that starts as r.
func (l *routeList) edit(i int, r api.Route) *routeForm {
	f := &routeForm{l: l, w: l.w, at: i, r: r, to: map[string]*check{}}
	f.name = newEntry(f.w, "For example: invoices")
	f.name.SetText(r.Name)
	f.name.submit = f.finish
	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()

	f.pick = newCondition(f.w, l.p.data.names, f.picked)
	f.source = newAreaEntry(f.w, "Always. Or for example: text contains \"invoice\" and role == \"owner\"")
	f.source.TextStyle.Monospace = true
	f.source.newlines = false
	f.source.submit = f.finish
	f.source.SetMinRowsVisible(2)
	f.source.OnChanged = f.typed
	f.wrong = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.wrong.Hide()
	f.hint = note("")
	f.modes = [2]*radio{newRadio("Pick from lists", nil), newRadio("Write it yourself", nil)}
	f.modes[0].tap = f.pickIt
	f.modes[1].tap = func() { f.mode(true) }
	f.helper = f.names()
	when := vbox(8, newText("When", look{bold: true, size: sizeSmall}), flow(4, f.modes[0], f.modes[1]), f.pick.view,
		f.hint, f.source, f.wrong, f.helper)

	to := vbox(0)
	f.none = note("Nobody is chosen: what fits this route goes nowhere.")
	for _, p := range l.p.data.responders {
		f.choice(to, p.ID, model.ResponderLabel(p), p.Off)
	}
	for _, id := range r.To {
		if f.to[id] == nil {
			f.choice(to, id, model.LabelOf(id, nil), false)
		}
	}
	to.Add(f.none)
	f.also = newToggle(nil)
	f.also.on = r.Also

	f.done = newButton(primary, "Done", "", f.finish)
	f.try = newButton(plain, "Try it…", "", func() { f.ready(func() { f.w.tryRoutes(f.l.p, f.l.base, f.list()) }) })
	rows := vbox(16, labelled("Name", "", f.name, nil), when,
		vbox(4, newText("Goes to", look{bold: true, size: sizeSmall}), to),
		switchRow("Also look at later routes", "Otherwise this route decides alone.", f.also))
	foot := vbox(10, rule(), f.fault, hbox(8, f.try, gapFill(), newButton(plain, "Cancel", "", func() { f.m.dismiss() }), f.done))
	words := "Edit the route"
	if i < 0 {
		words = "Add a route"
	}
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = f.w.open(frame(pad(0, 0, 0, 12, heading(words)), foot, nil, nil, container.New(&uncut{}, scroll)), 640, f.stop)
	f.count()
	f.start()
	f.w.win.Canvas().Focus(f.name)
	return f
}

// choice adds a responder that can be chosen.
func (f *routeForm) choice(to *fyne.Container, id, label string, off bool) {
	if off {
		label += " (off)"
	}
	c := newCheck(label, nil)
	c.on = slices.Contains(f.r.To, id)
	c.tap = func() { c.setOn(!c.on); f.count() }
	f.to[id] = c
	f.order = append(f.order, id)
	to.Add(hbox(0, c, gapFill()))
}

// count says what it means if nobody is chosen.
func (f *routeForm) count() {
	setVisible(f.none, len(f.route().To) == 0)
	f.refresh()
}

// start asks what the route's expression is as choices.
func (f *routeForm) start() {
	f.fill(f.r.When)
	f.mode(false)
	if strings.TrimSpace(f.r.When) == "" {
		return
	}
	f.mode(true)
	f.pickIt()
}

func (f *routeForm) fill(when string) {
	f.filling = true
	f.source.SetText(when)
	f.filling = false
}

// mode shows the lists, or lets the expression be written.
func (f *routeForm) mode(byHand bool) {
	f.byHand = byHand
	f.modes[0].setOn(!byHand)
	f.modes[1].setOn(byHand)
	setVisible(f.pick.view, !byHand)
	setVisible(f.helper, byHand)
	f.source.Disable()
	f.hint.set("As an expression:")
	if byHand {
		f.source.Enable()
		f.hint.set(handHint)
	}
	f.refresh()
}

const handHint = "An expression. Nothing written: always."

// pickIt turns what is written into choices, where that is possible.
func (f *routeForm) pickIt() {
	f.check(func() {
		c := f.checked.Cond
		if strings.TrimSpace(f.source.Text) == "" {
			c = &api.Cond{}
		}
		all, rows, ok := model.Rows(c)
		if !ok {
			f.mode(true)
			f.hint.set("This expression can't be picked from lists: it says more than they can.")
			f.refresh()
			return
		}
		f.pick.set(all, rows)
		f.mode(false)
	})
}

// picked writes the choices as an expression, once the person pauses.
func (f *routeForm) picked() {
	f.cancel()
	f.asked++
	f.debounce = f.w.b.after(200*time.Millisecond, func() { f.write(nil) })
}

// write has the choices written as an expression, which is then checked.
func (f *routeForm) write(then func()) {
	f.cancel()
	f.asked++
	n, c, svc := f.asked, f.pick.cond(), f.w.svc
	call(f.w.b, briefly, func(ctx context.Context) (string, error) { return svc.WriteRoute(ctx, c) }, func(when string, err error) {
		if n != f.asked {
			return
		}
		if err != nil {
			f.tell(api.RouteChecked{Problem: explain(err)}, told(err) == nil)
			return
		}
		f.fill(when)
		f.check(then)
	})
}

// typed checks what is written, once the person pauses.
func (f *routeForm) typed(string) {
	if f.filling {
		return
	}
	f.hint.set(handHint)
	f.cancel()
	f.asked++
	f.debounce = f.w.b.after(300*time.Millisecond, func() { f.check(nil) })
}

// ready goes on once the expression is written, and known to be right.
func (f *routeForm) ready(then func()) {
	if !f.byHand {
		f.write(then)
		return
	}
	f.check(then)
}

// check checks the expression and then goes on, if nothing is wrong with it.
func (f *routeForm) check(then func()) {
	f.cancel()
	f.asked++
	n, when, svc := f.asked, f.source.Text, f.w.svc
	call(f.w.b, briefly, func(ctx context.Context) (api.RouteChecked, error) { return svc.CheckRoute(ctx, when) }, func(c api.RouteChecked, err error) {
		if n != f.asked {
			return
		}
		if err != nil {
			c.Problem = "It could not be checked. " + explain(err)
		}
		f.checked = c
		f.tell(c, err != nil)
		if c.Problem == "" && then != nil {
			then()
		}
	})
}

// tell shows what is wrong with the expression, or that nothing is. What may be
// right the next time can be tried again.
func (f *routeForm) tell(c api.RouteChecked, again bool) {
	f.wrong.set(clean.Block(c.Problem))
	setVisible(f.wrong, c.Problem != "")
	f.done.enable(c.Problem == "" || again)
	f.refresh()
}

func (f *routeForm) refresh() {
	if f.m != nil {
		f.m.view.Refresh()
	}
}

// route is what the dialog holds.
func (f *routeForm) route() api.Route {
	r := f.r
	r.Name, r.When, r.Also = strings.TrimSpace(f.name.Text), strings.TrimSpace(f.source.Text), f.also.on
	r.To = []string{}
	for _, id := range append(slices.Clone(f.r.To), f.order...) { // what stays keeps its place
		if f.to[id].on && !slices.Contains(r.To, id) {
			r.To = append(r.To, id)
		}
	}
	return r
}

// list is the whole list with this route in it.
func (f *routeForm) list() []api.Route {
	rs := slices.Clone(f.l.draft)
	if f.at < 0 || f.at >= len(rs) {
		return append(rs, f.route())
	}
	rs[f.at] = f.route()
	return rs
}

// finish puts the route into the list, once its expression is known to be
// right.
func (f *routeForm) finish() {
	f.ready(func() {
		if slices.Contains(f.w.modals, f.m) {
			f.m.close()
		}
		f.stop()
		f.l.put(f.at, f.route(), f.checked)
	})
}

// cancel ends what waits for the person to pause.
func (f *routeForm) cancel() {
	if f.debounce != nil {
		f.debounce()
		f.debounce = nil
	}
}

// stop ends what is still under way.
func (f *routeForm) stop() {
	f.cancel()
	f.asked++
}

// names is the list of names that expressions may use.
func (f *routeForm) names() fyne.CanvasObject {
	rows := vbox(6)
	for _, n := range f.l.p.data.names {
		words := vbox(0, newText(n.Name+"  ("+clean.Line(n.Type, 30)+")", look{mono: true, size: sizeSmall}), note(clean.Line(n.Help, 200)))
		if n.Example != "" {
			words.Add(newText(clean.Line(n.Example, 200), look{mono: true, size: sizeTiny, color: colorMuted, wrap: true}))
		}
		put := newButton(plain, "Insert", "", func() { f.insert(n) })
		rows.Add(hbox(8, fill(words), put))
	}
	scroll := container.NewVScroll(pad(0, 0, 12, 0, rows))
	return fold("Names to use", sized(0, 180, scroll))
}

// insert writes a name's example at the end of the expression.
func (f *routeForm) insert(n api.RouteName) {
	s := n.Example
	if s == "" {
		s = n.Name
	}
	if before := strings.TrimSpace(f.source.Text); before != "" {
		s = before + " and " + s
	}
	f.source.SetText(s)
	f.w.win.Canvas().Focus(f.source)
}
