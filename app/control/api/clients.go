package api

import "github.com/postern/postern/app/clients"

// ClientHeader names the client that a request wants to be held to: a voluntary
// bound of a program that could do everything. A client's token, as a bearer's,
// says the same and proves it.
const ClientHeader = "Postern-Client"

// Client is a program that a person gave a name, and what it may do.
type Client = clients.Client

// Scope is one thing that a client may do.
type Scope = clients.Scope

// Do is what a Scope lets do.
type Do = clients.Do

// What a Scope lets do.
const (
	MayStatus = clients.Status
	MayRead   = clients.Read
	MaySend   = clients.Send
	MayHook   = clients.Hooks
)

// How many messages a minute a client may send: unless the person chose
// otherwise, and at most.
const (
	UsualPerMinute = clients.UsualPerMinute
	MostPerMinute  = clients.MostPerMinute
)

// ClientDraft is a client to make or change.
type ClientDraft = clients.Draft

// ClientMade is a client with its new token, which is told this once.
type ClientMade struct {
	Client Client `json:"client"`
	Token  string `json:"token"`
}
