//go:build darwin && !cgo

package notify

import (
	"context"
	"fmt"
)

// Notifier shows nothing: on macOS notifications need cgo.
type Notifier struct{}

// New fails with ErrUnavailable.
func New(context.Context, Options) (*Notifier, error) { return nil, unavailable() }

// Show fails with ErrUnavailable.
func (*Notifier) Show(context.Context, Notification) error { return unavailable() }

// Withdraw does nothing.
func (*Notifier) Withdraw(string) {}

// Close does nothing.
func (*Notifier) Close() {}

func unavailable() error {
	return fmt.Errorf("%w: this build of Postern has none for macOS, use a release build", ErrUnavailable)
}
