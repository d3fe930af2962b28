package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// Outside is what can be looked at where no Postern runs, or none answers.
// Neither keyring nor journal is touched.
func Outside(dir string, silent error) []Probe {
	return []Probe{
		{ID: "running", Title: "Postern", Run: func(context.Context) Result {
			if silent != nil {
				return Result{api.Sick, "Postern does not answer. " + text.Sentence(silent.Error()), "Do what the text says; else quit Postern and start it again."}
			}
			return Result{api.Sick, "Postern is not running for this data folder, so nothing comes in and nothing is sent.", "Start it with: postern. It can start with your session: see General in its window."}
		}},
		Network(func(context.Context) []string { return nil }, Net{}),
		Proxy(func(context.Context) []string { return nil }, Net{}),
		Disk(dir, func(dir string) (uint64, error) {
			for _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir; _, err = os.Stat(dir) {
				dir = filepath.Dir(dir) // it will be made there
			}
			return freeSpace(dir)
		}),
		Permissions(dir),
		files(dir),
		{ID: "keyring", Title: "Secrets", Run: func(context.Context) Result {
			return skip("Not looked at: only a running Postern asks for secrets.")
		}},
	}
}

// files looks whether the journal is there.
func files(dir string) Probe {
	return Probe{ID: "journal", Title: "Journal", Run: func(context.Context) Result {
		info, err := os.Stat(filepath.Join(dir, "journal.db"))
		copied := NewestCopy(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && copied.IsZero():
			return skip("There is none yet. It is made at the first start.")
		case errors.Is(err, fs.ErrNotExist):
			return Result{api.Warned, "The journal is gone, but a copy of it is there.", "Start Postern: it takes the newest good copy, and says so."}
		case err != nil:
			return Result{api.Unclear, "The journal can't be looked at.", "Look whether the data folder belongs to your user."}
		case copied.IsZero():
			return ok("It is there, with %s, and was not opened here. There is no copy of it yet.", text.Size(info.Size()))
		}
		return ok("It is there, with %s, and was not opened here. Its newest copy is of %s.", text.Size(info.Size()), copied.Local().Format("2 January 2006, 15:04"))
	}}
}
