package window

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// Files lets the person pick files.
type Files interface {
	// Save asks where to write a file and calls done with it, or with nil if the
	// person changed their mind.
	Save(name string, done func(io.WriteCloser, error))
	// Open asks for a file to read and calls done with it, or with nil.
	Open(done func(*Picked, error))
}

// Picked is a file to send. Its content is read when it is sent.
type Picked struct {
	Name string
	Size int64
	Open func() (io.ReadCloser, error)
}

// dialogs are Fyne's own file dialogs.
type dialogs struct{ win fyne.Window }

func (d dialogs) Save(name string, done func(io.WriteCloser, error)) {
	f := dialog.NewFileSave(func(w fyne.URIWriteCloser, err error) {
		if w == nil {
			done(nil, err)
			return
		}
		done(w, err)
	}, d.win)
	f.SetFileName(fileName(name))
	f.Show() // before it has a size: the toolkit makes its parts here
	f.Resize(fyne.NewSize(760, 520))
}

func (d dialogs) Open(done func(*Picked, error)) {
	f := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if r == nil {
			done(nil, err)
			return
		}
		path := r.URI().Path()
		if e := r.Close(); err == nil {
			err = e
		}
		if err != nil {
			done(nil, err)
			return
		}
		done(pickPath(path))
	}, d.win)
	f.Show() // before it has a size: the toolkit makes its parts here
	f.Resize(fyne.NewSize(760, 520))
}

// pickPath is the file at path, ready to be sent.
func pickPath(path string) (*Picked, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &api.Error{Kind: platforms.Rejected, Text: "This is not a file. Choose a file."}
	}
	return &Picked{Name: filepath.Base(path), Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// fileName makes a name from outside one that stays in the folder it is saved
// to and is not hidden there.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, clean.Line(name, 120))
	if name = strings.TrimLeft(name, ". "); name == "" {
		return "file"
	}
	return name
}
