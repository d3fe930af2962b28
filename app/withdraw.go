package app

import (
	"context"
	"fmt"

	"github.com/postern/postern/platforms"
)

// withdraw closes a question, and says in the chat what became of it.
func (a *App) withdraw(acc *account, q *inquiry) {
	a.close(q)
	a.changed()
	a.asks.mu.Lock()
	chosen, by, entry := q.decided, q.by, q.entry
	a.asks.mu.Unlock()
	words := "Nobody decided in time."
	for _, c := range q.Choices {
		if c.ID == chosen {
			words = c.Label + " (" + by + ")"
		}
	}
	if a.o.AskEnded != nil {
		a.o.AskEnded(q.ID)
	}
	if !acc.offers().Limits.Edit || entry == 0 || a.work.Err() != nil {
		return
	}
	a.turns.start(func() { a.mark(acc, q, entry, words) })
}

// mark takes the buttons off a question that is decided. That is for show: they
// do nothing any more.
func (a *App) mark(acc *account, q *inquiry, entry uint64, words string) {
	e, err := a.store.Entry(entry)
	if err != nil || len(e.IDs) == 0 || e.Message == nil {
		return
	}
	ctx, cancel := context.WithTimeout(a.work, showTimeout)
	defer cancel()
	conn, err := acc.connector(ctx)
	if err != nil {
		return
	}
	editor, ok := conn.(platforms.Editor)
	l := lane{q.Account, q.Conversation}
	if !ok || a.pace.wait(ctx, l, a.isShared(l), acc.offers().Limits.Pace) != nil {
		return
	}
	m := *e.Message
	m.Buttons, m.Text = nil, fmt.Sprintf("%s asked: %s\n\n%s", q.Responder, q.Title, words)
	all, err := parts(m, acc.offers())
	if err != nil {
		return
	}
	if err := acc.guard(func() error { return editor.Edit(ctx, e.IDs[len(e.IDs)-1], all[len(all)-1]) }); err != nil {
		acc.log.Info("a question that is decided keeps its buttons", "err", err)
	}
}
