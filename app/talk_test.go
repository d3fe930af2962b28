package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// talker is a Talker made of a function.
type talker struct {
	name string
	f    func(ctx context.Context, d Delivery, t Turn)
}

func (talker) Acts() bool     { return true }
func (r talker) Name() string { return r.name }
func (r talker) Respond(context.Context, Delivery) ([]platforms.Message, error) {
	panic("a Talker was asked as a Responder")
}
func (r talker) Begin(ctx context.Context, d Delivery, t Turn) { r.f(ctx, d, t) }

// crowd is a world of people: rules count in it, messages are long enough for a
// question, and can be changed.
type crowd struct {
	*world
	n   int
	ctx context.Context
}

func newCrowd(t *testing.T, rs ...Responder) *crowd {
	w := newWorld(t, rs...)
	w.fake.ids = platforms.IDs{User: `^u[a-z]+$`, Conversation: `^[a-z0-9]+$`}
	w.change = func(p *platforms.Platform) { p.Limits.Text, p.Limits.Edit = 4000, true }
	return &crowd{world: w, ctx: t.Context()}
}

// let lets somebody in.
func (c *crowd) let(user, conversation string, role access.Role, until ...time.Time) {
	c.t.Helper()
	d := api.RuleDraft{Account: "fake", User: user, Conversation: conversation, Role: role}
	if len(until) > 0 {
		d.Until = until[0]
	}
	if _, err := c.app.Allow(c.t.Context(), d); err != nil {
		c.t.Fatal(err)
	}
}

func (c *crowd) unlet(user, conversation string) {
	c.t.Helper()
	_, err := c.app.Disallow(c.t.Context(), api.RuleKey{Account: "fake", User: platforms.UserID(user), Conversation: platforms.ConversationID(conversation)})
	if err != nil {
		c.t.Fatal(err)
	}
}

// event is what user does in a conversation, which is a direct one if its name
// begins with d.
func (c *crowd) event(user, conversation string) platforms.Event {
	c.n++
	kind := platforms.Group
	if conversation[0] == 'd' {
		kind = platforms.Direct
	}
	return platforms.Event{
		ID: platforms.EventID(fmt.Sprintf("ev%d", c.n)), Kind: platforms.MessageReceived, Time: c.app.now(),
		Cursor:       platforms.Cursor(fmt.Sprintf("%d", c.n)),
		Conversation: platforms.Conversation{ID: platforms.ConversationID(conversation), Kind: kind},
		Message:      platforms.MessageID(fmt.Sprintf("in%d", c.n)),
		From:         platforms.User{ID: platforms.UserID(user), Name: user}, Mentioned: true,
	}
}

func (c *crowd) words(user, conversation, text string) platforms.Event {
	ev := c.event(user, conversation)
	ev.Text = text
	return ev
}

// give has the platform deliver events, all at once.
func (c *crowd) give(evs ...platforms.Event) {
	c.fake.mu.Lock()
	c.fake.queue = append(c.fake.queue, evs...)
	c.fake.mu.Unlock()
	c.fake.poke()
}

// settled waits until all that was given is decided; open is how many events
// are still worked on.
func (c *crowd) settled(open int) {
	c.t.Helper()
	c.until(fmt.Sprintf("all but %d events are done", open), func() bool {
		if c.fake.waiting() > 0 { // first: what is counted then is all of it
			return false
		}
		s, err := c.app.store.Stats()
		return err == nil && s.Pending == open
	})
}

// sentWith is the last message that was sent with these words in it.
func (c *crowd) sentIn(conversation string) []string {
	c.fake.mu.Lock()
	defer c.fake.mu.Unlock()
	var out []string
	for _, m := range c.fake.sent {
		if string(m.Conversation) == conversation {
			out = append(out, m.Text)
		}
	}
	return out
}

// refusals is why events were not let in, or answers to permissions not taken.
func (c *crowd) refusals() (out []string) {
	c.t.Helper()
	list, err := c.app.Activity(c.t.Context(), control.ActivityQuery{})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, l := range list {
		if l.What == api.Rejected {
			out = append(out, l.Why)
		}
	}
	return out
}

// book is what a responder was handed.
type book struct {
	mu  sync.Mutex
	got []Delivery
}

func (b *book) add(d Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, d)
}

func (b *book) texts() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.got {
		out = append(out, d.Event.Text)
	}
	return out
}

func (b *book) has(text string) bool { return slices.Contains(b.texts(), text) }

// TestLetOut: what is done for somebody ends when their rule is taken away, and
// what is done for others goes on.
func TestLetOut(t *testing.T) {
	agent := newPuppet("agent")
	c := newCrowd(t, agent)
	c.start()
	c.add()
	c.let("uann", "", access.Member)
	c.let("ubob", "", access.Member)
	c.give(c.words("uann", "dann", "go"), c.words("ubob", "dbob", "go"))
	turns := map[platforms.UserID]begun{}
	for range 2 {
		b := c.turn(agent)
		turns[b.d.Event.From.ID] = b
	}
	ann, bob := turns["uann"], turns["ubob"]
	c.unlet("uann", "")
	<-ann.ctx.Done()
	if why := context.Cause(ann.ctx); why != errLetOut {
		t.Errorf("it ended for %v", why)
	}
	if bob.ctx.Err() != nil {
		t.Errorf("somebody else's ended: %v", context.Cause(bob.ctx))
	}
	ann.Done(nil, context.Cause(ann.ctx))
	bob.Done(nil, nil)
	c.settled(0)
}
