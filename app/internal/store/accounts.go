package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/postern/postern/platforms"
)

// Accounts is every configured account, ordered by id.
func (s *Store) Accounts() (as []Account, err error) {
	err = s.view(func(r *rtx) error {
		return r.bucket(bAccounts).ForEach(func(k, v []byte) error {
			var a Account
			if err := json.Unmarshal(v, &a); err != nil {
				return damaged(fmt.Errorf("account %q: %w", k, errRecord))
			}
			as = append(as, a)
			return nil
		})
	})
	return as, err
}

// PutAccount adds or replaces an account. It is stored as it is, unsealed, so
// that the bots are still known when the journal's key is lost.
func (s *Store) PutAccount(ctx context.Context, a Account) error {
	if a.ID == "" {
		return &fault{ErrState, "An account needs an id.", nil}
	}
	v, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode an account: %w", err)
	}
	if len(v) > maxBody {
		return tooBig("The account")
	}
	// What an interrupted removal left must not turn up in a new account.
	if err := s.purge(ctx, a.ID, true); err != nil {
		return err
	}
	return s.update(ctx, func(w *wtx) error { return w.put(bAccounts, []byte(clip(string(a.ID))), v) })
}

// removing is the mark of an account that is being removed.
func removing(id platforms.AccountID) []byte { return append([]byte("removing "), clip(string(id))...) }

// DeleteAccount removes an account and everything that belongs to it. If it is
// interrupted, Prune does the rest.
func (s *Store) DeleteAccount(ctx context.Context, id platforms.AccountID) error {
	err := s.update(ctx, func(w *wtx) error {
		if err := w.account(id); err != nil {
			return err
		}
		if err := w.del(bAccounts, []byte(clip(string(id)))); err != nil {
			return err
		}
		if err := w.del(bCursors, []byte(clip(string(id)))); err != nil {
			return err
		}
		return w.put(bMeta, removing(id), []byte(id))
	})
	if err != nil {
		return err
	}
	return s.purge(ctx, id, false)
}

// purge removes what is left of an account in bounded transactions. With
// marked, only if its removal was begun.
func (s *Store) purge(ctx context.Context, id platforms.AccountID, marked bool) error {
	if marked {
		begun := false
		err := s.view(func(r *rtx) error {
			begun = r.bucket(bMeta).Get(removing(id)) != nil
			return nil
		})
		if err != nil || !begun {
			return err
		}
	}
	for {
		left := true
		err := s.update(ctx, func(w *wtx) (err error) {
			left, err = w.purgeSome(id, pruneStep)
			if err == nil && !left {
				err = w.del(bMeta, removing(id))
			}
			return err
		})
		if err != nil || !left {
			return err
		}
	}
}

// purgeSome removes up to n things of an account and reports whether more may
// be left.
func (w *wtx) purgeSome(id platforms.AccountID, n int) (bool, error) {
	// Conversations first: they lead to the entries.
	cur := w.bucket(bConvIDs).Cursor()
	prefix := owned(id)
	var num uint32
	if k, v := cur.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix) {
		num = keyConv(v)
	}
	if num != 0 {
		c, err := w.touch(num)
		if err != nil {
			return false, err
		}
		removed, err := w.clear(c, n)
		if err != nil || removed == n {
			return true, err
		}
		return true, w.dropConv(c)
	}
	if more, err := w.purgeRequests(id); err != nil || more {
		return true, err
	}
	for _, bucket := range append([]string{bKnown}, w.generationBuckets()...) {
		b := w.bucket(bucket)
		p := prefix
		kinds := [][]byte{nil}
		if bucket != bKnown {
			kinds = [][]byte{{'e'}, {'o'}}
		}
		for _, kind := range kinds {
			var keys [][]byte
			full := append(bytes.Clone(kind), p...)
			c := b.Cursor()
			for k, _ := c.Seek(full); k != nil && bytes.HasPrefix(k, full) && len(keys) < n; k, _ = c.Next() {
				keys = append(keys, bytes.Clone(k))
			}
			for _, k := range keys {
				if err := w.del(bucket, k); err != nil {
					return false, err
				}
			}
			if len(keys) == n {
				return true, nil
			}
		}
	}
	return false, nil
}

func (r *rtx) generationBuckets() (names []string) {
	for _, g := range r.generations() {
		names = append(names, g.bucket())
	}
	return names
}

// clear removes up to n entries of a conversation, whatever their state.
func (w *wtx) clear(c *conv, n int) (int, error) {
	var seqs []uint64
	cur := w.bucket(bConvs).Cursor()
	for k, _ := cur.Seek(convKey(c.n)); isWithin(k, c.n, kTimeline) && len(seqs) < n; k, _ = cur.Next() {
		seqs = append(seqs, keySeq(k))
	}
	for _, seq := range seqs {
		e, err := w.entry(seq)
		if isNotFound(err) {
			if err := w.del(bConvs, within(c.n, kTimeline, seq)); err != nil {
				return 0, err
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := w.remove(e, c); err != nil {
			return 0, err
		}
	}
	return len(seqs), nil
}

// Setting reads a setting into what into points to, and reports whether there
// is one.
func (s *Store) Setting(key string, into any) (found bool, err error) {
	err = s.view(func(r *rtx) error {
		v := r.bucket(bSettings).Get([]byte(clip(key)))
		if v == nil {
			return nil
		}
		found = true
		if err := json.Unmarshal(v, into); err != nil {
			return fmt.Errorf("setting %q: %w", key, err)
		}
		return nil
	})
	return found, err
}

// PutSetting stores v as JSON, unsealed: never a secret.
func (s *Store) PutSetting(ctx context.Context, key string, v any) error {
	if key == "" {
		return &fault{ErrState, "A setting needs a name.", nil}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode setting %q: %w", key, err)
	}
	if len(b) > maxBody {
		return tooBig("The setting")
	}
	return s.update(ctx, func(w *wtx) error { return w.put(bSettings, []byte(clip(key)), b) })
}

// Cursor is where an account's connector resumes, empty if it never began.
func (s *Store) Cursor(id platforms.AccountID) (c platforms.Cursor, err error) {
	err = s.view(func(r *rtx) error {
		c = platforms.Cursor(r.bucket(bCursors).Get([]byte(clip(string(id)))))
		return nil
	})
	return c, err
}

// Advance stores a cursor without an event. An empty one changes nothing.
func (s *Store) Advance(ctx context.Context, id platforms.AccountID, c platforms.Cursor) error {
	return s.update(ctx, func(w *wtx) error {
		if err := w.account(id); err != nil {
			return err
		}
		return w.advance(id, c)
	})
}

func (w *wtx) advance(id platforms.AccountID, c platforms.Cursor) error {
	k := []byte(clip(string(id)))
	if c == "" || string(w.bucket(bCursors).Get(k)) == string(c) {
		return nil
	}
	return w.put(bCursors, k, []byte(c))
}
