package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

const (
	capabilityLife = time.Minute
	sessionLife    = 24 * time.Hour // without a request
	maxSessions    = 16             // of either kind; the oldest makes room
)

// sessions knows which requests come from a window that the tray started, and
// so from a person. Only hashes of what opens the door are kept.
type sessions struct {
	mu           sync.Mutex
	capabilities []ticket
	live         []ticket
}

// ticket is an unused capability or a session.
type ticket struct {
	sum  [sha256.Size]byte
	ends time.Time
	pid  int // of the process that a session was given to; 0 if unknown
}

func newSessions() *sessions { return &sessions{} }

// NewCapability makes what one new window proves with that a person asked for
// it: 130 random bits, good for one exchange within a minute. It goes to the
// window over its standard input, never over a command line.
func (s *Server) NewCapability() platforms.Secret {
	text := rand.Text()
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	s.sessions.capabilities = add(s.sessions.capabilities, ticket{sum: sha256.Sum256([]byte(text)), ends: time.Now().Add(capabilityLife)})
	return platforms.NewSecret(text)
}

// exchange uses a capability up and gives the token of a new session of process
// pid, empty if the capability is none.
func (s *sessions) exchange(capability string, pid int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capabilities = fresh(s.capabilities)
	i := find(s.capabilities, capability)
	if i < 0 {
		return ""
	}
	s.capabilities = append(s.capabilities[:i], s.capabilities[i+1:]...)
	token := rand.Text()
	s.live = add(s.live, ticket{sum: sha256.Sum256([]byte(token)), ends: time.Now().Add(sessionLife), pid: pid})
	return token
}

// person reports whether token is that of a live session of process pid, and
// keeps it alive.
func (s *sessions) person(token string, pid int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = fresh(s.live)
	i := find(s.live, token)
	if i < 0 || s.live[i].pid != pid {
		return false
	}
	s.live[i].ends = time.Now().Add(sessionLife)
	return true
}

func add(tickets []ticket, t ticket) []ticket {
	tickets = append(fresh(tickets), t)
	return tickets[max(0, len(tickets)-maxSessions):]
}

// fresh is tickets without those that ended.
func fresh(tickets []ticket) []ticket {
	now := time.Now()
	kept := tickets[:0]
	for _, t := range tickets {
		if now.Before(t.ends) {
			kept = append(kept, t)
		}
	}
	return kept
}

// find is the place of the ticket that text opens, or -1. It looks at all of
// them, so that the time it takes tells nothing.
func find(tickets []ticket, text string) int {
	sum, found := sha256.Sum256([]byte(text)), -1
	for i := range tickets {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], tickets[i].sum[:]), i, found)
	}
	return found
}

// FromPerson reports whether a request came from a window that the tray
// started and so stands for a person's deliberate act.
func FromPerson(ctx context.Context) bool {
	return Who(ctx) == ByWindow
}

// recognise marks requests that carry a live session's token, or a client's
// name or token. A session's token that is none is worth what no token is
// worth; a client's is refused.
func (s *Server) recognise(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := s.claimed(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if h != nil { // and no person, whatever else it carries
			*r = *r.WithContext(context.WithValue(As(r.Context(), "client "+h.client.Name), heldKey{}, h))
			next.ServeHTTP(w, r)
			return
		}
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && s.sessions.person(token, peerFrom(r.Context()).PID) {
			*r = *r.WithContext(As(r.Context(), ByWindow))
		}
		*r = *s.marked(r) // in its place: what logs it looks for the pattern that matched
		next.ServeHTTP(w, r)
	})
}

// personOnly refuses what only a person may do to everything else.
func personOnly(next handlerFunc) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !byPerson(r.Context()) {
			return errNoPerson()
		}
		return next(w, r)
	}
}

func (s *Server) session(w http.ResponseWriter, r *http.Request) error {
	in, err := read[api.Capability](w, r)
	if err != nil {
		return err
	}
	token := s.sessions.exchange(in.Capability, peerFrom(r.Context()).PID)
	if token == "" {
		return refuse(http.StatusUnauthorized, platforms.Unauthorized, "This window was not started by Postern, or too long ago. Open it from the tray.")
	}
	return answer(w, http.StatusCreated, api.Session{Token: token})
}
