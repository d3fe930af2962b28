package window

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// check is a box that is ticked or not, with words at its right.
type check struct{ button }

func newCheck(label string, tap func()) *check {
	c := &check{button{label: label, tap: tap}}
	c.ExtendBaseWidget(c)
	return c
}

// MinSize implements fyne.CanvasObject.
func (c *check) MinSize() fyne.Size {
	return fyne.NewSize(30+fyne.MeasureText(c.label, sizeBody, fyne.TextStyle{}).Width+8, 28)
}

// CreateRenderer implements fyne.Widget.
func (c *check) CreateRenderer() fyne.WidgetRenderer {
	over, frame := canvas.NewRectangle(color.Transparent), canvas.NewRectangle(color.Transparent)
	tick := &canvas.Image{FillMode: canvas.ImageFillContain}
	words := canvas.NewText("", color.Black)
	words.TextSize = sizeBody
	over.CornerRadius, frame.CornerRadius = 6, 4
	d := &drawn{w: c, min: c.MinSize, objs: []fyne.CanvasObject{over, frame, tick, words}}
	d.layout = func(s fyne.Size) {
		over.Resize(s)
		frame.Resize(fyne.NewSquareSize(16))
		frame.Move(fyne.NewPos(6, (s.Height-16)/2))
		tick.Resize(fyne.NewSquareSize(14))
		tick.Move(fyne.NewPos(7, (s.Height-14)/2))
		h := words.MinSize().Height
		words.Resize(fyne.NewSize(max(0, s.Width-30), h))
		words.Move(fyne.NewPos(30, (s.Height-h)/2))
	}
	d.paint = func() {
		frame.FillColor, frame.StrokeColor, frame.StrokeWidth = color.Transparent, colorOf(colorMuted), 1.5
		tick.Hidden = !c.on
		if c.on {
			frame.FillColor, frame.StrokeColor = colorOf(colorAccent), colorOf(colorAccent)
			tick.Resource = iconCheck.resource(colorOf("foregroundOnPrimary"))
		}
		over.FillColor, over.StrokeColor, over.StrokeWidth = color.Transparent, color.Transparent, 0
		if c.hovered {
			over.FillColor = colorOf("hover")
		}
		if c.focused {
			over.StrokeColor, over.StrokeWidth = colorOf(colorAccent), 2
		}
		words.Text, words.Color = c.label, colorOf(colorText)
		for _, o := range d.objs {
			o.Refresh()
		}
	}
	d.paint()
	return d
}
