package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// How long a service may take: for what a person waits for, and for what must
// not keep the removal of an account waiting.
const (
	registerTimeout   = 45 * time.Second
	unregisterTimeout = 8 * time.Second
	readyTimeout      = 5 * time.Second // for the account to be connected
)

// overdue is when a proof that has not come is called missing.
const overdue = 2 * time.Minute

var errRegister = &api.Error{Kind: platforms.Unsupported, Text: "This service can't be told our address from here. Enter it there by hand."}

// registerForm is what an account's service wants to know, and what is known of
// it already. The record's fields have the names of the account's own, so it is
// under another id in the vault.
func (a *App) registerForm(c *account) (form platforms.RegisterForm, rec store.Account, ok bool) {
	c.mu.Lock()
	settings := maps.Clone(c.rec.Settings)
	c.mu.Unlock()
	if c.platform.Registers == nil {
		return form, rec, false
	}
	form, ok = c.platform.Registers(settings)
	was, _ := a.registers.get(c.id)
	return form, registration(c.id, form, was), ok
}

// registration is what is kept of a registration, in the form of an account's
// record, as far as it is for this form.
func registration(id platforms.AccountID, form platforms.RegisterForm, was registered) store.Account {
	rec := store.Account{ID: registrationID(id), Name: "registration of " + string(id), Settings: map[string]string{}}
	for _, f := range form.Fields {
		if v, ok := was.Values[f.Key]; ok && !f.Secret && was.Title == form.Title {
			rec.Settings[f.Key] = v
		}
		if f.Secret && slices.Contains(was.Secrets, f.Key) && was.Title == form.Title {
			rec.Secrets = append(rec.Secrets, f.Key)
		}
	}
	return rec
}

// registrationID is what a registration's secrets are kept under, as if it were an
// account.
func registrationID(id platforms.AccountID) platforms.AccountID { return id + "/@register" }

// RegisterForm is what an input's service wants to know.
func (a *App) RegisterForm(ctx context.Context, id platforms.AccountID) (api.RegistrationForm, error) {
	c, err := a.account(id)
	if err != nil {
		return api.RegistrationForm{}, err
	}
	form, rec, ok := a.registerForm(c)
	if !ok {
		return api.RegistrationForm{}, errRegister
	}
	out := api.RegistrationForm{Title: form.Title, Fields: fieldsOf(form.Fields), Setup: form.Setup, Values: rec.Settings}
	kept, err := a.keptSecrets(ctx, rec)
	if err != nil {
		return api.RegistrationForm{}, wireError(err)
	}
	out.Kept = slices.Sorted(maps.Keys(kept))
	for i, f := range out.Fields {
		if slices.Contains(out.Kept, f.Key) {
			out.Fields[i].Required = false
			out.Fields[i].Help = strings.TrimSpace(f.Help + " One is kept: leave this empty to use it.")
		}
	}
	if reg, err := a.registrar(ctx, c); err != nil {
		out.Why = wireError(err).Text
	} else if at, err := reg.Address(); err != nil {
		out.Why = noAddress(err).Text
	} else {
		out.Address = a.shown(at)
	}
	return out, nil
}

// noAddress says what to do before anything can be registered.
func noAddress(err error) *api.Error {
	return &api.Error{Kind: platforms.KindOf(err), Text: text.Sentence(platforms.Explain(err)) + " It can be registered once it has an address, by a relay or a listener."}
}

// shown is words of a connector's or a service's without secrets that are known
// here: a relay's address may have one in it, and a service may repeat it.
func (a *App) shown(words string) string { return platforms.Redact(words, a.vault.Secrets()...) }

// shownError is err for a person.
func (a *App) shownError(err error) *api.Error {
	e := *wireError(err)
	e.Text = a.shown(e.Text)
	return &e
}

// registrar is the account's connector as a platforms.Registrar.
func (a *App) registrar(ctx context.Context, c *account) (platforms.Registrar, error) {
	conn, err := c.connector(ctx)
	if err != nil {
		return nil, err
	}
	reg, ok := conn.(platforms.Registrar)
	if !ok {
		return nil, errRegister
	}
	return reg, nil
}

// Register tells an input's service its address. What is there already of an
// earlier time is changed, or taken back if it is elsewhere.
func (a *App) Register(ctx context.Context, id platforms.AccountID, d api.RegistrationDraft) (api.Registration, error) {
	c, err := a.account(id)
	if err != nil {
		return api.Registration{}, err
	}
	form, rec, ok := a.registerForm(c)
	if !ok {
		return api.Registration{}, errRegister
	}
	trial, err := a.registers.begin(id)
	if err != nil {
		return api.Registration{}, err
	}
	defer a.registers.done(id)
	reg, err := a.registrar(ctx, c)
	if err != nil {
		return api.Registration{}, wireError(err)
	}
	if _, err := reg.Address(); err != nil {
		return api.Registration{}, noAddress(err)
	}
	if err := c.ready(ctx); err != nil {
		return api.Registration{}, err
	}
	kept, err := a.keptSecrets(ctx, rec)
	if err != nil {
		return api.Registration{}, wireError(err)
	}
	typed := maps.Clone(d.Values)
	for _, f := range form.Fields {
		if f.Secret && strings.TrimSpace(typed[f.Key]) == "" && !kept[f.Key].IsZero() {
			delete(typed, f.Key)
		}
	}
	values, err := a.values(ctx, platforms.Platform{Title: form.Title, Fields: form.Fields}, rec, api.AccountDraft{Values: typed})
	if err != nil {
		return api.Registration{}, err
	}
	// The secrets are kept before they are used: what was registered can be taken
	// back even if Postern ends in between.
	undo, err := a.keepSecrets(ctx, rec.ID, values, kept)
	if err != nil {
		return api.Registration{}, wireError(err)
	}
	before, _ := a.registers.get(id)
	began := a.now()
	var told platforms.Registered
	err = c.guard(func() (err error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), registerTimeout) // begun is done
		defer cancel()
		told, err = reg.Register(ctx, values.settings, values.secrets, before.Registered)
		return err
	})
	if err != nil {
		undo()
		e := a.shownError(err)
		a.audit(ctx, string(api.Changed), "", id, "The input could not be registered at "+form.Title+": "+e.Text)
		return api.Registration{}, e
	}
	now := registered{Registered: a.clean(told), Sum: a.seal("registered address", []byte(told.Address)), Title: form.Title, At: began, Secrets: slices.Sorted(maps.Keys(values.secrets))}
	if before.ID != "" && (before.ID != now.ID || before.Service != now.Service) {
		now.Steps = append(now.Steps, a.takeBack(ctx, reg, before, kept))
	}
	if err := a.noteRegistration(ctx, c, trial, now); err != nil {
		return api.Registration{}, a.revoke(ctx, reg, rec, now, values.secrets, err)
	}
	a.audit(ctx, string(api.Changed), "", id, fmt.Sprintf("The input was registered at %s, %s: %s.", now.Title, now.Where, now.ID))
	a.changed()
	if now.Awaits != "" {
		a.registers.await(ctx, trial)
	}
	_, out := a.registration(c)
	if out == nil { // taken back meanwhile
		return api.Registration{}, &api.Error{Kind: platforms.Rejected, Text: "The account was removed meanwhile."}
	}
	return *out, nil
}

// ready waits a little until the account takes what comes: services send their
// test once.
func (c *account) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for changes := c.app.Watch(ctx); ; {
		everything := c.app.allPaused()
		c.mu.Lock()
		status, note, parked := c.status, c.note, c.parked != nil
		paused := c.rec.Paused || everything
		c.mu.Unlock()
		switch {
		case paused:
			return &api.Error{Kind: platforms.Rejected, Text: "The account is paused, so it could not take what comes. Resume it, and register then."}
		case status == api.Connected:
			return nil
		case parked:
			return &api.Error{Kind: platforms.Rejected, Text: "The account does not run, so it could not take what comes. " + text.Sentence(note)}
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return &api.Error{Kind: platforms.Temporary, Text: "The account is not connected yet, so it could not take what comes. Wait until it is, and register then."}
		}
	}
}

// noteRegistration keeps what was registered, unless the account is gone by now.
func (a *App) noteRegistration(ctx context.Context, c *account, trial *registering, now registered) error {
	c.saving.Lock() // so that it is not removed meanwhile
	defer c.saving.Unlock()
	if c.removed {
		return &api.Error{Kind: platforms.Rejected, Text: "The account was removed meanwhile."}
	}
	return a.registers.change(ctx, c.id, func(registered, bool) *registered {
		a.registers.mu.Lock()
		now.Proven = trial.proven
		a.registers.mu.Unlock()
		return &now
	})
}

// revoke takes back what can't be kept.
func (a *App) revoke(ctx context.Context, reg platforms.Registrar, rec store.Account, now registered, secrets map[string]platforms.Secret, why error) error {
	step := a.takeBack(ctx, reg, now, secrets)
	for _, f := range now.Secrets {
		if err := a.vault.Delete(context.WithoutCancel(ctx), secretName(rec.ID, f)); err != nil {
			a.log.Warn("an access token stays in the keyring", "field", f, "err", err)
		}
	}
	e := wireError(why)
	return &api.Error{Kind: e.Kind, Text: text.Sentence(e.Text) + " " + step.Text}
}

// takeBack removes what was registered and says what came of it.
func (a *App) takeBack(ctx context.Context, reg platforms.Registrar, was registered, secrets map[string]platforms.Secret) platforms.RegisterStep {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unregisterTimeout)
	defer cancel()
	err := contain(a.log, func() error { return reg.Unregister(ctx, was.Registered, secrets) })
	if err != nil {
		return platforms.RegisterStep{Bad: true, Text: fmt.Sprintf("What was registered at %s, %s, could not be removed: %s Delete %s by hand. %s", was.Title, was.Where, a.shownError(err).Text, was.ID, was.Manual)}
	}
	return platforms.RegisterStep{Text: fmt.Sprintf("What was registered at %s, %s, was removed.", was.Title, was.Where)}
}

// clean makes what a service said fit to be kept and shown.
func (a *App) clean(r platforms.Registered) platforms.Registered {
	const most = 20 // steps
	r.Steps = slices.Clone(r.Steps[:min(len(r.Steps), most)])
	for i := range r.Steps {
		r.Steps[i].Text = text.Line(a.shown(r.Steps[i].Text), 500)
	}
	r.Address = text.Line(a.shown(r.Address), 500)
	r.ID, r.Where, r.Manual, r.Awaits = text.Line(r.ID, 256), text.Line(r.Where, 300), text.Line(r.Manual, 300), text.Line(r.Awaits, 60)
	return r
}

// Unregister takes back what a service was told. Where the service refuses, it is
// forgotten all the same: only the person can do it then.
func (a *App) Unregister(ctx context.Context, id platforms.AccountID) error {
	c, err := a.account(id)
	if err != nil {
		return err
	}
	was, ok := a.registers.get(id)
	if !ok {
		return &api.Error{Kind: platforms.Rejected, Text: "Nothing is registered for this account by Postern. What was entered at the service by hand is removed there."}
	}
	if _, err := a.registers.begin(id); err != nil {
		return err
	}
	defer a.registers.done(id)
	failed := a.unregister(ctx, c, was)
	switch kind := platforms.KindOf(failed); kind {
	case "", platforms.Unauthorized, platforms.Rejected, platforms.Unsupported:
	default: // another time it may work
		return a.shownError(failed)
	}
	if err := a.forgetRegistration(ctx, id, was); err != nil {
		return wireError(err)
	}
	a.changed()
	if failed != nil {
		words := fmt.Sprintf("%s Postern forgets it, but it is still there: delete %s by hand. %s", text.Sentence(platforms.Explain(failed)), was.ID, was.Manual)
		a.audit(ctx, string(api.Changed), "", id, "The input was forgotten, and is still registered at "+was.Title+": "+platforms.Explain(failed))
		return &api.Error{Kind: platforms.KindOf(failed), Text: words}
	}
	a.audit(ctx, string(api.Changed), "", id, fmt.Sprintf("The input is no longer registered at %s, %s.", was.Title, was.Where))
	return nil
}

// unregister has the service forget, in bounded time.
func (a *App) unregister(ctx context.Context, c *account, was registered) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unregisterTimeout)
	defer cancel()
	reg, err := a.registrar(ctx, c)
	if err != nil {
		return err
	}
	secrets, err := a.keptSecrets(ctx, store.Account{ID: registrationID(c.id), Secrets: was.Secrets})
	if err != nil {
		return err
	}
	return c.guard(func() error { return reg.Unregister(ctx, was.Registered, secrets) })
}

// unregisterRemoved takes back what was registered for an account that was just
// removed, while its secrets are still there. Its error is of our own keeping;
// what the service has still, a notice tells.
func (a *App) unregisterRemoved(ctx context.Context, c *account) error {
	was, ok := a.registers.get(c.id)
	if !ok {
		return a.forgetTried(ctx, c)
	}
	defer c.drop()
	if err := a.unregister(ctx, c, was); err != nil {
		a.leftBehind(ctx, c.id, was, err)
	}
	return a.forgetRegistration(ctx, c.id, was)
}

// forgetTried drops the secrets of a registration that was never noted, since
// Postern was stopped in the middle of it.
func (a *App) forgetTried(ctx context.Context, c *account) (failed error) {
	form, rec, _ := a.registerForm(c)
	for _, f := range form.Fields {
		if f.Secret {
			failed = errors.Join(failed, a.vault.Delete(context.WithoutCancel(ctx), secretName(rec.ID, f.Key)))
		}
	}
	return failed
}

// forgetRegistration drops what is kept of a registration, and its secrets.
func (a *App) forgetRegistration(ctx context.Context, id platforms.AccountID, was registered) error {
	ctx = context.WithoutCancel(ctx)
	var failed error
	for _, f := range was.Secrets {
		failed = errors.Join(failed, a.vault.Delete(ctx, secretName(registrationID(id), f)))
	}
	return errors.Join(failed, a.registers.change(ctx, id, func(registered, bool) *registered { return nil }))
}

// await waits a little for the proof, so that whoever registers sees it at once.
func (r *registers) await(ctx context.Context, t *registering) {
	timer := time.NewTimer(r.patience)
	defer timer.Stop()
	select {
	case <-t.came:
	case <-timer.C:
	case <-ctx.Done():
	}
}
