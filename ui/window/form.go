package window

import (
	"maps"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// pasteLength is how many characters must come at once to count as pasted.
const pasteLength = 8

// accountForm is the steps and fields of one platform, built from its data.
type accountForm struct {
	p    *setupPage
	kind api.Platform

	view      fyne.CanvasObject
	name      *entry
	ephemeral *toggle
	inputs    map[string]*entry
	faults    map[string]*text
	before    map[string]string // what the fields held when the form opened
	found     *fyne.Container   // what the check found
	debounce  func()
	overlap   time.Duration // for how long a replaced secret still counts
	rotates   [][]*radio    // the choices of it
	hides     []func()      // take made secrets out of sight

	out     *api.Check       // of the last check
	checked api.AccountDraft // what it checked
}

func newAccountForm(p *setupPage, k api.Platform) *accountForm {
	f := &accountForm{p: p, kind: k, inputs: map[string]*entry{}, faults: map[string]*text{}, before: map[string]string{}}
	rows := vbox(20)
	if p.account == nil {
		rows.Add(vbox(4, heading("Set up "+clean.Line(k.Title, 40)), note(clean.Block(k.Summary))))
		rows.Add(fold("What it can and can't do", abilities(k)))
		if len(k.Setup.Steps) > 0 {
			rows.Add(guide(p.w, k.Setup))
		}
	} else if len(k.Setup.Steps) > 0 {
		rows.Add(fold("Show the setup steps again", guide(p.w, k.Setup)))
	}
	fields := vbox(16)
	more := vbox(16)
	for _, fd := range k.Fields {
		if fd.Advanced {
			more.Add(f.field(fd))
		} else {
			fields.Add(f.field(fd))
		}
	}
	f.name = newEntry(p.w, "For example: home")
	f.name.submit = p.trySave
	fields.Add(labelled("Name", "Your own label, to tell accounts apart. Optional.", f.name, nil))
	f.ephemeral = newToggle(nil)
	if p.account != nil {
		f.name.SetText(p.account.Name)
		f.ephemeral.on = p.account.Ephemeral
	}
	fields.Add(switchRow("Keep no message texts", "Texts are deleted from the journal as soon as they are delivered. Who wrote and when is kept.", f.ephemeral))
	if len(more.Objects) > 0 {
		fields.Add(fold("More settings", more))
	}
	rows.Add(fields)
	f.found = container.NewStack()
	f.found.Hide()
	rows.Add(f.found)
	f.view = container.NewVScroll(pad(16, 4, 28, 24, narrow(640, rows)))
	return f
}

// field is one line of the form.
func (f *accountForm) field(fd api.Field) fyne.CanvasObject {
	hint := fd.Placeholder
	var e *entry
	if fd.Secret {
		e = newSecretEntry(f.p.w, hint)
	} else {
		e = newEntry(f.p.w, hint)
	}
	label := clean.Line(fd.Label, 60)
	if a := f.p.account; a != nil {
		if fd.Secret {
			if kept := a.Secrets[fd.Key]; kept != "" {
				e.SetPlaceHolder("Saved, ends in " + strings.TrimPrefix(kept, "…") + ". Leave empty to keep it.")
			}
		} else {
			e.SetText(a.Settings[fd.Key])
		}
		f.before[fd.Key] = e.Text
	} else if !fd.Required {
		label += " (optional)"
	}
	e.submit = f.p.trySave
	last := len([]rune(e.Text))
	e.OnChanged = func(s string) {
		f.fault(fd.Key, "")
		n := len([]rune(s))
		if fd.Secret && n-last >= pasteLength {
			f.checkSoon()
		}
		last = n
	}
	f.inputs[fd.Key] = e
	fault := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	fault.Hide()
	f.faults[fd.Key] = fault
	if len(fd.Options) > 0 {
		return labelled(clean.Line(fd.Label, 60), clean.Block(fd.Help), picker(fd.Options, e), fault)
	}
	return labelled(label, clean.Block(fd.Help), e, fault, f.maker(fd, e), f.rotation(fd))
}

// picker is buttons of which one is chosen; e, which is not shown, holds its
// value. Nothing chosen is the first.
func picker(options []platforms.Option, e *entry) fyne.CanvasObject {
	row := flow(6)
	var all []*button
	choose := func(i int) {
		e.SetText(options[i].Value)
		for j, b := range all {
			b.setOn(i == j)
		}
	}
	for i, o := range options {
		b := newButton(plain, clean.Line(o.Label, 80), "", func() { choose(i) })
		b.setOn(o.Value == e.Text || e.Text == "" && i == 0)
		all = append(all, b)
		row.Add(b)
	}
	return row
}

// labelled is a field with its label above, and help or what is wrong below.
func labelled(label, help string, o fyne.CanvasObject, fault *text, under ...fyne.CanvasObject) fyne.CanvasObject {
	rows := vbox(4, newText(label, look{bold: true, size: sizeSmall}), o)
	if fault != nil {
		rows.Add(fault)
	}
	for _, u := range under {
		if u != nil {
			rows.Add(u)
		}
	}
	if help != "" {
		rows.Add(note(help))
	}
	return rows
}

// switchRow is a switch with its words at the left.
func switchRow(label, help string, t *toggle) fyne.CanvasObject {
	words := vbox(2, newText(label, look{bold: true, size: sizeSmall}))
	if help != "" {
		words.Add(note(help))
	}
	return hbox(16, fill(words), t)
}

// fold hides o behind a line that opens it.
func fold(label string, o fyne.CanvasObject) fyne.CanvasObject {
	view, _ := folding(label, o)
	return view
}

// folding is fold with a function that opens and closes it.
func folding(label string, o fyne.CanvasObject) (view fyne.CanvasObject, open func(bool)) {
	o.Hide()
	rows := vbox(12)
	b := newButton(quiet, label, iconRight, nil)
	open = func(on bool) {
		setVisible(o, on)
		b.setGlyph(map[bool]glyph{true: iconDown, false: iconRight}[on])
		rows.Refresh()
	}
	b.tap = func() { open(!o.Visible()) }
	rows.Add(pad(-14, 0, 0, 0, hbox(0, b, gapFill())))
	rows.Add(o)
	return rows, open
}

// fault shows what is wrong with a field, or that nothing is.
func (f *accountForm) fault(key, s string) {
	t := f.faults[key]
	if t == nil || (s == "" && !t.Visible()) {
		return
	}
	t.set(s)
	setVisible(t, s != "")
	f.view.Refresh()
}

func (f *accountForm) focus() {
	c := f.p.w.win.Canvas()
	for _, fd := range f.kind.Fields {
		if !fd.Advanced && fd.Required {
			c.Focus(f.inputs[fd.Key])
			return
		}
	}
}

// complete reports whether every required field holds something, and says so
// at those that don't.
func (f *accountForm) complete() bool {
	ok := true
	for _, fd := range f.kind.Fields {
		e := f.inputs[fd.Key]
		kept := f.p.account != nil && fd.Secret && f.p.account.Secrets[fd.Key] != ""
		if fd.Required && strings.TrimSpace(e.Text) == "" && !kept {
			f.fault(fd.Key, clean.Line(fd.Label, 60)+" is missing. Fill it in.")
			ok = false
		}
	}
	return ok
}

// draft is what is typed. A change carries only what differs, so that a secret
// that was left alone stays.
func (f *accountForm) draft() api.AccountDraft {
	d := api.AccountDraft{Platform: f.kind.Name, Name: strings.TrimSpace(f.name.Text), Values: map[string]string{}, Ephemeral: f.ephemeral.on}
	for _, fd := range f.kind.Fields {
		v := f.inputs[fd.Key].Text
		switch {
		case f.p.account == nil && strings.TrimSpace(v) == "":
		case f.p.account != nil && v == f.before[fd.Key]:
		default:
			d.Values[fd.Key] = v
		}
	}
	d.Overlap = f.overlapOf(d.Values)
	return d
}

func same(a, b api.AccountDraft) bool {
	return a.Platform == b.Platform && maps.Equal(a.Values, b.Values)
}

// credentials reports whether anything but names and switches was changed.
func (f *accountForm) credentials() bool { return len(f.draft().Values) > 0 }

func (f *accountForm) changed() bool {
	d := f.draft()
	if a := f.p.account; a != nil {
		return len(d.Values) > 0 || d.Name != a.Name || d.Ephemeral != a.Ephemeral
	}
	return len(d.Values) > 0
}

// checkSoon checks a moment after a secret was pasted.
func (f *accountForm) checkSoon() {
	if f.debounce != nil {
		f.debounce()
	}
	f.debounce = f.p.w.b.after(600*time.Millisecond, func() {
		if f.p.w.setup == f.p && f.p.form() == f && f.requiredFilled() {
			f.p.runCheck(nil)
		}
	})
}

func (f *accountForm) requiredFilled() bool {
	for _, fd := range f.kind.Fields {
		if fd.Required && strings.TrimSpace(f.inputs[fd.Key].Text) == "" &&
			(f.p.account == nil || f.p.account.Secrets[fd.Key] == "") {
			return false
		}
	}
	return true
}

func (f *accountForm) show(o fyne.CanvasObject) {
	f.found.Objects = nil
	if o != nil {
		f.found.Objects = []fyne.CanvasObject{o}
	}
	setVisible(f.found, o != nil)
	f.view.Refresh()
}

func (f *accountForm) checking() {
	f.out = nil
	f.show(strip(hbox(10, newIcon(iconActivity, colorAccent, 16), fill(body("Asking "+clean.Line(f.kind.Title, 40)+"…")))))
}

// result shows what a check found; nil takes away what the last one did.
func (f *accountForm) result(out *api.Check) {
	f.out = out
	if out == nil {
		f.show(nil)
		return
	}
	for key, s := range out.Fields {
		f.fault(key, clean.Block(s))
	}
	rows := vbox(6)
	if out.Error != nil {
		rows.Add(remark(true, body(clean.Block(out.Error.Text))))
	} else if len(out.Fields) == 0 {
		rows.Add(accepted(out))
	}
	for _, p := range out.Identity.Problems {
		s := clean.Block(p.Text)
		if p.Fix != "" {
			s += " After saving, one click mends it."
		}
		rows.Add(remark(p.Bad, body(s)))
	}
	f.show(rows)
	if s, ok := f.view.(*container.Scroll); ok {
		s.ScrollToBottom()
	}
}

// accepted says who the bot is.
func accepted(out *api.Check) fyne.CanvasObject {
	name, handle := clean.Line(out.Identity.Name, 60), clean.Line(out.Identity.Handle, 60)
	if name == "" {
		name = handle
		handle = ""
	}
	who := hbox(8, newText(name, look{bold: true, whole: true}), fill(newText(handle, look{color: colorMuted})))
	return container.NewStack(newBox(colorSunken, colorBorder, 8), pad(12, 10, 12, 10,
		hbox(12, newAvatar(initials(name), string(out.Identity.ID), 36),
			fill(vbox(1, who, newText("The credentials are accepted.", look{size: sizeSmall, color: colorGood}))),
			newIcon(iconCheck, colorGood, 20))))
}

// refused shows why saving failed, at the fields where it is about them.
func (f *accountForm) refused(err error) {
	out := api.Check{Error: &api.Error{Text: explain(err)}}
	if e := told(err); e != nil {
		out.Fields = e.Fields
	}
	f.result(&out)
	f.out = nil
}

// wipe takes what was typed out of the fields.
func (f *accountForm) wipe() {
	if f.debounce != nil {
		f.debounce()
	}
	for _, hide := range f.hides {
		hide()
	}
	for _, e := range f.inputs {
		e.OnChanged = nil
		e.SetText("")
	}
}
