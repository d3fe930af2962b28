package vault

import (
	"errors"
	"fmt"
)

// What callers tell apart with errors.Is.
var (
	// ErrNotFound: the place was reached, and the secret is not there.
	ErrNotFound = errors.New("there is no such secret")
	// ErrNeedsPassphrase: there is a sealed file, and no way to ask for its
	// passphrase.
	ErrNeedsPassphrase = errors.New("the secrets are in a sealed file, which needs its passphrase; " +
		"start Postern where it can ask for it, or name a passphrase file")
	// ErrWrongPassphrase: the sealed file is whole, the passphrase isn't its.
	ErrWrongPassphrase = errors.New("the passphrase doesn't open the sealed file; try again")
	// ErrWeakPassphrase: a new sealed file wants a longer one.
	ErrWeakPassphrase = fmt.Errorf("the passphrase is too short; choose one of at least %d characters", minPassphrase)
	// ErrClosed: the vault was closed.
	ErrClosed = errors.New("the vault is closed")
)

// Reason is why secrets can't be reached.
type Reason string

// The reasons.
const (
	// NoKeyring: no keyring answers here, as on a headless Linux.
	NoKeyring Reason = "no keyring"
	// Locked: the keyring stays locked, or the person dismissed the prompt.
	Locked Reason = "locked"
	// TimedOut: no answer in time. A change may still happen later.
	TimedOut Reason = "timed out"
	// Denied: the system refused this program the access.
	Denied Reason = "denied"
	// TooBig: the secret is longer than is kept.
	TooBig Reason = "too big"
	// Damaged: what is there is not what was written.
	Damaged Reason = "damaged"
	// Unsafe: others could read or change the sealed file.
	Unsafe Reason = "unsafe"
	// Gone: the sealed file has gone, its backup has not.
	Gone Reason = "gone"
	// Exists: a sealed file is already there.
	Exists Reason = "exists"
	// Failed: anything else; Err tells.
	Failed Reason = "failed"
)

// Unavailable is the error of secrets that can't be reached. Its text is for a
// person: what happened, then what to do.
type Unavailable struct {
	Reason Reason
	Where  string // the file or folder concerned, if any
	Detail string // adds to the sentence, if any; never holds a secret
	Err    error  // the cause, if known; its text has no secret
}

func (u *Unavailable) Error() string {
	switch u.Reason {
	case NoKeyring:
		return with("no keyring answers on this system", u.Detail) +
			"; start one, or run `postern vault create` to keep the secrets in a file sealed with a passphrase"
	case Locked:
		return "the keyring is locked; unlock it, or answer its prompt, and try again"
	case TimedOut:
		return with("the keyring didn't answer in time", u.Detail) +
			"; look for a prompt that is waiting, then try again"
	case Denied:
		return "the system refused Postern the access to its keyring; allow it in the system's password settings, then try again"
	case TooBig:
		return fmt.Sprintf("the secret is too big; at most %d bytes are kept", maxSecret)
	case Damaged:
		return with(u.Where+" holds something that Postern didn't write, or is damaged", u.Detail) +
			"; restore it from a backup, or set the secret again"
	case Unsafe:
		return u.Where + " is not safe: " + u.Detail
	case Gone:
		return fmt.Sprintf("the sealed file %s has gone, but its backup is there; copy %s%s back, or remove it to start with the keyring",
			u.Where, u.Where, backupSuffix)
	case Exists:
		return u.Where + " is already there; it was left as it is, so open it with its passphrase, or move it away first"
	}
	cause := ""
	if u.Err != nil {
		cause = ": " + u.Err.Error()
	}
	if u.Where != "" {
		return "the secrets can't be reached in " + u.Where + cause + "; see to the file and its disk, then try again"
	}
	return "the keyring failed" + cause + "; try again, and restart the keyring if that doesn't help"
}

// Unwrap is the cause.
func (u *Unavailable) Unwrap() error { return u.Err }

func with(text, detail string) string {
	if detail == "" {
		return text
	}
	return text + " (" + detail + ")"
}
