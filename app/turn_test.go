package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// puppet hands its turns to the test.
type puppet struct {
	name  string
	turns chan begun
}

type begun struct {
	Turn
	d   Delivery
	ctx context.Context
}

func newPuppet(name string) *puppet { return &puppet{name: name, turns: make(chan begun, 16)} }

func (t *puppet) Name() string { return t.name }
func (t *puppet) Acts() bool   { return true }
func (t *puppet) Respond(context.Context, Delivery) ([]platforms.Message, error) {
	return nil, errors.New("Begin is called instead")
}
func (t *puppet) Begin(ctx context.Context, d Delivery, turn Turn) { t.turns <- begun{turn, d, ctx} }

func (w *world) turn(t *puppet) begun {
	w.t.Helper()
	select {
	case b := <-t.turns:
		return b
	case <-time.After(10 * time.Second):
		w.t.Fatal("no turn began")
		return begun{}
	}
}

// TestTurn: an answer is shown while it grows, ends in the same message, and is
// in the journal once.
func TestTurn(t *testing.T) {
	agent := newPuppet("agent")
	w := newWorld(t, agent)
	w.change = func(p *platforms.Platform) { p.Limits.Edit = true }
	w.start()
	w.add()
	w.fake.say("1", "hello", time.Now())
	b := w.turn(agent)
	if n := w.app.Responders()[0].Working; n != 1 {
		t.Errorf("%d at work", n)
	}
	b.Update("I th")
	w.until("the beginning is shown", func() bool { return slices.Equal(w.fake.shown(), []string{"I th"}) })
	b.Update("I think")
	w.until("more is shown", func() bool { return slices.Equal(w.fake.shown(), []string{"I think"}) })
	w.fake.say("1", "next", time.Now()) // it is handed over while the first is at work
	second := w.turn(agent)
	b.Done([]platforms.Message{{Text: "I think, yes."}, {Text: "Really."}}, nil)
	b.Done(nil, errors.New("twice"))
	b.Update("too late")
	w.until("the answer is there", func() bool { return slices.Equal(w.fake.shown(), []string{"I think, yes.", "Really."}) })
	second.Done(nil, nil)
	w.settled()
	var out []string
	for _, e := range w.timeline("1") {
		if e.Outgoing {
			out = append(out, e.Text)
		} else if e.Status != api.Delivered {
			t.Errorf("%q is %s: %s", e.Text, e.Status, e.Why)
		}
	}
	if !slices.Equal(out, []string{"I think, yes.", "Really."}) {
		t.Errorf("journal: %q", out)
	}
}

// TestTurnWithoutEdits: where messages can't be changed, only the answer is
// shown; where a change is refused, the answer is sent anew.
func TestTurnWithoutEdits(t *testing.T) {
	for name, set := range map[string]func(w *world){
		"never":   func(*world) {},
		"refused": func(w *world) { w.fake.refuse = &platforms.Error{Kind: platforms.Rejected, Text: "No."} },
	} {
		t.Run(name, func(t *testing.T) {
			agent := newPuppet("agent")
			w := newWorld(t, agent)
			w.change = func(p *platforms.Platform) { p.Limits.Edit = name == "refused" }
			set(w)
			w.start()
			w.add()
			w.fake.say("1", "hello", time.Now())
			b := w.turn(agent)
			b.Update("so far")
			if name == "refused" {
				w.until("the beginning is shown", func() bool { return len(w.fake.texts()) == 1 })
			}
			b.Done([]platforms.Message{{Text: "the answer, which is longer than twenty characters"}}, nil)
			w.until("it is sent", func() bool {
				return strings.HasSuffix(strings.Join(w.fake.texts(), ""), "characters")
			})
			if name == "never" && strings.Contains(strings.Join(w.fake.texts(), ""), "so far") {
				t.Errorf("sent %q", w.fake.texts())
			}
			w.settled()
		})
	}
}

// TestLongAnswer: what does not fit into the message that was shown follows it.
func TestLongAnswer(t *testing.T) {
	agent := newPuppet("agent")
	w := newWorld(t, agent)
	w.change = func(p *platforms.Platform) { p.Limits.Edit = true }
	w.start()
	w.add()
	w.fake.say("1", "hello", time.Now())
	b := w.turn(agent)
	b.Update("one two three four five six")
	w.until("the beginning is shown", func() bool { return len(w.fake.texts()) == 1 })
	b.Done([]platforms.Message{{Text: "one two three four five six seven eight nine"}}, nil)
	w.until("the rest follows", func() bool {
		return strings.Join(strings.Fields(strings.Join(w.fake.shown(), " ")), " ") == "one two three four five six seven eight nine"
	})
	w.settled()
}

// TestTurnOverARestart: what was at work is begun again, marked as such, and
// answered once.
func TestTurnOverARestart(t *testing.T) {
	agent := newPuppet("agent")
	w := newWorld(t, agent)
	w.start()
	w.add()
	w.fake.say("1", "hello", time.Now())
	first := w.turn(agent)
	if first.d.Again {
		t.Error("the first time is no second")
	}
	var stopped sync.WaitGroup
	stopped.Go(func() { // as a responder does
		<-first.ctx.Done()
		first.Done(nil, first.ctx.Err())
	})
	w.stop()
	stopped.Wait()
	w.start()
	second := w.turn(agent)
	if !second.d.Again || second.d.Seq != first.d.Seq {
		t.Errorf("again %v, seq %d and %d", second.d.Again, first.d.Seq, second.d.Seq)
	}
	second.Done([]platforms.Message{{Text: "interrupted"}}, nil)
	w.settled()
	w.until("it is sent", func() bool { return slices.Equal(w.fake.texts(), []string{"interrupted"}) })
}

// TestTurnFails: the person and whoever waits are told, and the next event is
// served.
func TestTurnFails(t *testing.T) {
	agent := newPuppet("agent")
	w := newWorld(t, agent)
	w.start()
	w.add()
	w.fake.say("1", "hello", time.Now())
	w.turn(agent).Done(nil, &platforms.Error{Kind: platforms.Rejected, Text: "It crashed."})
	w.until("they are told", func() bool { return strings.Contains(strings.Join(w.fake.texts(), ""), "It crashed.") })
	w.settled()
	if e := w.timeline("1")[0]; e.Status != api.Failed || !strings.Contains(e.Why, "It crashed.") {
		t.Errorf("%s: %s", e.Status, e.Why)
	}
	w.fake.say("1", "next", time.Now())
	w.turn(agent).Done(nil, nil)
	w.settled()
}

// TestLeases: of two that talk one has the conversation; a person hands it over.
func TestLeases(t *testing.T) {
	one, two := newPuppet("one"), newPuppet("two")
	tells := &heard{tell: true}
	w := newWorld(t, tells, one, two)
	w.start()
	w.add()
	say := func(text string) { w.fake.say("1", text, time.Now()) }
	say("a")
	w.turn(one).Done(nil, nil)
	w.settled()
	l := w.app.Leases()
	if len(l) != 1 || l[0].Holder != "one" || l[0].Given {
		t.Fatalf("leases: %+v", l)
	}
	if err := w.app.SetLease(t.Context(), api.Lease{Account: "fake", Conversation: "1", Holder: "two"}); err != nil {
		t.Fatal(err)
	}
	say("b")
	w.turn(two).Done(nil, nil)
	w.settled()
	w.stop()
	w.start()
	say("c")
	w.turn(two).Done(nil, nil)
	w.settled()
	if len(one.turns) > 0 {
		t.Error("both have it")
	}
	if err := w.app.SetLease(t.Context(), api.Lease{Account: "fake", Conversation: "1", Holder: "tells"}); err == nil {
		t.Error("handed to what does not talk")
	}
	if err := w.app.SetLease(t.Context(), api.Lease{Account: "fake", Conversation: "1"}); err != nil {
		t.Fatal(err)
	}
	say("d")
	w.turn(one).Done(nil, nil)
	w.settled()
	if got := tells.texts(); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("told %q", got)
	}
}

func TestLeasesAreBounded(t *testing.T) {
	s := &leases{save: func() {}}
	for i := range mostLeases + 10 {
		s.take(lane{"a", platforms.ConversationID(rune('a'+i%26)) + platforms.ConversationID(time.Duration(i).String())}, api.Lease{Holder: "x", Since: time.Unix(int64(i), 0)})
	}
	if n := len(s.list()); n != mostLeases {
		t.Errorf("%d leases", n)
	}
	if oldest := s.list()[mostLeases-1].Since; oldest != time.Unix(10, 0) {
		t.Errorf("the oldest is of %v", oldest)
	}
}

// TestPermission: an owner's button lets it happen; a member's does not.
func TestPermission(t *testing.T) {
	agent := newPuppet("agent")
	w := newWorld(t, agent)
	w.fake.ids = platforms.IDs{User: `^u[0-9]+$`, Conversation: `^g[0-9]+$`}
	w.change = func(p *platforms.Platform) { p.Limits.Edit = true; p.Limits.Text = 2000 }
	w.start()
	w.add()
	w.allow(api.RuleDraft{User: "u1", Role: access.Owner})
	w.fake.put(direct("u1", "delete it"))
	b := w.turn(agent)
	got := make(chan string, 1)
	go func() {
		c, err := b.Ask(b.ctx, Permission{Title: "Delete notes.txt", Detail: "rm notes.txt", Choices: []Choice{{ID: "yes", Label: "Allow", Grants: true}, {ID: "no", Label: "Refuse"}}})
		if err != nil {
			c = err.Error()
		}
		got <- c
	}()
	w.until("it is asked", func() bool { return len(w.fake.texts()) == 1 && len(w.app.Asks()) == 1 })
	w.fake.mu.Lock()
	m := w.fake.sent[0]
	w.fake.mu.Unlock()
	if !strings.Contains(m.Text, "Delete notes.txt") || len(m.Buttons) != 1 || m.Buttons[0][0].Label != "Allow" {
		t.Fatalf("asked %+v", m)
	}
	click := direct("u1", "")
	click.Kind, click.Message, click.Click = platforms.ButtonClicked, "s1", &platforms.Click{Data: m.Buttons[0][0].Data}
	w.fake.put(click)
	select {
	case c := <-got:
		if c != "yes" {
			t.Errorf("decided %q", c)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nobody heard of it")
	}
	w.until("the buttons go", func() bool { return strings.Contains(strings.Join(w.fake.shown(), ""), "Allow (Ada)") })
	b.Done([]platforms.Message{{Text: "done"}}, nil)
	w.settled()
	if len(w.app.Asks()) > 0 {
		t.Error("it is asked still")
	}
}
