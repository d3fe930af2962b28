package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// halves is a list with what was chosen from it at its right, or in its place
// where there is no room for both.
type halves struct {
	view        *fyne.Container
	list, other fyne.CanvasObject
	shown       bool       // something is chosen
	alone       func(bool) // whether what is chosen stands alone
}

// The least width for both, and the list's part of it.
const (
	halvesLeast = 720
	halvesList  = 0.44
	halvesSpace = 12
)

func newHalves(list, other fyne.CanvasObject) *halves {
	h := &halves{list: list, other: other}
	h.view = container.New(h, list, other)
	other.Hide()
	return h
}

// open shows or hides what was chosen.
func (h *halves) open(on bool) {
	h.shown = on
	h.view.Refresh()
	h.Layout(nil, h.view.Size())
}

// MinSize implements fyne.Layout.
func (h *halves) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// Layout implements fyne.Layout.
func (h *halves) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	both := size.Width >= halvesLeast
	setVisible(h.list, both || !h.shown)
	setVisible(h.other, h.shown)
	left := size.Width
	at := fyne.Position{}
	if both && h.shown {
		left = size.Width * halvesList
		at.X = left + halvesSpace
	}
	if h.alone != nil && h.shown {
		h.alone(!both)
	}
	if h.list.Visible() {
		h.list.Move(fyne.Position{})
		h.list.Resize(fyne.NewSize(left, size.Height))
	}
	h.other.Move(at)
	h.other.Resize(fyne.NewSize(size.Width-at.X, size.Height))
}
