package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// hookKeeper is the hooks as their server sees them.
type hookKeeper struct{ *hookDoor }

// byAddress is who changed a hook by its token.
const byAddress = "the hook's address"

// Find is hooks.Keeper's.
func (k hookKeeper) Find(token string) (hooks.Hook, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.book.Find(token, k.app.now())
}

// Held is hooks.Keeper's.
func (k hookKeeper) Held(token string) (hooks.Hook, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.book.Held(token, k.app.now())
}

// Change is hooks.Keeper's.
func (k hookKeeper) Change(ctx context.Context, id string, c hooks.Change) (hooks.Hook, error) {
	return k.changeOne(ctx, byAddress, id, c)
}

// Remove is hooks.Keeper's.
func (k hookKeeper) Remove(ctx context.Context, id string) error {
	return k.remove(ctx, byAddress, id)
}

var (
	errHookGone = &hooks.Fault{Kind: hooks.Unknown, Text: "There is no such webhook."}
	errHookBusy = &hooks.Fault{Kind: hooks.Busy, Text: "Messages can't be stored here at the moment. Try again later.", Retry: time.Minute}
	errHookUsed = &hooks.Fault{Kind: hooks.Reused, Text: "This Idempotency-Key came with another body before. Send a new key."}
)

// Post is hooks.Keeper's: it returns once the message is in the outbox. Whoever
// posted may have left by then; what they sent stays.
func (k hookKeeper) Post(ctx context.Context, in hooks.Admitted, key string, body []byte) (hooks.Receipt, error) {
	a, h := k.app, in.Hook
	ctx = context.WithoutCancel(ctx)
	acc, err := a.account(h.Account)
	if err != nil {
		return hooks.Receipt{}, errHookGone
	}
	post := in.Post.Addressed(a.seenIn(lane{h.Account, h.Conversation}))
	o := hooks.Origin{Hook: h.ID, Name: h.Name, Poster: post.Poster(h), Avatar: post.Avatar, Post: rand.Text()}
	if o.Avatar == "" {
		o.Avatar = h.Avatar
	}
	own := o.Post
	if key != "" {
		sum, of := sha256.Sum256([]byte(key)), sha256.Sum256(body)
		own, o.Sum = hex.EncodeToString(sum[:]), of[:]
	}
	m := platforms.Message{Key: hooks.MessageKey(h.ID, own), Conversation: h.Conversation, Thread: h.Thread, Text: post.Framed(h), Format: post.Format}
	if _, err := parts(m, acc.platform); err != nil {
		return hooks.Receipt{}, &hooks.Fault{Kind: hooks.Malformed, Text: platforms.Explain(err)}
	}
	origin, err := json.Marshal(o)
	if err != nil {
		return hooks.Receipt{}, fmt.Errorf("note where a post came from: %w", err)
	}
	if now, err := k.get(h.ID); err != nil || !now.Live(a.now()) { // while it was read
		return hooks.Receipt{}, errHookGone
	}
	seq, err := a.enqueue(ctx, acc, store.Outgoing{Account: h.Account, Message: m, Ephemeral: acc.ephemeral(), Origin: origin})
	if err != nil {
		a.log.Error("a hook's post could not be stored", "account", string(h.Account), "err", err)
		return hooks.Receipt{}, errHookBusy
	}
	return k.receipt(seq, h, o)
}

// receipt is what is told of the message at seq, which is o's, or an earlier one
// of the same key: that may be from before a crash, its answer never sent.
func (k hookKeeper) receipt(seq uint64, h hooks.Hook, o hooks.Origin) (hooks.Receipt, error) {
	a := k.app
	r := hooks.Receipt{Message: strconv.FormatUint(seq, 10), Conversation: h.Conversation, Created: a.now()}
	e, err := a.store.Entry(seq)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		a.log.Error("a hook's post could not be looked at", "entry", seq, "err", err)
	}
	if err == nil {
		r.Created = e.Stored
	}
	was, readable := hooks.ReadOrigin(e.Origin)
	if readable && was.Post != o.Post || !readable && len(o.Sum) > 0 {
		if readable && !bytes.Equal(was.Sum, o.Sum) {
			return hooks.Receipt{}, errHookUsed
		}
		return r, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.book.Used(h.ID, a.now()) == nil {
		k.used = true
	}
	return r, nil
}

// hookSeen is how many messages are looked at for those who may be mentioned.
const hookSeen = 300

// seenIn finds people who wrote in a conversation, by their exact handles. It
// looks once it is asked for the first time.
func (a *App) seenIn(l lane) func(name string) (platforms.UserID, bool) {
	var seen map[string]platforms.UserID
	return func(name string) (platforms.UserID, bool) {
		if seen == nil {
			seen = map[string]platforms.UserID{}
			list, err := a.store.Timeline(l.account, l.conversation, 0, hookSeen)
			if err != nil {
				a.log.Warn("who a hook's post mentions could not be looked up", "account", string(l.account), "err", err)
			}
			for _, e := range list {
				if e.Event != nil && e.Event.From.Handle != "" {
					seen[strings.TrimPrefix(e.Event.From.Handle, "@")] = e.Event.From.ID // the latest counts
				}
			}
		}
		id, ok := seen[name]
		return id, ok
	}
}

// postedBy says which hook a message with this key came by, empty for none.
func (a *App) postedBy(key string) string {
	id := hooks.Of(key)
	if id == "" {
		return ""
	}
	if h, err := a.hooking.get(id); err == nil {
		return fmt.Sprintf("posted by the hook %q", h.Name)
	}
	return "posted by a hook that was removed since"
}
