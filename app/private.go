package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor/support"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// private is everything that must not be in a bundle.
func (a *App) private(ctx context.Context) (support.Private, error) {
	records, err := a.store.Accounts()
	if err != nil {
		return support.Private{}, wireError(err)
	}
	setups, err := a.everySetup()
	if err != nil {
		return support.Private{}, wireError(err)
	}
	relays, err := a.everyRelay()
	if err != nil {
		return support.Private{}, wireError(err)
	}
	registrations, err := a.everyRegistration()
	if err != nil {
		return support.Private{}, wireError(err)
	}
	if err := a.readSecrets(ctx, records, setups, relays, registrations); err != nil {
		a.log.Warn("no bundle: a secret can't be read", "err", err)
		return support.Private{}, &api.Error{Kind: platforms.Temporary, Text: "A secret could not be read, so it could not be taken out of the bundle, and none was made. Unlock the keyring, then try again."}
	}
	key, _, err := a.vault.Key(ctx, supportKey)
	if err != nil {
		return support.Private{}, &api.Error{Kind: platforms.Temporary, Text: "The keyring gave no key for the bundle's pseudonyms. Unlock it, then try again."}
	}
	conversations, err := a.store.Conversations(mostKnown)
	if err != nil {
		return support.Private{}, wireError(err)
	}
	names := a.accountNames(records)
	for _, s := range setups {
		names = append(names, nicknamed("responder", s.ID, s.Label)...)
		for _, v := range s.Settings {
			names = append(names, settingNames(v)...)
		}
	}
	for _, r := range a.Routes().Routes {
		names = append(names, nicknamed("route", r.ID, r.Name)...)
	}
	names = append(names, a.arrivalNames(relays, registrations)...)
	for _, c := range conversations {
		names = append(names, nicknamed("conversation", string(c.ID), string(c.ID), c.Title)...)
	}
	for _, c := range a.Clients() {
		names = append(names, nicknamed("client", c.ID, c.Name)...)
	}
	for _, d := range a.Exposure().Doors {
		names = append(names, nicknamed("host", "", hostOf(d.Public))...)
	}
	return support.Here(support.Private{Key: key[:], Data: a.o.Dir, Names: append(names, a.peopleNames()...)}), nil
}

// readSecrets reads every secret there is, so that the vault knows it: also those
// of accounts that are paused or of another version's, and of responders that
// are not trusted; and those of relays, and of services that were told an address.
func (a *App) readSecrets(ctx context.Context, records []store.Account, setups []*setup, relays []relaySetup, registrations map[platforms.AccountID]registered) error {
	var names []string
	for _, r := range records {
		names = append(names, secretName(r.ID, ownKey))
		for _, f := range r.Secrets {
			names = append(names, secretName(r.ID, f), formerName(r.ID, f))
		}
		for f := range r.Former {
			names = append(names, formerName(r.ID, f))
		}
	}
	for _, s := range setups {
		for _, f := range s.Secrets {
			names = append(names, secretName(s.vaultID(), f))
		}
	}
	for _, s := range relays {
		for _, f := range s.Secrets {
			names = append(names, secretName(s.vaultID(), f))
		}
	}
	for id, r := range registrations {
		for _, f := range r.Secrets {
			names = append(names, secretName(registrationID(id), f))
		}
	}
	for _, n := range names {
		if _, err := a.vault.Get(ctx, n); err != nil && !errors.Is(err, vault.ErrNotFound) {
			return err
		}
	}
	return nil
}

// everySetup is the responders that are kept, whoever wrote that: they are only
// read for what must be hidden.
func (a *App) everySetup() (list []*setup, err error) {
	var k kept
	if found, err := a.store.Setting(settingResponders, &k); !found || err != nil {
		return nil, err
	}
	err = json.Unmarshal(k.Value, &list)
	if isShape(err) {
		return nil, nil // nothing was ever set up by what it says
	}
	return slices.DeleteFunc(list, func(s *setup) bool { return s == nil }), err
}

// everyRelay is the relays that are kept, as everySetup is the responders.
func (a *App) everyRelay() (list []relaySetup, err error) {
	var k kept
	if found, err := a.store.Setting(settingRelays, &k); !found || err != nil {
		return nil, err
	}
	if err = json.Unmarshal(k.Value, &list); isShape(err) {
		return nil, nil // nothing was ever set up by what it says
	}
	return list, err
}

// everyRegistration is what services were told, as everySetup is the responders.
func (a *App) everyRegistration() (m map[platforms.AccountID]registered, err error) {
	var k kept
	if found, err := a.store.Setting(settingRegisters, &k); !found || err != nil {
		return nil, err
	}
	if err = json.Unmarshal(k.Value, &m); isShape(err) {
		return nil, nil //nolint:nilnil // nothing was ever registered by what it says
	}
	return m, err
}

// arrivalNames is what hooks, relays and what was registered are called, and
// where they are.
func (a *App) arrivalNames(relays []relaySetup, registrations map[platforms.AccountID]registered) (out []support.Name) {
	book := a.hooking.now()
	for _, h := range book.List() {
		out = append(out, nicknamed("hook", h.ID, h.ID, h.Name)...)
		out = append(out, nicknamed("conversation", string(h.Conversation), string(h.Conversation))...)
	}
	for _, s := range relays {
		kind, _ := a.relays.kind(s.Kind)
		if s.Name != kind.Title {
			out = append(out, nicknamed("relay", s.ID, s.Name)...)
		}
		for key, v := range s.Settings {
			if !slices.ContainsFunc(kind.Fields, func(f platforms.Field) bool { return f.Key == key && len(f.Options) > 0 }) {
				out = append(out, settingNames(v)...)
			}
		}
		for _, c := range s.Channels {
			out = append(out, nicknamed("channel", "", c.Channel)...)
			out = append(out, nicknamed("account", "", c.Was)...)
			out = append(out, settingNames(c.Public)...)
		}
	}
	for _, r := range registrations {
		out = append(out, nicknamed("registration", "", r.ID, r.Where)...)
		for _, v := range r.Values {
			out = append(out, settingNames(v)...)
		}
	}
	return out
}

// shortestWord is how long an id, a name or a setting must be to be taken out
// wherever it stands, in bytes: a shorter one stands in too many words.
const shortestWord = 5

// nicknamed is texts that get the pseudonym of one thing; each its own if of is
// empty.
func nicknamed(kind, of string, texts ...string) (out []support.Name) {
	for _, t := range texts {
		if len(t) >= shortestWord {
			out = append(out, support.Name{Kind: kind, Text: t, Of: of})
		}
	}
	return out
}

// settingNames is a setting's value, or the host in it.
func settingNames(v string) []support.Name {
	if u := settingURL(v); u != nil {
		v = u.Hostname()
		if _, err := netip.ParseAddr(v); err == nil || v == "localhost" {
			return nil // addresses are the mask's own business
		}
		return append(nicknamed("host", "", v), nicknamed("path", "", strings.Trim(u.EscapedPath(), "/"))...)
	}
	return nicknamed("setting", "", v)
}

// accountNames is what accounts, their bots and their servers are called.
func (a *App) accountNames(records []store.Account) (out []support.Name) {
	for _, r := range records {
		for _, text := range []string{string(r.ID), r.Name, r.Identity.Name, r.Identity.Handle, string(r.Identity.ID), r.Identity.Link} {
			if !a.isPlatform(text) {
				out = append(out, support.Name{Kind: "account", Text: text, Of: string(r.ID)})
			}
		}
		for key, v := range r.Settings {
			if !a.chosen(r.Platform, key) {
				out = append(out, settingNames(v)...)
			}
		}
	}
	return out
}

// peopleNames is whom and which places the rules name.
func (a *App) peopleNames() (out []support.Name) {
	p := a.People()
	for _, r := range p.Rules {
		out = append(out, nicknamed("person", string(r.User), string(r.User), r.Name)...)
		out = append(out, nicknamed("conversation", string(r.Conversation), string(r.Conversation), r.Place)...)
	}
	for _, i := range p.Ignored {
		out = append(out, nicknamed("person", string(i.User), string(i.User), i.Name)...)
		out = append(out, nicknamed("conversation", string(i.Conversation), string(i.Conversation))...)
	}
	for _, o := range p.Open {
		out = append(out, nicknamed("conversation", string(o.Conversation), string(o.Conversation), o.Name)...)
	}
	for _, c := range p.Claims {
		out = append(out, nicknamed("person", string(c.User.ID), string(c.User.ID), c.User.Name, c.User.Handle)...)
	}
	return out
}

// isPlatform reports whether s is what a platform is called: that tells nobody
// anything, and the bundle is of no use without it.
func (a *App) isPlatform(s string) bool {
	return slices.ContainsFunc(a.o.Platforms, func(p platforms.Platform) bool { return s == p.Name || s == p.Title })
}

// accountName is what an account is called in a bundle.
func (a *App) accountName(mask *support.Mask, id platforms.AccountID) string {
	if a.isPlatform(string(id)) {
		return string(id)
	}
	return mask.Pseudonym("account", string(id))
}

// chosen reports whether a setting's value is one of a list, and names nobody.
func (a *App) chosen(platform, key string) bool {
	p, _ := a.platform(platform)
	return slices.ContainsFunc(p.Fields, func(f platforms.Field) bool { return f.Key == key && len(f.Options) > 0 })
}
