package window

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
)

// overlaps is for how long a replaced secret may still count.
var overlaps = [...]struct {
	label string
	d     time.Duration
}{{"not at all", 0}, {"for 1 hour", time.Hour}, {"for 1 day", 24 * time.Hour}, {"for 7 days", 7 * 24 * time.Hour}}

// rotation lets choose for how long the former secret still counts; nil where
// there is none, or where it can't.
func (f *accountForm) rotation(fd api.Field) fyne.CanvasObject {
	if a := f.p.account; a == nil || !fd.Rotates || a.Secrets[fd.Key] == "" {
		return nil
	}
	row := flow(4)
	var all []*radio
	for _, o := range overlaps {
		r := newRadio(o.label, nil)
		all = append(all, r)
		row.Add(r)
	}
	// The service knows one overlap for all of an account's secrets.
	f.rotates = append(f.rotates, all)
	for i, r := range all {
		r.tap = func() { f.choose(i) }
		r.on = i == 0
	}
	return vbox(0, note("After a change, the former one still counts:"), pad(-4, 0, 0, 0, row))
}

func (f *accountForm) choose(i int) {
	f.overlap = overlaps[i].d
	for _, rs := range f.rotates {
		for j, r := range rs {
			r.setOn(i == j)
		}
	}
}

// overlapOf is how long replaced secrets still count: only a secret that rotates
// and is replaced has a former one.
func (f *accountForm) overlapOf(values map[string]string) time.Duration {
	for _, fd := range f.kind.Fields {
		if fd.Rotates && values[fd.Key] != "" && f.p.account != nil && f.p.account.Secrets[fd.Key] != "" {
			return f.overlap
		}
	}
	return 0
}

// maker lets Postern make the value of a field, and shows it once; nil where it
// can't.
func (f *accountForm) maker(fd api.Field, e *entry) fyne.CanvasObject {
	view, hide := newMaker(f.p.w, fd, e, f.kind.Name, func(s string) { f.fault(fd.Key, s) }, func() { f.view.Refresh() },
		func() bool { return f.p.w.setup == f.p })
	if view != nil {
		f.hides = append(f.hides, hide)
	}
	return view
}

// newMaker is a button that puts a made value of a platform's or a responder's
// field into e, where it is shown once; nil where none can be made. fault shows
// what went wrong, and open reports whether the form is still there. hide takes
// the value out of sight.
func newMaker(w *Window, fd api.Field, e *entry, of string, fault func(string), refresh func(), open func() bool) (view fyne.CanvasObject, hide func()) {
	if !fd.Makes {
		return nil, nil
	}
	value := ""
	shown := hbox(8, newIcon(iconInfo, colorWarn, 16), fill(newText("It is shown once, now. Copy it to where it is needed before you save.", look{size: sizeSmall, wrap: true})),
		newButton(plain, "Copy", iconCopy, func() { w.copy(value, clean.Line(fd.Label, 60)) }))
	shown.Hide()
	hide = func() {
		value = ""
		e.Password = fd.Secret
		shown.Hide()
		e.Refresh()
		refresh()
	}
	typed := e.OnChanged
	e.OnChanged = func(s string) {
		if typed != nil {
			typed(s)
		}
		if value != "" && s != value { // it is the person's own now
			hide()
		}
	}
	b := newButton(plain, "Make one", "", nil)
	b.tap = func() {
		b.enable(false)
		call(w.b, briefly, func(ctx context.Context) (api.Made, error) { return w.svc.Make(ctx, of, fd.Key) }, func(m api.Made, err error) {
			b.enable(true)
			switch {
			case err != nil:
				fault(explain(err))
			case !open(): // the form was left
			default:
				value = m.Value
				e.Password = false
				e.SetText(m.Value)
				e.Refresh()
				shown.Show()
				refresh()
			}
		})
	}
	return vbox(6, hbox(0, b, gapFill()), shown), hide
}
