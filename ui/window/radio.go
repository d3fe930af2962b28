package window

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// radio is one of several choices that exclude each other, with words at its
// right if it has any.
type radio struct{ button }

func newRadio(label string, chosen func()) *radio {
	r := &radio{button{label: label, tap: chosen}}
	r.ExtendBaseWidget(r)
	return r
}

// MinSize implements fyne.CanvasObject.
func (r *radio) MinSize() fyne.Size {
	if r.label == "" {
		return fyne.NewSize(28, 28)
	}
	return fyne.NewSize(28+fyne.MeasureText(r.label, sizeBody, fyne.TextStyle{}).Width+8, 28)
}

// CreateRenderer implements fyne.Widget.
func (r *radio) CreateRenderer() fyne.WidgetRenderer {
	over, ring, dot := canvas.NewRectangle(color.Transparent), canvas.NewCircle(color.Transparent), canvas.NewCircle(color.Transparent)
	words := canvas.NewText("", color.Black)
	words.TextSize = sizeBody
	over.CornerRadius = 6
	d := &drawn{w: r, min: r.MinSize, objs: []fyne.CanvasObject{over, ring, dot, words}}
	d.layout = func(s fyne.Size) {
		over.Resize(s)
		x := float32(6)
		if r.label == "" {
			x = (s.Width - 16) / 2
		}
		ring.Resize(fyne.NewSquareSize(16))
		ring.Move(fyne.NewPos(x, (s.Height-16)/2))
		dot.Resize(fyne.NewSquareSize(8))
		dot.Move(fyne.NewPos(x+4, (s.Height-8)/2))
		h := words.MinSize().Height
		words.Resize(fyne.NewSize(max(0, s.Width-28), h))
		words.Move(fyne.NewPos(28, (s.Height-h)/2))
	}
	d.paint = func() {
		ring.StrokeColor, ring.StrokeWidth = colorOf(colorMuted), 1.5
		dot.Hidden, dot.FillColor = !r.on, colorOf(colorAccent)
		if r.on {
			ring.StrokeColor = colorOf(colorAccent)
		}
		over.FillColor, over.StrokeColor, over.StrokeWidth = color.Transparent, color.Transparent, 0
		if r.hovered {
			over.FillColor = colorOf("hover")
		}
		if r.focused {
			over.StrokeColor, over.StrokeWidth = colorOf(colorAccent), 2
		}
		words.Text, words.Color = r.label, colorOf(colorText)
		for _, o := range d.objs {
			o.Refresh()
		}
	}
	d.paint()
	return d
}

// exclude makes of several radios one choice: pick chooses.
func exclude(rs []*radio, chosen func(i int)) (pick func(i int)) {
	pick = func(i int) {
		for j, r := range rs {
			r.setOn(i == j)
		}
		chosen(i)
	}
	for i, r := range rs {
		r.tap = func() { pick(i) }
	}
	return pick
}
