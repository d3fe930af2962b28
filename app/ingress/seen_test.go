package ingress

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/platforms"
)

// watched is a rig whose server tells all it sees.
func watched(t *testing.T, l Limits, change func(*Rule)) (*rig, func() []Seen) {
	var mu sync.Mutex
	var all []Seen
	g := rigOf(t, Options{Limits: l, Observe: func(s Seen) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, s)
	}}, change)
	return g, func() []Seen {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func TestSeen(t *testing.T) {
	g, seen := watched(t, quick(), nil)
	closing := "Connection: close\r\n"
	large := strings.Repeat("x", cap1+10)
	g.raw(g.post(here+"?q=1", closing+signed("{}"), "{}"))
	g.raw(g.post(here, closing, "unsigned"))
	g.raw(g.post(nowhere, closing, "nobody's"))
	g.raw(g.post(here, signed(large), large))
	g.refusal.Store(http.StatusServiceUnavailable)
	g.raw(g.post(here, closing+signed("late"), "late"))
	got := seen()
	if len(got) != 4 {
		t.Fatalf("%d were seen, not four", len(got))
	}
	for i, want := range []Seen{
		{Verified: true, Status: 200, Query: "q=1", Body: []byte("{}"), Size: 2},
		{Reason: NotSigned, Status: 404, Body: []byte("unsigned"), Size: 8},
		{Reason: TooLarge, Status: 404, Body: []byte(large), Size: int64(len(large))},
		{Verified: true, Reason: Failed, Status: 503, Body: []byte("late"), Size: 4},
	} {
		s := got[i]
		if s.Account != "a" || s.Via != Listener || !s.From.IsLoopback() || s.Method != http.MethodPost || s.At.IsZero() ||
			s.Verified != want.Verified || s.Reason != want.Reason || s.Status != want.Status || s.Query != want.Query ||
			s.Size != want.Size || s.Cut != want.Cut || string(s.Body) != string(want.Body) || !s.Exact || (s.Request != "") != want.Verified {
			t.Errorf("request %d: %.300v, want %.300v", i, fmt.Sprintf("%+v", s), fmt.Sprintf("%+v", want))
		}
	}
	if got[0].Request == got[3].Request {
		t.Error("two requests have one name")
	}
}

// TestNamed: the handler knows the name under which the request is seen.
func TestNamed(t *testing.T) {
	inside := ""
	g, seen := watched(t, quick(), func(r *Rule) {
		r.Route.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside = platforms.RequestOf(r.Context())
			_, _ = io.WriteString(w, strings.Repeat("a", 2*answerSeen))
		})
	})
	g.raw(g.post(here, "Connection: close\r\n"+signed("{}"), "{}"))
	if got := seen(); len(got) != 1 || inside == "" || got[0].Request != inside || len(got[0].Answer) != answerSeen {
		t.Errorf("%q, %+v", inside, got)
	}
}

// TestAnswer: an answer that a person chose takes the place of an empty one that
// tells success, and of nothing else.
func TestAnswer(t *testing.T) {
	status, words := 0, ""
	g, seen := watched(t, quick(), func(r *Rule) {
		r.Route.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if status != 0 {
				w.WriteHeader(status)
			}
			_, _ = io.WriteString(w, words)
		})
		r.Answer = func(_ *http.Request, body []byte) (Reply, bool) {
			switch string(body) {
			case "none":
				return Reply{}, false
			case "bad":
				return Reply{Status: 500, Body: "x"}, true
			case "long":
				return Reply{Status: 200, Body: strings.Repeat("a", replyMost+1)}, true
			case "empty":
				return Reply{Status: 204, Body: "must not be sent"}, true
			}
			return Reply{Status: 202, Type: "text/plain; charset=utf-8", Body: "got " + string(body)}, true
		}
	})
	for _, c := range []struct {
		name, body    string
		status        int
		words         string
		want          int
		answer, type_ string
	}{
		{"chosen", "it", 0, "", 202, "got it", "text/plain"},
		{"chosen over a status", "it", 200, "", 202, "got it", "text/plain"},
		{"a failure stays", "it", 503, "", 503, "", ""},
		{"a challenge stays", "it", 0, "challenge", 200, "challenge", ""},
		{"none", "none", 0, "", 200, "", ""},
		{"no success", "bad", 0, "", 200, "", ""},
		{"too long", "long", 0, "", 200, "", ""},
		{"no content", "empty", 0, "", 204, "", ""},
	} {
		status, words = c.status, c.words
		got, _ := g.raw(g.post(here, "Connection: close\r\n"+signed(c.body), c.body))
		if len(got) != 1 || got[0].status != c.want || !strings.HasSuffix(got[0].bytes, "\r\n\r\n"+c.answer) || !strings.Contains(got[0].bytes, c.type_) {
			t.Errorf("%s: %+v", c.name, got)
		}
		all := seen()
		if last := all[len(all)-1]; last.Status != c.want || last.Answer != c.answer {
			t.Errorf("%s: %+v", c.name, last)
		}
	}
}
