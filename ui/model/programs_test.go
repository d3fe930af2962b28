package model

import (
	"fmt"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

func TestScopeWords(t *testing.T) {
	places := Places{
		Account:      func(a platforms.AccountID) string { return "Home " + string(a) },
		Conversation: func(_ platforms.AccountID, c platforms.ConversationID) string { return "#" + string(c) },
	}
	scope := func(do api.Do, where ...string) api.Scope {
		s := api.Scope{Do: do}
		if len(where) > 0 {
			s.Account = platforms.AccountID(where[0])
		}
		if len(where) > 1 {
			s.Conversation = platforms.ConversationID(where[1])
		}
		return s
	}
	var many []api.Scope
	for i := range 7 {
		many = append(many, scope(api.MayStatus, fmt.Sprint(i)))
	}
	for _, c := range []struct {
		scopes []api.Scope
		want   string
	}{
		{nil, "may do nothing: what it was for is gone"},
		{[]api.Scope{scope(api.MayRead), scope(api.MaySend, "1", "builds")}, "may send to “#builds” on Home 1; may read everything"},
		{[]api.Scope{scope(api.MaySend), scope(api.MaySend, "1", "builds")}, "may send to every conversation"},
		{[]api.Scope{scope(api.MaySend, "1"), scope(api.MaySend, "1", "builds"), scope(api.MaySend, "2", "x")}, "may send to every conversation on Home 1 and “#x” on Home 2"},
		{[]api.Scope{scope(api.MayRead, "1"), scope(api.MaySend, "1", "builds")}, "may send to “#builds” on Home 1; may read everything on Home 1"},
		{[]api.Scope{scope(api.MayHook, "1", "builds"), scope(api.MaySend, "1")}, "may send to every conversation on Home 1; may make hooks in “#builds” on Home 1"},
		{[]api.Scope{scope(api.MayHook)}, "may make hooks in every conversation"},
		{[]api.Scope{scope(api.MayHook, "2")}, "may make hooks in every conversation on Home 2"},
		{[]api.Scope{scope(api.MayStatus)}, "may see the status of every account"},
		{[]api.Scope{scope(api.MayStatus, "1"), scope(api.MayStatus, "2"), scope(api.MayStatus, "3")}, "may see the status of Home 1, Home 2 and Home 3"},
		{many, "may see the status of Home 0, Home 1, Home 2, Home 3, Home 4 and 2 more"},
	} {
		if got := ScopeWords(c.scopes, places); got != c.want {
			t.Errorf("%v:\n%q, not\n%q", c.scopes, got, c.want)
		}
	}
}

func TestClientTimes(t *testing.T) {
	send := []api.Scope{{Do: api.MaySend}}
	for _, c := range []struct {
		c    api.Client
		want string
	}{
		{api.Client{Created: ago(time.Hour), PerMinute: 60, Scopes: []api.Scope{{Do: api.MayRead}}}, "never used · made 1 h ago · no end"},
		{api.Client{Created: ago(time.Hour), LastUsed: ago(time.Minute), PerMinute: 1, Scopes: send, Expires: now.Add(time.Minute)},
			"last used 1 min ago · made 1 h ago · ends " + Clock(now.Add(time.Minute), now) + " · at most 1 message a minute"},
		{api.Client{Created: ago(time.Hour), Expires: now}, "never used · made 1 h ago · ended " + Clock(now, now)},
	} {
		if got := ClientTimes(c.c, now); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

func TestStopsWords(t *testing.T) {
	for want, c := range map[string]api.Client{"It was never used.": {}, "It was last used 1 h ago.": {LastUsed: ago(time.Hour)}} {
		if got := StopsWords(c, now); got[len(got)-len(want):] != want {
			t.Errorf("%q", got)
		}
	}
}
