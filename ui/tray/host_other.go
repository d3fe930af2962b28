//go:build windows || darwin

package tray

import (
	"context"
	"log/slog"
)

// prepare reports that there is a place for the icon: these systems always
// have one.
func prepare(*slog.Logger) bool { return true }

// early does nothing: here the icon is set once the library says it is ready.
func early(view) {}

func watchHost(_ context.Context, o Options) {
	if o.OnShown != nil {
		o.OnShown()
	}
}

// Hosted reports that there is a place for the icon.
func Hosted(context.Context) (bool, error) { return true, nil }
