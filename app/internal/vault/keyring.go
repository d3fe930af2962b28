package vault

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/zalando/go-keyring"
)

// osKeyring is the system's keyring through go-keyring.
type osKeyring struct{ service string }

func (k osKeyring) get(item string) (string, error) { return keyring.Get(k.service, item) }

func (k osKeyring) set(item, value string) error { return keyring.Set(k.service, item, value) }

func (k osKeyring) del(item string) error { return keyring.Delete(k.service, item) }

// classify makes every error of a keyring's call ErrNotFound, a context's error
// or *Unavailable. writing says that the call was given a secret.
func classify(err error, writing bool) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Unavailable](err); ok {
		return err
	}
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return &Unavailable{Reason: reasonOf(err), Err: said{err, sayable(err, writing)}}
}

// said is an error with another text.
type said struct {
	error
	text string
}

func (s said) Error() string { return s.text }
func (s said) Unwrap() error { return s.error }

// sayable is a text for err that has nothing of a secret: what the system says
// could quote what it was given, whole or in part, so only its codes are
// repeated where it was given a secret.
func sayable(err error, writing bool) string {
	if name, ok := busError(err); ok {
		return "D-Bus error " + strconv.QuoteToASCII(name)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Sprintf("the system's tool ended with status %d", exit.ExitCode())
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	if err == errPanicked || !writing {
		text := strconv.Quote(err.Error())
		return text[1 : len(text)-1]
	}
	return fmt.Sprintf("an error of type %T", err)
}

func reasonOf(err error) Reason {
	if errors.Is(err, keyring.ErrSetDataTooBig) {
		return TooBig
	}
	if reason, ok := busReason(err); ok {
		return reason
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && runtime.GOOS == "darwin" {
		return keychainReason(exit.ExitCode())
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok && runtime.GOOS == "windows" {
		switch number {
		case 5: // ERROR_ACCESS_DENIED
			return Denied
		case 1312: // ERROR_NO_SUCH_LOGON_SESSION: no credential set, as for a service account
			return NoKeyring
		}
	}
	if strings.Contains(err.Error(), "failed to unlock correct collection") {
		return Locked
	}
	return Failed
}

// keychainReason reads the exit code of macOS's security, the low byte of an
// OSStatus of Security/SecBase.h.
func keychainReason(code int) Reason {
	switch code {
	case 36: // errSecInteractionNotAllowed, -25308
		return Locked
	case 51, 128: // errSecAuthFailed, -25293; userCanceledErr, -128
		return Denied
	case 37, 50, 53: // errSecNoDefaultKeychain, errSecNoSuchKeychain, errSecNotAvailable
		return NoKeyring
	}
	return Failed
}
