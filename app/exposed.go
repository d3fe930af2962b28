package app

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/exposure/tunnel"
	"github.com/postern/postern/platforms"
)

// hostOf is the host in an address or a bare name.
func hostOf(s string) string {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// tunnels is what finder finds, as the guard takes it.
func tunnels(ctx context.Context, finder *tunnel.Finder) ([]guard.Tunnel, error) {
	found, err := finder.Find(ctx)
	out := make([]guard.Tunnel, 0, len(found))
	for _, t := range found {
		out = append(out, guard.Tunnel{Program: t.Program, Public: t.Public, Target: t.Target, Inside: t.Scope == tunnel.Tailnet, LeadsTo: t.LeadsTo})
	}
	return out, err
}

// exposureOf is the level that a new account of p with these settings begins at.
func exposureOf(p platforms.Platform, settings map[string]string) exposure.Level {
	return exposure.Facts{Inbound: p.Reach(settings)}.Level()
}

// reach is how events reach the account as it is set now.
func (c *account) reach() platforms.Inbound {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.platform.Reach(c.rec.Settings)
}

// level is what the account stands at.
func (c *account) level(st guard.State, settings map[string]string) exposure.Level {
	reach := c.platform.Reach(settings)
	if open, ok := st.Open[c.id]; ok {
		return open.Level
	}
	if reach != platforms.Dials && c.app.relays.leadTo(c.id) {
		return exposure.Relayed
	}
	d := c.app.doors
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, set := d.set[c.id]; reach == platforms.Callback && set && !s.Closed && d.why[c.id] != "" {
		return exposure.Refused
	}
	return exposure.Facts{Inbound: reach}.Level()
}

// Exposure is what of this computer can be reached, by whom, and why.
func (a *App) Exposure() api.View {
	st := a.doors.guard.State()
	v := api.View{At: a.now(), Doors: []api.Door{}, Sockets: []api.Socket{}, Tunnels: []api.Tunnel{}, Note: st.Note}
	for _, c := range a.list() {
		if c.reach() != platforms.Dials {
			v.Doors = append(v.Doors, a.doors.view(c, st))
		}
	}
	for _, s := range st.Sockets {
		v.Sockets = append(v.Sockets, api.Socket{Addr: s.Addr.String(), Whose: s.Whose, Level: s.Level, Strange: s.Strange})
	}
	for _, t := range st.Tunnels {
		out := api.Tunnel{Program: t.Program, Public: t.Public, Target: t.Target, Inside: t.Inside}
		for _, d := range v.Doors {
			if bind, err := readBind(d.Bind); err == nil && d.Set && t.LeadsTo != nil && t.LeadsTo(bind) {
				out.Ours = append(out.Ours, d.Title+" “"+d.Name+"”")
			}
		}
		if bind, wanted := a.hooking.wants(); wanted && t.LeadsTo != nil && t.LeadsTo(bind) {
			out.Ours = append(out.Ours, "Hooks")
		}
		v.Tunnels = append(v.Tunnels, out)
	}
	return v
}

// view is one account's door.
func (d *doors) view(c *account, st guard.State) api.Door {
	c.mu.Lock()
	rec := c.rec
	c.mu.Unlock()
	setting, set := d.setting(c.id)
	reach := c.platform.Reach(rec.Settings)
	v := api.Door{Account: c.id, Platform: c.platform.Name, Title: c.platform.Title, Glyph: c.platform.Glyph, Name: rec.Name,
		Level: c.level(st, rec.Settings), Closed: setting.Closed, Set: set, Listener: setting.Listener, Relayed: c.app.relays.leadTo(c.id)}
	d.mu.Lock()
	v.Paths, v.Why = d.wanted[c.id], d.why[c.id]
	d.mu.Unlock()
	counts := d.server.Counts(c.id)
	v.Accepted, v.Last, v.Rejected = counts.Accepted, counts.Last, map[string]uint64{}
	for why, n := range counts.Rejected {
		v.Rejected[string(why)] = n
	}
	for field, until := range rec.Former {
		if c.app.now().Before(until) {
			v.Rotating = append(v.Rotating, api.Rotation{Field: field, Until: until})
		}
	}
	if open, ok := st.Open[c.id]; ok {
		v.Open, v.Since, v.Why = true, open.Since, ""
	}
	if k, ok := d.guard.Consent(c.id); ok {
		v.Ack = &api.Acknowledgement{Made: k.Made, Ends: k.Ends, Version: k.Version, By: k.By, Done: k.Done, NotDone: k.NotDone}
	}
	l, err := readListener(setting.Listener, reach)
	v.If = exposure.Public
	if err == nil || !set {
		var needs bool
		v.If, needs, _ = d.guard.Assess(d.claim(c, l, first(v.Paths)))
		v.Needs = needs
		for _, t := range st.Tunnels {
			if set && !t.Inside && t.LeadsTo != nil && t.LeadsTo(l.bind) {
				v.Tunnels = append(v.Tunnels, strings.TrimSpace(t.Program+" "+t.Public))
			}
		}
	}
	v.Callers = callers(v.If)
	switch {
	case v.Relayed:
		v.Callers = "a relay that this computer dials"
		d.viewRelayed(c, &v)
	case v.Open:
		v.Address = l.base() + first(v.Paths)
	case rec.Paused || c.app.allPaused():
		v.Why = "The account is paused, and its door is closed as long."
	case setting.Closed:
		v.Why = "Closed by hand. It stays so until you open it."
	case !set && reach == platforms.Webhook:
		v.Why = "No listener is set up, so nothing can come in" + c.andSends() + "."
	case !set:
		v.Why = "Nothing is open: it works without, and some of it works better with a listener."
	case err != nil:
		v.Why = err.Error()
	}
	return v
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func callers(l exposure.Level) string {
	switch l {
	case exposure.Local:
		return "this computer"
	case exposure.Private:
		return "your network"
	}
	return "anyone on the internet"
}

// byProgram is who acts where no person does, as package control names it.
const byProgram = control.ByProgram

// SetListener checks and keeps where an account is reached. What was open under
// other values closes, with its acknowledgement. Who may come in, and by which
// certificate, a person may change without being asked anew; a program may not.
func (a *App) SetListener(ctx context.Context, id platforms.AccountID, in api.Listener, who string) (api.Door, error) {
	c, err := a.account(id)
	if err != nil {
		return api.Door{}, err
	}
	reach := c.reach()
	if reach == platforms.Dials {
		return api.Door{}, &api.Error{Kind: platforms.Unsupported, Text: c.platform.Title + " dials out here; it has no use for a listener."}
	}
	if strings.TrimSpace(in.Bind) == "" {
		if s, set := a.doors.setting(id); set {
			in.Bind = s.Listener.Bind
		} else {
			in.Bind = a.doors.freeBind()
		}
	}
	l, err := readListener(in, reach)
	if err != nil {
		return api.Door{}, err
	}
	in.Bind = l.bind.String()
	if in.Public = ""; l.public != nil {
		in.Public = l.public.Scheme + "://" + l.public.Host
	}
	if err := a.doors.save(ctx, func(m map[platforms.AccountID]doorSetting) {
		m[id] = doorSetting{Listener: in, Closed: m[id].Closed}
	}); err != nil {
		return api.Door{}, err
	}
	a.audit(ctx, "settings", who, id, fmt.Sprintf("The listener of %s was set to %s%s.", id, in.Bind, as(in.Public)))
	if k, ok := a.doors.guard.Consent(id); ok && (k.Bind != l.bind || k.Host != l.host || who == byProgram && k.Rules != l.rules()) {
		err = a.doors.guard.Revoke(ctx, id, "its settings changed")
	} else if ok {
		err = a.doors.guard.Amend(ctx, id, l.rules())
	}
	if err != nil {
		return api.Door{}, wireError(err)
	}
	a.doors.restart(c)
	return a.doors.view(c, a.doors.guard.State()), nil
}

func as(public string) string {
	if public == "" {
		return ""
	}
	return ", published as " + public
}

// restart has the account ask for its door again.
func (d *doors) restart(c *account) {
	d.mu.Lock()
	delete(d.why, c.id)
	d.mu.Unlock()
	c.mu.Lock()
	c.checked = false // what a check says depends on it too
	c.mu.Unlock()
	c.drop() // what a connector can do depends on whether it can be called
	c.unpark()
	c.end(errChanged)
	d.app.changed()
}

// RemoveListener closes an account's door and forgets it.
func (a *App) RemoveListener(ctx context.Context, id platforms.AccountID) error {
	c, err := a.account(id)
	if err != nil {
		return err
	}
	a.doors.guard.CloseAccount(id, "its listener was removed")
	if err := a.doors.guard.Revoke(ctx, id, "its listener was removed"); err != nil {
		return wireError(err)
	}
	if err := a.doors.save(ctx, func(m map[platforms.AccountID]doorSetting) { delete(m, id) }); err != nil {
		return err
	}
	a.audit(ctx, "settings", "", id, "The listener was removed.")
	a.doors.restart(c)
	return nil
}

// CloseDoor closes one account's door, or every public one, at once. What it
// closed stays closed until a person opens it.
func (a *App) CloseDoor(ctx context.Context, id platforms.AccountID, who string) error {
	ctx = context.WithoutCancel(ctx) // begun is done
	why := "closed by hand"
	var ids []platforms.AccountID
	var failed error
	if id == "" {
		ids, failed = a.doors.guard.CloseAll(ctx, why)
	} else {
		if _, err := a.account(id); err != nil {
			return err
		}
		a.doors.shut(id) // before it closes: the account asks again at once
		a.doors.guard.CloseAccount(id, why)
		failed = a.doors.guard.Revoke(ctx, id, why)
		ids = append(ids, id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	err := a.doors.save(ctx, func(m map[platforms.AccountID]doorSetting) {
		for _, id := range ids {
			if s, set := m[id]; set {
				s.Closed = true
				m[id] = s
			}
		}
	})
	text := "Every public listener was closed."
	if id != "" {
		text = "The listener was closed."
	}
	a.audit(ctx, "closed", who, id, text)
	a.changed()
	if failed != nil {
		return wireError(fmt.Errorf("everything is closed, but the acknowledgement could not be removed for good: %w", failed))
	}
	return err
}

// shut notes, in memory, that an account's door is closed by hand.
func (d *doors) shut(id platforms.AccountID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, set := d.set[id]; set {
		s.Closed = true
		d.set = maps.Clone(d.set)
		d.set[id] = s
	}
}

// OpenDoor ends CloseDoor for a door that needs no acknowledgement.
func (a *App) OpenDoor(ctx context.Context, id platforms.AccountID, who string) (api.Door, error) {
	c, err := a.account(id)
	if err != nil {
		return api.Door{}, err
	}
	v := a.doors.view(c, a.doors.guard.State())
	switch {
	case !v.Set:
		return v, &api.Error{Kind: platforms.Rejected, Text: "There is no listener to open. Set one up first."}
	case v.Needs:
		return v, &api.Error{Kind: platforms.NotAcknowledged, Text: "Strangers could reach it: it opens only after you have acknowledged that."}
	}
	if err := a.doors.save(ctx, func(m map[platforms.AccountID]doorSetting) {
		s := m[id]
		s.Closed = false
		m[id] = s
	}); err != nil {
		return v, err
	}
	a.audit(ctx, "settings", who, id, "The listener may be open again.")
	a.doors.restart(c)
	return a.doors.view(c, a.doors.guard.State()), nil
}
