// Package interop holds tests against programs that other people wrote: their
// clients drive our emulators, and their servers meet our connectors. The tests
// need node and an `npm ci` in this folder, so they stand behind the build tag
// "interop"; `make interop` runs them.
package interop
