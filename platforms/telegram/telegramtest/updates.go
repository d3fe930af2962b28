package telegramtest

import (
	"encoding/json"
	"slices"
	"time"
)

// update is something that happened, waiting for the bot.
type update struct {
	id      int64
	kind    string
	object  any
	chat    int64
	message int
	at      int64 // when, by the server's clock
}

// MarshalJSON gives an Update object.
func (u update) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"update_id": u.id, u.kind: u.object})
}

// Confirmed is an update that the bot has acknowledged.
type Confirmed struct {
	Update  int64
	Kind    string
	Chat    int64
	Message int
}

// unasked is the kinds that a bot gets only if it names them.
var unasked = []string{"chat_member", "message_reaction", "message_reaction_count"}

// push queues an update, if the bot wants its kind; s.mu is held.
func (s *Server) push(u update) int64 {
	wanted := !slices.Contains(unasked, u.kind)
	if len(s.allowed) > 0 {
		wanted = slices.Contains(s.allowed, u.kind)
	}
	if !wanted {
		return 0
	}
	return s.force(u)
}

// force queues an update whether wanted or not; s.mu is held.
func (s *Server) force(u update) int64 {
	u.id, u.at = s.nextID, s.now()
	s.nextID++
	// What was queued is not changed by a later edit of the message.
	if b, err := json.Marshal(u.object); err == nil {
		u.object = json.RawMessage(b)
	}
	s.updates = append(s.updates, u)
	s.last = &u
	return u.id
}

// confirm forgets the n oldest updates; s.mu is held.
func (s *Server) confirm(n int) {
	for _, u := range s.updates[:n] {
		s.acked = max(s.acked, u.id)
		s.confirmed = append(s.confirmed, Confirmed{u.id, u.kind, u.chat, u.message})
	}
	s.updates = slices.Delete(s.updates, 0, n)
}

// getUpdates: "An update is considered confirmed as soon as getUpdates is
// called with an offset higher than its update_id."
func (s *Server) getUpdates(q *request) (any, *refusal) {
	offset, _ := q.number("offset")
	limit, ok := q.number("limit")
	if !ok || limit < 1 || limit > 100 {
		limit = 100
	}
	wait, _ := q.number("timeout")
	wait = max(0, min(wait, 50))
	var allowed []string
	if !q.object("allowed_updates", &allowed) {
		return nil, badRequest("can't parse allowed updates: Expected an Array of String")
	}
	var mine int
	var refused *refusal
	s.do(func() {
		if refused = s.mayPoll(); refused != nil {
			return
		}
		s.poll++
		mine = s.poll
		s.polling++
		if q.values["allowed_updates"] != "" {
			s.allowed = allowed
		}
		n := 0
		switch {
		case offset > 0:
			for n < len(s.updates) && s.updates[n].id < offset {
				n++
			}
		case offset < 0: // "starting from -offset update from the end"
			n = max(0, len(s.updates)+int(max(offset, -1<<30)))
		}
		s.confirm(n)
	})
	if refused != nil {
		return nil, refused
	}
	defer s.do(func() { s.polling-- })
	timeout := time.NewTimer(time.Duration(wait) * time.Second)
	defer timeout.Stop()
	for expired := wait == 0; ; {
		s.mu.Lock()
		refused, superseded, changed := s.mayPoll(), s.poll != mine, s.changed
		if s.broken != nil {
			refused, s.broken = &refusal{fault: s.broken}, nil
		}
		silent := mine <= s.silent
		var batch []update
		if s.again != nil {
			batch = append(batch, *s.again)
		}
		for _, u := range s.updates {
			if len(batch) < int(limit) && (s.again == nil || u.id != s.again.id) {
				batch = append(batch, u)
			}
		}
		if refused == nil && !superseded && len(batch) > 0 {
			s.again = nil
		}
		revoked := s.revoked
		s.mu.Unlock()
		switch {
		case silent: // and no more
			select {
			case <-q.ctx.Done():
			case <-s.ended:
			}
			return nil, refuse(502, "Bad Gateway")
		case revoked:
			return nil, refuse(401, "Unauthorized")
		case refused != nil:
			return nil, refused
		case superseded:
			return nil, refuse(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
		case len(batch) > 0 || expired:
			return append([]update{}, batch...), nil
		}
		select {
		case <-changed:
		case <-timeout.C:
			expired = true
		case <-q.ctx.Done():
			return nil, refuse(500, "Internal Server Error")
		case <-s.ended:
			return nil, refuse(502, "Bad Gateway")
		}
	}
}

// BreakPoll makes getUpdates fail as f says: the call that waits, or the next.
// What waits to be delivered stays.
func (s *Server) BreakPoll(f Fault) { s.do(func() { s.broken = &f }) }

// Silence leaves the call of getUpdates that waits, if any does, without an
// answer for ever. Later ones get theirs.
func (s *Server) Silence() { s.do(func() { s.silent = s.poll }) }

// Skew sets the server's clock this far ahead of the real one.
func (s *Server) Skew(by time.Duration) { s.clock.Store(int64(by / time.Second)) }

// Advance sets the server's clock forward. Updates are kept for 24 hours.
func (s *Server) Advance(by time.Duration) {
	s.clock.Add(int64(by / time.Second))
	s.do(func() {
		old := s.now() - 24*60*60
		s.updates = slices.DeleteFunc(s.updates, func(u update) bool { return u.at < old })
	})
}

// mayPoll says why getUpdates can't be used; s.mu is held.
func (s *Server) mayPoll() *refusal {
	switch {
	case s.webhook.URL != "":
		return refuse(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
	case s.rival:
		return refuse(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
	}
	return nil
}

func (s *Server) setWebhook(q *request) (any, *refusal) {
	var allowed []string
	if !q.object("allowed_updates", &allowed) {
		return nil, badRequest("can't parse allowed updates: Expected an Array of String")
	}
	s.do(func() {
		s.webhook = webhookInfo{URL: q.values["url"], MaxConnections: 40}
		if q.values["allowed_updates"] != "" {
			s.allowed = allowed
		}
		if q.truth("drop_pending_updates") {
			s.updates = nil
		}
	})
	return true, nil
}

func (s *Server) deleteWebhook(q *request) (any, *refusal) {
	s.do(func() {
		s.webhook = webhookInfo{}
		if q.truth("drop_pending_updates") {
			s.updates = nil
		}
	})
	return true, nil
}

func (s *Server) getWebhookInfo(*request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.webhook
	info.PendingUpdateCount = len(s.updates)
	info.AllowedUpdates = s.allowed
	return info, nil
}
