package slack

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/postern/postern/platforms"
)

// What is read at most of what was missed.
const (
	listMost    = 2000 // conversations
	pageSize    = 200
	pagesMost   = 100 // of one conversation, which is 20,000 messages
	threadsMost = 50  // of one conversation, that have newer replies
)

// conversation is one that the bot is in, as Slack describes it.
type conversation struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	User string `json:"user"` // of a direct one
	IM   bool   `json:"is_im"`
	MPIM bool   `json:"is_mpim"`
}

// kind is as events have it.
func (c conversation) kind() string {
	switch {
	case c.IM:
		return "im"
	case c.MPIM:
		return "mpim"
	}
	return "channel"
}

// nearest puts first who writes to the bot itself.
func nearest(a, b conversation) int {
	rank := map[string]int{"im": 0, "mpim": 1, "channel": 2}
	return rank[a.kind()] - rank[b.kind()]
}

// miss lists the conversations that may have what was missed. It is called
// while a socket is open, so what comes later comes by that.
func (r *run) miss(ctx context.Context) error {
	r.catching, r.behind = true, nil
	next := ""
	for len(r.behind) < listMost {
		var got struct {
			Channels []conversation `json:"channels"`
			verdict
		}
		args := url.Values{"types": {"im,mpim,private_channel,public_channel"}, "limit": {strconv.Itoa(pageSize)}, "exclude_archived": {"true"}}
		if next != "" {
			args.Set("cursor", next)
		}
		err := r.c.api.do(ctx, callTime, "users.conversations", args, &got)
		if wordOf(err) == "missing_scope" { // Check says so
			r.c.log.warn(ctx, "list conversations", err)
			break
		}
		if err != nil {
			return err
		}
		for _, c := range got.Channels {
			r.c.names.chat(c)
		}
		r.behind = append(r.behind, got.Channels...)
		if next = got.Metadata.Next; next == "" {
			break
		}
	}
	slices.SortStableFunc(r.behind, nearest)
	return r.caught(ctx)
}

// caught ends the catching up when nothing is behind.
func (r *run) caught(ctx context.Context) error {
	if len(r.behind) > 0 {
		return nil
	}
	r.catching = false
	r.place.caughtUp(r.began)
	return r.mark(ctx)
}

// first reads the conversation of an event that came by a socket before the
// event is stored, if it was not read yet: for the order's sake.
func (r *run) first(ctx context.Context, ev platforms.Event) error {
	if r.paused {
		return nil
	}
	i := slices.IndexFunc(r.behind, in(ev.Conversation.ID))
	if i < 0 {
		return nil
	}
	c := r.behind[i]
	r.behind = slices.Insert(slices.Delete(r.behind, i, i+1), 0, c)
	return r.next(ctx)
}

func in(id platforms.ConversationID) func(conversation) bool {
	return func(c conversation) bool { return c.ID == string(id) }
}

// lags reports whether what was missed in a conversation is still to be read.
func (r *run) lags(id platforms.ConversationID) bool { return slices.ContainsFunc(r.behind, in(id)) }

// next reads what was missed in one conversation.
func (r *run) next(ctx context.Context) error {
	c := r.behind[0]
	err := r.read(ctx, c)
	var e *platforms.Error
	switch {
	case err == nil:
	case platforms.KindOf(err) == platforms.RateLimited && errors.As(err, &e):
		r.paused = true
		r.pause.Reset(max(e.RetryAfter, time.Second))
		return nil
	case wordOf(err) != "" && platforms.KindOf(err) == platforms.Rejected: // the bot has left it, or may not read it
		r.c.log.warn(ctx, "read what was missed", err)
	default:
		return err
	}
	r.behind = r.behind[1:]
	return r.caught(ctx)
}

// read stores what was missed in c, oldest first.
func (r *run) read(ctx context.Context, c conversation) error {
	since, known := r.place.since(c.ID), r.place.stored(c.ID)
	messages, err := r.history(ctx, c, since, known)
	if err != nil {
		return err
	}
	slices.SortStableFunc(messages, func(a, b message) int {
		switch x, y := micros(a.TS), micros(b.TS); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	next := r.place
	next.Done = maps.Clone(r.place.Done)
	var evs []platforms.Event
	for _, m := range messages {
		m.Channel, m.ChannelType = c.ID, c.kind()
		at := micros(m.TS)
		if at > since {
			if ev, ok := m.event(r.me); ok {
				r.c.dress(ctx, &ev)
				next.put(&ev, true)
				evs = append(evs, ev)
			}
		}
		if at <= known {
			if ev, ok := m.edit(r.me); ok && m.Edited != nil && micros(m.Edited.TS) > since {
				r.c.dress(ctx, &ev)
				evs = append(evs, ev) // without a cursor: it may be stored already
			}
		}
	}
	n := 1
	if _, ok := r.sink.(platforms.Batcher); ok {
		n = together
	}
	for len(evs) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n = min(n, len(evs))
		if err := platforms.Deliver(ctx, r.sink, evs[:n]); err != nil {
			return err
		}
		evs = evs[n:]
	}
	r.place = next
	return nil
}

// history is the messages of c after since, in no order, and older ones on the
// same pages that were edited. Replies in threads are not in a conversation's
// history: of the messages on the pages those threads are read that have newer
// ones.
func (r *run) history(ctx context.Context, c conversation, since, known int64) ([]message, error) {
	var out []message
	threads, next := 0, ""
	for range pagesMost {
		page, more, err := r.page(ctx, "conversations.history", url.Values{"channel": {c.ID}, "limit": {strconv.Itoa(pageSize)}}, next)
		if err != nil {
			return nil, err
		}
		older := false
		for _, m := range page {
			older = older || micros(m.TS) <= since
			if micros(m.TS) > since || m.Edited != nil && micros(m.Edited.TS) > since {
				out = append(out, m)
			}
			if micros(m.LatestReply) > since && threads < threadsMost {
				threads++
				replies, err := r.replies(ctx, c, m.TS, since)
				if err != nil {
					return nil, err
				}
				out = append(out, replies...)
			}
		}
		if next = more; next == "" || older {
			return out, nil
		}
	}
	r.c.log.warn(ctx, "read what was missed", errors.New("a conversation has more messages than are read at once; the oldest are left out"))
	return out, nil
}

func (r *run) replies(ctx context.Context, c conversation, thread string, since int64) (out []message, err error) {
	next := ""
	for range pagesMost {
		page, more, err := r.page(ctx, "conversations.replies", url.Values{"channel": {c.ID}, "ts": {thread}, "oldest": {stamp(since)}, "limit": {strconv.Itoa(pageSize)}}, next)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if m.TS != thread && micros(m.TS) > since {
				out = append(out, m)
			}
		}
		if next = more; next == "" {
			break
		}
	}
	return out, nil
}

func (r *run) page(ctx context.Context, method string, args url.Values, cursor string) ([]message, string, error) {
	var got struct {
		Messages []message `json:"messages"`
		verdict
	}
	if cursor != "" {
		args.Set("cursor", cursor)
	}
	if err := r.c.api.do(ctx, callTime, method, args, &got); err != nil {
		return nil, "", err
	}
	return got.Messages, got.Metadata.Next, nil
}
