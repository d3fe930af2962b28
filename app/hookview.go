package app

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/platforms/text"
)

// Hooks is addresses at which programs post into conversations.
func (a *App) Hooks() api.Hooks {
	h := a.hooking
	book := h.now()
	h.mu.Lock()
	open := h.pass != nil && h.pass.Context().Err() == nil
	out := api.Hooks{Bind: h.bind.String(), Address: "http://" + h.bind.String(), Open: open, Hooks: []api.Hook{}, Forms: []api.HookForm{}}
	if !open {
		out.Why = h.why
	}
	h.mu.Unlock()
	for _, in := range book.List() {
		out.Hooks = append(out.Hooks, a.hookView(in))
	}
	for _, f := range hooks.Forms() {
		form := api.HookForm{Dialect: string(f.Dialect), Title: f.Title, Summary: f.Summary, Docs: f.Docs}
		if len(f.Paths) > 0 {
			form.Suffix = f.Paths[0]
		}
		out.Forms = append(out.Forms, form)
	}
	return out
}

// Hook is one of them.
func (a *App) Hook(id string) (api.Hook, error) {
	h, err := a.hooking.get(id)
	if err != nil {
		return api.Hook{}, hookError(err)
	}
	return a.hookView(h), nil
}

func (a *App) hookView(h hooks.Hook) api.Hook {
	now := a.now()
	v := api.Hook{ID: h.ID, Account: h.Account, Conversation: h.Conversation, Thread: h.Thread, Where: a.Title(h.Account, h.Conversation),
		Name: h.Name, Avatar: h.Avatar, Dialect: string(h.Dialect), Template: h.Template, On: h.On, Marked: h.Marked, Limit: h.Limit,
		By: h.By, Created: h.Created, LastUsed: h.LastUsed, Count: h.Count, Expires: h.Expires}
	if now.Before(h.Until) {
		v.Rotating = h.Until
	}
	c, err := a.account(h.Account)
	if err == nil {
		c.mu.Lock()
		v.Label = c.rec.Name
		c.mu.Unlock()
	}
	v.Problem = a.hookProblem(h, c, now)
	return v
}

// hookProblem is why nothing can be posted by h, or why it waits.
func (a *App) hookProblem(h hooks.Hook, c *account, now time.Time) string {
	if c == nil {
		return "Its account is not known to this version of Postern. Remove the hook, or go back to the version that made it."
	}
	if h.On && !h.Live(now) {
		return fmt.Sprintf("It ended on %s. Give it another end, or remove it.", h.Expires.Local().Format("2 January 2006, 15:04"))
	}
	everything := a.allPaused()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case everything:
		return "Everything is paused: what is posted waits. Resume it."
	case c.rec.Paused:
		return "The account is paused: what is posted waits. Resume it."
	case c.parked != nil && !c.parked.sends:
		return text.Sentence(cmp.Or(c.parked.note, "The account can't send at the moment.")) + " What is posted waits."
	}
	return ""
}

// TryHook says what a post would look like.
func (a *App) TryHook(_ context.Context, t api.HookTry) (api.HookTried, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	if t.Event != "" {
		header.Set(hooks.EventHeader, text.Line(t.Event, 100))
	}
	p, err := hooks.Try(hooks.Hook{Dialect: hooks.Dialect(t.Dialect), Template: t.Template}, header, []byte(t.Body))
	if err != nil {
		return api.HookTried{Problem: err.Error()}, nil
	}
	return api.HookTried{Text: p.Text, Format: p.Format, Username: p.Username}, nil
}
