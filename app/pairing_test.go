package app

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// pairs is a crowd in which nobody is let in, with a code that is out.
func pairs(t *testing.T) (*crowd, *book, string) {
	b := &book{}
	c := newCrowd(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
		b.add(d)
		return nil, nil
	}})
	c.start()
	c.add()
	p, err := c.app.Pair(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, b, p.Code
}

// TestCodesThatClaimNothing is codes that are not sent as a code is to be.
func TestCodesThatClaimNothing(t *testing.T) {
	for what, evs := range map[string]func(c *crowd, code string) []platforms.Event{
		"in a group": func(c *crowd, code string) []platforms.Event { return []platforms.Event{c.words("ua", "g", code)} },
		"in an edit": func(c *crowd, code string) []platforms.Event {
			ev := c.words("ua", "da", "hello")
			edit := c.words("ua", "da", code)
			edit.Kind, edit.Message = platforms.MessageEdited, ev.Message
			c.give(ev)
			c.settled(0)
			return []platforms.Event{edit}
		},
		"in an edit of what is not known": func(c *crowd, code string) []platforms.Event {
			ev := c.words("ua", "da", code)
			ev.Kind = platforms.MessageEdited
			return []platforms.Event{ev}
		},
		"on a button": func(c *crowd, code string) []platforms.Event {
			ev := c.words("ua", "da", code)
			ev.Kind, ev.Click = platforms.ButtonClicked, &platforms.Click{Data: code}
			return []platforms.Event{ev}
		},
		"by a bot": func(c *crowd, code string) []platforms.Event {
			ev := c.words("ua", "da", code)
			ev.From.Bot = true
			return []platforms.Event{ev}
		},
		"by nobody":                func(c *crowd, code string) []platforms.Event { return []platforms.Event{c.words("", "da", code)} },
		"by an id of another form": func(c *crowd, code string) []platforms.Event { return []platforms.Event{c.words("-100", "da", code)} },
		"by somebody ignored": func(c *crowd, code string) []platforms.Event {
			if _, err := c.app.Ignore(c.ctx, api.IgnoreDraft{Account: "fake", User: "ua"}); err != nil {
				c.t.Fatal(err)
			}
			return []platforms.Event{c.words("ua", "da", code)}
		},
		"by a stranger after five wrong ones": func(c *crowd, code string) []platforms.Event {
			var evs []platforms.Event
			for range 5 {
				evs = append(evs, c.words("ua", "da", strings.Repeat("1", len(code))))
			}
			return append(evs, c.words("ua", "da", code))
		},
		"in another case": func(c *crowd, code string) []platforms.Event {
			other := strings.ToLower(code)
			if other == code {
				other = strings.ToUpper(code)
			}
			return []platforms.Event{c.words("ua", "da", other)}
		},
		"inside a word": func(c *crowd, code string) []platforms.Event { return []platforms.Event{c.words("ua", "da", "x"+code)} },
	} {
		t.Run(what, func(t *testing.T) {
			c, b, code := pairs(t)
			c.give(evs(c, code)...)
			c.settled(0)
			if p := c.app.People(); len(p.Claims) > 0 || len(p.Rules) > 0 {
				t.Errorf("claims %v, rules %v", p.Claims, p.Rules)
			}
			if len(b.texts()) > 0 || len(c.fake.texts()) > 0 {
				t.Errorf("handed on %q, said %q", b.texts(), c.fake.texts())
			}
		})
	}
}

// A code counts once, and only after the person's word; who sent it is told
// nothing before that, and who was late nothing at all.
func TestTwoSendOneCode(t *testing.T) {
	c, b, code := pairs(t)
	c.give(c.words("ua", "da", "/start "+code), c.words("ub", "db", code))
	c.settled(0)
	p := c.app.People()
	if len(p.Claims) != 1 || len(p.Rules) > 0 {
		t.Fatalf("claims %v, rules %v", p.Claims, p.Rules)
	}
	if len(b.texts()) > 0 || len(c.fake.texts()) > 0 {
		t.Errorf("handed on %q, said %q", b.texts(), c.fake.texts())
	}
	claim := p.Claims[0]
	other := claim
	if other.User.ID = "ub"; claim.User.ID == "ub" {
		other.User.ID = "ua"
	}
	if _, err := c.app.AnswerClaim(c.ctx, api.ClaimAnswer{Claim: other, Accept: true}); err == nil {
		t.Error("a claim that names another user was accepted")
	}
	var wg sync.WaitGroup
	for range 8 { // a hasty person
		wg.Go(func() { _, _ = c.app.AnswerClaim(context.Background(), api.ClaimAnswer{Claim: claim, Accept: true}) })
	}
	wg.Wait()
	if p := c.app.People(); len(p.Rules) != 1 || p.Rules[0].User != claim.User.ID || p.Rules[0].Role != access.Owner {
		t.Errorf("rules: %+v", p.Rules)
	}
	c.until("they are told", func() bool { return c.app.Snapshot().Queued == 0 && len(c.fake.texts()) > 0 })
	if got := c.fake.texts(); len(got) != 1 {
		t.Errorf("said %q", got)
	}
	c.give(c.words("ub", "db", code), c.words("ua", "da", code))
	c.settled(0)
	if p := c.app.People(); len(p.Claims) > 0 {
		t.Errorf("it was claimed again: %v", p.Claims)
	}
}

// The second to be paired is no owner.
func TestTheSecondIsAMember(t *testing.T) {
	c, _, code := pairs(t)
	c.let("uc", "", access.Owner)
	c.give(c.words("ua", "da", code))
	c.settled(0)
	if _, err := c.app.AnswerClaim(c.ctx, api.ClaimAnswer{Claim: c.app.People().Claims[0], Accept: true}); err != nil {
		t.Fatal(err)
	}
	for _, r := range c.app.People().Rules {
		if r.User == "ua" && r.Role != access.Member {
			t.Errorf("as %s", r.Role)
		}
	}
}

// Codes and claims end with the run, with their time, and by hand.
func TestCodesEnd(t *testing.T) {
	for what, end := range map[string]func(c *crowd){
		"with the run": func(c *crowd) { c.stop(); c.start() },
		"with its time": func(c *crowd) {
			c.stop()
			c.now = func() time.Time { return time.Now().Add(6 * time.Minute) }
			c.start()
		},
		"by hand": func(c *crowd) {
			if err := c.app.CancelPairing(c.ctx); err != nil {
				c.t.Fatal(err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			c, _, code := pairs(t)
			end(c)
			c.give(c.words("ua", "da", code))
			c.settled(0)
			if p := c.app.People(); len(p.Claims) > 0 {
				t.Errorf("claims: %v", p.Claims)
			}
		})
	}
	t.Run("a claim", func(t *testing.T) {
		c, _, code := pairs(t)
		c.give(c.words("ua", "da", code))
		c.settled(0)
		claim := c.app.People().Claims[0]
		c.stop()
		c.start()
		if _, err := c.app.AnswerClaim(c.ctx, api.ClaimAnswer{Claim: claim, Accept: true}); err == nil {
			t.Error("a claim of an earlier run was accepted")
		}
	})
	t.Run("ignored meanwhile", func(t *testing.T) {
		c, _, code := pairs(t)
		c.give(c.words("ua", "da", code))
		c.settled(0)
		if _, err := c.app.Ignore(c.ctx, api.IgnoreDraft{Account: "fake", User: "ua"}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.app.AnswerClaim(c.ctx, api.ClaimAnswer{Claim: c.app.People().Claims[0], Accept: true}); err == nil {
			t.Error("who is ignored was let in")
		}
	})
	t.Run("its account was removed", func(t *testing.T) {
		c, _, code := pairs(t)
		c.give(c.words("ua", "da", code))
		c.settled(0)
		claim := c.app.People().Claims[0]
		if err := c.app.RemoveAccount(c.ctx, "fake"); err != nil {
			t.Fatal(err)
		}
		if p := c.app.People(); len(p.Claims) > 0 {
			t.Errorf("claims: %v", p.Claims)
		}
		c.add() // another bot, by the same id
		if _, err := c.app.AnswerClaim(c.ctx, api.ClaimAnswer{Claim: claim, Accept: true}); err == nil {
			t.Error("a claim to a bot that was removed lets in at the next one")
		}
	})
}
