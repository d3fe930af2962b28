package ingress

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// relayedRule signs a time: the header At, of which five minutes are believed.
func relayedRule(handler http.HandlerFunc) Rule {
	return Rule{Account: "a", Hosts: []string{"bot.example"}, Route: platforms.Route{Path: "/in", Body: 100, Handler: handler,
		Verify: func(r *http.Request, body []byte, now time.Time) error {
			at, err := time.Parse(time.RFC3339, r.Header.Get("At"))
			switch {
			case string(body) == "panic":
				panic("at the disco")
			case string(body) == "forged":
				return platforms.ErrSignature
			case err == nil && now.Sub(at).Abs() > platforms.ReplayWindow:
				return platforms.ErrStale
			}
			return nil
		}}}
}

func TestRelayedIsJudgedAsDirectIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []Seen
		var alarms []string
		s := New(Options{Observe: func(n Seen) { seen = append(seen, n) }, Alarm: func(_ platforms.AccountID, text string) { alarms = append(alarms, text) }})
		var got []string
		remove := s.HandleRelayed(t.Context(), relayedRule(func(w http.ResponseWriter, r *http.Request) {
			h, ok := handoverOf(r.Context())
			if !ok || h.Via != "Mine" {
				t.Errorf("%+v %v", h, ok)
			}
			b := make([]byte, 100)
			n, _ := r.Body.Read(b)
			got = append(got, r.URL.Path+"?"+r.URL.RawQuery+" "+string(b[:n]))
			if string(b[:n]) == "boom" {
				panic("boom")
			}
			w.Header().Set("X-Answer", "yes")
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte("thanks"))
		}))
		to := Lead{Account: "a", Via: "Mine"}
		for _, c := range []struct {
			method, body string
			status       int
		}{{"POST", "hello", 202}, {"GET", "hello", 404}, {"POST", "forged", 404}, {"POST", "panic", 404}, {"POST", string(make([]byte, 101)), 404}, {"POST", "boom", 500}} {
			out, err := s.Relay(t.Context(), to, relay.Request{Method: c.method, Query: "a=b", Body: []byte(c.body), Exact: true, Header: http.Header{"Origin": {"https://page.example"}}})
			if err != nil || out.Status != c.status {
				t.Errorf("%.10q: %v %d", c.body, err, out.Status)
			}
			if c.body == "hello" && c.status == 202 && (string(out.Body) != "thanks" || out.Header.Get("X-Answer") != "yes") {
				t.Errorf("%+v", out)
			}
		}
		if len(got) != 2 || got[0] != "/in?a=b hello" {
			t.Errorf("%q", got)
		}
		c := s.Counts("a")
		if c.Accepted != 1 || c.Rejected[WrongMethod] != 1 || c.Rejected[BadSignature] != 1 || c.Rejected[Malformed] != 1 || c.Rejected[TooLarge] != 1 || c.Rejected[Failed] != 1 {
			t.Errorf("%+v", c)
		}
		for i, why := range []Reason{"", WrongMethod, BadSignature, Malformed, TooLarge, Failed} {
			if n := seen[i]; n.Reason != why || n.Via != "Mine" || !n.Exact || n.Account != "a" || n.Verified != (why == "" || why == Failed) || n.Size == 0 {
				t.Errorf("seen: %+v", n)
			}
		}
		// What a relay wrote anew may be genuine all the same.
		for range Usual().Alarm {
			_, _ = s.Relay(t.Context(), to, relay.Request{Method: "POST", Body: []byte("forged")})
		}
		if n := seen[len(seen)-1]; n.Reason != Rewritten || n.Exact || s.Counts("a").Rejected[Rewritten] != uint64(Usual().Alarm) {
			t.Errorf("%+v", n)
		}
		if len(alarms) != 1 || !strings.Contains(alarms[0], "by Mine") || !strings.Contains(alarms[0], "Choose another relay.") {
			t.Errorf("%q", alarms)
		}
		remove()
		if s.Leads(to) {
			t.Error("it leads there still")
		}
		// While nothing is there a request waits, as long as its time lasts.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Relay(ctx, to, relay.Request{Method: "POST"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		done := make(chan int, 1)
		go func() {
			out, _ := s.Relay(t.Context(), to, relay.Request{Method: "POST", Body: []byte("late")})
			done <- out.Status
		}()
		synctest.Wait()
		defer s.HandleRelayed(t.Context(), relayedRule(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))()
		if status := <-done; status != http.StatusNoContent {
			t.Errorf("it waited for %d", status)
		}
		// Of two addresses and no word by which, whichever takes the request.
		other := relayedRule(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
		other.Route.Path = "/other"
		other.Route.Verify = func(_ *http.Request, body []byte, _ time.Time) error {
			if string(body) != "for the other" {
				return platforms.ErrMalformed
			}
			return nil
		}
		defer s.HandleRelayed(t.Context(), other)()
		for body, status := range map[string]int{"for the other": 202, "for the first": 204, "forged": 404} {
			if out, err := s.Relay(t.Context(), to, relay.Request{Method: "POST", Body: []byte(body), Exact: true}); err != nil || out.Status != status {
				t.Errorf("%s: %v %d", body, err, out.Status)
			}
		}
		if n := s.Counts("a").Rejected[BadSignature]; n != 2 {
			t.Errorf("%d bad signatures", n)
		}
		if !s.Leads(to) || !s.Leads(Lead{Account: "a", Path: "/in"}) || s.Leads(Lead{Account: "a", Path: "/none"}) || s.Leads(Lead{Account: "b"}) {
			t.Error("it leads elsewhere")
		}
	})
}

func TestLateHandovers(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := New(Options{Now: func() time.Time { return now }})
	defer s.HandleRelayed(t.Context(), relayedRule(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))()
	for _, c := range []struct {
		name     string
		signed   time.Duration // ago
		sent     time.Duration // ago; 0: not said
		keeps    time.Duration
		accepted bool
	}{
		{"fresh", time.Minute, 0, 0, true},
		{"stale, and nothing is kept", 6 * time.Minute, 6 * time.Minute, 0, false},
		{"kept for 10 minutes", 9 * time.Minute, 0, 10 * time.Minute, true},
		{"signed before it could be kept", 16 * time.Minute, 0, 10 * time.Minute, false},
		{"from the future", -6 * time.Minute, 0, 10 * time.Minute, false},
		{"from the future, and so the relay says", -6 * time.Minute, -6 * time.Minute, time.Hour, false},
		{"kept for days", 50 * time.Hour, 50 * time.Hour, 72 * time.Hour, true},
		{"longer than it keeps", 80 * time.Hour, 80 * time.Hour, 72 * time.Hour, false},
		{"for days, and nothing is said", 50 * time.Hour, 0, 72 * time.Hour, false},
		{"said to be sent when it was not signed", 50 * time.Hour, 40 * time.Hour, 72 * time.Hour, false},
	} {
		q := relay.Request{Method: "POST", Received: now, Header: http.Header{"At": {now.Add(-c.signed).Format(time.RFC3339)}}}
		if c.sent != 0 {
			q.Sent = now.Add(-c.sent)
		}
		out, err := s.Relay(t.Context(), Lead{Account: "a", Keeps: c.keeps}, q)
		if err != nil || (out.Status == 200) != c.accepted {
			t.Errorf("%s: %v %d", c.name, err, out.Status)
		}
	}
}
