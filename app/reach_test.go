package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// TestNobodyElseReaches is the ways by which somebody without a rule could have
// a responder act. The owner ua and the member um are let in.
func TestNobodyElseReaches(t *testing.T) {
	edit := func(ev, of platforms.Event, text string) platforms.Event {
		ev.Kind, ev.Message, ev.Text = platforms.MessageEdited, of.Message, text
		return ev
	}
	for name, evs := range map[string]func(c *crowd) []platforms.Event{
		"a stranger in private":     func(c *crowd) []platforms.Event { return []platforms.Event{c.words("us", "ds", "bad")} },
		"a stranger in the group":   func(c *crowd) []platforms.Event { return []platforms.Event{c.words("us", "g", "bad")} },
		"a member in another group": func(c *crowd) []platforms.Event { return []platforms.Event{c.words("um", "h", "bad")} },
		"a member who meant another": func(c *crowd) []platforms.Event {
			ev := c.words("um", "g", "bad")
			ev.Mentioned = false
			return []platforms.Event{ev}
		},
		"a stranger's edit": func(c *crowd) []platforms.Event {
			ev := c.words("us", "ds", "bad")
			return []platforms.Event{ev, edit(c.event("us", "ds"), ev, "bad")}
		},
		"a stranger's edit of another's": func(c *crowd) []platforms.Event {
			ev := c.words("um", "g", "good")
			return []platforms.Event{ev, edit(c.event("us", "g"), ev, "bad")}
		},
		"a member's edit of another's": func(c *crowd) []platforms.Event {
			ev := c.words("ua", "g", "good")
			return []platforms.Event{ev, edit(c.event("um", "g"), ev, "bad")}
		},
		"an edit of what was not to the bot": func(c *crowd) []platforms.Event {
			ev := c.words("um", "g", "")
			ev.Mentioned = false
			return []platforms.Event{ev, edit(c.event("um", "g"), ev, "bad")}
		},
		"an edit of what is not known": func(c *crowd) []platforms.Event {
			return []platforms.Event{edit(c.event("um", "g"), platforms.Event{Message: "x"}, "bad")}
		},
		"an edit of the same number elsewhere": func(c *crowd) []platforms.Event {
			ev := c.words("um", "g", "good")
			return []platforms.Event{ev, edit(c.event("um", "h"), ev, "bad")}
		},
		"an edit of an edit that was refused": func(c *crowd) []platforms.Event {
			first := edit(c.event("um", "g"), platforms.Event{Message: "x"}, "bad")
			return []platforms.Event{first, edit(c.event("um", "g"), first, "bad")}
		},
		"a stranger's click": func(c *crowd) []platforms.Event {
			ev := c.words("us", "g", "bad")
			ev.Kind, ev.Click = platforms.ButtonClicked, &platforms.Click{Data: "x"}
			return []platforms.Event{ev}
		},
		"a click that tells no kind": func(c *crowd) []platforms.Event {
			ev := c.words("um", "h", "bad")
			ev.Kind, ev.Click, ev.Conversation.Kind = platforms.ButtonClicked, &platforms.Click{Data: "x"}, ""
			return []platforms.Event{ev}
		},
		"a click without a click": func(c *crowd) []platforms.Event {
			ev := c.words("um", "g", "bad")
			ev.Kind = platforms.ButtonClicked
			return []platforms.Event{ev}
		},
		"another kind": func(c *crowd) []platforms.Event {
			ev := c.words("um", "g", "bad")
			ev.Kind = "joined"
			return []platforms.Event{ev}
		},
		"a bot with a person's id": func(c *crowd) []platforms.Event {
			ev := c.words("um", "g", "bad")
			ev.From.Bot = true
			return []platforms.Event{ev}
		},
		"the bot itself": func(c *crowd) []platforms.Event { return []platforms.Event{c.words("bot", "g", "bad")} },
		"an ignored user": func(c *crowd) []platforms.Event {
			if _, err := c.app.Ignore(c.ctx, api.IgnoreDraft{Account: "fake", User: "um"}); err != nil {
				t.Fatal(err)
			}
			return []platforms.Event{c.words("um", "g", "bad"), c.words("um", "dm", "bad")}
		},
		"a group that moved to another's id": func(c *crowd) []platforms.Event {
			ev := c.event("um", "k")
			ev.Kind, ev.Conversation.Moved = platforms.ConversationMoved, "h"
			return []platforms.Event{c.words("ua", "h", "bad"), ev, c.words("um", "k", "bad")}
		},
		"a stranger in a group that moved": func(c *crowd) []platforms.Event {
			ev := c.event("us", "k")
			ev.Kind, ev.Conversation.Moved = platforms.ConversationMoved, "g"
			return []platforms.Event{c.words("ua", "g", "good"), ev, c.words("us", "k", "bad"), c.words("us", "g", "bad")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b book
			c := newCrowd(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
				b.add(d)
				return nil, nil
			}})
			c.start()
			c.add()
			c.let("ua", "g", access.Owner)
			c.let("um", "g", access.Member)
			c.let("um", "", access.Member)
			c.give(evs(c)...)
			c.settled(0)
			for _, text := range b.texts() {
				if text != "good" {
					t.Errorf("it was handed %q", b.texts())
				}
			}
			c.give(c.words("ua", "g", "good"))
			c.until("an owner's arrives", func() bool { return b.has("good") })
		})
	}
}

// What waits is held to the rules as they are when it is acted on.
func TestThePresentRulesCount(t *testing.T) {
	busy := &platforms.Error{Kind: platforms.Temporary, RetryAfter: time.Millisecond, Text: "busy"}

	t.Run("held back, and let go after the rule went", func(t *testing.T) {
		var b book
		c := newCrowd(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) { b.add(d); return nil, nil }})
		c.start()
		c.add()
		c.let("ua", "g", access.Owner)
		c.let("um", "g", access.Member)
		for _, user := range []string{"um", "ua"} {
			ev := c.words(user, "g", user)
			ev.Time = ev.Time.Add(-48 * time.Hour)
			c.give(ev)
		}
		c.until("they are held", func() bool { return c.app.Snapshot().Held == 2 })
		c.unlet("um", "g")
		for _, e := range c.timeline("g") {
			if err := c.app.Release(c.ctx, e.Seq); err != nil {
				t.Fatal(err)
			}
		}
		c.settled(0)
		if got := b.texts(); !slices.Equal(got, []string{"ua"}) {
			t.Errorf("it was handed %q", got)
		}
	})

	t.Run("waits to be tried again", func(t *testing.T) {
		var tries atomic.Int32
		c := newCrowd(t, responder{acts: true, f: func(context.Context, Delivery) ([]platforms.Message, error) {
			tries.Add(1)
			return nil, &platforms.Error{Kind: platforms.Temporary, RetryAfter: time.Hour, Text: "busy"}
		}})
		c.start()
		c.add()
		c.let("um", "g", access.Member)
		c.give(c.words("um", "g", "x"))
		c.until("it waits", func() bool { return tries.Load() == 1 && len(c.app.waits.of(lane{"fake", "g"})) == 1 })
		c.unlet("um", "g")
		c.app.waiting.signal(lane{"fake", "g"})
		c.stop()
		c.now = func() time.Time { return time.Now().Add(2 * time.Hour) } // it is due at once
		c.start()
		c.settled(0)
		if n := tries.Load(); n != 1 {
			t.Errorf("it was tried %d times", n)
		}
		if e := c.timeline("g")[0]; e.Status != "dismissed" || !strings.Contains(e.Why, "without one nobody is let in") {
			t.Errorf("it ended as %q: %s", e.Status, e.Why)
		}
		if got := c.sentIn("g"); len(got) > 0 {
			t.Errorf("who was removed was told %q", got)
		}
	})

	t.Run("was begun by an earlier run", func(t *testing.T) {
		var begun atomic.Int32
		c := newCrowd(t, talker{"agent", func(context.Context, Delivery, Turn) { begun.Add(1) }})
		c.start()
		c.add()
		c.let("um", "g", access.Member)
		c.give(c.words("um", "g", "x"))
		c.until("it is begun", func() bool { return begun.Load() == 1 })
		c.unlet("um", "g")
		c.stop()
		c.start()
		c.settled(0)
		if n := begun.Load(); n != 1 {
			t.Errorf("it was begun %d times", n)
		}
		if got := c.sentIn("g"); len(got) > 0 {
			t.Errorf("who was removed was told %q", got)
		}
	})

	t.Run("of somebody who may do less now", func(t *testing.T) {
		var b book
		var down atomic.Bool
		down.Store(true)
		c := newCrowd(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
			b.add(d)
			if down.Load() {
				return nil, busy
			}
			return nil, nil
		}})
		c.start()
		c.add()
		c.let("ua", "g", access.Owner)
		c.give(c.words("ua", "g", "x"))
		c.until("it is tried", func() bool { return len(b.texts()) > 0 })
		c.let("ua", "g", access.Member)
		down.Store(false)
		c.settled(0)
		if last := b.got[len(b.got)-1]; last.Role != access.Member || b.got[0].Role != access.Owner {
			t.Errorf("first as %q, last as %q", b.got[0].Role, last.Role)
		}
	})

	t.Run("of somebody who may do more now", func(t *testing.T) {
		c := newCrowd(t)
		c.start()
		c.add()
		acc, err := c.app.account("fake")
		if err != nil {
			t.Fatal(err)
		}
		c.let("ua", "g", access.Owner)
		ev := c.words("ua", "g", "x")
		for was, want := range map[string]access.Verdict{
			`{"verdict":"allowed","role":"member"}`: access.Allowed,
			`{"verdict":"stranger"}`:                access.Stranger,
			`{"verdict":"needs mention"}`:           access.NeedsMention,
			`{}`:                                    "",
			`null`:                                  "",
			`[]`:                                    access.Allowed, // nothing that was decided: the rules say
			``:                                      access.Allowed,
		} {
			d := c.app.present(acc, store.Job{Account: "fake", Event: ev, Decision: json.RawMessage(was)})
			if d.Verdict != want || strings.Contains(was, "member") && d.Role != access.Member {
				t.Errorf("%s: %s as %q", was, d.Verdict, d.Role)
			}
		}
		// A decision that was written by something else lets nobody in whom no rule
		// names.
		ev = c.words("us", "g", "x")
		if d := c.app.present(acc, store.Job{Account: "fake", Event: ev, Decision: json.RawMessage(`{"verdict":"allowed","role":"owner"}`)}); d.Verdict != access.Stranger || d.Role != "" {
			t.Errorf("a forged decision: %s as %q", d.Verdict, d.Role)
		}
	})
}

// A stranger who may change others' messages, as administrators may on some
// platforms, can't put words into a message that waits to be acted on.
func TestNoWordsIntoAnothersMouth(t *testing.T) {
	var b book
	c := newCrowd(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) { b.add(d); return nil, nil }})
	c.start()
	c.add()
	c.let("ua", "g", access.Owner)
	ev := c.words("ua", "g", "good")
	ev.Time = ev.Time.Add(-48 * time.Hour)
	change := c.words("us", "g", "bad")
	change.Kind, change.Message = platforms.MessageEdited, ev.Message
	c.give(ev)
	c.until("it is held", func() bool { return c.app.Snapshot().Held == 1 })
	c.give(change)
	c.settled(0)
	if err := c.app.Release(c.ctx, c.timeline("g")[0].Seq); err != nil {
		t.Fatal(err)
	}
	c.until("it is acted on", func() bool { return len(b.texts()) > 0 })
	if got := b.texts(); !slices.Equal(got, []string{"good"}) {
		t.Errorf("it was handed %q", got)
	}
	var shown []string
	for _, e := range c.timeline("g") {
		shown = append(shown, e.Text)
	}
	if !slices.Equal(shown, []string{"good", "bad"}) {
		t.Errorf("the person sees %q", shown)
	}
}

// An edit finds its own message, also where ids are counted in each
// conversation anew and all come at once.
func TestEditsFindTheirMessage(t *testing.T) {
	var b book
	c := newCrowd(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) { b.add(d); return nil, nil }})
	c.start()
	c.add()
	c.let("ua", "g", access.Owner)
	c.let("um", "h", access.Member)
	one, other, change := c.words("ua", "g", "one"), c.words("um", "h", "other"), c.words("ua", "g", "changed")
	other.Message, change.Message, change.Kind = one.Message, one.Message, platforms.MessageEdited
	c.give(one, other, change)
	c.settled(0)
	if got := c.refusals(); len(got) > 0 || len(b.texts()) != 3 {
		t.Errorf("it was handed %q; refused: %q", b.texts(), got)
	}
}

// A conversation that gets another id while something waits in it: the rules
// move, too, and what waits is acted on; learnt from the platform or from a
// refused send.
func TestWhatWaitsMoves(t *testing.T) {
	for _, bySend := range []bool{false, true} {
		t.Run(fmt.Sprint("by a send: ", bySend), func(t *testing.T) {
			var b book
			var down atomic.Bool
			down.Store(true)
			c := newCrowd(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
				if down.Load() {
					return nil, &platforms.Error{Kind: platforms.Temporary, RetryAfter: time.Millisecond, Text: "busy"}
				}
				b.add(d)
				return []platforms.Message{{Text: "done"}}, nil
			}})
			c.fake.send = func(m platforms.Message) error {
				if m.Conversation == "g" {
					return &platforms.Error{Kind: platforms.Rejected, MovedTo: "k", Text: "moved"}
				}
				return nil
			}
			c.start()
			c.add()
			c.let("ua", "g", access.Owner)
			c.give(c.words("ua", "g", "one"))
			c.until("it waits", func() bool { return len(c.app.waits.of(lane{"fake", "g"})) == 1 })
			if bySend {
				if _, err := c.app.Send(c.ctx, api.Draft{Account: "fake", Conversation: "g", Text: "hello"}, nil); err != nil {
					t.Fatal(err)
				}
			} else {
				ev := c.event("", "k")
				ev.Kind, ev.Conversation.Moved = platforms.ConversationMoved, "g"
				c.give(ev)
			}
			c.until("the rule moved", func() bool { return c.app.People().Rules[0].Conversation == "k" })
			down.Store(false)
			c.give(c.words("ua", "k", "two"))
			c.settled(0)
			if got := b.texts(); !slices.Equal(got, []string{"one", "two"}) {
				t.Errorf("it was handed %q; refused: %q", got, c.refusals())
			}
		})
	}
}

// A kept setting counts under its own name, and from its own Postern, only.
func TestKeptSettings(t *testing.T) {
	c := newCrowd(t)
	a := c.start()
	mine := access.Policy{Rules: []access.Rule{{Account: "fake", User: "us", Role: access.Owner}}}
	if err := a.keep(c.ctx, "answers-of-an-agent", mine); err != nil {
		t.Fatal(err)
	}
	var k kept
	if _, err := a.store.Setting("answers-of-an-agent", &k); err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string]any{
		"copied from another name": k,
		"without a seal":           kept{Value: k.Value},
		"with a short seal":        kept{Value: k.Value, Seal: k.Seal[:8]},
		"bare":                     mine,
	} {
		if err := a.store.PutSetting(c.ctx, settingAccess, forged); err != nil {
			t.Fatal(err)
		}
		var p access.Policy
		if _, err := a.recall(settingAccess, &p); !errors.Is(err, errForged) || len(p.Rules) > 0 {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	c.stop()
	if a = c.start(); len(a.People().Rules) > 0 {
		t.Error("it counted after a restart")
	}
	if !slices.ContainsFunc(a.Snapshot().Notices, func(n api.Notice) bool { return strings.Contains(n.Text, "can't be trusted") }) {
		t.Error("nobody was told")
	}
}
