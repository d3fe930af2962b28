package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/exposure/sockets"
	"github.com/postern/postern/app/exposure/tunnel"
	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/platforms"
)

// settingDoors is the journal's name for the listeners that were set.
const settingDoors = "doors"

// doors is how requests from outside reach accounts: what was set and asked for,
// the guard that opens, and the server that answers.
type doors struct {
	app    *App
	guard  *guard.Guard
	server *ingress.Server
	events chan guard.Event

	saving sync.Mutex // held while set is written; before mu
	mu     sync.Mutex
	set    map[platforms.AccountID]doorSetting
	wanted map[platforms.AccountID][]string // paths that connectors asked for
	why    map[platforms.AccountID]string   // what is closed, was closed for
	asked  map[platforms.AccountID]asked
}

// doorSetting is what a person set.
type doorSetting struct {
	Listener api.Listener `json:"listener"`
	Closed   bool         `json:"closed,omitempty"` // by hand
}

// maxPaths bounds how many paths one account may be called at.
const maxPaths = 8

// openDoors reads what was set and acknowledged. Nothing is open yet.
func (a *App) openDoors(ctx context.Context) (*doors, error) {
	d := &doors{app: a, events: make(chan guard.Event, 1024), set: map[platforms.AccountID]doorSetting{},
		wanted: map[platforms.AccountID][]string{}, why: map[platforms.AccountID]string{}, asked: map[platforms.AccountID]asked{}}
	if _, err := a.store.Setting(settingDoors, &d.set); err != nil {
		return nil, err
	}
	if d.set == nil {
		d.set = map[platforms.AccountID]doorSetting{}
	}
	d.server = ingress.New(ingress.Options{Log: a.log, Now: a.now, Changed: a.changed, Observe: a.recorder.observe,
		Alarm: func(id platforms.AccountID, text string) {
			d.tell(guard.Event{What: guard.Alarm, Account: id, Text: text})
		}})
	finder := &tunnel.Finder{}
	o := guard.Options{
		Keys: a.vault, Records: a.store, Serve: d.server.Serve, Tell: d.tell, Changed: a.changed, Log: a.log, Now: a.now,
		Known:   a.o.Stages,
		Sockets: listening,
		Tunnels: func(ctx context.Context) ([]guard.Tunnel, error) { return tunnels(ctx, finder) },
	}
	if a.o.Tunnels != nil {
		o.Tunnels = a.o.Tunnels
	}
	var err error
	d.guard, err = guard.New(ctx, o)
	return d, err
}

// listening is the process's real sockets.
func listening() ([]netip.AddrPort, error) {
	found, err := sockets.Listening()
	out := make([]netip.AddrPort, 0, len(found))
	for _, s := range found {
		out = append(out, s.Addr)
	}
	return out, err
}

// tell queues an event; see hear.
func (d *doors) tell(ev guard.Event) {
	select {
	case d.events <- ev:
	default:
		d.app.log.Error("an event of the doors was lost: too many wait", "what", string(ev.What), "text", ev.Text)
	}
}

// run watches and records until ctx ends, then closes everything.
func (d *doors) run(ctx context.Context) {
	var watching sync.WaitGroup
	watching.Go(func() { d.guard.Run(ctx) })
	for ctx.Err() == nil {
		select {
		case ev := <-d.events:
			d.hear(ctx, ev)
		case <-ctx.Done():
		}
	}
	watching.Wait()
}

// close closes every listener and records what is left to be told.
func (d *doors) close() {
	d.guard.Close()
	for {
		select {
		case ev := <-d.events:
			d.hear(context.Background(), ev)
		default:
			return
		}
	}
}

// hear records an event, and tells the person what they did not do themselves.
func (d *doors) hear(ctx context.Context, ev guard.Event) {
	a := d.app
	a.audit(ctx, string(ev.What), cmp.Or(ev.By, "postern"), ev.Account, ev.Text)
	switch {
	case ev.What == guard.Alarm, ev.What == guard.Closed && !ev.Asked, ev.What == guard.Revoked && !ev.Asked:
		id := "door-" + string(ev.Account)
		if ev.What == guard.Alarm {
			id = "alarm-" + string(ev.Account)
		}
		a.notice(ctx, id, true, ev.Text)
		if a.o.Told != nil {
			a.o.Told(api.Notice{ID: id, At: a.now(), Bad: true, Text: ev.Text})
		}
	}
	a.changed()
}

// setting is what was set for an account, if anything was.
func (d *doors) setting(id platforms.AccountID) (s doorSetting, set bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, set = d.set[id]
	return s, set
}

// freeBind is a loopback address that no other account was given and nothing
// else listens on, empty if there is none.
func (d *doors) freeBind() string {
	d.mu.Lock()
	used := map[string]bool{}
	for _, s := range d.set {
		used[s.Listener.Bind] = true
	}
	d.mu.Unlock()
	for port := usualPort; port < usualPort+2*maxAccounts; port++ {
		bind := fmt.Sprintf("%s:%d", usualHost, port)
		if !used[bind] && d.guard.Free(netip.MustParseAddrPort(bind)) {
			return bind
		}
	}
	return ""
}

// claim is what account c asks for at path.
func (d *doors) claim(c *account, l listener, path string) guard.Claim {
	c.mu.Lock()
	settings, name := c.rec.Settings, c.rec.Name
	c.mu.Unlock()
	cl := guard.Claim{
		Tuple: guard.Tuple{Account: c.id, Bind: l.bind, Path: path, Host: l.host, Rules: l.rules()},
		Title: fmt.Sprintf("%s %q", c.platform.Title, name),
		Facts: exposure.Facts{Inbound: c.platform.Reach(settings)},
		TLS:   l.tls,
		Cert:  l.cert,
		Closed: func(why string) {
			d.mu.Lock()
			d.why[c.id] = why
			d.mu.Unlock()
			c.unpark()
			c.end(errChanged)
		},
	}
	if l.public != nil {
		cl.Facts.Callback.Name = l.public.Hostname()
	}
	for _, f := range c.platform.Fields {
		if f.Caller {
			cl.Facts.Server.Name = hostOf(settings[f.Key])
		}
	}
	return cl
}

// doorway is one account's Ingress.
type doorway struct {
	d *doors
	c *account
}

// Serve is platforms.Ingress's.
func (g doorway) Serve(r platforms.Route) (string, func(), error) {
	if r.Path == "" || r.Path[0] != '/' || r.Verify == nil || r.Handler == nil {
		return "", nil, errors.New("a route needs a path, Verify and Handler")
	}
	relay, lead, found, err := g.d.byRelay(g.c, r.Path)
	if found {
		g.d.want(g.c, r.Path)
		if err != nil {
			return "", nil, err
		}
		return g.serve(r, relay, lead)
	}
	l, err := g.d.admitted(g.c, r.Path)
	if err != nil {
		return "", nil, err
	}
	return g.open(l, r)
}

// open opens l for r.
func (g doorway) open(l listener, r platforms.Route) (string, func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	claim, remove := g.d.claim(g.c, l, r.Path), func() {}
	claim.Ready = func(ctx context.Context) {
		remove = g.d.server.Handle(ctx, l.bind, ingress.Rule{Account: g.c.id, Route: r, Hosts: l.names(), Proxies: l.proxies, Allow: l.allow, Answer: g.d.app.answers(g.c)})
	}
	pass, err := g.d.guard.Admit(ctx, claim)
	if err != nil {
		remove()
		g.d.refused(g.c.id, platforms.Explain(err))
		return "", nil, err
	}
	// Looking around took a while. What was closed or changed meanwhile found
	// nothing to close.
	now, err := g.d.admitted(g.c, r.Path)
	if err == nil && (now.bind != l.bind || now.host != l.host) {
		err = &platforms.Error{Kind: platforms.Temporary, Text: "The listener was changed while it opened. It is tried again."}
	}
	if err != nil {
		pass.Release()
		remove()
		return "", nil, err
	}
	g.d.mu.Lock()
	delete(g.d.why, g.c.id)
	g.d.mu.Unlock()
	return l.base() + r.Path, sync.OnceFunc(func() { remove(); pass.Release() }), nil
}

// Address is platforms.Ingress's.
func (g doorway) Address(path string) (string, error) {
	if relay, lead, found, err := g.d.byRelay(g.c, path); found {
		g.d.want(g.c, path)
		if err != nil {
			return "", err
		}
		return g.d.relayAddress(g.c, relay, lead)
	}
	l, err := g.d.admitted(g.c, path)
	if err != nil {
		return "", err
	}
	if _, needs, agreed := g.d.guard.Assess(g.d.claim(g.c, l, path)); needs && !agreed {
		return "", g.d.notYet(g.c)
	}
	return l.base() + path, nil
}

// admitted notes what an account asks for, and gives its listener unless the
// person set none or closed it.
func (d *doors) admitted(c *account, path string) (listener, error) {
	d.want(c, path)
	s, set := d.setting(c.id)
	switch {
	case !set:
		return listener{}, &platforms.Error{Kind: platforms.NotAcknowledged, Err: guard.ErrNotAcknowledged,
			Text: c.platform.Title + " delivers only to an address on the internet, and none is set. Nothing is open" + c.andSends() + ". Set up a listener under Exposure, if you need to hear from it."}
	case s.Closed:
		return listener{}, &platforms.Error{Kind: platforms.NotAcknowledged, Err: guard.ErrNotAcknowledged,
			Text: "Its listener was closed by hand and stays so until you open it under Exposure" + c.andSends() + "."}
	}
	l, err := readListener(s.Listener, c.reach())
	if err != nil {
		return l, &platforms.Error{Kind: platforms.Rejected, Text: err.Error()}
	}
	return l, nil
}

// andSends tells that a closed door keeps nothing from being sent, where that is
// so.
func (c *account) andSends() string {
	if c.platform.Limits.Mute {
		return ""
	}
	return ", and sending works"
}

func (d *doors) notYet(c *account) error {
	return &platforms.Error{Kind: platforms.NotAcknowledged, Err: guard.ErrNotAcknowledged,
		Text: c.platform.Title + " would be open to strangers, and nobody has agreed to that yet. Look at Exposure and decide."}
}

// refused notes and records that a door stays closed, once for each reason.
func (d *doors) refused(id platforms.AccountID, why string) {
	d.mu.Lock()
	before := d.why[id]
	d.why[id] = why
	d.mu.Unlock()
	if before != why {
		d.app.audit(context.Background(), "refused", "postern", id, why)
	}
}

// save keeps what was set. It calls change twice, the second time with d.mu held.
func (d *doors) save(ctx context.Context, change func(map[platforms.AccountID]doorSetting)) error {
	d.saving.Lock()
	defer d.saving.Unlock()
	d.mu.Lock()
	next := maps.Clone(d.set)
	d.mu.Unlock()
	change(next)
	if err := d.app.store.PutSetting(ctx, settingDoors, next); err != nil {
		return wireError(err)
	}
	d.mu.Lock()
	d.set = maps.Clone(d.set) // which shut may have changed meanwhile
	change(d.set)
	d.mu.Unlock()
	d.app.keepSafe()
	return nil
}

// forget drops everything of a removed account.
func (d *doors) forget(ctx context.Context, id platforms.AccountID) error {
	d.guard.CloseAccount(id, "the account was removed")
	err := errors.Join(d.guard.Revoke(ctx, id, "the account was removed"),
		d.save(ctx, func(m map[platforms.AccountID]doorSetting) { delete(m, id) }))
	d.mu.Lock()
	delete(d.wanted, id)
	delete(d.why, id)
	delete(d.asked, id)
	d.mu.Unlock()
	d.server.Forget(id)
	return err
}
