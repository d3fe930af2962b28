package telegramtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Kinds of Fault.
const (
	Status    = iota // an answer with Code, Description and RetryAfter
	Malformed        // 200, and something that is not what was asked for
	Garbage          // 200, and no JSON at all
	Hang             // no answer until the caller gives up, or Close
	Cut              // the connection breaks in the middle of the answer, nothing is done
	Lost             // the same, but the call is carried out
)

// Methods that SetFault takes beside a method's name.
const (
	AnyMethod = "*"
	AnyCall   = "*!getUpdates" // every method but getUpdates
)

// Fault is a way in which a call goes wrong.
type Fault struct {
	Kind        int
	Code        int    // with Status; 0 means 500
	Description string // with Status
	RetryAfter  int    // seconds
	Times       int    // 0 means once, less than 0 for ever
}

type fault struct {
	method string
	Fault
}

func (f fault) carriedOut() bool { return f.Kind == Lost }

// SetFault makes the next calls of method fail. Several faults are used up one
// after the other.
func (s *Server) SetFault(method string, f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.do(func() { s.faults = append(s.faults, fault{method, f}) })
}

// Mend ends all faults.
func (s *Server) Mend() { s.do(func() { s.faults = nil }) }

// Held is how many calls hang.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// Call is a call that came, for looking at what a client sends.
type Call struct {
	Method string
	Params map[string]string
	Files  []string // names of the fields that held files
}

// remembered is how many calls are kept.
const remembered = 10_000

// enter notes a call and says whether it is to fail.
func (s *Server) enter(q *request) (f fault, failing bool) {
	s.do(func() {
		if len(s.calls) >= remembered {
			s.calls = slices.Delete(s.calls, 0, remembered/2)
		}
		s.calls = append(s.calls, Call{q.method, maps.Clone(q.values), slices.Sorted(maps.Keys(q.files))})
		for i := range s.faults {
			m := s.faults[i].method
			if m != AnyMethod && m != q.method && (m != AnyCall || q.method == "getUpdates") {
				continue
			}
			f, failing = s.faults[i], true
			if s.faults[i].Times--; s.faults[i].Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
			return
		}
	})
	return f, failing
}

// fail answers as f says.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, f fault) {
	switch f.Kind {
	case Malformed:
		answer(w, "surprise", nil)
	case Garbage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<html><body>Please sign in to the network.</body></html>")
	case Hang:
		s.do(func() { s.held++ })
		defer s.do(func() { s.held-- })
		select {
		case <-r.Context().Done():
		case <-s.ended:
		}
		panic(http.ErrAbortHandler)
	case Cut, Lost:
		w.Header().Set("Content-Length", "1000")
		_, _ = fmt.Fprint(w, `{"ok":true,"resu`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		code, description := f.Code, f.Description
		if code == 0 {
			code = 500
		}
		if description == "" {
			description = http.StatusText(code)
		}
		refused := refuse(code, description)
		if f.RetryAfter > 0 {
			refused.description = fmt.Sprintf("Too Many Requests: retry after %d", f.RetryAfter)
			refused.parameters = map[string]any{"retry_after": f.RetryAfter}
		}
		answer(w, nil, refused)
	}
}

// Down cuts every connection and accepts no new one, until Up.
func (s *Server) Down() {
	s.do(func() { s.down = true })
	s.Disconnect()
}

// Up undoes Down, and ends what SetRival began.
func (s *Server) Up() { s.do(func() { s.down, s.rival = false, false }) }

// Disconnect cuts every connection that is open.
func (s *Server) Disconnect() {
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.conns))
	clear(s.conns)
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// Revoke makes the token invalid, as BotFather's /revoke does.
func (s *Server) Revoke() { s.do(func() { s.revoked = true }) }

// Grant undoes Revoke.
func (s *Server) Grant() { s.do(func() { s.revoked = false }) }

// SetRival makes every getUpdates fail, as if another program polled with the
// same token without pause.
func (s *Server) SetRival(on bool) { s.do(func() { s.rival = on }) }

// SetWebhook sets a webhook, as a program that ran before may have left it.
// lastError is what Telegram met when it last delivered there; it may be empty.
func (s *Server) SetWebhook(url, lastError string) {
	s.do(func() {
		s.webhook = webhookInfo{URL: url, MaxConnections: 40, LastErrorMessage: lastError}
		if lastError != "" {
			s.webhook.LastErrorDate = s.now()
		}
	})
}

// SetPrivacy switches the bot's privacy mode: while it is on, groups deliver
// only commands, mentions and replies.
func (s *Server) SetPrivacy(on bool) {
	s.do(func() { s.privacy, s.bot.CanReadAllGroupMessages = on, !on })
}
