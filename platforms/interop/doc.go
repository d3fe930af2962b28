// Package interop holds tests against programs that other people wrote: their
// clients drive our emulators, and their servers meet our connectors. The tests
// need node and an `npm ci` in this folder, so they stand behind the build tag
// "interop"; `make interop` runs them.
//
// Of the relays only smee's own client is in a registry that is reached here.
// The servers of smee and gosmee, gosmee's client and Webhook Relay's own
// packages (@webhookrelay/sdk, webhookrelay-ws-client) are not: the relays'
// emulators are held against smee's client, against JavaScript itself, and
// against a client written from Webhook Relay's documentation.
package interop
