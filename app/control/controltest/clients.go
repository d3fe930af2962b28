package controltest

import (
	"context"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Clients are those that were made and not revoked.
func (b *Backend) Clients() []api.Client {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.book.List()
}

// AddClient makes one.
func (b *Backend) AddClient(ctx context.Context, d api.ClientDraft) (api.ClientMade, error) {
	if err := b.call(ctx, "AddClient", d.Name, d.Scopes); err != nil {
		return api.ClientMade{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	book, c, token, err := b.book.Add(d, At())
	b.book = book
	return api.ClientMade{Client: c, Token: token}, told(err)
}

// ChangeClient changes one.
func (b *Backend) ChangeClient(ctx context.Context, id string, d api.ClientDraft) (api.Client, error) {
	if err := b.call(ctx, "ChangeClient", id, d.Name, d.Scopes); err != nil {
		return api.Client{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	book, c, err := b.book.Change(id, d, At())
	b.book = book
	return c, told(err)
}

// RevokeClient ends one, and has watchers look.
func (b *Backend) RevokeClient(ctx context.Context, id string) error {
	if err := b.call(ctx, "RevokeClient", id); err != nil {
		return err
	}
	b.mu.Lock()
	book, _, err := b.book.Revoke(id)
	b.book = book
	b.mu.Unlock()
	b.Change(func(*State) {})
	return told(err)
}

// RotateClient makes another token.
func (b *Backend) RotateClient(ctx context.Context, id string) (api.ClientMade, error) {
	if err := b.call(ctx, "RotateClient", id); err != nil {
		return api.ClientMade{}, err
	}
	b.mu.Lock()
	book, c, token, err := b.book.Rotate(id)
	b.book = book
	b.mu.Unlock()
	b.Change(func(*State) {})
	return api.ClientMade{Client: c, Token: token}, told(err)
}

// ClientByToken finds one.
func (b *Backend) ClientByToken(token string) (api.Client, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.book.ByToken(token, At())
}

// ClientByName finds one.
func (b *Backend) ClientByName(name string) (api.Client, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.book.ByName(name, At())
}

// told is err for the other end.
func told(err error) error {
	if err == nil {
		return nil
	}
	return &api.Error{Kind: platforms.Rejected, Text: clients.Sentence(err)}
}
