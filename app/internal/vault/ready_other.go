//go:build !unix || darwin

package vault

import (
	"context"
	"runtime"
)

// keyringReady: the keyring is part of the system here. Only macOS may ask the
// person, within the call and without a way to know beforehand.
func keyringReady(context.Context) (mayPrompt bool, err error) {
	return runtime.GOOS == "darwin", nil
}

func busReason(error) (Reason, bool) { return "", false }

func busError(error) (name string, ok bool) { return "", false }
