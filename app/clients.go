package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// settingClients is the journal's name for the programs that the person named.
// Of a token it holds the SHA-256 only.
const settingClients = "clients"

// useNoted is how old what the journal knows of a client's last use may be: not
// every request is worth a write.
const useNoted = 10 * time.Minute

// named is the programs that the person named.
type named struct {
	saving sync.Mutex // held while book is written; before mu
	mu     sync.Mutex
	book   clients.Book
}

func (n *named) now() clients.Book {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.book
}

// changeClients keeps what f makes of the book. It counts once it is on disk.
func (a *App) changeClients(ctx context.Context, f func(clients.Book) (clients.Book, error)) error {
	n := &a.named
	n.saving.Lock()
	defer n.saving.Unlock()
	next, err := f(n.now())
	if err != nil {
		return &api.Error{Kind: platforms.Rejected, Text: clients.Sentence(err)}
	}
	if err := a.keep(ctx, settingClients, next); err != nil {
		return wireError(err)
	}
	n.mu.Lock()
	n.book = next
	n.mu.Unlock()
	return nil
}

// Clients are the programs that the person named.
func (a *App) Clients() []api.Client { return a.named.now().List() }

// AddClient makes one. Its token is told this once.
func (a *App) AddClient(ctx context.Context, d api.ClientDraft) (made api.ClientMade, err error) {
	err = a.changeClients(ctx, func(b clients.Book) (clients.Book, error) {
		b, made.Client, made.Token, err = b.Add(d, a.now())
		return b, err
	})
	if err != nil {
		return api.ClientMade{}, err
	}
	a.clientsChanged(ctx, fmt.Sprintf("The client %q was made. It may %s.", made.Client.Name, abilities(made.Client)))
	return made, nil
}

// ChangeClient gives one what d says. Its token stays.
func (a *App) ChangeClient(ctx context.Context, id string, d api.ClientDraft) (c api.Client, err error) {
	err = a.changeClients(ctx, func(b clients.Book) (clients.Book, error) {
		b, c, err = b.Change(id, d, a.now())
		return b, err
	})
	if err != nil {
		return api.Client{}, err
	}
	a.clientsChanged(ctx, fmt.Sprintf("The client %q was changed. It may %s.", c.Name, abilities(c)))
	return c, nil
}

// RevokeClient ends one, and the requests of its that last.
func (a *App) RevokeClient(ctx context.Context, id string) error {
	var c api.Client
	err := a.changeClients(ctx, func(b clients.Book) (next clients.Book, err error) {
		next, c, err = b.Revoke(id)
		return next, err
	})
	if err != nil {
		return err
	}
	a.clientsChanged(ctx, fmt.Sprintf("The client %q was revoked.", c.Name))
	return a.shutHooks(ctx, id, c.Name)
}

// RotateClient gives one another token; the former ends.
func (a *App) RotateClient(ctx context.Context, id string) (made api.ClientMade, err error) {
	err = a.changeClients(ctx, func(b clients.Book) (clients.Book, error) {
		b, made.Client, made.Token, err = b.Rotate(id)
		return b, err
	})
	if err != nil {
		return api.ClientMade{}, err
	}
	a.clientsChanged(ctx, fmt.Sprintf("The client %q has another token. The former one ended.", made.Client.Name))
	return made, nil
}

// forgetScopes takes away what clients may do in a removed account.
func (a *App) forgetScopes(ctx context.Context, id platforms.AccountID) error {
	if _, changed := a.named.now().Without(id); !changed {
		return nil
	}
	err := a.changeClients(ctx, func(b clients.Book) (clients.Book, error) {
		b, _ = b.Without(id)
		return b, nil
	})
	if err != nil {
		return err
	}
	a.clientsChanged(ctx, fmt.Sprintf("What clients may do in the account %s was taken away: it was removed.", id))
	return nil
}

func (a *App) clientsChanged(ctx context.Context, text string) {
	a.audit(ctx, string(api.Changed), "", "", text)
	a.keepSafe()
	a.changed() // so that what a former client watches ends
}

// abilities is c's scopes in words.
func abilities(c api.Client) string {
	var out []string
	for _, s := range c.Scopes {
		out = append(out, s.String())
	}
	return strings.Join(out, ", ")
}

// ClientByToken finds the client that a token is of, and notes that it was used.
func (a *App) ClientByToken(token string) (api.Client, bool) {
	c, ok := a.named.now().ByToken(token, a.now())
	return a.used(c, ok)
}

// ClientByName finds a client by its name, and notes that it was used.
func (a *App) ClientByName(name string) (api.Client, bool) {
	c, ok := a.named.now().ByName(name, a.now())
	return a.used(c, ok)
}

// used notes the time of a request. That it could not be kept is no reason to
// refuse the request.
func (a *App) used(c api.Client, ok bool) (api.Client, bool) {
	now := a.now()
	if !ok || now.Sub(c.LastUsed).Abs() < useNoted {
		return c, ok
	}
	c.LastUsed = now
	err := a.changeClients(context.Background(), func(b clients.Book) (clients.Book, error) { return b.Used(c.ID, now), nil })
	if err != nil {
		a.log.Warn("when a client was used could not be kept", "client", c.Name, "err", err)
	}
	return c, ok
}

// sentBy says which client or hook a message with this key came from, empty for
// none.
func (a *App) sentBy(key string) string {
	id := clients.Sender(key)
	if id == "" {
		return a.postedBy(key)
	}
	for _, c := range a.Clients() {
		if c.ID == id {
			return fmt.Sprintf("sent by the client %q", c.Name)
		}
	}
	return "sent by a client that was revoked since"
}
