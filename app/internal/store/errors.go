package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	bolterrors "go.etcd.io/bbolt/errors"
)

// What errors.Is finds in the errors of this package. The error itself says in
// a sentence what happened and what to do.
var (
	ErrNotFound = errors.New("there is no such entry in the journal")
	ErrState    = errors.New("the entry is not in a state that allows this")
	ErrTooBig   = errors.New("too big to be stored")
	ErrClosed   = errors.New("the journal is closed")
	ErrLocked   = errors.New("the journal is in use by another process")
	ErrNewer    = errors.New("the journal was written by a newer version")
	ErrFull     = errors.New("the disk is full")
	ErrReadOnly = errors.New("the journal can't be written")
	ErrDamaged  = errors.New("the journal is damaged")
)

// fault is an error with a sentence for the person.
type fault struct {
	kind error  // one of the above
	text string // what happened, then what to do
	err  error  // the cause, may be nil
}

func (f *fault) Error() string {
	if f.err == nil {
		return f.text
	}
	return fmt.Sprintf("%s (%v)", f.text, f.err)
}

func (f *fault) Unwrap() []error {
	if f.err == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.err}
}

func damaged(err error) error {
	return &fault{ErrDamaged, "The journal is damaged. Restart Postern: it checks the journal when it starts and puts back the newest good copy.", err}
}

func tooBig(what string) error {
	return &fault{ErrTooBig, what + " is too big to be stored. Send less at once.", nil}
}

// classify gives an error of the file system or of bbolt its kind. bbolt hands
// some causes on as text only, so the text is looked at too.
func classify(err error) error {
	var f *fault
	if err == nil || errors.As(err, &f) {
		return err
	}
	text := strings.ToLower(err.Error())
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return &fault{ErrLocked, "Another Postern already uses this journal. Close it first, or start this one with another data folder.", err}
	case has("no space left", "not enough space", "disk quota exceeded", "file too large", "disk full"):
		return &fault{ErrFull, "The disk with the journal is full, so nothing more can be stored. Free some space; Postern goes on by itself.", err}
	case errors.Is(err, fs.ErrPermission), has("read-only file system", "permission denied", "access is denied", "operation not permitted"):
		return &fault{ErrReadOnly, "The journal's folder can't be written. Give your user write access to it, or choose another data folder.", err}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrInvalidMapping):
		return damaged(err)
	}
	return err
}
