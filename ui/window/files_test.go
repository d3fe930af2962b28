package window

import (
	"io"
	"testing"

	"fyne.io/fyne/v2/test"
)

// TestFileDialogs opens the toolkit's own dialogs, which every other test
// replaces.
func TestFileDialogs(t *testing.T) {
	a := test.NewTempApp(t)
	w := a.NewWindow("files")
	defer w.Close()
	d := dialogs{w}
	d.Open(func(*Picked, error) {})
	d.Save("notes.txt", func(io.WriteCloser, error) {})
	if n := len(w.Canvas().Overlays().List()); n != 2 {
		t.Errorf("%d dialogs are open", n)
	}
}
