//go:build !linux && !darwin

package socket

import "errors"

// Interactive is an error: this system does not tell whether p has a terminal.
func Interactive(Peer) error {
	return errors.New("this system does not tell whether a person is typing; use the window")
}
