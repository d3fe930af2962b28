package ingress

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"time"

	"github.com/postern/postern/platforms"
)

// Counts is what came to an account since this process began.
type Counts struct {
	Accepted uint64
	Rejected map[Reason]uint64
	Last     time.Time // that was accepted

	forged []time.Time // the latest, at most Limits.Alarm
	others []time.Time // the same of what was turned away otherwise: noting it costs the same
	told   time.Time
}

// calm is the least time between two alarms of one account.
const calm = 10 * time.Minute

// Counts is what came to an account.
func (s *Server) Counts(id platforms.AccountID) Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[id]
	if c == nil {
		return Counts{}
	}
	return Counts{Accepted: c.Accepted, Rejected: maps.Clone(c.Rejected), Last: c.Last}
}

// Forget drops an account's counts.
func (s *Server) Forget(id platforms.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.counts, id)
}

func (s *Server) countsLocked(id platforms.AccountID) *Counts {
	c := s.counts[id]
	if c == nil {
		c = &Counts{Rejected: map[Reason]uint64{}}
		s.counts[id] = c
	}
	return c
}

// accept counts and logs a request that was taken. The log has neither path nor
// body: a path can bear a secret.
func (s *Server) accept(r *rule, status int, from netip.Addr, began time.Time) {
	now := s.o.Now()
	s.mu.Lock()
	c := s.countsLocked(r.Account)
	c.Accepted++
	c.Last = now
	s.mu.Unlock()
	s.tick(now)
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "a request was taken", slog.String("account", string(r.Account)),
		slog.String("from", from.String()), slog.Int("status", status), slog.Duration("took", now.Sub(began)))
}

// reject counts and logs a request that was not. What came for no route counts
// for the account whose listener it came to.
func (s *Server) reject(r *rule, known bool, why Reason, from netip.Addr, began time.Time, req *http.Request) {
	now := s.o.Now()
	text := ""
	s.mu.Lock()
	c := s.countsLocked(r.Account)
	c.Rejected[why]++
	forged := known && (why == BadSignature || why == Rewritten || why == NotSigned || why == Stale)
	list := &c.others
	if forged {
		list = &c.forged
	}
	most := max(1, s.o.Limits.Alarm)
	if *list = append(*list, now); len(*list) > most {
		*list = (*list)[len(*list)-most:]
	}
	if forged && len(*list) == most && now.Sub((*list)[0]) < time.Minute && (c.told.IsZero() || now.Sub(c.told) >= calm) {
		c.told = now
		text = fmt.Sprintf("%d requests within a minute bore no good signature (the last came %s). %s.", most, whence(from, req), cause(why))
	}
	s.mu.Unlock()
	if text != "" {
		s.o.Alarm(r.Account, text)
	}
	s.tick(now)
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "a request was turned away", slog.String("account", string(r.Account)),
		slog.String("why", string(why)), slog.String("from", from.String()), slog.Duration("took", now.Sub(began)))
}

// cause is what may be behind many requests that were turned away for why.
func cause(why Reason) string {
	if why == Rewritten {
		return "The relay writes bodies anew, so that a signature may not fit. Choose another relay"
	}
	return "Somebody may be trying secrets, or the sender has another one"
}

// whence is where a request came from, in words.
func whence(from netip.Addr, req *http.Request) string {
	if h, ok := handoverOf(req.Context()); ok {
		return "by " + h.Via
	}
	return "from " + from.String()
}

// tick calls Changed at most once a second.
func (s *Server) tick(now time.Time) {
	second := now.Unix()
	if before := s.changed.Load(); before != second && s.changed.CompareAndSwap(before, second) {
		s.o.Changed()
	}
}

// quiet drops what net/http says of broken requests unless somebody debugs:
// a stranger must not fill the log.
type quiet struct{ slog.Handler }

// WithAttrs is slog.Handler's.
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

// WithGroup is slog.Handler's.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
