package app

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// settingRegisters is the journal's name for what services were told.
const settingRegisters = "registrations"

// registers is what services were told by their APIs, by account: where to
// deliver. Its secrets are in the vault.
type registers struct {
	keep func(ctx context.Context, m map[platforms.AccountID]registered) error
	now  func() time.Time

	patience time.Duration // for the service's proof, while somebody waits

	saving sync.Mutex // held while the book is written; before mu
	mu     sync.Mutex
	book   map[platforms.AccountID]registered
	trying map[platforms.AccountID]*registering // not more than one of an account
}

// registered is one of them. A relay's address may have a secret in it, so
// Address is without that, and Sum tells whether it is the same still.
type registered struct {
	platforms.Registered
	Sum      []byte    `json:"sum"`
	Title    string    `json:"title"` // the service's
	At       time.Time `json:"at"`
	Proven   time.Time `json:"proven,omitzero"`
	Secrets  []string  `json:"secrets,omitempty"`  // fields that the vault has one of
	Outdated bool      `json:"outdated,omitempty"` // the account was changed since
}

// registering is a registration that is under way.
type registering struct {
	proven time.Time // something came
	came   chan struct{}
}

// openRegisters reads what was registered. Of an account that is gone, only the
// person can take it back.
func (a *App) openRegisters(ctx context.Context) error {
	r := &a.registers
	r.now, r.patience = a.now, 3*time.Second
	r.book, r.trying = map[platforms.AccountID]registered{}, map[platforms.AccountID]*registering{}
	r.keep = func(ctx context.Context, m map[platforms.AccountID]registered) error {
		return a.keep(ctx, settingRegisters, m)
	}
	if err := a.recallOr(settingRegisters, &r.book, "What was registered at services was changed by something other than Postern, and is forgotten. Register the inputs again; what is there already is used again."); err != nil {
		return err
	}
	if r.book == nil {
		r.book = map[platforms.AccountID]registered{}
	}
	records, err := a.store.Accounts()
	if err != nil {
		return err
	}
	known := map[platforms.AccountID]bool{}
	for _, rec := range records {
		known[rec.ID] = true
	}
	for id, was := range maps.Clone(r.book) {
		if known[id] {
			continue
		}
		a.leftBehind(ctx, id, was, &platforms.Error{Text: "Postern was stopped in the middle of it."})
		if err := a.forgetRegistration(ctx, id, was); err != nil {
			a.log.Warn("a registration of an account that is gone is kept still", "account", string(id), "err", err)
		}
	}
	return nil
}

// leftBehind tells what a service still has, and how to take it back by hand.
func (a *App) leftBehind(ctx context.Context, id platforms.AccountID, was registered, err error) {
	a.notice(ctx, "unregister-"+string(id), true, fmt.Sprintf("The account %s was removed, and what was registered for it at %s is probably still there: %s. Delete it by hand, its number is %s. %s",
		id, was.Title, strings.TrimRight(platforms.Explain(err), "."), was.ID, was.Manual))
}

// begin refuses a second registration of one account at the same time.
func (r *registers) begin(id platforms.AccountID) (*registering, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trying[id] != nil {
		return nil, &api.Error{Kind: platforms.Temporary, Text: "It is being registered right now. Wait until that is done."}
	}
	t := &registering{came: make(chan struct{})}
	r.trying[id] = t
	return t, nil
}

func (r *registers) done(id platforms.AccountID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.trying, id)
}

func (r *registers) get(id platforms.AccountID) (registered, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, ok := r.book[id]
	return was, ok
}

// change writes one entry, on disk first; nil removes it. f sees the entry as it
// is by then.
func (r *registers) change(ctx context.Context, id platforms.AccountID, f func(registered, bool) *registered) error {
	r.saving.Lock()
	defer r.saving.Unlock()
	r.mu.Lock()
	next := maps.Clone(r.book)
	r.mu.Unlock()
	was, ok := next[id]
	if now := f(was, ok); now != nil {
		next[id] = *now
	} else {
		delete(next, id)
	}
	if err := r.keep(ctx, next); err != nil {
		return err
	}
	r.mu.Lock()
	r.book = next
	r.mu.Unlock()
	return nil
}

// heard notes that something verified came for an account: that proves what was
// registered before, or is being registered now.
func (r *registers) heard(ctx context.Context, id platforms.AccountID) {
	r.mu.Lock()
	t := r.trying[id]
	during := t != nil && t.proven.IsZero() // perhaps while its entry is being written
	if during {
		t.proven = r.now()
	}
	was, ok := r.book[id]
	r.mu.Unlock()
	if !during && (!ok || !was.Proven.IsZero()) {
		return
	}
	if during {
		defer close(t.came)
	}
	at := r.now()
	_ = r.change(ctx, id, func(is registered, ok bool) *registered { // if it can't be kept, the next one proves it
		if !ok {
			return nil
		}
		if is.Proven.IsZero() {
			is.Proven = at
		}
		return &is
	})
}

// outdated notes that the account was changed, if it was: the service may have
// another secret, or be another's.
func (r *registers) outdated(ctx context.Context, id platforms.AccountID, changed bool) {
	if _, ok := r.get(id); !ok || !changed {
		return
	}
	_ = r.change(ctx, id, func(is registered, ok bool) *registered {
		if !ok {
			return nil
		}
		is.Outdated = true
		return &is
	})
}

// registration is what an account's service was told, nil for nothing, and the
// service's title if it can be told, empty if not. c.mu must not be held.
func (a *App) registration(c *account) (at string, r *api.Registration) {
	c.mu.Lock()
	settings, conn := maps.Clone(c.rec.Settings), c.conn
	c.mu.Unlock()
	if c.platform.Registers != nil {
		if form, ok := c.platform.Registers(settings); ok {
			at = form.Title
		}
	}
	was, ok := a.registers.get(c.id)
	if !ok {
		return at, nil
	}
	r = &api.Registration{ID: was.ID, Where: was.Where, Address: was.Address, At: was.At, Proven: was.Proven}
	for _, s := range was.Steps {
		r.Steps = append(r.Steps, api.RegistrationStep{Text: s.Text, Done: !s.Bad, Bad: s.Bad})
	}
	step := api.RegistrationStep{Text: cmp.Or(was.Awaits, "The first request") + " arrived and was verified.", Done: true}
	if was.Proven.IsZero() {
		step = api.RegistrationStep{Text: "Waits for " + cmp.Or(was.Awaits, "the first request") + "."}
		if was.Awaits != "" && a.now().Sub(was.At) > overdue {
			step = api.RegistrationStep{Bad: true, Text: was.Awaits + " has not arrived. Look at the relay or the listener, then register again: that asks for another."}
		}
	}
	r.Steps = append(r.Steps, step)
	if was.Outdated {
		r.Steps = append(r.Steps, api.RegistrationStep{Bad: true, Text: "The account's settings or secrets were changed since. Register again, so that " + was.Title + " knows."})
	}
	if reg, is := conn.(platforms.Registrar); is {
		if address, err := reg.Address(); err == nil && !bytes.Equal(was.Sum, a.seal("registered address", []byte(address))) {
			r.Steps = append(r.Steps, api.RegistrationStep{Bad: true, Text: "The address is " + text.Line(a.shown(address), 300) + " by now, and " + was.Title + " was told another. Register again: what is there is changed."})
		}
	}
	return at, r
}
