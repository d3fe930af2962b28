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

// responderForm is the dialog in which a responder is set up or changed.
type responderForm struct {
	p    *answersPage
	w    *Window
	kind api.ResponderKind
	r    *api.Responder // nil for a new one
	m    *modal

	label  *entry
	inputs map[string]*entry
	faults map[string]*text
	before map[string]string
	fault  *text
	save   *button
	more   func(open bool)
	folded map[string]bool // fields that are folded away
	busy   bool
	hides  []func() // take made secrets out of sight
}

// add offers the kinds of responders that there are.
func (p *answersPage) add() {
	said, rows := body("Looking at what there is…"), vbox(8)
	var m *modal
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	foot := vbox(10, rule(), hbox(8, gapFill(), newButton(plain, "Cancel", "", func() { m.dismiss() })))
	m = p.w.open(frame(pad(0, 0, 0, 12, vbox(8, heading("Add a responder"), said)), foot, nil, nil, container.New(&uncut{}, scroll)), 560, nil)
	call(p.w.b, briefly, p.w.svc.ResponderKinds, func(ks []api.ResponderKind, err error) {
		switch {
		case err != nil:
			said.set("What can be added could not be read. " + explain(err))
		case len(ks) == 0:
			said.set("This Postern has no responders that can be added.")
		default:
			said.set("What should get messages?")
		}
		for _, k := range ks {
			b := newButton(plain, "Choose", "", func() {
				m.close()
				p.form(k, nil)
			})
			rows.Add(card(12, hbox(12, fill(vbox(2, newText(clean.Line(k.Title, 60), look{bold: true}), note(clean.Block(k.Summary)))), b)))
		}
		m.view.Refresh()
	})
}

// change opens the form of a responder that there is.
func (p *answersPage) change(r api.Responder) {
	call(p.w.b, briefly, p.w.svc.ResponderKinds, func(ks []api.ResponderKind, err error) {
		i := slices.IndexFunc(ks, func(k api.ResponderKind) bool { return k.Name == r.Kind })
		switch {
		case err != nil:
			p.w.fail(err)
		case i < 0:
			p.w.toasts.say("This Postern does not know this sort of responder any more. Remove it, or use the version that set it up.", true)
		default:
			p.form(ks[i], &r)
		}
	})
}

func (p *answersPage) form(k api.ResponderKind, r *api.Responder) *responderForm {
	f := &responderForm{p: p, w: p.w, kind: k, r: r, inputs: map[string]*entry{}, faults: map[string]*text{}, before: map[string]string{}, folded: map[string]bool{}}
	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()
	f.label = newEntry(f.w, "For example: "+lowered(k.Title))
	f.label.submit = f.store
	words := "Add: " + clean.Line(k.Title, 60)
	if r != nil {
		f.label.SetText(r.Label)
		words = "Change " + model.ResponderLabel(*r)
	}
	rows, more := vbox(16, note(clean.Block(k.Summary)), labelled("Name", "Your own label, as routes show it.", f.label, nil)), vbox(16)
	for _, fd := range k.Fields {
		if fd.Advanced {
			f.folded[fd.Key] = true
			more.Add(f.field(fd))
		} else {
			rows.Add(f.field(fd))
		}
	}
	f.more = func(bool) {}
	if len(more.Objects) > 0 {
		folded, open := folding("More settings", more)
		f.more = open
		rows.Add(folded)
	}
	f.save = newButton(primary, "Save", "", f.store)
	foot := vbox(10, rule(), f.fault, hbox(8, gapFill(), newButton(plain, "Cancel", "", func() { f.m.dismiss() }), f.save))
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = f.w.open(frame(pad(0, 0, 0, 12, heading(words)), foot, nil, nil, container.New(&uncut{}, scroll)), 600, f.wipe)
	f.w.win.Canvas().Focus(f.label)
	return f
}

func lowered(s string) string { return strings.ToLower(clean.Line(s, 40)) }

func (f *responderForm) field(fd api.Field) fyne.CanvasObject {
	var e *entry
	switch {
	case model.MultiLine(fd):
		e = newAreaEntry(f.w, clean.Block(fd.Placeholder))
		e.SetMinRowsVisible(4)
	case fd.Secret:
		e = newSecretEntry(f.w, clean.Line(fd.Placeholder, 120))
	default:
		e = newEntry(f.w, clean.Line(fd.Placeholder, 120))
	}
	label := clean.Line(fd.Label, 60)
	if f.r != nil {
		if kept := f.r.Secrets[fd.Key]; fd.Secret && kept != "" {
			e.SetPlaceHolder("Saved, ends in " + strings.TrimPrefix(kept, "…") + ". Leave empty to keep it.")
		}
		if !fd.Secret {
			e.SetText(f.r.Settings[fd.Key])
		}
		f.before[fd.Key] = e.Text
	} else if !fd.Required {
		label += " (optional)"
	}
	if !e.MultiLine {
		e.submit = f.store
	}
	e.OnChanged = func(string) { f.mark(fd.Key, "") }
	fault := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	fault.Hide()
	f.inputs[fd.Key], f.faults[fd.Key] = e, fault
	if len(fd.Options) > 0 {
		return labelled(clean.Line(fd.Label, 60), clean.Block(fd.Help), picker(fd.Options, e), fault)
	}
	help := clean.Block(fd.Help)
	if fd.Secret && e.MultiLine {
		help += " What you type stays in view until you save, and is never shown again."
	}
	return labelled(label, help, e, fault, f.maker(fd, e))
}

// maker lets Postern make the value of a field; nil where it can't.
func (f *responderForm) maker(fd api.Field, e *entry) fyne.CanvasObject {
	view, hide := newMaker(f.w, fd, e, f.kind.Name, func(s string) { f.mark(fd.Key, s) }, func() { f.m.view.Refresh() },
		func() bool { return slices.Contains(f.w.modals, f.m) })
	if view != nil {
		f.hides = append(f.hides, hide)
	}
	return view
}

// mark shows what is wrong with a field, or that nothing is.
func (f *responderForm) mark(key, s string) {
	t := f.faults[key]
	if t == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Block(clean.Sentence(s)))
	setVisible(t, s != "")
	if s != "" && f.folded[key] {
		f.more(true)
	}
	f.m.view.Refresh()
}

// draft is what is typed. A change carries only what differs, so that a secret
// that was left alone stays.
func (f *responderForm) draft() api.ResponderDraft {
	d := api.ResponderDraft{Kind: f.kind.Name, Label: strings.TrimSpace(f.label.Text), Values: map[string]string{}}
	if f.r != nil {
		d.Off = f.r.Off
	}
	for _, fd := range f.kind.Fields {
		if v := f.inputs[fd.Key].Text; f.r == nil && strings.TrimSpace(v) != "" || f.r != nil && v != f.before[fd.Key] {
			d.Values[fd.Key] = v
		}
	}
	return d
}

// complete says at each required field that is empty that it is.
func (f *responderForm) complete() bool {
	ok := true
	for _, fd := range f.kind.Fields {
		kept := f.r != nil && fd.Secret && f.r.Secrets[fd.Key] != ""
		if fd.Required && len(fd.Options) == 0 && !kept && strings.TrimSpace(f.inputs[fd.Key].Text) == "" {
			f.mark(fd.Key, clean.Line(fd.Label, 60)+" is missing. Fill it in.")
			ok = false
		}
	}
	return ok
}

func (f *responderForm) store() {
	if f.busy || !f.complete() {
		return
	}
	f.fail(nil)
	f.wait(true)
	d, svc := f.draft(), f.w.svc
	call(f.w.b, patient, func(ctx context.Context) (api.Responder, error) {
		if f.r != nil {
			return svc.ChangeResponder(ctx, f.r.ID, d)
		}
		return svc.AddResponder(ctx, d)
	}, func(r api.Responder, err error) {
		f.wait(false)
		if err != nil {
			f.fail(err)
			return
		}
		if slices.Contains(f.w.modals, f.m) {
			f.m.close()
		}
		f.wipe()
		words := model.ResponderLabel(r) + " is saved."
		if f.r == nil {
			words += " Messages reach it when a route leads to it."
		}
		f.w.say(words)
		f.p.load()
	})
}

func (f *responderForm) wait(on bool) {
	f.busy = on
	f.save.enable(!on)
	f.save.setLabel(map[bool]string{true: "Saving…", false: "Save"}[on])
	f.m.view.Refresh()
}

// fail shows why nothing was saved, at the fields where it is about them. What
// was typed stays.
func (f *responderForm) fail(err error) {
	words := ""
	if err != nil {
		words = "Not saved. " + explain(err)
		if e := told(err); e != nil && len(e.Fields) > 0 {
			all := true
			for key, s := range e.Fields {
				f.mark(key, s)
				all = all && f.faults[key] != nil
			}
			if all { // its text tells the same once more
				words = "Not saved. Mend what is marked."
			}
		}
	}
	f.fault.set(clean.Block(words))
	setVisible(f.fault, words != "")
	f.m.view.Refresh()
}

// wipe takes what was typed out of the fields.
func (f *responderForm) wipe() {
	for _, hide := range f.hides {
		hide()
	}
	for _, e := range f.inputs {
		e.OnChanged = nil
		e.SetText("")
	}
}
