package app

import (
	"context"
	"slices"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor"
	"github.com/postern/postern/platforms"
)

// The doctor's own names in the vault and in the journal.
const (
	doctorSecret  = "doctor"
	doctorSetting = "doctor"
)

// Doctor looks at everything and calls tell with what it finds, one line at a
// time. It asks the platforms of the accounts and nobody else.
func (a *App) Doctor(ctx context.Context, tell func(api.Examination)) error {
	probes := a.probes()
	all := make([]api.Finding, 0, len(probes))
	for _, p := range probes {
		all = append(all, doctor.Finding(p))
	}
	tell(api.Examination{Checks: all})
	err := doctor.Run(ctx, probes, doctor.Options{Log: a.log}, func(f api.Finding) { tell(api.Examination{Finding: &f}) })
	if err != nil {
		return err
	}
	tell(api.Examination{Done: true})
	return nil
}

// probes is everything that can be looked at now.
func (a *App) probes() []doctor.Probe {
	snap, view := a.Snapshot(), a.Exposure()
	a.mu.Lock()
	woke, why := a.woke, a.wokeWhy
	a.mu.Unlock()
	network := doctor.Net{Proxy: a.proxy.Proxy}
	responders := a.Responders()
	list := []doctor.Probe{
		doctor.Network(a.bases, network),
		doctor.Proxy(a.bases, network),
		doctor.Clock(a.sites, a.now),
		doctor.Keyring(a.vaultProbe()),
		doctor.Disk(a.o.Dir, nil),
		doctor.Permissions(a.o.Dir),
		doctor.Journal(a.figures, func(ctx context.Context) error { return a.store.PutSetting(ctx, doctorSetting, a.now()) }, a.now),
		doctor.Routes(a.Routes(), responders),
	}
	list = append(list, a.o.Probes...)
	for _, r := range responders {
		list = append(list, doctor.Responder(r))
	}
	for _, acc := range snap.Accounts {
		list = append(list, doctor.Account(acc, func(ctx context.Context) (api.Check, error) { return a.CheckAccount(ctx, acc.ID) }))
	}
	for _, r := range a.Relays() {
		list = append(list, doctor.Relay(r, a.now(), func(ctx context.Context) (api.RelayCheck, error) {
			return a.CheckRelay(ctx, r.ID, api.RelayDraft{Kind: r.Kind})
		}))
	}
	for _, d := range view.Doors {
		list = append(list, doctor.Door(d, a.now()))
	}
	return append(list, doctor.Sockets(view), doctor.Wake(woke, why, a.started, a.now()), doctor.Notices(snap.Notices))
}

// sites is the servers that the accounts talk to.
func (a *App) sites(context.Context) (out []doctor.Site) {
	for _, c := range a.list() {
		base, client := c.base()
		if base != "" && !slices.ContainsFunc(out, func(s doctor.Site) bool { return s.Base == base }) {
			out = append(out, doctor.Site{Base: base, Client: client})
		}
	}
	return out
}

func (a *App) bases(ctx context.Context) (out []string) {
	for _, s := range a.sites(ctx) {
		out = append(out, s.Base)
	}
	return out
}

func (a *App) figures() (doctor.Figures, error) {
	st, err := a.store.Stats()
	return doctor.Figures{Bytes: st.Bytes, Free: st.Free, Most: a.Settings().KeepBytes, Entries: st.Entries,
		Pending: st.Pending, Queued: st.Queued, Dead: st.Dead,
		Oldest: st.Oldest, Copied: doctor.NewestCopy(a.o.Dir), Opened: a.started}, err
}

// vaultProbe tries the vault with a value of its own, one try at a time. The
// value stays the same: the vault remembers each that it was ever given.
func (a *App) vaultProbe() doctor.Vault {
	value := ""
	return doctor.Vault{
		Where: a.vault.Describe(),
		Put: func(ctx context.Context) error {
			select {
			case value = <-a.sample:
			case <-ctx.Done():
				return ctx.Err()
			}
			err := a.vault.Set(ctx, doctorSecret, platforms.NewSecret(value))
			if err != nil {
				a.sample <- value
			}
			return err
		},
		Get: func(ctx context.Context) (bool, error) {
			got, err := a.vault.Get(ctx, doctorSecret)
			return err == nil && got.Reveal() == value, err
		},
		Del: func(ctx context.Context) error {
			defer func() { a.sample <- value }()
			return a.vault.Delete(ctx, doctorSecret)
		},
	}
}
