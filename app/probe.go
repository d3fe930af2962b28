package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

const (
	// probeEvery is how often a quiet connection is doubted.
	probeEvery = 2 * time.Minute
	// checkTimeout bounds one question to a platform.
	checkTimeout = 20 * time.Second
)

// probe looks up the bot's identity once, then asks the platform now and then
// whether it holds events that the connection does not bring. It ends with ctx.
func (c *account) probe(ctx context.Context, conn platforms.Connector) {
	c.identify(ctx, conn)
	prober, ok := conn.(platforms.Prober)
	if !ok {
		return
	}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var before uint64 // events accepted when a backlog was first seen
	suspicious := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		backlog, err := c.ask(ctx, prober)
		if err != nil {
			continue // the connection's own errors tell more
		}
		c.prove(&c.speaks)
		c.mu.Lock()
		accepted := c.accepted
		switch {
		case backlog.Waiting == 0:
			suspicious = false
		case suspicious && accepted == before:
			text := backlog.Note
			if text == "" {
				text = fmt.Sprintf("%d messages wait at %s that this connection does not bring. Reconnecting.", backlog.Waiting, c.platform.Title)
			}
			c.setLocked(api.Degraded, text, time.Time{})
			c.hears.Failed, c.hears.Note = c.app.now(), text
			interrupt := c.interrupt
			c.mu.Unlock()
			c.log.Warn("deaf: reconnecting", "waiting", backlog.Waiting)
			if interrupt != nil {
				interrupt(fmt.Errorf("%w: the probe found the connection deaf", errWoke))
			}
			return
		default:
			suspicious, before = true, accepted
		}
		c.mu.Unlock()
	}
}

func (c *account) ask(ctx context.Context, p platforms.Prober) (platforms.Backlog, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	at, err := c.app.store.Cursor(c.id)
	if err != nil {
		return platforms.Backlog{}, err
	}
	var backlog platforms.Backlog
	err = c.guard(func() (err error) {
		backlog, err = p.Probe(ctx, at)
		return err
	})
	return backlog, err
}

// identify asks once per run of the program who the bot is, so that its name
// and its problems are current. It runs beside the connection: a slow answer
// must not delay the first message.
func (c *account) identify(ctx context.Context, conn platforms.Connector) {
	c.mu.Lock()
	done := c.checked
	c.mu.Unlock()
	if done {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var id platforms.Identity
	err := c.guard(func() (err error) {
		id, err = conn.Check(ctx)
		return err
	})
	if err != nil {
		return // Run meets the same trouble and reports it
	}
	c.prove(&c.speaks)
	if err := c.know(ctx, id); err != nil {
		c.log.Warn("the bot's name could not be kept", "err", err)
	}
}

// verify makes sure that a new credential belongs to the bot that the account
// is for. The journal's cursor and event ids are that bot's: another one's
// messages would be skipped and acknowledged unseen.
func (c *account) verify(ctx context.Context, conn platforms.Connector) error {
	c.mu.Lock()
	wanted, known := c.rec.Verify, c.rec.Identity
	c.mu.Unlock()
	if !wanted {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var id platforms.Identity
	err := c.guard(func() (err error) {
		id, err = conn.Check(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if id.ID != known.ID {
		return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
			"This credential belongs to another bot (%s, not %s). Put the right one back here, and add the other bot as an account of its own.", id.Handle, known.Handle)}
	}
	return c.update(ctx, func(r *store.Account) { r.Verify, r.Identity = false, c.app.unsecret(id) })
}

// unsecret is id as it may be kept: what to enter at a service may have a relay's
// secret channel in it.
func (a *App) unsecret(id platforms.Identity) platforms.Identity {
	id.Problems = slices.Clone(id.Problems)
	for i := range id.Problems {
		id.Problems[i].Text = a.shown(id.Problems[i].Text)
	}
	return id
}

// know keeps a freshly checked identity.
func (c *account) know(ctx context.Context, id platforms.Identity) error {
	c.mu.Lock()
	c.checked = true
	c.mu.Unlock()
	defer c.app.changed()
	return c.update(ctx, func(r *store.Account) {
		if !r.Verify { // else it may be another bot's
			r.Identity = c.app.unsecret(id)
		}
	})
}

// CheckAccount asks the account's platform about it now.
func (a *App) CheckAccount(ctx context.Context, id platforms.AccountID) (api.Check, error) {
	c, err := a.account(id)
	if err != nil {
		return api.Check{}, err
	}
	c.mu.Lock()
	out := api.Check{Exposure: exposureOf(c.platform, c.rec.Settings)}
	c.mu.Unlock()
	conn, err := c.connector(ctx)
	if err != nil {
		out.Error = wireError(err)
		return out, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err = c.guard(func() (err error) {
		out.Identity, err = conn.Check(ctx)
		return err
	})
	if err != nil {
		c.fail(&c.speaks, platforms.Explain(err))
		out.Error = wireError(err)
		return out, nil
	}
	c.prove(&c.speaks)
	if err := c.know(ctx, out.Identity); err != nil {
		return out, err
	}
	c.mu.Lock()
	parked := c.parked != nil && c.parked.status == api.BadCredentials
	c.mu.Unlock()
	if parked { // the credential works again
		c.unpark()
		c.end(errChanged)
	}
	return out, nil
}

// Fix mends a problem that a check found, then checks again.
func (a *App) Fix(ctx context.Context, id platforms.AccountID, code string) (api.Check, error) {
	c, err := a.account(id)
	if err != nil {
		return api.Check{}, err
	}
	conn, err := c.connector(ctx)
	if err != nil {
		return api.Check{}, wireError(err)
	}
	fixer, ok := conn.(platforms.Fixer)
	if !ok {
		return api.Check{}, &api.Error{Kind: platforms.Unsupported, Text: "This can't be mended from here. The problem's text says what to do."}
	}
	fixCtx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := c.guard(func() error { return fixer.Fix(fixCtx, code) }); err != nil {
		return api.Check{}, wireError(err)
	}
	a.record(ctx, store.Activity{What: string(api.Changed), Account: id, Why: "mended: " + code})
	c.unpark()
	c.end(errChanged)
	return a.CheckAccount(ctx, id)
}
