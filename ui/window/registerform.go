package window

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// registration is the dialog in which an input's service is told the input's
// address, and which shows how that stands.
type registration struct {
	p    *inputsPage
	w    *Window
	in   api.Input
	form api.RegistrationForm
	m    *modal

	head   *text
	inside *fyne.Container
	inputs map[string]*entry
	faults map[string]*text
	fault  *text
	steps  *fyne.Container
	act    *button
	again  *button // registers once more
	leave  *button
	stop   func()
	busy   bool
	idle   string // what act says while nothing is under way
}

// register opens the dialog.
func (w *Window) register(p *inputsPage, in api.Input) *registration {
	g := &registration{p: p, w: w, in: in, inputs: map[string]*entry{}, faults: map[string]*text{}, inside: vbox(14), steps: vbox(6)}
	g.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	g.fault.Hide()
	g.act = newButton(primary, "Register", "", g.tell)
	g.leave = newButton(plain, "Close", "", g.end)
	g.again = newButton(plain, "Register again…", "", g.look)
	g.again.Hide()
	scroll := container.NewVScroll(pad(0, 0, 12, 8, g.inside))
	g.head = heading("Register at " + serviceOf(in))
	g.m = w.open(frame(pad(0, 0, 0, 12, vbox(2, g.head, note("The service is told this input's address, so that it sends its events there."))),
		vbox(10, rule(), g.fault, hbox(8, gapFill(), g.leave, g.again, g.act)), nil, nil, container.New(&uncut{}, scroll)), 640, g.wipe)
	w.win.Canvas().Focus(g.leave)
	if in.Registration != nil {
		g.state(*in.Registration)
		return g
	}
	g.look()
	return g
}

// serviceOf is where an input can be registered.
func serviceOf(in api.Input) string {
	if s := clean.Line(in.RegistersAt, 40); s != "" {
		return s
	}
	return clean.Line(in.Title, 40)
}

// look reads what the service wants to know.
func (g *registration) look() {
	g.act.Hide()
	g.again.Hide()
	g.say("")
	g.inside.Objects = nil
	g.inside.Add(note("Looking at what " + serviceOf(g.in) + " wants to know…"))
	g.refresh()
	id, svc := g.in.Account, g.w.svc
	g.stop = call(g.w.b, patient, func(ctx context.Context) (api.RegistrationForm, error) { return svc.RegisterForm(ctx, id) }, func(f api.RegistrationForm, err error) {
		g.stop = nil
		if err != nil {
			g.inside.Objects = nil
			g.say(explain(err))
			return
		}
		g.ask(f)
	})
}

func (g *registration) refresh() { g.m.view.Refresh() }

func (g *registration) say(s string) {
	g.fault.set(clean.Block(s))
	setVisible(g.fault, s != "")
	g.refresh()
}

// ask shows the service's form.
func (g *registration) ask(f api.RegistrationForm) {
	g.form = f
	g.inside.Objects = nil
	if len(f.Setup.Steps) > 0 {
		g.inside.Add(guide(g.w, f.Setup))
	}
	if address, whole := model.AddressWords(g.in.Address); address != "" {
		help := ""
		if !whole {
			help = "Its end is a secret and not shown here. The service is told it whole."
		}
		g.inside.Add(labelled("Address that it is told", help, strip(newText(address, look{mono: true, size: sizeSmall, wrap: true})), nil))
	}
	more := vbox(14)
	var first *entry
	for _, fd := range f.Fields {
		o := g.field(fd)
		if fd.Advanced {
			more.Add(o)
			continue
		}
		g.inside.Add(o)
		if first == nil && len(fd.Options) == 0 {
			first = g.inputs[fd.Key]
		}
	}
	if len(more.Objects) > 0 {
		g.inside.Add(fold("More settings", more))
	}
	g.inside.Add(g.steps)
	g.act.Show()
	g.act.setLabel("Register")
	g.act.kind = primary
	g.act.tap = g.tell
	g.refresh()
	if first != nil {
		g.w.win.Canvas().Focus(first)
	}
}

func (g *registration) field(fd api.Field) fyne.CanvasObject {
	e := newEntry(g.w, clean.Line(fd.Placeholder, 120))
	if fd.Secret {
		e = newSecretEntry(g.w, clean.Line(fd.Placeholder, 120))
	}
	e.submit = g.tell
	e.OnChanged = func(string) { g.mark(fd.Key, "") }
	t := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	t.Hide()
	g.inputs[fd.Key], g.faults[fd.Key] = e, t
	label, help := clean.Line(fd.Label, 60), clean.Block(fd.Help)
	if len(fd.Options) > 0 {
		return labelled(label, help, picker(fd.Options, e), t)
	}
	if !fd.Required {
		label += " (optional)"
	}
	if fd.Secret {
		help = strings.TrimSpace(help + " It is used now, kept in the keyring for the removal, and never shown again.")
	}
	return labelled(label, help, e, t)
}

// mark shows what is wrong with a field, or that nothing is.
func (g *registration) mark(key, s string) {
	t := g.faults[key]
	if t == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Block(clean.Sentence(s)))
	setVisible(t, s != "")
	g.refresh()
}

// complete says at each required field that is empty that it is.
func (g *registration) complete() bool {
	ok := true
	for _, fd := range g.form.Fields {
		if fd.Required && len(fd.Options) == 0 && strings.TrimSpace(g.inputs[fd.Key].Text) == "" {
			g.mark(fd.Key, clean.Line(fd.Label, 60)+" is missing. Fill it in.")
			ok = false
		}
	}
	return ok
}

// tell registers the input.
func (g *registration) tell() {
	if g.busy || !g.complete() {
		return
	}
	g.say("")
	d := api.RegistrationDraft{Values: map[string]string{}}
	for key, e := range g.inputs {
		if e.Text != "" {
			d.Values[key] = e.Text
		}
	}
	g.wait("Registering…", "Talking with "+serviceOf(g.in)+"…")
	id, svc := g.in.Account, g.w.svc
	g.stop = call(g.w.b, patient, func(ctx context.Context) (api.Registration, error) { return svc.Register(ctx, id, d) }, func(r api.Registration, err error) {
		g.ready("Register")
		g.draw(r.Steps)
		if err != nil {
			words := "Not registered. " + explain(err)
			if e := told(err); e != nil {
				for key, s := range e.Fields {
					g.mark(key, s)
				}
			}
			g.say(words)
			return
		}
		g.p.load()
		g.wipe()
		g.state(r)
	})
}

// wait shows that something is under way, and that it can be cancelled.
func (g *registration) wait(label, words string) {
	g.busy, g.idle = true, g.act.label
	g.act.enable(false)
	g.again.enable(false)
	g.act.setLabel(label)
	g.leave.setLabel("Cancel")
	g.steps.Objects = []fyne.CanvasObject{note(words)}
	g.refresh()
}

func (g *registration) ready(label string) {
	g.busy, g.stop = false, nil
	g.act.enable(true)
	g.again.enable(true)
	g.act.setLabel(label)
	g.leave.setLabel("Close")
	g.steps.Objects = nil
}

// end cancels what is under way, or closes the dialog.
func (g *registration) end() {
	if !g.busy {
		g.m.dismiss()
		return
	}
	g.stop()
	g.ready(g.idle)
	g.say("Cancelled. What the service was told by then, it may still know.")
	g.p.load()
}

// draw shows what was done, in order.
func (g *registration) draw(steps []api.RegistrationStep) {
	g.steps.Objects = nil
	for _, s := range steps {
		sign := newIcon(iconInfo, colorMuted, 16)
		switch {
		case s.Bad:
			sign = newIcon(iconClose, colorBad, 16)
		case s.Done:
			sign = newIcon(iconCheck, colorGood, 16)
		}
		g.steps.Add(stepLine(sign, clean.Line(s.Text, 400)))
	}
	g.refresh()
}

const removeLabel = "Remove there…"

// state shows how the registration stands.
func (g *registration) state(r api.Registration) {
	g.in.Registration = &r
	g.head.set("Registration at " + serviceOf(g.in))
	g.inside.Objects = nil
	c, sign, words := colorWarn, iconInfo, "Registered, and waiting for its first request."
	if !r.Proven.IsZero() {
		c, sign, words = colorGood, iconCheck, "Registered, and proven: the service has reached this input."
	}
	if slices.ContainsFunc(r.Steps, func(s api.RegistrationStep) bool { return s.Bad }) {
		c, sign, words = colorBad, iconWarn, "Registered, but something is wrong. Look at what is marked."
	}
	line := func(k, v string) {
		if v != "" {
			g.inside.Add(hboxTop(8, exactWidth(90, small(k)), fill(newText(v, look{size: sizeSmall, wrap: true}))))
		}
	}
	g.inside.Add(hbox(8, newIcon(sign, c, 18), fill(newText(words, look{bold: true, color: c, wrap: true}))))
	line("Where", clean.Line(r.Where, 200))
	address, _ := model.AddressWords(r.Address)
	line("Address", address)
	if !r.At.IsZero() {
		line("Since", moment(r.At)+", "+model.Ago(r.At, g.w.now()))
	}
	if !r.Proven.IsZero() {
		line("Proven", moment(r.Proven))
	}
	line("Its id", clean.Line(r.ID, 120))
	g.inside.Add(g.steps)
	g.draw(r.Steps)
	g.act.kind = danger
	g.act.setLabel(removeLabel)
	g.act.tap = g.remove
	setVisible(g.again, g.in.RegistersAt != "")
	g.act.Show()
	g.act.Refresh()
	g.refresh()
}

// remove takes the registration back, after asking.
func (g *registration) remove() {
	r := *g.in.Registration
	address, _ := model.AddressWords(r.Address)
	g.w.confirm(question{title: "Remove it there?", text: "The service forgets this input's address and sends nothing here any more. What arrived stays.",
		quote: clean.Line(r.Where, 200) + "  " + address, yes: "Remove", no: "Keep", danger: true, then: func() {
			g.say("")
			g.wait("Removing…", "Talking with "+serviceOf(g.in)+"…")
			id, svc := g.in.Account, g.w.svc
			g.stop = act(g.w.b, patient, func(ctx context.Context) error { return svc.Unregister(ctx, id) }, func(err error) {
				g.ready(removeLabel)
				if err != nil {
					g.draw(r.Steps)
					g.say("Not removed. " + explain(err))
					return
				}
				if slices.Contains(g.w.modals, g.m) {
					g.m.close()
				}
				g.w.say("It was removed at the service.")
				g.p.load()
			})
		}})
}

// wipe takes what was typed out of the fields, and ends what is under way.
func (g *registration) wipe() {
	if g.stop != nil {
		g.stop()
		g.stop = nil
	}
	for _, e := range g.inputs {
		e.OnChanged = nil
		e.SetText("")
	}
}
