package mcp

import (
	"context"
	"errors"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

type waitIn struct {
	Account      string  `json:"account,omitempty" jsonschema:"only messages to this account; left out: to any"`
	Conversation string  `json:"conversation,omitempty" jsonschema:"only messages in this conversation of the account; left out: in any that this client may read"`
	After        *uint64 `json:"after,omitempty" jsonschema:"the cursor up to which messages are known, as read_messages or the last wait_for_message gave it; left out: only what comes from now on"`
	Timeout      float64 `json:"timeout_seconds,omitempty" jsonschema:"how long to wait, up to 600 seconds; left out: 60"`
}

type waitOut struct {
	Messages []message `json:"messages" jsonschema:"what others wrote after the cursor, oldest first; empty: the time is over"`
	After    uint64    `json:"after" jsonschema:"give this to the next call"`
	TimedOut bool      `json:"timed_out,omitempty" jsonschema:"nothing came in time"`
	More     bool      `json:"more,omitempty" jsonschema:"there are more already: call again at once"`
}

// waiting is one call's.
type waiting struct {
	t            *tools
	account      platforms.AccountID
	conversation platforms.ConversationID
	after        uint64
	known        bool // after is
	asked        time.Time
	out          waitOut
}

func (t *tools) wait(ctx context.Context, req *sdk.CallToolRequest, in waitIn) (*sdk.CallToolResult, waitOut, error) {
	timeout := time.Duration(in.Timeout * float64(time.Second))
	switch {
	case in.Timeout == 0:
		timeout = usualWait
	case in.Timeout < 0 || in.Timeout > mostWait.Seconds():
		return nil, waitOut{Messages: []message{}}, sentence("The timeout is up to %.0f seconds. Call again to wait longer.", mostWait.Seconds())
	}
	w := &waiting{t: t, out: waitOut{Messages: []message{}}}
	w.account, w.conversation = platforms.AccountID(in.Account), platforms.ConversationID(in.Conversation)
	if w.conversation != "" && w.account == "" {
		return nil, w.out, sentence("A conversation's id is one of an account. Name the account, too.")
	}
	if in.After != nil {
		w.after, w.known = *in.After, true
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stop := t.report(limited, req, timeout)
	err := w.run(limited)
	stop()
	if ctx.Err() == nil && limited.Err() != nil && len(w.out.Messages) == 0 {
		w.out.TimedOut, err = true, nil
	}
	w.out.After = w.after
	return nil, w.out, told(err)
}

// report gives signs of life until stop, if the caller asked for them.
func (t *tools) report(ctx context.Context, req *sdk.CallToolRequest, of time.Duration) (stop func()) {
	token := req.Params.GetProgressToken()
	if token == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		began := time.Now()
		tick := time.NewTicker(t.beat)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			_ = req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token,
				Progress: time.Since(began).Seconds(), Total: of.Seconds(), Message: "waiting for a message"})
		}
	}()
	return func() { cancel(); <-ended }
}

// run waits over restarts of Postern. Only one that can't be reached at first is
// an error: then it was not running when the call was made.
func (w *waiting) run(ctx context.Context) error {
	for reached := false; ; {
		done, err := w.watch(ctx, &reached)
		if done || !passing(err) || !reached && (err == nil || errors.Is(err, client.ErrNotRunning)) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(w.t.pace, 100*time.Millisecond)):
		}
	}
}

// passing reports whether it may help to ask again.
func passing(err error) bool {
	var wire *api.Error
	if errors.As(err, &wire) {
		return wire.Kind == platforms.Temporary || wire.Kind == platforms.RateLimited
	}
	return err == nil || errors.Is(err, client.ErrNotRunning)
}

// watch looks whenever something changed. It begins to watch before it looks, so
// that nothing falls between the two.
func (w *waiting) watch(ctx context.Context, reached *bool) (done bool, err error) {
	for ev, err := range w.t.c.Watch(ctx) {
		if err != nil {
			return false, err
		}
		*reached = true
		if ev.Snapshot == nil {
			continue
		}
		if done, err := w.look(ctx); done || err != nil {
			return done, err
		}
	}
	return false, nil // Postern ended
}

// look asks for what came, but not more often than the pace.
func (w *waiting) look(ctx context.Context) (done bool, err error) {
	if rest := w.t.pace - time.Since(w.asked); rest > 0 {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(rest):
		}
	}
	w.asked = time.Now()
	if !w.known {
		newest, err := w.t.c.Entries(ctx, api.EntryQuery{Newest: true, Limit: 1})
		if err != nil {
			return false, err
		}
		w.after, w.known = newest.To, true // and on: whether it may be read is told at once
	}
	for {
		page, err := w.t.c.Entries(ctx, api.EntryQuery{After: w.after, Account: w.account, Conversation: w.conversation, Limit: mostMessages})
		if err != nil {
			return false, err
		}
		for _, e := range page.Entries {
			if !e.Outgoing {
				w.out.Messages = append(w.out.Messages, shown(e))
			}
		}
		w.after, w.out.More = page.To, page.More
		if len(w.out.Messages) > 0 || !page.More {
			return len(w.out.Messages) > 0, nil
		}
	}
}
