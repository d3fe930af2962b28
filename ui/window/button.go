package window

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// kind is how much a button stands out.
type kind int

const (
	plain   kind = iota // bordered
	primary             // filled with the accent: one on a page
	quiet               // no border
	danger              // bordered, in the colour of faults
	chip                // a filter: round, filled while on
)

// button is a thing to press, with words, an icon, or both.
type button struct {
	widget.BaseWidget
	label string
	glyph glyph
	kind  kind
	on    bool // of a chip
	tall  bool
	after bool // the icon stands after the words
	// noEnter: Enter does not press it, so that nobody does by habit.
	noEnter bool
	tap     func()

	disabled, hovered, focused, pressed bool
}

func newButton(k kind, label string, g glyph, tap func()) *button {
	b := &button{label: label, glyph: g, kind: k, tap: tap}
	b.ExtendBaseWidget(b)
	return b
}

func (b *button) setLabel(s string) {
	if b.label != s {
		b.label = s
		b.Refresh()
	}
}

func (b *button) setGlyph(g glyph) {
	if b.glyph != g {
		b.glyph = g
		b.Refresh()
	}
}

func (b *button) setOn(on bool) {
	if b.on != on {
		b.on = on
		b.Refresh()
	}
}

func (b *button) enable(on bool) {
	if b.disabled == on {
		b.disabled = !on
		b.Refresh()
	}
}

// Tapped implements fyne.Tappable.
func (b *button) Tapped(*fyne.PointEvent) {
	if !b.disabled && b.tap != nil {
		b.tap()
	}
}

// MouseIn implements desktop.Hoverable.
func (b *button) MouseIn(*desktop.MouseEvent) { b.hovered = true; b.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (b *button) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (b *button) MouseOut() { b.hovered, b.pressed = false, false; b.Refresh() }

// MouseDown implements desktop.Mouseable.
func (b *button) MouseDown(*desktop.MouseEvent) { b.pressed = true; b.Refresh() }

// MouseUp implements desktop.Mouseable.
func (b *button) MouseUp(*desktop.MouseEvent) { b.pressed = false; b.Refresh() }

// Cursor implements desktop.Cursorable.
func (b *button) Cursor() desktop.Cursor {
	if b.disabled {
		return desktop.DefaultCursor
	}
	return desktop.PointerCursor
}

// FocusGained implements fyne.Focusable.
func (b *button) FocusGained() { b.focused = true; b.Refresh() }

// FocusLost implements fyne.Focusable.
func (b *button) FocusLost() { b.focused = false; b.Refresh() }

// TypedRune implements fyne.Focusable.
func (b *button) TypedRune(r rune) {
	if r == ' ' {
		b.Tapped(nil)
	}
}

// TypedKey implements fyne.Focusable.
func (b *button) TypedKey(ev *fyne.KeyEvent) {
	switch ev.Name {
	case fyne.KeyReturn, fyne.KeyEnter:
		if !b.noEnter {
			b.Tapped(nil)
		}
	default:
		passKey(b, ev)
	}
}

// passKey gives a key that a widget has no use for to the window.
func passKey(o fyne.CanvasObject, ev *fyne.KeyEvent) {
	d := fyne.CurrentApp().Driver()
	c := d.CanvasForObject(o)
	if c == nil { // a button inside another widget is on no canvas of its own
		for _, w := range d.AllWindows() {
			if w.Canvas().Focused() != nil {
				c = w.Canvas()
			}
		}
	}
	if c != nil && c.OnTypedKey() != nil {
		c.OnTypedKey()(ev)
	}
}

func (b *button) textSize() float32 {
	if b.kind == chip {
		return sizeSmall
	}
	return sizeBody
}

// MinSize implements fyne.CanvasObject.
func (b *button) MinSize() fyne.Size {
	h, side := float32(32), float32(14)
	if b.kind == chip {
		h, side = 26, 9
	}
	if b.tall {
		h = 36
	}
	if b.label == "" {
		return fyne.NewSize(h, h)
	}
	w := fyne.MeasureText(b.label, b.textSize(), fyne.TextStyle{Bold: b.kind == primary}).Width + 2*side
	if b.glyph != "" {
		w += 16 + 6 - 2
	}
	return fyne.NewSize(w, h)
}

func (b *button) colors() (fill, stroke, ink color.Color) {
	fill, stroke, ink = color.Transparent, color.Transparent, colorOf(colorText)
	switch b.kind {
	case plain:
		fill, stroke = colorOf(colorSurface), colorOf(colorStrong)
		if b.on {
			fill, stroke = colorOf(colorSoft), colorOf(colorAccent)
		}
	case danger:
		fill, stroke, ink = colorOf(colorSurface), colorOf(colorStrong), colorOf(colorBad)
	case primary:
		fill, ink = colorOf(colorAccent), colorOf(theme.ColorNameForegroundOnPrimary)
	case quiet:
		ink = colorOf(colorMuted)
		if b.hovered || b.focused {
			ink = colorOf(colorText)
		}
	case chip:
		stroke, ink = colorOf(colorStrong), colorOf(colorMuted)
		if b.on {
			fill, stroke, ink = colorOf(colorSoft), colorOf(colorAccent), colorOf(colorText)
		}
	}
	if b.disabled {
		ink = colorOf(theme.ColorNameDisabled)
		if b.kind == primary {
			fill = colorOf(theme.ColorNameDisabledButton)
		}
	}
	return fill, stroke, ink
}

// CreateRenderer implements fyne.Widget.
func (b *button) CreateRenderer() fyne.WidgetRenderer {
	back, over := canvas.NewRectangle(color.Transparent), canvas.NewRectangle(color.Transparent)
	words, img := canvas.NewText("", color.Black), &canvas.Image{FillMode: canvas.ImageFillContain}
	r := &drawn{w: b, min: b.MinSize, objs: []fyne.CanvasObject{back, over, img, words}}
	r.layout = func(s fyne.Size) {
		back.Resize(s)
		over.Resize(s)
		wm := words.MinSize()
		if b.label == "" {
			wm.Width = 0
		}
		total, x := wm.Width, float32(0)
		if b.glyph != "" {
			total += 16
			if b.label != "" {
				total += 6
			}
		}
		x = (s.Width - total) / 2
		if b.after {
			words.Move(fyne.NewPos(12, (s.Height-wm.Height)/2))
			words.Resize(fyne.NewSize(max(0, s.Width-44), wm.Height))
			img.Move(fyne.NewPos(s.Width-28, (s.Height-16)/2))
			img.Resize(fyne.NewSquareSize(16))
			return
		}
		if b.glyph != "" {
			img.Move(fyne.NewPos(x, (s.Height-16)/2))
			img.Resize(fyne.NewSquareSize(16))
			x += 22
		}
		words.Move(fyne.NewPos(x, (s.Height-wm.Height)/2))
		words.Resize(wm)
	}
	r.paint = func() {
		fill, stroke, ink := b.colors()
		back.FillColor, back.StrokeColor, back.StrokeWidth = fill, stroke, 1
		back.CornerRadius, over.CornerRadius = 6, 6
		if b.kind == chip {
			back.CornerRadius, over.CornerRadius = 13, 13
		}
		over.FillColor, over.StrokeColor, over.StrokeWidth = color.Transparent, color.Transparent, 0
		if b.focused && !b.disabled {
			over.StrokeColor, over.StrokeWidth = colorOf(colorAccent), 2
			if b.kind == primary {
				over.StrokeColor = colorOf(colorText)
			}
		}
		switch {
		case b.disabled:
		case b.pressed:
			over.FillColor = colorOf(theme.ColorNamePressed)
		case b.hovered:
			over.FillColor = colorOf(theme.ColorNameHover)
		}
		words.Text, words.Color, words.TextSize = b.label, ink, b.textSize()
		words.TextStyle.Bold = b.kind == primary
		img.Hidden = b.glyph == ""
		if b.glyph != "" {
			img.Resource = b.glyph.resource(ink)
		}
		for _, o := range []fyne.CanvasObject{back, over, img, words} {
			o.Refresh()
		}
	}
	r.paint()
	return r
}

// toggle is a switch with its words at its left.
type toggle struct {
	button
	changed func(bool)
}

func newToggle(changed func(bool)) *toggle {
	t := &toggle{changed: changed}
	t.tap = func() {
		t.on = !t.on
		t.Refresh()
		if t.changed != nil {
			t.changed(t.on)
		}
	}
	t.ExtendBaseWidget(t)
	return t
}

// MinSize implements fyne.CanvasObject.
func (t *toggle) MinSize() fyne.Size { return fyne.NewSize(40, 24) }

// CreateRenderer implements fyne.Widget.
func (t *toggle) CreateRenderer() fyne.WidgetRenderer {
	track, knob := canvas.NewRectangle(color.Transparent), canvas.NewCircle(color.White)
	track.CornerRadius = 11
	r := &drawn{w: t, min: t.MinSize, objs: []fyne.CanvasObject{track, knob}}
	r.layout = func(s fyne.Size) {
		track.Resize(fyne.NewSize(40, 22))
		track.Move(fyne.NewPos(s.Width-40, (s.Height-22)/2))
		knob.Resize(fyne.NewSquareSize(16))
		x := s.Width - 40 + 3
		if t.on {
			x += 18
		}
		knob.Move(fyne.NewPos(x, (s.Height-16)/2))
	}
	r.paint = func() {
		track.FillColor, track.StrokeColor, track.StrokeWidth = colorOf(colorBorder), colorOf(colorStrong), 1
		knob.FillColor = colorOf(colorMuted)
		if t.on {
			track.FillColor, track.StrokeColor = colorOf(colorAccent), colorOf(colorAccent)
			knob.FillColor = colorOf(theme.ColorNameForegroundOnPrimary)
		}
		if t.focused {
			track.StrokeColor, track.StrokeWidth = colorOf(colorText), 2
		}
		track.Refresh()
		knob.Refresh()
	}
	r.paint()
	return r
}
