package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

func TestAccept(t *testing.T) {
	claimed := func(t *testing.T, p *access.Pairings, who platforms.User) access.Claim {
		t.Helper()
		c, ok := p.Claim(now, home, who, offer(t, p, now))
		if !ok {
			t.Fatal("not claimed")
		}
		return c
	}
	t.Run("owner, then member", func(t *testing.T) {
		p := pairings(t)
		c := claimed(t, p, ada)
		policy, r, err := p.Accept(now.Add(time.Hour-1), c, access.Policy{})
		if want := (access.Rule{Account: home, User: "4711", Role: access.Owner, Name: "Ada"}); err != nil || r != want {
			t.Fatalf("%v: %+v", err, r)
		}
		if d := access.Decide(policy, worlds[0].dm("4711"), access.Context{Account: home, Now: now}); d.Role != access.Owner {
			t.Error(d.Why())
		}
		if again, _, err := p.Accept(now, c, policy); err == nil || len(again.Rules) != 1 {
			t.Error("a claim was accepted twice")
		}
		policy, r, err = p.Accept(now, claimed(t, p, platforms.User{ID: "815"}), policy)
		if err != nil || r.Role != access.Member || len(policy.Rules) != 2 {
			t.Errorf("the second: %v, %+v", err, r)
		}
		if _, r, err = p.Accept(now, claimed(t, p, ada), policy); err != nil || r.Role != access.Owner {
			t.Errorf("the owner once more: %v, %+v", err, r)
		}
	})
	t.Run("who counts as the first", func(t *testing.T) {
		for name, c := range map[string]struct {
			rule access.Rule
			want access.Role
		}{
			"another account's owner": {access.Rule{Account: "work", User: "1", Role: access.Owner}, access.Owner},
			"a group's owner":         {access.Rule{Account: home, User: "1", Conversation: "-5", Role: access.Owner}, access.Owner},
			"a former owner":          {access.Rule{Account: home, User: "1", Role: access.Owner, Until: now}, access.Owner},
			"a member":                {access.Rule{Account: home, User: "1", Role: access.Member}, access.Owner},
			"a damaged rule":          {access.Rule{Account: home, User: "1", Role: access.Owner, Bot: true}, access.Owner},
			"an owner":                {access.Rule{Account: home, User: "1", Role: access.Owner, Until: now.Add(1)}, access.Member},
		} {
			p := pairings(t)
			_, r, err := p.Accept(now, claimed(t, p, ada), access.Policy{Rules: rules{c.rule}})
			if name == "a damaged rule" {
				if err == nil {
					t.Error("a damaged policy was taken")
				}
			} else if err != nil || r.Role != c.want {
				t.Errorf("%s: %v, %+v", name, err, r)
			}
		}
	})
	t.Run("not", func(t *testing.T) {
		p := pairings(t)
		c := claimed(t, p, ada)
		for name, forged := range map[string]access.Claim{
			"another user":    {Account: home, User: platforms.User{ID: "815"}, At: c.At, Number: c.Number},
			"another account": {Account: "work", User: ada, At: c.At, Number: c.Number},
			"another number":  {Account: home, User: ada, At: c.At, Number: c.Number + 1},
			"nothing":         {},
		} {
			if out, _, err := p.Accept(now, forged, access.Policy{}); err == nil || len(out.Rules) != 0 {
				t.Errorf("accepted: %s", name)
			}
		}
		if _, _, err := pairings(t).Accept(now, c, access.Policy{}); err == nil {
			t.Error("another Pairings accepted it")
		}
		ignoring := access.Policy{Ignored: []access.Ignore{{Account: home, User: "4711"}}}
		if _, _, err := p.Accept(now, c, ignoring); err == nil {
			t.Error("who is ignored was accepted")
		}
		named := c
		named.User.Name = "Somebody else"
		if _, r, err := p.Accept(now, named, access.Policy{}); err != nil || r.Name != "Ada" {
			t.Errorf("the name of a claim was changed: %v, %+v", err, r)
		}
		c = claimed(t, p, ada)
		p.Refuse(c)
		if _, _, err := p.Accept(now, c, access.Policy{}); err == nil {
			t.Error("a refused claim was accepted")
		}
		c = claimed(t, p, ada)
		if _, _, err := p.Accept(now.Add(time.Hour), c, access.Policy{}); err == nil {
			t.Error("a claim was accepted after an hour")
		}
	})
	t.Run("waiting", func(t *testing.T) {
		p := pairings(t)
		for i := range 7 {
			claimed(t, p, platforms.User{ID: platforms.UserID(fmt.Sprint(i + 1)), Name: "Ada\u202e\n" + strings.Repeat("x", 300)})
		}
		all := p.Waiting(now)
		if len(all) != 5 || all[0].User.ID != "3" || all[4].User.ID != "7" || len([]rune(all[0].User.Name)) > 80 || strings.ContainsAny(all[0].User.Name, "\u202e\n") {
			t.Errorf("%+v", all)
		}
	})
}

func TestMayPair(t *testing.T) {
	w := worlds[0]
	bot := w.dm(w.other)
	bot.From.Bot = true
	own := w.dm(w.bot)
	own.Own = true
	for name, c := range map[string]struct {
		ev   platforms.Event
		v    access.Verdict
		want bool
	}{
		"stranger": {w.dm(w.ada), access.Stranger, true}, "elsewhere": {w.dm(w.ada), access.Elsewhere, true}, "listener": {w.dm(w.ada), access.Listens, true},
		"ignored": {w.dm(w.ada), access.Ignored, false}, "allowed": {w.dm(w.ada), access.Allowed, false}, "group": {w.inGroup(w.ada, true), access.Stranger, false},
		"edit": {edited(w.dm(w.ada)), access.Stranger, false}, "click": {clicked(w.dm(w.ada)), access.Stranger, false}, "bot": {bot, access.Stranger, false}, "own": {own, access.Stranger, false},
	} {
		if got := access.MayPair(c.ev, access.Decision{Verdict: c.v}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
