package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/platforms"
)

// The journal's names for the hooks, of whose tokens it holds the SHA-256 only,
// and for where they are served.
const (
	settingHooks      = "hooks"
	settingHookServed = "hook-listener"
)

// hookAccount is whose the hooks' listener is, where accounts have theirs. No
// platform is called so.
const hookAccount platforms.AccountID = "hooks"

// usualHookBind is where hooks are served unless the person says otherwise.
const usualHookBind = "127.0.0.1:47820"

// hookDoor is the hooks and what serves them.
type hookDoor struct {
	app    *App
	gate   hooks.Gate
	server *hooks.Server
	nudge  chan struct{} // the book or the listener changed

	saving sync.Mutex // held while book or bind is written; before mu
	mu     sync.Mutex
	book   hooks.Book
	bind   netip.AddrPort
	used   bool   // book counts more than the journal does
	why    string // the listener isn't open although it should be

	opening sync.Mutex     // held while the listener is opened or closed; before mu
	pass    *guard.Pass    // written under opening and mu
	at      netip.AddrPort // of pass; under opening
	idle    time.Time      // since when nobody needs pass; under opening
	ended   bool           // under opening
}

// openHooks reads them. Nothing is served yet.
func (a *App) openHooks() error {
	h := &hookDoor{app: a, gate: hooks.Gate{Limiter: hooks.NewLimiter(), Keys: hooks.NewKeys()}, nudge: make(chan struct{}, 1),
		bind: netip.MustParseAddrPort(usualHookBind)}
	h.server = hooks.NewServer(h.gate, hookKeeper{h}, h.calledBy, ingress.Proved)
	a.hooking = h
	const lost = "The hooks can't be trusted: they were changed by something other than Postern, or by a newer one, and nothing is posted by them. Make them again."
	var book json.RawMessage
	if err := a.recallOr(settingHooks, &book, lost); err != nil {
		return err
	}
	if book != nil && json.Unmarshal(book, &h.book) != nil {
		a.notice(context.Background(), "kept-"+settingHooks, true, lost)
	}
	var bind string
	if err := a.recallOr(settingHookServed, &bind, "Where hooks are served was changed by something other than Postern. They are served at "+usualHookBind+" again."); err != nil {
		return err
	}
	if at, err := hookBind(bind); err == nil {
		h.bind = at
	}
	return nil
}

// hookBind reads where hooks may be served: on loopback.
func hookBind(s string) (netip.AddrPort, error) {
	at, err := readBind(s)
	switch {
	case err != nil:
		return at, words("Hooks are served on an address of this computer with a port, as in " + usualHookBind + ".")
	case !at.Addr().IsLoopback():
		return at, words("Hooks are for programs on this computer, so they are served on loopback only, as in " + usualHookBind + ". For services elsewhere, add a webhook account, and a relay that leads to it.")
	}
	return at, nil
}

// now is the book at this moment, which nobody else changes.
func (h *hookDoor) now() hooks.Book {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.book.Clone()
}

func (h *hookDoor) get(id string) (hooks.Hook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.book.Get(id)
}

// change keeps what f makes of the book. It counts once it is on disk.
func (h *hookDoor) change(ctx context.Context, f func(*hooks.Book) error) error {
	h.saving.Lock()
	defer h.saving.Unlock()
	h.mu.Lock()
	next, used := h.book.Clone(), h.used
	h.used = false
	h.mu.Unlock()
	err := f(&next)
	if err == nil {
		err = h.app.keep(ctx, settingHooks, next)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.used = h.used || used
		return err
	}
	next.Recount(&h.book) // posts came meanwhile
	h.book = next
	return nil
}

// stir has the listener opened or closed as the hooks need it.
func (h *hookDoor) stir() {
	select {
	case h.nudge <- struct{}{}:
	default:
	}
}

// hookChanged records a change, and lets it be seen.
func (a *App) hookChanged(ctx context.Context, who string, id platforms.AccountID, text string) {
	a.audit(ctx, string(api.Changed), who, id, text)
	a.keepSafe()
	a.hooking.stir()
	a.changed()
}

// shutHooks switches off what a client made that was revoked: whoever has the
// addresses has them from it.
func (a *App) shutHooks(ctx context.Context, client, name string) error {
	if book := a.hooking.now(); len(book.Shut(client)) == 0 { // there is nothing to write
		return nil
	}
	var off []string
	err := a.hooking.change(context.WithoutCancel(ctx), func(b *hooks.Book) error {
		off = b.Shut(client)
		return nil
	})
	if err != nil {
		return hookError(fmt.Errorf("the client is revoked, but its hooks are not switched off: %w", err))
	}
	a.hookChanged(ctx, "", "", fmt.Sprintf("%d hooks that the client %q made were switched off.", len(off), name))
	return nil
}

// hookError is an error of the book's for a person.
func hookError(err error) error {
	var bad hooks.Invalid
	if errors.As(err, &bad) {
		return &api.Error{Kind: platforms.Rejected, Text: bad.Text}
	}
	return wireError(err)
}

// hookable is what is wrong with a place to post into.
func (a *App) hookable(id platforms.AccountID, conversation platforms.ConversationID) error {
	c, err := a.account(id)
	if err != nil {
		return err
	}
	if c.platform.Limits.Mute {
		return &api.Error{Kind: platforms.Unsupported, Text: c.platform.Title + " only brings messages. Nothing can be posted through it; choose another account."}
	}
	if conversation == "" {
		return nil // the book says it with what else is wrong
	}
	return into(c.offers(), conversation)
}

func (h *hookDoor) url(token platforms.Secret) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return "http://" + h.bind.String() + hooks.Path + token.Reveal()
}

// AddHook makes one.
func (a *App) AddHook(ctx context.Context, d api.HookDraft) (api.HookMade, error) {
	if err := a.hookable(d.Account, d.Conversation); err != nil {
		return api.HookMade{}, err
	}
	if !d.Expires.IsZero() && !a.now().Before(d.Expires) {
		return api.HookMade{}, &api.Error{Kind: platforms.Rejected, Text: "The end of this hook is past. Choose a later one, or none."}
	}
	var made hooks.Hook
	var token platforms.Secret
	err := a.hooking.change(ctx, func(b *hooks.Book) (err error) {
		made, token, err = b.Add(hooks.New{Account: d.Account, Conversation: d.Conversation, Thread: d.Thread, Name: d.Name, Avatar: d.Avatar,
			Dialect: hooks.Dialect(d.Dialect), Template: d.Template, Unmarked: d.Unmarked, Limit: d.Limit, Expires: d.Expires, By: d.By}, a.now())
		return err
	})
	if err != nil {
		return api.HookMade{}, hookError(err)
	}
	a.hookChanged(ctx, "", d.Account, fmt.Sprintf("The hook %q was made: whoever has its address may post into %s.", made.Name, d.Conversation))
	a.hooking.settle()
	return api.HookMade{Hook: a.hookView(made), URL: a.hooking.url(token)}, nil
}

// ChangeHook changes one.
func (a *App) ChangeHook(ctx context.Context, id string, c api.HookChange) (api.Hook, error) {
	change := hooks.Change{Name: c.Name, Avatar: c.Avatar, On: c.On, Template: c.Template, Marked: c.Marked, Limit: c.Limit, Expires: c.Expires}
	if c.On != nil {
		shut := !*c.On
		change.Shut = &shut
	}
	if c.Dialect != nil {
		d := hooks.Dialect(*c.Dialect)
		change.Dialect = &d
	}
	h, err := a.hooking.changeOne(ctx, "", id, change)
	if err != nil {
		return api.Hook{}, hookError(err)
	}
	a.hooking.settle()
	return a.hookView(h), nil
}

// changeOne is ChangeHook for whoever may: who, or the context's.
func (h *hookDoor) changeOne(ctx context.Context, who, id string, c hooks.Change) (out hooks.Hook, err error) {
	if c.Dialect != nil && *c.Dialect != hooks.Template && c.Template == nil {
		c.Template = new(string) // another form has none
	}
	err = h.change(ctx, func(b *hooks.Book) error {
		out, err = b.Change(id, c)
		return err
	})
	if err != nil {
		return out, err
	}
	what := "changed"
	if c.On != nil {
		what = map[bool]string{true: "switched on", false: "switched off"}[*c.On]
	}
	h.app.hookChanged(ctx, who, out.Account, fmt.Sprintf("The hook %q was %s.", out.Name, what))
	return out, nil
}

// RotateHook gives one a new token.
func (a *App) RotateHook(ctx context.Context, id string, r api.HookRotation) (api.HookMade, error) {
	var h hooks.Hook
	var token platforms.Secret
	err := a.hooking.change(ctx, func(b *hooks.Book) (err error) {
		h, token, err = b.Rotate(id, r.Overlap, a.now())
		return err
	})
	if err != nil {
		return api.HookMade{}, hookError(err)
	}
	former := "The former one ended."
	if r.Overlap > 0 {
		former = fmt.Sprintf("The former one counts until %s.", h.Until.Format(time.RFC3339))
	}
	a.hookChanged(ctx, "", h.Account, fmt.Sprintf("The hook %q has another address. %s", h.Name, former))
	return api.HookMade{Hook: a.hookView(h), URL: a.hooking.url(token)}, nil
}

// RemoveHook ends one at once.
func (a *App) RemoveHook(ctx context.Context, id string) error {
	if err := a.hooking.remove(ctx, "", id); err != nil {
		return hookError(err)
	}
	return nil
}

func (h *hookDoor) remove(ctx context.Context, who, id string) error {
	var gone hooks.Hook
	err := h.change(ctx, func(b *hooks.Book) (err error) {
		if gone, err = b.Get(id); err != nil {
			return err
		}
		return b.Remove(id)
	})
	if err != nil {
		return err
	}
	h.forget(id)
	h.app.hookChanged(ctx, who, gone.Account, fmt.Sprintf("The hook %q was removed.", gone.Name))
	return nil
}

func (h *hookDoor) forget(ids ...string) {
	for _, id := range ids {
		h.gate.Limiter.Forget(id)
		h.gate.Keys.Forget(id)
	}
}

// forgetHooks ends the hooks of a removed account.
func (a *App) forgetHooks(ctx context.Context, id platforms.AccountID) error {
	var ids []string
	if book := a.hooking.now(); len(book.Without(id)) == 0 {
		return nil
	}
	err := a.hooking.change(ctx, func(b *hooks.Book) error {
		ids = b.Without(id)
		return nil
	})
	if err != nil {
		return err
	}
	a.hooking.forget(ids...)
	a.hookChanged(ctx, "", "", fmt.Sprintf("The hooks of the account %s were removed with it: %d.", id, len(ids)))
	return nil
}

// moved lets hooks follow a conversation to its new id.
func (h *hookDoor) moved(ctx context.Context, from, to lane) {
	if book := h.now(); !book.Moved(from.account, from.conversation, to.conversation) {
		return
	}
	err := h.change(ctx, func(b *hooks.Book) error {
		b.Moved(from.account, from.conversation, to.conversation)
		return nil
	})
	if err != nil { // what is posted goes there all the same: the journal knows
		h.app.log.Error("hooks could not follow a conversation", "account", string(from.account), "err", err)
	}
}
