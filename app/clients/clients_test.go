package clients_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/platforms"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func scopes(t *testing.T, texts ...string) (out []clients.Scope) {
	t.Helper()
	for _, text := range texts {
		s, err := clients.ParseScope(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func add(t *testing.T, b clients.Book, name string, texts ...string) (clients.Book, clients.Client, string) {
	t.Helper()
	b, c, token, err := b.Add(clients.Draft{Name: name, Scopes: scopes(t, texts...)}, now)
	if err != nil {
		t.Fatal(err)
	}
	return b, c, token
}

func TestTokens(t *testing.T) {
	b, ci, token := add(t, nil, "ci", "read")
	b, other, second := add(t, b, "editor", "status")
	if !clients.IsToken(token) || token == second || len(token) != len("pst_")+32 { // 32 letters of 5 bits
		t.Fatalf("%d characters", len(token))
	}
	if c, ok := b.ByToken(token, now); !ok || c.ID != ci.ID {
		t.Error("its own token is not known")
	}
	if c, ok := b.ByToken(second, now); !ok || c.ID != other.ID {
		t.Error("the second's is not known")
	}
	for _, none := range []string{"", "pst_", token[:len(token)-1], token + "a", " " + token, strings.ToUpper(token), token[:4] + strings.Repeat("a", 32)} {
		if _, ok := b.ByToken(none, now); ok {
			t.Errorf("%q was taken", none)
		}
	}
	t.Run("what is kept does not open", func(t *testing.T) {
		raw, err := json.Marshal(b)
		if err != nil || strings.Contains(string(raw), token[4:]) || strings.Contains(string(raw), token) {
			t.Error("the token is kept")
		}
		var again clients.Book
		if err := json.Unmarshal(raw, &again); err != nil {
			t.Fatal(err)
		}
		if c, ok := again.ByToken(token, now); !ok || c.ID != ci.ID {
			t.Error("not known after it was read back")
		}
	})
	t.Run("rotated", func(t *testing.T) {
		after, _, fresh, err := b.Rotate(ci.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := after.ByToken(token, now); ok {
			t.Error("the former token still counts")
		}
		if c, ok := after.ByToken(fresh, now); !ok || c.ID != ci.ID {
			t.Error("the new one does not")
		}
		if _, ok := b.ByToken(token, now); !ok {
			t.Error("a change that was not kept counts")
		}
	})
	t.Run("revoked", func(t *testing.T) {
		after, _, err := b.Revoke(ci.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := after.ByToken(token, now); ok {
			t.Error("its token still counts")
		}
		if _, ok := after.ByName("ci", now); ok {
			t.Error("its name still counts")
		}
		if _, ok := after.ByToken(second, now); !ok {
			t.Error("the other's does not")
		}
		if _, _, err := after.Revoke(ci.ID); err == nil {
			t.Error("it was revoked twice")
		}
	})
	t.Run("ended", func(t *testing.T) {
		b, c, token, err := b.Add(clients.Draft{Name: "short", Scopes: scopes(t, "read"), Expires: now.Add(time.Hour)}, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := b.ByToken(token, c.Expires.Add(-1)); !ok {
			t.Error("ended too early")
		}
		if _, ok := b.ByToken(token, c.Expires); ok {
			t.Error("ended too late")
		}
		if _, ok := b.ByName("SHORT", c.Expires.Add(-1)); !ok {
			t.Error("its name ended too early")
		}
		if _, ok := b.ByName("short", c.Expires); ok {
			t.Error("its name ended too late")
		}
	})
}

func TestLooksLikeToken(t *testing.T) {
	for s, want := range map[string]bool{"Bearer pst_x": true, "bearer\tPST_X": true, "pst_": true, "Bearer ABCDEF": false, "": false} {
		if clients.LooksLikeToken(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

func TestDrafts(t *testing.T) {
	b, ci, _ := add(t, nil, "ci", "read")
	many := make([]clients.Scope, clients.MaxScopes+1)
	for i := range many {
		many[i] = clients.Scope{Do: clients.Read, Account: platforms.AccountID(fmt.Sprint("a", i))}
	}
	for name, d := range map[string]clients.Draft{
		"no name":          {Scopes: scopes(t, "read")},
		"a taken name":     {Name: "CI", Scopes: scopes(t, "read")},
		"a name to forge":  {Name: "ci\u202e", Scopes: scopes(t, "read")},
		"a flag":           {Name: "-ci", Scopes: scopes(t, "read")},
		"a long name":      {Name: strings.Repeat("x", 41), Scopes: scopes(t, "read")},
		"no scope":         {Name: "x"},
		"too many scopes":  {Name: "x", Scopes: many},
		"an unknown scope": {Name: "x", Scopes: []clients.Scope{{Do: "all"}}},
		"a stray scope":    {Name: "x", Scopes: []clients.Scope{{Do: clients.Send, Conversation: "c1"}}},
		"a huge rate":      {Name: "x", Scopes: scopes(t, "read"), PerMinute: clients.MostPerMinute + 1},
		"a negative rate":  {Name: "x", Scopes: scopes(t, "read"), PerMinute: -1},
		"a past end":       {Name: "x", Scopes: scopes(t, "read"), Expires: now},
	} {
		if out, _, _, err := b.Add(d, now); err == nil || len(out) != 1 {
			t.Errorf("%s was taken", name)
		} else if s := clients.Sentence(err); !strings.HasSuffix(s, ".") || strings.ToUpper(s[:1]) != s[:1] {
			t.Errorf("%s: %q is no sentence", name, s)
		}
	}
	next, c, err := b.Change(ci.ID, clients.Draft{Name: "ci", Scopes: scopes(t, "send:a/b", "send:a/b", "status")}, now)
	if err != nil || len(c.Scopes) != 2 || c.PerMinute != clients.UsualPerMinute || next.List()[0].Scopes[0].String() != "send:a/b" {
		t.Errorf("%v %+v", err, c)
	}
	if _, _, err := b.Change("nobody", clients.Draft{Name: "x", Scopes: scopes(t, "read")}, now); err == nil {
		t.Error("nobody was changed")
	}
	for i := range clients.MaxClients - 1 {
		b, _, _ = add(t, b, fmt.Sprint("c", i), "read")
	}
	if _, _, _, err := b.Add(clients.Draft{Name: "one-more", Scopes: scopes(t, "read")}, now); err == nil {
		t.Error("there is no bound")
	}
}

func TestScopes(t *testing.T) {
	for text, want := range map[string]clients.Scope{
		"read":               {Do: clients.Read},
		"status:home":        {Do: clients.Status, Account: "home"},
		"send:home/C1/x:y z": {Do: clients.Send, Account: "home", Conversation: "C1/x:y z"},
	} {
		s, err := clients.ParseScope(text)
		if err != nil || s != want || s.String() != text {
			t.Errorf("%q: %+v %v", text, s, err)
		}
	}
	for _, text := range []string{"", "write", "read:", "read:/c", "read:a/", "status:a/c", "READ", "read/c", ":a"} {
		if s, err := clients.ParseScope(text); err == nil {
			t.Errorf("%q was taken as %+v", text, s)
		}
	}
}

func TestMay(t *testing.T) {
	c := clients.Client{Scopes: scopes(t, "send:home/c1", "read:home", "status")}
	for _, may := range []struct {
		do   clients.Do
		a    platforms.AccountID
		conv platforms.ConversationID
		want bool
	}{
		{clients.Send, "home", "c1", true}, {clients.Send, "home", "c2", false}, {clients.Send, "work", "c1", false},
		{clients.Send, "home", "", false}, {clients.Send, "", "", false},
		{clients.Read, "home", "c1", true}, {clients.Read, "home", "c9", true}, {clients.Read, "home", "", true},
		{clients.Read, "work", "c1", false}, {clients.Read, "", "", false},
		{clients.Status, "work", "", true}, {clients.Status, "", "", true},
	} {
		if got := c.May(may.do, may.a, may.conv); got != may.want {
			t.Errorf("%+v: %v", may, got)
		}
	}
	if !c.In(clients.Send, "home") || c.In(clients.Send, "work") || !c.In(clients.Status, "work") || c.Anywhere("all") || !c.Anywhere(clients.Send) {
		t.Error("in, or anywhere")
	}
	if (clients.Client{}).May(clients.Read, "", "") {
		t.Error("nobody may something")
	}
}

func TestKeys(t *testing.T) {
	if k := clients.Key("ab", "x/y"); clients.Sender(k) != "ab" || k == clients.Key("a", "b/x/y") {
		t.Error(k)
	}
	for _, k := range []string{"", "x", "c/abc", "n/", "n/ab", "u/n/ab/c"} {
		if s := clients.Sender(k); s != "" {
			t.Errorf("%q is from %q", k, s)
		}
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l clients.Limiter
		c, other := clients.Client{ID: "a", PerMinute: 3}, clients.Client{ID: "b", PerMinute: 3}
		take := func(c clients.Client, send bool) time.Duration { return l.Take(c, send, time.Now()) }
		for range 3 {
			if take(c, true) != 0 {
				t.Fatal("held up too early")
			}
		}
		wait := take(c, true)
		if wait <= 0 || wait > 20*time.Second {
			t.Fatalf("to wait: %v", wait)
		}
		if take(other, true) != 0 || take(c, false) != 0 {
			t.Error("others wait for it, or what is no send does")
		}
		time.Sleep(wait - time.Nanosecond)
		if take(c, true) == 0 {
			t.Error("let in too early")
		}
		time.Sleep(time.Nanosecond)
		if take(c, true) != 0 {
			t.Error("what was said to be enough was not")
		}
		time.Sleep(time.Hour)
		for range 3 {
			if take(c, true) != 0 {
				t.Error("not full again")
			}
		}
		if take(c, true) == 0 {
			t.Error("an hour's silence is saved up")
		}
		n := 0
		for range 2000 {
			if take(other, false) == 0 {
				n++
			}
		}
		if n != 600 {
			t.Errorf("%d requests in no time", n)
		}
	})
	t.Run("wrong tokens", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var l clients.Limiter
			n := 0
			for range 100 {
				if l.Wrong(time.Now()) == 0 {
					n++
				}
			}
			if n != 30 {
				t.Errorf("%d guesses in no time", n)
			}
			if l.Take(clients.Client{ID: "a", PerMinute: 1}, false, time.Now()) != 0 {
				t.Error("who is known waits for who is not")
			}
			time.Sleep(2 * time.Second)
			if l.Wrong(time.Now()) != 0 {
				t.Error("it never ends")
			}
		})
	})
}

func TestBooksStayApart(t *testing.T) {
	b, ci, _ := add(t, nil, "ci", "read")
	after := b.Used(ci.ID, now.Add(time.Hour))
	if !b.List()[0].LastUsed.IsZero() || !after.List()[0].LastUsed.Equal(now.Add(time.Hour)) {
		t.Error("a book changed, or did not")
	}
	list := b.List()
	list[0].Scopes[0].Do = clients.Send
	if !slices.Equal(b.List()[0].Scopes, scopes(t, "read")) {
		t.Error("a list reaches into the book")
	}
}
