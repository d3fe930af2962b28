package window

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
)

// programForm is the dialog in which a person names a program, or changes what
// it may do.
type programForm struct {
	p      *programsPage
	w      *Window
	id     string // empty: a new one
	m      *modal
	name   *entry
	rate   *entry
	until  *untilPicker
	scopes *scopeList
	faults map[string]*text
	fault  *text
	save   *button
	busy   bool
}

// add opens the form for a new program.
func (p *programsPage) add() *programForm {
	return p.form("", api.Client{PerMinute: api.UsualPerMinute}, "Name a program", "Make its token")
}

// change opens the form for a program that there is.
func (p *programsPage) change(c api.Client) *programForm {
	return p.form(c.ID, c, "Change "+c.Name, "Save")
}

func (p *programsPage) form(id string, c api.Client, title, yes string) *programForm {
	f := &programForm{p: p, w: p.w, id: id, faults: map[string]*text{}}
	f.name, f.rate = newEntry(p.w, "For example: ci"), newEntry(p.w, strconv.Itoa(api.UsualPerMinute))
	f.name.SetText(c.Name)
	f.rate.SetText(strconv.Itoa(c.PerMinute))
	f.name.submit, f.rate.submit = f.store, f.store
	f.until = newUntilPicker(p.w, c.Expires)
	f.until.other.submit = f.store
	f.scopes = newScopeList(p, c.Scopes, func() { f.mark("scopes", "") })
	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()
	f.name.OnChanged = func(string) { f.mark("name", "") }
	f.rate.OnChanged = func(string) { f.mark("per_minute", "") }
	rows := vbox(16,
		f.labelled("name", "Name", "Letters, digits, dashes, dots and underscores. It stands in the activity with what the program sends.", f.name),
		f.labelled("scopes", "It may", "Nothing else. Reading and sending don't include each other.", f.scopes.view),
		f.labelled("per_minute", "Messages a minute, at most", "Counts only where it may send.", hbox(0, exactWidth(120, f.rate), gapFill())),
		f.labelled("expires", "Counts", "", f.until.view))
	f.save = newButton(primary, yes, "", f.store)
	leave := newButton(plain, "Cancel", "", func() { f.m.dismiss() })
	foot := vbox(10, rule(), f.fault, hbox(8, gapFill(), leave, f.save))
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = p.w.open(frame(pad(0, 0, 0, 12, heading(title)), foot, nil, nil, container.New(&uncut{}, scroll)), 680, nil)
	p.w.win.Canvas().Focus(f.name)
	return f
}

// labelled is a field under its label, with what is wrong with it.
func (f *programForm) labelled(key, label, help string, o fyne.CanvasObject) fyne.CanvasObject {
	t := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	t.Hide()
	f.faults[key] = t
	return labelled(label, help, o, t)
}

// mark shows what is wrong with a field, or that nothing is.
func (f *programForm) mark(key, s string) {
	t := f.faults[key]
	if t == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Block(s))
	setVisible(t, s != "")
	f.m.view.Refresh()
}

// typed is what the form says, and whether it is complete. The service knows
// the rest of what a name may be.
func (f *programForm) typed() (d api.ClientDraft, ok bool) {
	ok = true
	bad := func(key, s string) { f.mark(key, s); ok = false }
	d = api.ClientDraft{Name: strings.TrimSpace(f.name.Text), Scopes: f.scopes.scopes()}
	if d.Name == "" {
		bad("name", "The name is missing. Choose one.")
	}
	switch {
	case len(d.Scopes) == 0:
		bad("scopes", "Add at least one thing that it may do.")
	case f.scopes.unfinished() != "":
		bad("scopes", f.scopes.unfinished())
	}
	if s := strings.TrimSpace(f.rate.Text); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > api.MostPerMinute {
			bad("per_minute", "Enter a whole number between 1 and "+strconv.Itoa(api.MostPerMinute)+".")
		}
		d.PerMinute = n
	}
	end, why := f.until.value()
	if why != "" {
		bad("expires", why)
	}
	d.Expires = end
	return d, ok
}

func (f *programForm) store() {
	if f.busy {
		return
	}
	f.fail(nil)
	for key := range f.faults {
		f.mark(key, "")
	}
	d, ok := f.typed()
	if !ok {
		return
	}
	f.busy = true
	f.save.enable(false)
	id, svc := f.id, f.w.svc
	call(f.w.b, briefly, func(ctx context.Context) (api.ClientMade, error) {
		if id == "" {
			return svc.AddClient(ctx, d)
		}
		c, err := svc.ChangeClient(ctx, id, d)
		return api.ClientMade{Client: c}, err
	}, func(made api.ClientMade, err error) {
		f.busy = false
		f.save.enable(true)
		if err != nil {
			f.fail(err)
			return
		}
		if slices.Contains(f.w.modals, f.m) {
			f.m.close()
		}
		if made.Token != "" {
			f.w.showToken(made)
		} else {
			f.w.say("What " + made.Client.Name + " may do was saved. Its token stays.")
		}
		f.p.load()
	})
}

// fail shows why it was refused. What was typed stays.
func (f *programForm) fail(err error) {
	words := ""
	if err != nil {
		words = explain(err)
		if e := told(err); e != nil {
			for key, s := range e.Fields {
				f.mark(key, s)
			}
		}
	}
	f.fault.set(clean.Block(words))
	setVisible(f.fault, words != "")
	f.m.view.Refresh()
}
