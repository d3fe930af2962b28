package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// maxAccounts bounds the list: each account costs a connection.
const maxAccounts = 100

// AddAccount saves a new account and connects it.
func (a *App) AddAccount(ctx context.Context, d api.AccountDraft) (api.Account, error) {
	p, ok := a.platform(d.Platform)
	if !ok {
		return api.Account{}, a.unknownPlatform(d.Platform)
	}
	rec := store.Account{Platform: p.Name, Ephemeral: d.Ephemeral, Created: a.now()}
	values, err := a.values(ctx, p, rec, d)
	if err != nil {
		return api.Account{}, err
	}
	if err := a.refuseTwice(ctx, p, "", values); err != nil {
		return api.Account{}, err
	}

	a.mu.Lock()
	if len(a.accounts) >= maxAccounts {
		a.mu.Unlock()
		return api.Account{}, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There are %d accounts already, which is the most. Remove one first.", maxAccounts)}
	}
	rec.ID = a.freshID(p.Name)
	rec.Name = a.freshName(strings.TrimSpace(d.Name), p.Title)
	acc := newAccount(a, p, rec)
	acc.unsaved = true
	a.accounts = append(a.accounts, acc) // reserves the id
	a.mu.Unlock()

	if err := a.save(ctx, acc, rec, values); err != nil {
		a.mu.Lock()
		a.accounts = slices.DeleteFunc(a.accounts, func(o *account) bool { return o == acc })
		a.mu.Unlock()
		return api.Account{}, wireError(err)
	}
	a.audit(ctx, string(api.Changed), "", rec.ID, fmt.Sprintf("The account %q (%s) was added.", rec.Name, p.Title))
	a.mu.Lock()
	acc.unsaved = false
	a.mu.Unlock()
	a.supervise(acc)
	a.changed()
	return acc.view(a.doors.guard.State()), nil
}

// ChangeAccount saves new values and reconnects with them. Values that d
// leaves out are kept.
func (a *App) ChangeAccount(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Account, error) {
	acc, err := a.account(id)
	if err != nil {
		return api.Account{}, err
	}
	acc.mu.Lock()
	rec := acc.rec
	acc.mu.Unlock()
	values, err := a.values(ctx, acc.platform, rec, d)
	if err != nil {
		return api.Account{}, err
	}
	if err := errors.Join(a.refuseTwice(ctx, acc.platform, id, values), checkOverlap(d.Overlap)); err != nil {
		return api.Account{}, err
	}
	values.overlap = d.Overlap
	if name := strings.TrimSpace(d.Name); name != "" {
		rec.Name = cut(name, 64)
	}
	rec.Ephemeral = d.Ephemeral
	// A new credential may be another bot's, whose messages the saved place in
	// the old one's would throw away.
	rec.Verify = rec.Verify || (len(values.typed) > 0 && rec.Identity.ID != "")
	if err := a.save(ctx, acc, rec, values); err != nil {
		return api.Account{}, wireError(err)
	}
	if control.Who(ctx) == control.ByProgram && len(values.typed)+len(values.cleared) > 0 { // it decides who gets in
		if err := a.doors.guard.Revoke(ctx, id, "a program changed its secrets"); err != nil {
			return api.Account{}, wireError(err)
		}
	}
	what := "The account was changed."
	if n := len(values.typed); n > 0 {
		what = "The account was changed, and its secrets: " + strings.Join(values.typed, ", ") + "."
	}
	a.audit(ctx, string(api.Changed), "", id, what)
	a.registers.outdated(ctx, id, len(values.typed)+len(values.cleared) > 0 || !maps.Equal(rec.Settings, values.settings))
	acc.mu.Lock()
	acc.checked = false
	acc.mu.Unlock()
	acc.drop()
	acc.unpark()
	a.pace.forget(id) // its settings may allow another one now
	acc.end(errChanged)
	if acc.platform.Reach(values.settings) == platforms.Dials { // what was agreed to is of no use, and is not shown
		if err := a.doors.guard.Revoke(ctx, id, "the account dials out now"); err != nil {
			return api.Account{}, wireError(err)
		}
	}
	a.changed()
	return acc.view(a.doors.guard.State()), nil
}

// RemoveAccount disconnects an account and deletes it with its messages and
// secrets.
func (a *App) RemoveAccount(ctx context.Context, id platforms.AccountID) error {
	acc, err := a.account(id)
	if err != nil {
		return err
	}
	acc.shutdown()
	a.turns.cancel(errors.New("the account was removed"), func(t *turn) bool { return t.acc == acc })
	if err := a.doors.forget(ctx, id); err != nil {
		a.supervise(acc)
		return wireError(err)
	}
	acc.mu.Lock()
	rec := acc.rec
	acc.mu.Unlock()
	if err := acc.remove(ctx); err != nil {
		a.supervise(acc)
		return wireError(err)
	}
	// The secrets go whether or not whoever asked still waits, and before the id
	// is free for a new account.
	ctx = context.WithoutCancel(ctx)
	failed := a.unregisterRemoved(ctx, acc)
	for _, f := range append([]string{ownKey}, rec.Secrets...) {
		failed = errors.Join(failed, a.vault.Delete(ctx, secretName(id, f)))
	}
	for f := range rec.Former {
		failed = errors.Join(failed, a.vault.Delete(ctx, formerName(id, f)))
	}
	a.mu.Lock()
	a.accounts = slices.DeleteFunc(a.accounts, func(o *account) bool { return o == acc })
	a.mu.Unlock()
	a.pace.forget(id)
	a.people.pairings.Forget(id)
	a.waits.forget(id)
	a.dropInput(ctx, id)
	a.turns.drop(acc)
	a.leases.drop(func(l api.Lease) bool { return l.Account == id })
	failed = errors.Join(failed, a.forgetPeople(ctx, id), a.forgetScopes(ctx, id), a.forgetHooks(ctx, id), a.forgetInRelays(ctx, id, rec.Name))
	a.relays.reconsider()
	a.audit(ctx, string(api.Changed), "", "", fmt.Sprintf("The account %s (%s) was removed with its messages.", id, rec.Name))
	a.changed()
	if failed != nil {
		return wireError(fmt.Errorf("the account is removed, but a secret of it is still in the keyring: %w", failed))
	}
	return nil
}

// CheckDraft checks values that are not saved.
func (a *App) CheckDraft(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Check, error) {
	p, ok := a.platform(d.Platform)
	if !ok {
		return api.Check{}, a.unknownPlatform(d.Platform)
	}
	var rec store.Account
	if id != "" {
		acc, err := a.account(id)
		if err != nil {
			return api.Check{}, err
		}
		acc.mu.Lock()
		rec = acc.rec
		acc.mu.Unlock()
	}
	values, err := a.values(ctx, p, rec, d)
	out := api.Check{Exposure: exposureOf(p, values.settings)} // of what is good so far
	var invalid *api.Error
	if errors.As(err, &invalid) && len(invalid.Fields) > 0 {
		out.Fields, out.Error = invalid.Fields, invalid
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if err := a.refuseTwice(ctx, p, id, values); err != nil {
		out.Error = wireError(err)
		return out, nil
	}
	client := a.newClient()
	defer client.CloseIdleConnections()
	key := platforms.NewSecret(rand.Text())
	rec.Settings = values.settings
	if id == "" {
		rec.ID = "draft"
	} else if key, err = a.ownKey(ctx, p, rec); err != nil { // it is called where it is called now
		return out, wireError(err)
	}
	conn, err := p.New(a.config(p, rec, values.secrets, nil, key, client, a.log))
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		err = contain(a.log, func() (err error) {
			out.Identity, err = conn.Check(ctx)
			return err
		})
	}
	if err != nil {
		out.Error = wireError(err)
	}
	return out, nil
}

// fieldValues is a form's content, cleaned and apart.
type fieldValues struct {
	settings map[string]string
	secrets  map[string]platforms.Secret
	typed    []string      // secrets that are new
	cleared  []string      // secrets that are to go
	overlap  time.Duration // for how long replaced ones still count
}

// values cleans what was typed into the form and completes it with what rec has.
func (a *App) values(ctx context.Context, p platforms.Platform, rec store.Account, d api.AccountDraft) (fieldValues, error) {
	kept, err := a.keptSecrets(ctx, rec)
	if err != nil {
		return fieldValues{}, wireError(err)
	}
	v := fieldValues{settings: map[string]string{}, secrets: map[string]platforms.Secret{}}
	wrong := map[string]string{}
	known := map[string]bool{}
	for _, f := range p.Fields {
		known[f.Key] = true
		typed, given := d.Values[f.Key]
		if !given {
			if f.Secret && !kept[f.Key].IsZero() {
				v.secrets[f.Key] = kept[f.Key]
			} else if s, ok := rec.Settings[f.Key]; ok && !f.Secret {
				v.settings[f.Key] = s
			} else if f.Required {
				wrong[f.Key] = f.Label + " is needed."
			}
			continue
		}
		typed = strings.TrimSpace(typed)
		if typed != "" && f.Parse != nil {
			if typed, err = f.Parse(typed); err != nil {
				wrong[f.Key] = platforms.Explain(err)
				continue
			}
		}
		if typed != "" && len(f.Options) > 0 && !slices.ContainsFunc(f.Options, func(o platforms.Option) bool { return o.Value == typed }) {
			wrong[f.Key] = f.Label + " can't be that. Choose one of: " + optionValues(f) + "."
			continue
		}
		switch {
		case typed == "" && f.Required:
			wrong[f.Key] = f.Label + " is needed."
		case typed == "" && f.Secret:
			v.cleared = append(v.cleared, f.Key)
		case typed == "":
		case f.Secret:
			v.secrets[f.Key] = platforms.NewSecret(typed)
			v.typed = append(v.typed, f.Key)
		default:
			v.settings[f.Key] = typed
		}
	}
	for key := range d.Values {
		if !known[key] {
			wrong[key] = p.Title + " has no such field."
		}
	}
	if len(wrong) > 0 {
		texts := make([]string, 0, len(wrong))
		for _, f := range p.Fields { // in the form's order, each with its name
			if t := wrong[f.Key]; t != "" && strings.Contains(t, f.Label) {
				texts = append(texts, t)
			} else if t != "" {
				texts = append(texts, f.Label+": "+strings.TrimSuffix(t, ".")+".")
			}
			known[f.Key] = true
		}
		for _, key := range slices.Sorted(maps.Keys(wrong)) {
			if !known[key] {
				texts = append(texts, wrong[key])
			}
		}
		return v, &api.Error{Kind: platforms.Rejected, Text: strings.Join(texts, " "), Fields: wrong}
	}
	return v, nil
}

// save writes secrets to the vault, then the record to the journal, and takes
// new secrets back out if the record can't be written.
func (a *App) save(ctx context.Context, acc *account, rec store.Account, v fieldValues) error {
	before, err := a.keptSecrets(ctx, rec)
	if err != nil {
		return err
	}
	undo, err := a.keepSecrets(ctx, rec.ID, v, before)
	if err != nil {
		return err
	}
	told, err := a.rotate(ctx, acc.platform, &rec, v, before, v.overlap)
	if err != nil {
		undo()
		return fmt.Errorf("the former secret could not be kept or removed, so nothing was saved: %w", err)
	}
	err = acc.update(ctx, func(r *store.Account) {
		r.Name, r.Ephemeral, r.Verify, r.Former = rec.Name, rec.Ephemeral, rec.Verify, rec.Former
		r.Settings, r.Secrets = v.settings, slices.Sorted(maps.Keys(v.secrets))
	})
	if err != nil {
		undo()
		return err
	}
	for _, text := range told {
		a.audit(ctx, "rotated", "", rec.ID, text)
	}
	for _, f := range v.cleared {
		if err := a.vault.Delete(ctx, secretName(rec.ID, f)); err != nil {
			a.log.Warn("an old secret stays in the keyring", "field", f, "err", err)
		}
	}
	return nil
}

// keepSecrets writes what was typed to the vault; undo puts back what was there
// before, as its own error does.
func (a *App) keepSecrets(ctx context.Context, id platforms.AccountID, v fieldValues, before map[string]platforms.Secret) (undo func(), err error) {
	undo = func() {
		ctx := context.WithoutCancel(ctx)
		for _, f := range v.typed {
			if old, ok := before[f]; ok {
				_ = a.vault.Set(ctx, secretName(id, f), old)
			} else {
				_ = a.vault.Delete(ctx, secretName(id, f))
			}
		}
	}
	for _, f := range v.typed {
		if err := a.vault.Set(ctx, secretName(id, f), v.secrets[f]); err != nil {
			undo()
			return undo, fmt.Errorf("the secret could not be kept, so nothing was saved: %w", err)
		}
	}
	return undo, nil
}
