//go:build windows || darwin

package notify

import "context"

// Server is empty: on this system its own notifications are used.
func Server(context.Context) (name string, err error) { return "", nil }
