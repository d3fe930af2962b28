package app

import (
	"cmp"
	"maps"
	"os"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/platforms"
)

// Snapshot is everything that a tray or window shows at a glance.
func (a *App) Snapshot() api.Snapshot {
	a.mu.Lock()
	accounts := append([]*account(nil), a.accounts...)
	s := api.Snapshot{
		Revision: a.revision.Load(),
		At:       a.now(),
		Program: api.Program{
			Version: a.o.Version, PID: os.Getpid(), Started: a.started, DataDir: a.o.Dir,
			Vault: a.vault.Describe(), Demo: a.o.Demo, Paused: a.paused,
		},
		Exposure: api.Exposure{},
		Notices:  append([]api.Notice(nil), a.notices...),
	}
	a.mu.Unlock()

	stats, err := a.store.Stats()
	if err != nil {
		a.log.Error("the journal could not be counted", "err", err)
	}
	waiting, err := a.store.Outbox()
	if err != nil {
		a.log.Error("the outbox could not be counted", "err", err)
	}
	s.Held, s.Unread = stats.Held, stats.Unread
	s.Asks, s.Claims = len(a.asks.list()), len(a.people.pairings.Waiting(a.now()))
	st := a.doors.guard.State()
	s.Strange = st.Strange
	for _, c := range accounts {
		v := c.view(st)
		of := waiting[c.id]
		v.Queued, v.Dead = of.Queued, of.Dead
		s.Queued += of.Queued
		s.Dead += of.Dead
		s.Exposure[v.Exposure]++
		s.Accounts = append(s.Accounts, v)
	}
	return s
}

// view is the account as the outside sees it.
func (c *account) view(st guard.State) api.Account {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := api.Account{
		ID: c.id, Platform: c.platform.Name, Title: c.platform.Title, Glyph: c.platform.Glyph,
		Name: c.rec.Name, Handle: c.rec.Identity.Handle, Link: c.rec.Identity.Link,
		Status: c.status, Note: c.note, Since: c.since, RetryAt: c.retryAt,
		Hears: c.hears, Speaks: c.speaks, Answers: c.answers,
		Exposure: c.level(st, c.rec.Settings), Inbound: c.platform.Reach(c.rec.Settings),
		Problems:  append([]platforms.Problem(nil), c.rec.Identity.Problems...),
		Paused:    c.rec.Paused,
		Ephemeral: c.rec.Ephemeral,
		Settings:  maps.Clone(c.rec.Settings),
		Secrets:   map[string]string{},
	}
	if p := c.platform.Of(c.rec.Settings); c.platform.Vary != nil {
		v.Limits = &p.Limits
	}
	v.Deaf = c.platform.Limits.Deaf
	for _, name := range c.rec.Secrets {
		v.Secrets[name] = cmp.Or(c.hints[name], "…")
	}
	if c.last != nil {
		last := *c.last
		v.Last = &last
	}
	return v
}

// Platforms is what can be set up.
func (a *App) Platforms() []api.Platform {
	out := make([]api.Platform, 0, len(a.o.Platforms))
	for _, p := range a.o.Platforms {
		v := api.Platform{Name: p.Name, Title: p.Title, Glyph: p.Glyph, Summary: p.Summary, Minutes: p.Minutes, Away: p.Away,
			Exposure: exposureOf(p, nil), Inbound: p.Reach(nil), Setup: p.Setup, Limits: p.Limits, Varies: p.Vary != nil}
		v.Fields = fieldsOf(p.Fields)
		out = append(out, v)
	}
	return out
}

func fieldsOf(fs []platforms.Field) (out []api.Field) {
	for _, f := range fs {
		out = append(out, api.Field{Key: f.Key, Label: f.Label, Help: f.Help,
			Placeholder: f.Placeholder, Secret: f.Secret, Required: f.Required, Advanced: f.Advanced, Options: f.Options,
			Rotates: f.Rotates, Makes: f.Make != nil})
	}
	return out
}

// optionValues is what a field may hold, in words.
func optionValues(f platforms.Field) string {
	var all []string
	for _, o := range f.Options {
		all = append(all, o.Value)
	}
	return strings.Join(all, ", ")
}
