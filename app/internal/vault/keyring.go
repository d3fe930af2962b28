package vault

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/zalando/go-keyring"

	"github.com/postern/postern/platforms"
)

// osKeyring is the system's keyring through go-keyring.
type osKeyring struct{ service string }

func (k osKeyring) get(item string) (string, error) { return keyring.Get(k.service, item) }

func (k osKeyring) set(item, value string) error { return keyring.Set(k.service, item, value) }

func (k osKeyring) del(item string) error { return keyring.Delete(k.service, item) }

// classify makes every error of a keyring's call ErrNotFound, a context's error
// or *Unavailable. secret is masked in what the system said.
func classify(err error, secret platforms.Secret) error {
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
	return &Unavailable{Reason: reasonOf(err), Err: platforms.RedactError(err, secret)}
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
