package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// tiles sets objs in as many columns of the same width as fit, each at least
// that wide; those of one line are as high as the highest.
func tiles(space, least float32, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&tiling{space: space, least: least}, objs...)
}

type tiling struct{ space, least, width float32 }

func (t *tiling) place(objs []fyne.CanvasObject, put func(o fyne.CanvasObject, x, y, w, h float32)) float32 {
	n := max(1, int((t.width+t.space)/(t.least+t.space)))
	w := (t.width - t.space*float32(n-1)) / float32(n)
	var seen []fyne.CanvasObject
	for _, o := range objs {
		if o.Visible() {
			seen = append(seen, o)
		}
	}
	var y float32
	for len(seen) > 0 {
		line := seen[:min(n, len(seen))]
		seen = seen[len(line):]
		var h float32
		for _, o := range line {
			if w > 0 && o.Size().Width != w { // what wraps knows its height only then
				o.Resize(fyne.NewSize(w, o.MinSize().Height))
			}
			h = max(h, o.MinSize().Height)
		}
		for i, o := range line {
			put(o, float32(i)*(w+t.space), y, w, h)
		}
		y += h + t.space
	}
	return max(0, y-t.space)
}

func (t *tiling) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	for _, o := range objs {
		if o.Visible() {
			min.Width = max(min.Width, o.MinSize().Width)
		}
	}
	min.Height = t.place(objs, func(fyne.CanvasObject, float32, float32, float32, float32) {})
	return min
}

func (t *tiling) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	t.width = size.Width
	t.place(objs, func(o fyne.CanvasObject, x, y, w, h float32) {
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(w, h))
	})
}
