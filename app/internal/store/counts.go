package store

import (
	"github.com/postern/postern/platforms"
)

// Waiting is what one account has in the outbox.
type Waiting struct {
	Queued, Dead int
}

// Outbox is what each account has waiting or dead. It looks at the
// conversations only if there is anything to find.
func (s *Store) Outbox() (map[platforms.AccountID]Waiting, error) {
	found := map[platforms.AccountID]Waiting{}
	err := s.view(func(r *rtx) error {
		if c := r.counts(); c.Queued == 0 && c.Dead == 0 {
			return nil
		}
		return r.eachConv(0, func(n uint32, v []byte) (bool, error) {
			c, err := r.s.seal.decodeConv(n, v, false)
			if err != nil {
				s.skip("conversation", uint64(n), err)
				return true, nil
			}
			if c.Into == 0 && (c.Queued > 0 || c.Dead > 0) {
				w := found[c.Account]
				found[c.Account] = Waiting{w.Queued + c.Queued, w.Dead + c.Dead}
			}
			return true, nil
		})
	})
	return found, err
}

// Shared reports whether a conversation has more people in it than the bot and
// one other; false for one that is not known.
func (s *Store) Shared(id platforms.AccountID, c platforms.ConversationID) (shared bool, err error) {
	err = s.conversation(id, c, false, func(cv *conv) { shared = cv.Kind != platforms.Direct })
	return shared, err
}

// Direct reports whether a conversation is known to have only one other in it.
func (s *Store) Direct(id platforms.AccountID, c platforms.ConversationID) (direct bool, err error) {
	err = s.conversation(id, c, false, func(cv *conv) { direct = cv.Kind == platforms.Direct })
	return direct, err
}

// Title is a conversation's name, empty if it has none or is not known.
func (s *Store) Title(id platforms.AccountID, c platforms.ConversationID) (title string, err error) {
	err = s.conversation(id, c, true, func(cv *conv) { title = cv.title })
	return title, err
}

// conversation calls fn with a conversation, if it is known.
func (s *Store) conversation(id platforms.AccountID, c platforms.ConversationID, texts bool, fn func(*conv)) error {
	return s.view(func(r *rtx) error {
		n := r.number(id, c)
		if n == 0 {
			return nil
		}
		cv, err := r.conv(n, texts)
		if err == nil && cv != nil {
			fn(cv)
		}
		return err
	})
}
