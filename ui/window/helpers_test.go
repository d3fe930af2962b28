package window

import (
	"image"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
)

// pin makes pictures and words the same everywhere.
func pin(t *testing.T) {
	t.Helper()
	old := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = old })
}

// capture draws the window as a driver would after a few frames, in which what
// wraps has found its height.
func (s *stage) capture() image.Image {
	for range 3 {
		s.win.Resize(fyne.NewSize(1101, 720))
		s.win.Resize(fyne.NewSize(1100, 720))
		s.win.Content().Refresh()
	}
	return s.win.Canvas().Capture()
}

// walk visits every object that is in the window, dialogs included.
func (s *stage) walk(visit func(fyne.CanvasObject)) {
	var down func(fyne.CanvasObject)
	down = func(o fyne.CanvasObject) {
		if o == nil || !o.Visible() {
			return
		}
		visit(o)
		switch o := o.(type) {
		case *fyne.Container:
			for _, c := range o.Objects {
				down(c)
			}
		case *container.Scroll:
			down(o.Content)
		case fyne.Widget:
			for _, c := range test.WidgetRenderer(o).Objects() {
				down(c)
			}
		}
	}
	down(s.win.Content())
	for _, o := range s.win.Canvas().Overlays().List() {
		down(o)
	}
}
