package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/demo"
)

// play sets the demo up as a person would and lets its correspondents begin.
func (p *program) play(ctx context.Context) error {
	accounts, err := p.furnish(ctx)
	if err == nil {
		err = p.admit(ctx, accounts)
	}
	if err == nil {
		err = p.hire(ctx, accounts)
	}
	if err != nil {
		return errors.Join(err, p.stage.Close())
	}
	p.wg.Go(func() {
		defer p.stage.Close()
		p.wg.Go(func() {
			if err := p.pair(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("the demo's pairing failed", "err", err)
			}
		})
		p.wg.Go(func() {
			if err := p.build(ctx, accounts); err != nil && ctx.Err() == nil {
				p.log.Error("the demo's hook failed", "err", err)
			}
		})
		p.stage.Play(ctx)
		<-ctx.Done()
	})
	return nil
}

// furnish adds the accounts, and the relay that one of them hears by.
func (p *program) furnish(ctx context.Context) (ids []platforms.AccountID, err error) {
	for _, a := range p.stage.Accounts() {
		added, err := p.app.AddAccount(ctx, api.AccountDraft{Platform: a.Platform, Name: a.Name, Values: a.Values})
		if err == nil && a.Door {
			_, err = p.app.SetListener(ctx, added.ID, api.Listener{}, "demo")
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, added.ID)
	}
	r := p.stage.Relay()
	d := api.RelayDraft{Kind: r.Kind, Name: "Demo's relay", Values: r.Values}
	for _, c := range r.Channels {
		d.Channels = append(d.Channels, api.RelayChannel{Channel: c.Name, Public: c.Public, Account: ids[c.Account]})
	}
	if _, err := p.app.AddRelay(ctx, d); err != nil {
		return nil, fmt.Errorf("the relay: %w", err)
	}
	return ids, nil
}

// admit lets the correspondents in that are no strangers.
func (p *program) admit(ctx context.Context, accounts []platforms.AccountID) error {
	for _, who := range p.stage.People() {
		if who.Stranger {
			continue
		}
		d := api.RuleDraft{Account: accounts[who.Account], User: string(who.User), Role: access.Member, Name: who.Name}
		if who.Kind != platforms.Direct {
			d.Conversation = string(who.Conversation)
		}
		if _, err := p.app.Allow(ctx, d); err != nil {
			return fmt.Errorf("letting %s in: %w", who.Name, err)
		}
	}
	return nil
}

// hire sets the sample agent up, for the one who will be paired.
func (p *program) hire(ctx context.Context, accounts []platforms.AccountID) error {
	guest, ok := p.guest()
	if !ok {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	folder := filepath.Join(p.o.Dir, "notes")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "shopping.txt"), []byte("bread\ncoffee\n"), 0o600); err != nil {
		return err
	}
	r, err := p.app.AddResponder(ctx, api.ResponderDraft{Kind: "agent", Label: "Sample agent", Values: map[string]string{
		"program": exe, "arguments": "sample-agent", "folder": folder,
	}})
	if err != nil {
		return err
	}
	when, err := p.app.WriteRoute(api.Cond{Op: "and", Of: []api.Cond{
		{Op: "is", Field: "account", Value: string(accounts[guest.Account])},
		{Op: "is", Field: "conversation.id", Value: string(guest.Conversation)},
	}})
	if err != nil {
		return err
	}
	tickets, err := p.tickets(ctx, accounts)
	if err != nil {
		return err
	}
	_, err = p.app.SetRoutes(ctx, []api.Route{{Name: guest.Name + " asks the agent", When: when, To: []string{r.ID}}, tickets})
	return err
}

// tickets has each message of a room open a ticket at a service of this computer,
// whose number is answered.
func (p *program) tickets(ctx context.Context, accounts []platforms.AccountID) (api.Route, error) {
	desk := p.stage.Desk()
	r, err := p.app.AddResponder(ctx, api.ResponderDraft{Kind: "forward", Label: "Ticket desk", Values: map[string]string{
		"url": desk.URL, "secret": desk.Secret, "mode": "wait",
	}})
	if err != nil {
		return api.Route{}, err
	}
	when, err := p.app.WriteRoute(api.Cond{Op: "and", Of: []api.Cond{
		{Op: "is", Field: "account", Value: string(accounts[desk.Account])},
		{Op: "is", Field: "conversation.id", Value: string(desk.Room)},
	}})
	return api.Route{Name: "Each message opens a ticket", When: when, To: []string{r.ID, "notification"}}, err
}

// hookPorts is how many ports are tried for the demo's hook: a Postern that is no
// demo may run beside it.
const hookPorts = 20

// build makes a hook for the room, and has a build server post there by it.
func (p *program) build(ctx context.Context, accounts []platforms.AccountID) error {
	desk := p.stage.Desk()
	changed := p.app.Watch(ctx)
	for p.app.Title(accounts[desk.Account], desk.Room) == "" { // nothing was said there yet
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	made, err := p.app.AddHook(ctx, api.HookDraft{Account: accounts[desk.Account], Conversation: desk.Room, Name: "Build server", Dialect: "github"})
	if err != nil {
		return err
	}
	for port := range hookPorts {
		if p.app.Hooks().Open {
			break
		}
		// Where one is taken the next one is tried.
		_, _ = p.app.SetHookListener(ctx, api.HookListener{Bind: fmt.Sprintf("127.0.0.1:%d", 47830+port)})
	}
	_, path, ok := strings.Cut(made.URL, "/api/")
	h := p.app.Hooks()
	if !ok || !h.Open {
		return errors.New(h.Why)
	}
	return p.stage.Build(ctx, h.Address+"/api/"+path)
}

func (p *program) guest() (demo.Person, bool) {
	for _, who := range p.stage.People() {
		if who.Stranger {
			return who, true
		}
	}
	return demo.Person{}, false
}

// pair plays both sides: a code is made here and sent by the guest, who is let
// in, asks the agent, and gives it a permission.
func (p *program) pair(ctx context.Context) error {
	code, err := p.app.Pair(ctx)
	if err != nil {
		return err
	}
	if err := p.stage.Pair(ctx, code.Code); err != nil {
		return err
	}
	for changed := p.app.Watch(ctx); ; {
		if claims := p.app.People().Claims; len(claims) > 0 {
			if _, err := p.app.AnswerClaim(ctx, api.ClaimAnswer{Claim: claims[0], Accept: true}); err != nil {
				return err
			}
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, words := range []string{"list", "write Tea at five"} {
		if err := p.stage.Ask(ctx, words); err != nil {
			return err
		}
	}
	return p.stage.Press(ctx, "Allow once")
}
