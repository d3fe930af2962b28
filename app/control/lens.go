package control

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// lens is what the sender of a request may see: everything, without a client.
type lens struct{ client *api.Client }

func lensOf(ctx context.Context) lens {
	if h, ok := ctx.Value(heldKey{}).(*heldTo); ok {
		return lens{&h.client}
	}
	return lens{}
}

// still is the lens of a request that lasts, as it is now; false if its client
// is no more.
func (s *Server) still(ctx context.Context) (lens, bool) {
	h, ok := ctx.Value(heldKey{}).(*heldTo)
	if !ok {
		return lens{}, true
	}
	c, ok := h.again()
	return lens{&c}, ok
}

// may is an error that says which scope is missing.
func (l lens) may(do clients.Do, account platforms.AccountID, c platforms.ConversationID) error {
	if l.client == nil || l.client.May(do, account, c) {
		return nil
	}
	return lacks(*l.client, clients.Scope{Do: do, Account: account, Conversation: c})
}

// mayAny is an error if nothing of what is named may be read: neither the
// conversation nor, if that is empty, any of the account's.
func (l lens) mayAny(account platforms.AccountID, c platforms.ConversationID) error {
	if l.client == nil || account == "" || c == "" && l.client.In(clients.Read, account) {
		return nil
	}
	return l.may(clients.Read, account, c)
}

func (l lens) reads(account platforms.AccountID, c platforms.ConversationID) bool {
	return l.client == nil || l.client.May(clients.Read, account, c)
}

// line reports whether a line of activity may be seen: one about a conversation
// that may be read. What is about accounts, doors and settings is not.
func (l lens) line(a api.Activity) bool {
	return l.client == nil || a.Conversation != "" && l.client.May(clients.Read, a.Account, a.Conversation)
}

// usualLines is how many lines of a list a client gets that says no number.
const usualLines = 200

// fetch is how much to ask the backend for, so that n are left of it.
func (l lens) fetch(n int) int {
	if l.client == nil {
		return n
	}
	return mostLines
}

// only is the first n of list that may be seen.
func only[T any](list []T, l lens, n int, see func(T) bool) []T {
	if l.client == nil {
		return list
	}
	if n == 0 {
		n = usualLines
	}
	var out []T
	for _, v := range list {
		if len(out) < n && see(v) {
			out = append(out, v)
		}
	}
	return out
}

// entry is one message, if it may be seen. That it may not looks as if there
// were none.
func (s *Server) entry(ctx context.Context, seq uint64) (api.Entry, error) {
	see := lensOf(ctx)
	e, err := s.b.Entry(ctx, seq)
	if see.client == nil || err == nil && see.reads(e.Account, e.Conversation) {
		return e, err
	}
	return api.Entry{}, &api.Error{Kind: platforms.Rejected, Text: "There is no such message, or this client may not read it."}
}

// draft is a message as it is sent on: a client's has a key that says whose it
// is, and that meets no other's.
func (l lens) draft(d api.Draft) (api.Draft, error) {
	if l.client == nil {
		if d.Key != "" {
			d.Key = clients.Unnamed(d.Key)
		}
		return d, nil
	}
	if err := l.may(clients.Send, d.Account, d.Conversation); err != nil {
		return d, err
	}
	if len(d.Key) > clients.MaxKey {
		return d, badRequest("The message's key is longer than 150 bytes. Use a shorter one.")
	}
	if d.Key == "" {
		d.Key = strings.ToLower(rand.Text())
	}
	d.Key = clients.Key(l.client.ID, d.Key)
	return d, nil
}

// snapshot is the state as it may be seen: without settings, hints, addresses
// and what was said, and only the accounts that a scope is about.
func (l lens) snapshot(s api.Snapshot) api.Snapshot {
	if l.client == nil {
		return s
	}
	out := api.Snapshot{
		Revision: s.Revision, At: s.At, Accounts: []api.Account{}, Exposure: api.Exposure{},
		Program: api.Program{Version: s.Program.Version, Started: s.Program.Started, Demo: s.Program.Demo, Paused: s.Program.Paused},
	}
	for _, a := range s.Accounts {
		named := api.Account{ID: a.ID, Platform: a.Platform, Title: a.Title, Glyph: a.Glyph, Name: a.Name, Handle: a.Handle, Deaf: a.Deaf, Limits: a.Limits}
		switch {
		case l.client.In(clients.Status, a.ID):
			named.Status, named.Note, named.Since, named.RetryAt = a.Status, a.Note, a.Since, a.RetryAt
			named.Hears, named.Speaks, named.Answers = a.Hears, a.Speaks, a.Answers
			named.Exposure, named.Queued, named.Dead, named.Paused = a.Exposure, a.Queued, a.Dead, a.Paused
			out.Exposure[a.Exposure]++
			out.Queued += a.Queued
			out.Dead += a.Dead
		case !l.client.In(clients.Read, a.ID) && !l.client.In(clients.Send, a.ID):
			continue
		}
		out.Accounts = append(out.Accounts, named)
	}
	if l.client.May(clients.Status, "", "") {
		out.Unread, out.Held = s.Unread, s.Held
	}
	return out
}
