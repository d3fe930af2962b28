package window

import (
	"image"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
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
func (s *stage) capture() image.Image { return s.captureAt(1100, 720) }

func (s *stage) captureAt(w, h float32) image.Image {
	for range 3 {
		s.win.Resize(fyne.NewSize(w+1, h))
		s.win.Resize(fyne.NewSize(w, h))
		s.win.Content().Refresh()
	}
	return s.win.Canvas().Capture()
}

// scrollAccounts shows the end of the accounts.
func (s *stage) scrollAccounts() {
	s.walk(func(o fyne.CanvasObject) {
		if c, ok := o.(*container.Scroll); ok {
			c.ScrollToBottom()
		}
	})
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

// texts is every word that is in view.
func (s *stage) texts() []string {
	var out []string
	s.walk(func(o fyne.CanvasObject) {
		switch o := o.(type) {
		case *text:
			out = append(out, o.s)
		case *tapText:
			out = append(out, o.s)
		case *button:
			out = append(out, o.label)
		case *badge:
			out = append(out, o.words())
		case *entry:
			out = append(out, o.Text, o.PlaceHolder)
		case *widget.Entry:
			out = append(out, o.Text)
		case *widget.Label:
			out = append(out, o.Text)
		case *canvas.Text:
			out = append(out, o.Text)
		}
	})
	return out
}

// sees reports whether a text that contains words is in view.
func (s *stage) sees(words string) bool {
	return slices.ContainsFunc(s.texts(), func(t string) bool { return strings.Contains(t, words) })
}

func (s *stage) want(words string) {
	s.t.Helper()
	if !s.sees(words) {
		s.t.Errorf("%q is not in view", words)
	}
}

func (s *stage) wantNot(words string) {
	s.t.Helper()
	if s.sees(words) {
		s.t.Errorf("%q is in view", words)
	}
}

// button is the first button or radio in view with this label.
func (s *stage) button(label string) *button {
	s.t.Helper()
	var found *button
	s.walk(func(o fyne.CanvasObject) {
		if r, ok := o.(*radio); ok && r.label == label && found == nil {
			found = &r.button
		}
		if b, ok := o.(*button); ok && b.label == label && found == nil {
			found = b
		}
	})
	if found == nil {
		s.t.Fatalf("there is no button %q", label)
	}
	return found
}

// press taps a button and lets what follows happen.
func (s *stage) press(label string) {
	s.t.Helper()
	test.Tap(s.button(label))
	s.settle()
}

// goroutine is the number of the caller's goroutine.
func goroutine() string {
	buf := make([]byte, 64)
	return strings.Fields(string(buf[:runtime.Stack(buf, false)]))[1]
}
