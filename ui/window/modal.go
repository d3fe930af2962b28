package window

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// modal is a dialog over the page. While it is open, nothing below it can be
// reached.
type modal struct {
	w      *Window
	view   fyne.CanvasObject
	closed func() // after it was dismissed without an answer
}

// open shows content in a dialog of the given width, or as wide as the window
// allows.
func (w *Window) open(content fyne.CanvasObject, width float32, closed func()) *modal {
	sheet := container.NewStack(newBox(colorSurface, colorBorder, 12), padAll(24, content))
	m := &modal{w: w, closed: closed}
	m.view = container.NewStack(newBox(colorVeil, "", 0), container.New(&centered{width}, sheet))
	w.modals = append(w.modals, m)
	w.win.Canvas().Overlays().Add(m.view)
	m.view.Resize(w.win.Canvas().Size())
	return m
}

// centered puts its object in the middle, as high as it needs to be.
type centered struct{ width float32 }

func (*centered) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

func (c *centered) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		w := min(c.width, size.Width-48)
		if o.Size().Width != w {
			o.Resize(fyne.NewSize(w, o.MinSize().Height))
		}
		h := min(o.MinSize().Height, size.Height-32)
		o.Resize(fyne.NewSize(w, h))
		o.Move(fyne.NewPos((size.Width-w)/2, (size.Height-h)*0.45))
	}
}

// close takes the dialog away.
func (m *modal) close() {
	m.w.win.Canvas().Overlays().Remove(m.view)
	if i := slices.Index(m.w.modals, m); i >= 0 {
		m.w.modals = slices.Delete(m.w.modals, i, i+1)
	}
}

// dismiss is close without an answer.
func (m *modal) dismiss() {
	m.close()
	if m.closed != nil {
		m.closed()
	}
}

func (w *Window) closeModals() {
	for len(w.modals) > 0 {
		w.modals[len(w.modals)-1].dismiss()
	}
}

// question is a dialog with one decision.
type question struct {
	title, text string
	quote       string // from outside: shown on a ground of its own
	yes, no     string // no yes: only a way out
	danger      bool
	then        func()
	also        string // a third thing to do, which leaves the dialog open
	alsoThen    func()
}

// confirm asks q. The way out has the focus, so that Enter does nothing.
func (w *Window) confirm(q question) *modal {
	rows := vbox(12, heading(q.title), body(q.text))
	if q.quote != "" {
		rows.Add(strip(newText(q.quote, look{size: sizeSmall, mono: true, wrap: true})))
	}
	var m *modal
	no := newButton(plain, q.no, "", func() { m.dismiss() })
	buttons := hbox(8, gapFill())
	if q.also != "" {
		buttons.Add(newButton(plain, q.also, "", q.alsoThen))
	}
	buttons.Add(no)
	if q.yes != "" {
		k := primary
		if q.danger {
			k = danger
		}
		buttons.Add(newButton(k, q.yes, "", func() { m.close(); q.then() }))
	}
	rows.Add(pad(0, 8, 0, 0, buttons))
	m = w.open(rows, 440, nil)
	w.win.Canvas().Focus(no)
	return m
}

// toaster says what was done or went wrong, at the bottom of the window.
type toaster struct {
	w    *Window
	view *fyne.Container
	box  *box
	sign *icon
	text *text
	stop func()
}

func newToaster(w *Window) *toaster {
	t := &toaster{w: w, box: newBox(colorSurface, colorStrong, 10), sign: newIcon(iconInfo, colorAccent, 16), text: body("")}
	hide := newButton(quiet, "", iconClose, func() { t.hide() })
	row := hbox(10, t.sign, fill(t.text), hide)
	t.view = container.New(&bottom{}, container.NewStack(t.box, pad(14, 6, 6, 6, row)))
	t.view.Hide()
	return t
}

func (t *toaster) visible() bool { return t.view.Visible() }

// say shows s. A fault stays until it is dismissed or followed by another.
func (t *toaster) say(s string, bad bool) {
	if t.stop != nil {
		t.stop()
		t.stop = nil
	}
	t.sign.set(iconCheck, colorGood)
	t.box.tint(colorSurface, colorStrong)
	if bad {
		t.sign.set(iconWarn, colorBad)
		t.box.tint(colorBadSoft, colorBad)
	}
	t.text.set(s)
	t.view.Show()
	t.view.Refresh()
	if !bad {
		t.stop = t.w.b.after(5*time.Second, t.hide)
	}
}

func (t *toaster) hide() { t.view.Hide() }

// bottom puts its object at the bottom, in the middle.
type bottom struct{}

func (*bottom) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

func (*bottom) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		w := min(620, size.Width-48)
		o.Resize(fyne.NewSize(w, o.MinSize().Height))
		h := o.MinSize().Height
		o.Resize(fyne.NewSize(w, h))
		o.Move(fyne.NewPos((size.Width-w)/2, size.Height-h-20))
	}
}
