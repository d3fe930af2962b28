package feishutest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Kinds of Fault.
const (
	Status    = iota // an answer with the HTTP status Code, and APICode
	Malformed        // code 0, and not what was asked for
	Garbage          // 200, and no JSON at all
	Hang             // no answer until the caller gives up, or Close
	Cut              // the connection breaks in the middle of the answer, nothing is done
	Lost             // the same, but the call is carried out
)

// What SetFault takes beside a call's name, which is its method and its path
// with a colon where an id stands: "POST /open-apis/im/v1/messages".
const (
	AnyCall  = "*" // every call of the bot that is not for a token or a name
	Endpoint = "POST /callback/ws/endpoint"
	Token    = "POST /open-apis/auth/v3/tenant_access_token/internal"
)

// Fault is a way in which a call goes wrong.
type Fault struct {
	Kind       int
	Code       int // with Status; 0 means 500
	APICode    int // with Status; 0 means one that fits Code
	Msg        string
	RetryAfter int // seconds
	Times      int // 0 means once, less than 0 for ever
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
	Fields map[string]any
	Files  []string
}

// remembered is how many calls are kept.
const remembered = 10_000

// enter notes a call and says whether it is to fail.
func (s *Server) enter(rt route, q *request) (f fault, failing bool) {
	s.do(func() {
		if len(s.calls) >= remembered {
			s.calls = slices.Delete(s.calls, 0, remembered/2)
		}
		s.calls = append(s.calls, Call{rt.name(), q.args, q.query, q.fields, q.fileNames()})
		for i := range s.faults {
			call := s.faults[i].call
			if call != rt.name() && (call != AnyCall || rt.aside) {
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
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = fmt.Fprint(w, `{"code":0,"da`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		f.answer(w)
	}
}

// words is the platform's own for a status, where it has some.
var words = map[int]refusal{
	http.StatusUnauthorized:        {code: 99991663, msg: "Invalid access token for authorization. Please make a request with token attached."},
	http.StatusForbidden:           {code: 230013, msg: "Bot has NO availability to this user."},
	http.StatusTooManyRequests:     {code: 99991400, msg: "request trigger frequency limit"},
	http.StatusInternalServerError: {code: 230049, msg: "The message is being sent."},
}

func (f fault) answer(w http.ResponseWriter) {
	status := f.Code
	if status == 0 {
		status = http.StatusInternalServerError
	}
	r := words[status]
	if f.APICode != 0 {
		r.code, r.msg = f.APICode, f.Msg
	}
	if f.RetryAfter > 0 {
		w.Header().Set("x-ogw-ratelimit-limit", "100")
		w.Header().Set("x-ogw-ratelimit-reset", strconv.Itoa(f.RetryAfter))
	}
	if r.code == 0 { // a server in front of the platform
		http.Error(w, strings.ToLower(http.StatusText(status)), status)
		return
	}
	answer(w, nil, refuse(status, r.code, r.msg))
}
