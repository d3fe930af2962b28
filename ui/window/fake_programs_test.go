package window

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern/postern/app/control/api"
)

// fakeToken is obviously none.
const fakeToken = "pst_example-token-that-opens-nothing"

// namedPrograms is what a fake tells of named clients.
type namedPrograms struct {
	clients []api.Client
	drafts  []api.ClientDraft
	refuse  error // changes fail with it
}

// programs is the sample with named clients.
func programs() *fake {
	f := sample()
	f.named.clients = []api.Client{
		{ID: "p1", Name: "ci", Created: ago(40 * 24 * time.Hour), LastUsed: ago(3 * time.Minute), PerMinute: 60, Scopes: []api.Scope{
			{Do: api.MaySend, Account: "a2", Conversation: "c4"}}},
		{ID: "p2", Name: "editor", Created: ago(26 * time.Hour), Expires: noon.Add(12 * 24 * time.Hour), PerMinute: 20, Scopes: []api.Scope{
			{Do: api.MayRead}, {Do: api.MaySend, Account: "a1", Conversation: "c1"}, {Do: api.MaySend, Account: "a2"}}},
		{ID: "p3", Name: "night-report", Created: ago(90 * 24 * time.Hour), LastUsed: ago(11 * 24 * time.Hour), Expires: ago(10 * 24 * time.Hour), PerMinute: 60,
			Scopes: []api.Scope{{Do: api.MayStatus}}},
	}
	return f
}

func (f *fake) Clients(ctx context.Context) ([]api.Client, error) {
	err := f.enter(ctx, "Clients")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.named.clients), err
}

func (f *fake) naming(ctx context.Context, call string, d *api.ClientDraft) error {
	if err := f.enter(ctx, call); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d != nil {
		f.named.drafts = append(f.named.drafts, *d)
	}
	return f.named.refuse
}

func drafted(c api.Client, d api.ClientDraft) api.Client {
	c.Name, c.Scopes, c.PerMinute, c.Expires = d.Name, d.Scopes, d.PerMinute, d.Expires
	return c
}

func (f *fake) AddClient(ctx context.Context, d api.ClientDraft) (api.ClientMade, error) {
	if err := f.naming(ctx, "AddClient "+d.Name, &d); err != nil {
		return api.ClientMade{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := drafted(api.Client{ID: fmt.Sprint("p", len(f.named.clients)+1), Created: noon}, d)
	f.named.clients = append(f.named.clients, c)
	return api.ClientMade{Client: c, Token: fakeToken}, nil
}

func (f *fake) ChangeClient(ctx context.Context, id string, d api.ClientDraft) (api.Client, error) {
	if err := f.naming(ctx, "ChangeClient "+id, &d); err != nil {
		return api.Client{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, c := range f.named.clients {
		if c.ID == id {
			f.named.clients[i] = drafted(c, d)
			return f.named.clients[i], nil
		}
	}
	return api.Client{}, &api.Error{Text: "There is no such client."}
}

func (f *fake) RevokeClient(ctx context.Context, id string) error {
	if err := f.naming(ctx, "RevokeClient "+id, nil); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.named.clients = slices.DeleteFunc(slices.Clone(f.named.clients), func(c api.Client) bool { return c.ID == id })
	return nil
}

func (f *fake) RotateClient(ctx context.Context, id string) (api.ClientMade, error) {
	if err := f.naming(ctx, "RotateClient "+id, nil); err != nil {
		return api.ClientMade{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.named.clients {
		if c.ID == id {
			return api.ClientMade{Client: c, Token: fakeToken}, nil
		}
	}
	return api.ClientMade{}, &api.Error{Text: "There is no such client."}
}
