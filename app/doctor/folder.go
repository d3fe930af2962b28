package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// How much room the data folder wants, in bytes.
const (
	roomWarns = 1_000_000_000
	roomFails = 100_000_000
)

// Disk looks how much room is left where the data folder is. free may be nil.
func Disk(dir string, free func(dir string) (uint64, error)) Probe {
	if free == nil {
		free = freeSpace
	}
	return Probe{ID: "disk", Title: "Disk space", Run: func(context.Context) Result {
		n, err := free(dir)
		if err != nil {
			return Result{api.Unclear, "How much room is left for the data folder could not be found out.", "Look at the disk's free space yourself."}
		}
		words := fmt.Sprintf("%s are free where the data folder is.", text.Size(int64(min(n, 1<<62))))
		const do = "Make room on the disk. Without it no message can be stored, and none is acknowledged to the platforms."
		switch {
		case n < roomFails:
			return Result{api.Sick, words, do}
		case n < roomWarns:
			return Result{api.Warned, words, do}
		}
		return ok("%s", words)
	}}
}

// mostFiles bounds how many files are looked at.
const mostFiles = 20_000

var errEnough = errors.New("enough files")

// Permissions looks whether other users of this computer can reach into the
// data folder.
func Permissions(dir string) Probe {
	return Probe{ID: "permissions", Title: "Data folder", Run: func(ctx context.Context) Result {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return skip("There is no data folder yet. It is made at the first start.")
		case err != nil:
			return Result{api.Sick, "The data folder can't be read.", "Give it to your user, or choose another with --data."}
		case !info.IsDir():
			return Result{api.Sick, "The data folder's place is taken by a file.", "Move the file away, or choose another folder with --data."}
		case runtime.GOOS == "windows":
			return ok("The data folder is there. Who may read it follows from your user folder.")
		}
		mend := "Close it to others: chmod -R go-rwx " + quoted(dir)
		if !mine(info) {
			return Result{api.Sick, "The data folder belongs to another user.", "Give it to your user: chown -R \"$USER\" " + quoted(dir)}
		}
		if bits := info.Mode().Perm() & 0o077; bits != 0 {
			return Result{api.Sick, fmt.Sprintf("Other users of this computer can reach the data folder: its mode is %04o, not 0700.", info.Mode().Perm()), mend}
		}
		open, foreign, n, err := loose(ctx, dir)
		switch {
		case err != nil:
			return Result{api.Unclear, "Not every file of the data folder could be looked at.", "Look whether all of them belong to your user."}
		case foreign > 0:
			return Result{api.Sick, fmt.Sprintf("%d of %d files in the data folder belong to another user.", foreign, n), "Give them to your user: chown -R \"$USER\" " + quoted(dir)}
		case open > 0:
			return Result{api.Warned, fmt.Sprintf("%d of %d files in the data folder would be open to other users if the folder were.", open, n), mend}
		}
		return ok("The data folder is closed to other users, and so are its %d files.", n)
	}}
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.IndexFunc(path, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-", r)
	}) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// loose counts the files that are open to others, or belong to them.
func loose(ctx context.Context, dir string) (open, foreign, n int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // it was there a moment ago
				return nil
			}
			return err
		}
		if path == dir || d.Type()&(fs.ModeSymlink|fs.ModeSocket) != 0 {
			return nil
		}
		if n >= mostFiles {
			return errEnough
		}
		info, err := d.Info()
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		n++
		if info.Mode().Perm()&0o077 != 0 {
			open++
		}
		if !mine(info) {
			foreign++
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return open, foreign, n, err
}
