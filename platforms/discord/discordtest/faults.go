package discordtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Kinds of Fault.
const (
	Status    = iota // an answer with the HTTP status Code, and APICode
	Malformed        // 200, and something that is not what was asked for
	Garbage          // 200, and no JSON at all
	Hang             // no answer until the caller gives up, or Close
	Cut              // the connection breaks in the middle of the answer, nothing is done
	Lost             // the same, but the call is carried out
)

// What SetFault takes beside a call's name, which is its method and its path
// with a colon where an id stands: "POST /channels/:/messages".
const (
	AnyCall = "*" // every call but that for the gateway's address
	Gateway = "GET /gateway/bot"
)

// Fault is a way in which a call goes wrong.
type Fault struct {
	Kind       int
	Code       int // with Status; 0 means 500
	APICode    int // with Status
	Msg        string
	RetryAfter float64 // seconds
	Global     bool    // a rate limit of all calls
	Bare       bool    // an answer of what stands before Discord: no JSON
	Times      int     // 0 means once, less than 0 for ever
}

type fault struct {
	call string
	Fault
}

func (f fault) carriedOut() bool { return f.Kind == Lost }

// SetFault makes the next calls fail. Several faults are used up one after the
// other.
func (s *Server) SetFault(call string, f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.do(func() { s.faults = append(s.faults, fault{call, f}) })
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
	Name   string // method and path, with a colon where an id stands
	Args   []string
	Query  map[string]string
	Body   json.RawMessage // the JSON, also where files came with it
	Files  int
	Auth   bool // with the bot's token
	Answer json.RawMessage
	Status int
}

// remembered is how many calls are kept.
const remembered = 10_000

// enter notes a call and says whether it is to fail.
func (s *Server) enter(q *request) (f fault, failing bool) {
	s.do(func() {
		if len(s.calls) >= remembered {
			s.calls = slices.Delete(s.calls, 0, remembered/2)
		}
		s.calls = append(s.calls, Call{Name: q.name, Args: q.args, Query: q.query, Body: q.raw, Files: len(q.files), Auth: q.auth})
		for i := range s.faults {
			if call := s.faults[i].call; call != q.name && (call != AnyCall || q.name == Gateway) {
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
		answer(w, 200, "surprise")
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
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = fmt.Fprint(w, `{"id":"1`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		code := f.Code
		if code == 0 {
			code = http.StatusInternalServerError
		}
		msg := f.Msg
		if msg == "" {
			msg = strconv.Itoa(code) + ": " + http.StatusText(code)
		}
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter+0.999)))
		}
		switch {
		case f.Bare:
			http.Error(w, msg, code)
		case code == http.StatusTooManyRequests:
			if f.Global {
				w.Header().Set("X-RateLimit-Global", "true")
			}
			w.Header().Set("X-RateLimit-Scope", "user")
			answer(w, code, map[string]any{"message": "You are being rate limited.", "retry_after": f.RetryAfter, "global": f.Global, "code": f.APICode})
		default:
			answer(w, code, map[string]any{"message": msg, "code": f.APICode})
		}
	}
}
