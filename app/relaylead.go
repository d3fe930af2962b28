package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/platforms"
)

// leading is the channel that leads to an account's path, and its relay. found is
// also true where a channel leads to the account only: with r nil, none leads to
// this path.
func (rs *relays) leading(id platforms.AccountID, path string) (r *relayed, c relayLead, found bool) {
	for _, o := range rs.all() {
		for _, l := range o.setup().Channels {
			if l.Account != id {
				continue
			}
			found = true
			if l.Path == path || r == nil && (l.Path == "" || path == "") {
				r, c = o, l
			}
		}
	}
	return r, c, found
}

// leadTo reports whether a relay's channel leads to an account.
func (rs *relays) leadTo(id platforms.AccountID) bool {
	_, _, found := rs.leading(id, "")
	return found
}

// publicOf is what the sender of a channel is told, empty if that is not known.
// It may hold a secret.
func (r *relayed) publicOf(c relayLead) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.public != "" {
		return r.public
	}
	return c.Public
}

// shownOf is publicOf without what is secret.
func (r *relayed) shownOf(c relayLead) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shown != "" {
		return r.shown
	}
	return c.Public
}

// word is what the relay's kind calls a channel.
func (r *relayed) word(c relayLead) string {
	k, _ := r.app.relays.kind(r.kindName())
	if c.Channel == "" {
		return fmt.Sprintf("the relay “%s”", r.setup().Name)
	}
	return fmt.Sprintf("the %s “%s” of the relay “%s”", k.Word, c.Channel, r.setup().Name)
}

// serve has requests by a relay handled by route, until release.
func (g doorway) serve(route platforms.Route, r *relayed, c relayLead) (string, func(), error) {
	d := g.d
	ctx, cancel := context.WithCancel(context.Background())
	remove := d.server.HandleRelayed(ctx, ingress.Rule{Account: g.c.id, Route: route, Answer: d.app.answers(g.c)})
	d.mu.Lock()
	delete(d.why, g.c.id)
	d.mu.Unlock()
	d.app.relays.reconsider()
	return r.publicOf(c), sync.OnceFunc(func() { cancel(); remove() }), nil
}

// byRelay is the relay's channel that leads to path, where one leads to the
// account: then its own listener stays closed.
func (d *doors) byRelay(c *account, path string) (r *relayed, lead relayLead, found bool, err error) {
	r, lead, found = d.app.relays.leading(c.id, path)
	if found && r == nil {
		err = &platforms.Error{Kind: platforms.NotAcknowledged, Text: fmt.Sprintf(
			"A relay leads to another address of this account, none to %s. Add a channel for it to the relay on the page Relays.", path)}
	}
	return r, lead, found, err
}

// relayAddress is what a platform is told of a channel.
func (d *doors) relayAddress(c *account, r *relayed, lead relayLead) (string, error) {
	if at := r.publicOf(lead); at != "" {
		return at, nil
	}
	return "", &platforms.Error{Kind: platforms.NotAcknowledged, Err: platforms.ErrAddress, Text: fmt.Sprintf(
		"%s must be told by which address it reaches %s, and Postern does not know that address. Copy it from the relay, and enter it as its public address on the page Relays.",
		c.platform.Title, r.word(lead))}
}

// want notes that an account asks for path.
func (d *doors) want(c *account, path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.wanted[c.id]; !slices.Contains(w, path) && len(w) < maxPaths {
		d.wanted[c.id] = append(slices.Clone(w), path)
		slices.Sort(d.wanted[c.id])
	}
}

func (d *doors) paths(id platforms.AccountID) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wanted[id]
}

// open is the channels whose account would take something now.
func (r *relayed) open() []string {
	set := r.setup()
	kind, _ := r.app.relays.kind(set.Kind)
	var out []string
	for _, c := range set.Channels {
		acc, err := r.app.account(c.Account)
		if err != nil || acc.quiet() || !r.app.doors.server.Leads(ingress.Lead{Account: c.Account, Path: c.Path}) {
			continue
		}
		name := c.Channel
		if !kind.Many {
			name = onlyChannel
		}
		out = append(out, name)
	}
	return out
}

// quiet reports whether the account is not to hear anything, by a person's will
// or until a person did something.
func (c *account) quiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rec.Paused || c.parked != nil
}

// reconsider has relays subscribe anew whose channels lead to other accounts than
// when they last did: one began, was paused, or was removed. One that only
// connects again is waited for.
func (rs *relays) reconsider() {
	for _, r := range rs.all() {
		open := r.open()
		set := r.setup()
		r.mu.Lock()
		heard, running := r.heard, r.interrupt != nil
		r.mu.Unlock()
		again := !running && len(open) > 0 // it may wait for this
		for _, name := range open {
			again = again || !slices.Contains(heard, name)
		}
		for _, c := range set.Channels {
			acc, err := r.app.account(c.Account)
			if (err != nil || acc.quiet()) && (slices.Contains(heard, c.Channel) || slices.Contains(heard, onlyChannel)) {
				again = true
			}
		}
		if again && running {
			r.end(errChanged)
		} else if again {
			r.poke()
		}
	}
}

// poke ends a wait for channels.
func (r *relayed) poke() {
	r.mu.Lock()
	waits := r.status == api.Connecting
	r.mu.Unlock()
	if !waits { // the wait between two attempts is the relay's, not the account's
		return
	}
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// problems is, for each channel, why its requests are refused.
func (r *relayed) problems() []string {
	set := r.setup()
	out := make([]string, len(set.Channels))
	for i, c := range set.Channels {
		acc, err := r.app.account(c.Account)
		paths := r.app.doors.paths(c.Account)
		switch {
		case c.Account == "":
			out[i] = fmt.Sprintf("It led to “%s”, which was removed. Choose another account, or remove it.", c.Was)
		case err != nil:
			out[i] = "There is no such account. Choose another one, or remove it."
		case acc.reach() == platforms.Dials:
			out[i] = acc.platform.Title + " takes no requests as it is set up: it dials out. Choose another account, or remove it."
		case acc.quiet() || r.app.allPaused():
			out[i] = "The account is paused, or waits for you. What comes stays with the relay, as long as it keeps it."
		case c.Path != "" && len(paths) > 0 && !slices.Contains(paths, c.Path):
			out[i] = "The account has no such address. It has: " + strings.Join(paths, ", ") + "."
		}
	}
	return out
}

// forgetInRelays takes a removed account out of all channels: a later one of the
// same id is another one.
func (a *App) forgetInRelays(ctx context.Context, id platforms.AccountID, name string) error {
	a.relays.changing.Lock()
	defer a.relays.changing.Unlock()
	if !a.relays.leadTo(id) {
		return nil
	}
	return a.putRelays(ctx, func(all []relaySetup) []relaySetup {
		for i := range all {
			all[i].Channels = slices.Clone(all[i].Channels)
			for j, c := range all[i].Channels {
				if c.Account == id {
					all[i].Channels[j] = relayLead{Channel: c.Channel, Was: name, Public: c.Public}
				}
			}
		}
		return all
	})
}

// putRelays saves the relays as change makes them of what they are; those that
// are gone or new are the caller's. a.relays.changing is held.
func (a *App) putRelays(ctx context.Context, change func([]relaySetup) []relaySetup) error {
	var all []relaySetup
	for _, r := range a.relays.all() {
		all = append(all, r.setup())
	}
	all = change(all)
	if err := a.keep(ctx, settingRelays, all); err != nil {
		return err
	}
	for _, r := range a.relays.all() {
		for _, s := range all {
			if s.ID == r.id {
				r.mu.Lock()
				r.set = s
				r.mu.Unlock()
			}
		}
	}
	a.keepSafe()
	return nil
}

// via is by what an account's requests arrive, in words, and why none can now.
func (rs *relays) via(id platforms.AccountID) (via, why string) {
	r, c, found := rs.leading(id, "")
	if !found || r == nil {
		return "a relay that this computer dials", ""
	}
	via = r.word(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status != api.Connected {
		why = cmp.Or(r.note, "The relay is being dialled.")
	}
	return via, why
}

// viewRelayed completes the view of an account's door where a relay leads to it.
func (d *doors) viewRelayed(c *account, v *api.Door) {
	r, lead, found, err := d.byRelay(c, first(v.Paths))
	if !found {
		return // the demo's stand-in
	}
	if err != nil {
		v.Why = platforms.Explain(err)
		return
	}
	k, _ := d.app.relays.kind(r.kindName())
	v.Callers = fmt.Sprintf("whoever knows the relay's address, through %s, which this computer dials", k.Title)
	v.Address = r.shownOf(lead)
	r.mu.Lock()
	status, note := r.status, r.note
	r.mu.Unlock()
	switch {
	case status != api.Connected && note != "":
		v.Why = note
	case v.Set && !v.Closed:
		v.Why = "A relay leads to it. Its own listener stays closed as long."
	default:
		v.Why = "Nothing is open here: " + r.word(lead) + " hands its requests over."
	}
}
