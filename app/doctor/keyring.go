package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// Vault is where secrets are kept, as far as a check needs it.
type Vault struct {
	Where string // in words
	// Put, Get and Del keep, read and remove one value under a name that nothing
	// else uses.
	Put func(ctx context.Context) error
	Get func(ctx context.Context) (same bool, err error)
	Del func(ctx context.Context) error
}

// Keyring keeps a value where the secrets are, reads it back and removes it.
func Keyring(v Vault) Probe {
	return Probe{ID: "keyring", Title: "Secrets", Run: func(ctx context.Context) Result {
		failed := func(what string, err error) Result {
			if errors.Is(err, context.DeadlineExceeded) {
				return Result{api.Unclear, fmt.Sprintf("Secrets are kept in: %s. It did not answer in time.", v.Where),
					"Look whether it asks to be unlocked, then run the doctor again."}
			}
			return Result{api.Sick, fmt.Sprintf("Secrets are kept in: %s. A value could not be %s. %s", v.Where, what, text.Sentence(err.Error())),
				"Unlock the keyring, or look whether its service runs. Accounts can't start without their secrets."}
		}
		if err := v.Put(ctx); err != nil {
			return failed("kept", err)
		}
		same, err := v.Get(ctx)
		// What was put there goes, also where there is no time left.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		gone := v.Del(last)
		switch {
		case err != nil:
			return failed("read back", err)
		case !same:
			return Result{api.Sick, fmt.Sprintf("Secrets are kept in: %s. It gave another value back than it was given.", v.Where), "Repair the keyring, or start anew with a sealed file: postern vault --help."}
		case gone != nil:
			return failed("removed", gone)
		}
		return ok("Secrets are kept in: %s. A value was kept, read back and removed.", v.Where)
	}}
}
