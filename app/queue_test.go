package app

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

// desk is a responder that is down at times.
type desk struct {
	name  string
	down  atomic.Bool
	tries atomic.Int32
	why   string
	wait  time.Duration
	book
}

func (*desk) Acts() bool     { return true }
func (s *desk) Name() string { return s.name }
func (s *desk) Respond(_ context.Context, d Delivery) ([]platforms.Message, error) {
	s.tries.Add(1)
	if s.down.Load() {
		return nil, &platforms.Error{Kind: platforms.Temporary, RetryAfter: s.wait, Text: s.why}
	}
	s.add(d)
	return nil, nil
}

// Thousands of events behind a desk that is down: each round tries one of
// them, and all are delivered once it is back, in order.
func TestManyWait(t *testing.T) {
	const n = mostLooked + 1000
	s := &desk{name: "desk", why: "down", wait: time.Hour}
	s.down.Store(true)
	c := newCrowd(t, s)
	c.start()
	c.add()
	c.let("ua", "da", access.Owner)
	c.let("ua", "", access.Owner)
	var evs []platforms.Event
	for i := range n {
		evs = append(evs, c.words("ua", "da", fmt.Sprint(i)))
	}
	c.give(evs...)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	look := func(what string, ok func() bool) {
		for !ok() {
			select {
			case <-ctx.Done():
				t.Fatalf("never happened: %s; %d handed", what, len(s.texts()))
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	look("all wait", func() bool { return c.app.waits.count("desk") == n })
	if tries := s.tries.Load(); tries != 1 {
		t.Errorf("it was tried %d times while it was down", tries)
	}
	s.down.Store(false)
	c.stop()
	c.now = func() time.Time { return time.Now().Add(2 * time.Hour) } // it is due
	c.start()
	look("all are handed over", func() bool { return len(s.texts()) >= n })
	for i, text := range s.texts() {
		if text != fmt.Sprint(i) {
			t.Fatalf("the %d-th is %q", i, text)
		}
	}
	c.settled(0)
}

// What a desk says of its failure may be of any length; the event waits all
// the same, and is not asked about again and again.
func TestALongExcuse(t *testing.T) {
	s := &desk{name: "desk", why: strings.Repeat("\x00é", 200_000), wait: time.Hour}
	s.down.Store(true)
	c := newCrowd(t, s)
	c.start()
	c.add()
	c.let("ua", "", access.Owner)
	c.give(c.words("ua", "da", "x"))
	c.until("it waits", func() bool {
		_, ok, err := c.app.store.NextWaiting("fake", "da", 0)
		return ok && err == nil
	})
	if tries := s.tries.Load(); tries != 1 {
		t.Errorf("it was tried %d times", tries)
	}
}

func TestTerse(t *testing.T) {
	c := newCrowd(t)
	c.start()
	c.add()
	c.let("ua", "", access.Owner)
	w := work{Status: "failed", Why: strings.Repeat("\x01", 10_000)}
	for i := range mostResponders {
		w.Left = append(w.Left, task{ID: fmt.Sprintf("command-%d", i), Tries: 100, Next: time.Now(), Why: strings.Repeat("\x01", 300)})
		w.Names = append(w.Names, strings.Repeat("\x01", 64))
	}
	acc, err := c.app.account("fake")
	if err != nil {
		t.Fatal(err)
	}
	seq, _, err := c.app.store.Accept(c.ctx, store.Incoming{Account: acc.id, Event: c.words("ua", "da", "x")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.app.saveWork(c.ctx, seq, w); err != nil {
		t.Fatal(err)
	}
	job, ok, err := c.app.store.NextWaiting("fake", "da", 0)
	if err != nil || !ok || !strings.Contains(string(job.Work), `"command-49"`) {
		t.Errorf("%v, %v, %s", ok, err, job.Work)
	}
}

// Done may be called twice, and from wherever; what is shown afterwards isn't.
func TestATurnEndsOnce(t *testing.T) {
	c := newCrowd(t, talker{"agent", func(_ context.Context, _ Delivery, turn Turn) {
		turn.Update("so far")
		for i := range 10 {
			go func() {
				turn.Done([]platforms.Message{{Text: fmt.Sprint("end ", i)}}, nil)
				turn.Update("later")
				turn.Done(nil, errors.New("again"))
			}()
		}
	}})
	c.start()
	c.add()
	c.let("ua", "", access.Owner)
	for range 20 {
		c.give(c.words("ua", "da", "go"))
	}
	c.settled(0)
	c.until("all is sent", func() bool { return c.app.Snapshot().Queued == 0 })
	ends := 0
	for _, e := range c.timeline("da") {
		switch {
		case strings.HasPrefix(e.Text, "end "):
			ends++
		case e.Text != "go":
			t.Errorf("it says %q", e.Text)
		}
	}
	if ends != 20 {
		t.Errorf("%d answers to 20 events", ends)
	}
}

// A panic in Begin ends that turn and no other.
func TestAPanicInBegin(t *testing.T) {
	c := newCrowd(t, talker{"agent", func(_ context.Context, d Delivery, turn Turn) {
		if d.Event.Text == "bad" {
			turn.Update("so far")
			panic("bad")
		}
		turn.Done([]platforms.Message{{Text: "fine"}}, nil)
	}})
	c.start()
	c.add()
	c.let("ua", "", access.Owner)
	c.give(c.words("ua", "da", "bad"), c.words("ua", "da", "good"))
	c.settled(0)
	c.until("both are told", func() bool {
		got := ""
		for _, e := range c.timeline("da") { // one may have replaced what was shown
			got += e.Text + "\n"
		}
		return strings.Contains(got, "fine") && strings.Contains(got, "Something went wrong")
	})
}

// Whoever is removed while a turn is at work: the turn's context ends, and
// nothing is left of it.
func TestRemovedWhileAtWork(t *testing.T) {
	for _, what := range []string{"the account", "the responder", "it stops"} {
		t.Run(what, func(t *testing.T) {
			over := make(chan string, 1)
			agent := talker{"", func(ctx context.Context, _ Delivery, turn Turn) {
				turn.Update("so far")
				go func() {
					_, err := turn.Ask(ctx, Permission{Title: "x", Choices: []Choice{{ID: "a"}}})
					<-ctx.Done()
					turn.Update("later")
					turn.Done([]platforms.Message{{Text: "end"}}, err)
					over <- fmt.Sprint(err)
				}()
			}}
			c := newCrowd(t)
			c.kinds = []Kind{{Name: "agent", Title: "Agent", New: func(cfg ResponderConfig) (Responder, error) { agent.name = cfg.ID; return agent, nil }}}
			a := c.start()
			c.add()
			c.let("ua", "", access.Owner)
			r, err := a.AddResponder(c.ctx, api.ResponderDraft{Kind: "agent", Label: "Agent"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.SetRoutes(c.ctx, []api.Route{{Name: "all", When: "true", To: []string{r.ID}}}); err != nil {
				t.Fatal(err)
			}
			c.give(c.words("ua", "da", "go"))
			c.until("it asks", func() bool { return len(a.Asks()) == 1 })
			switch what {
			case "the account":
				err = a.RemoveAccount(c.ctx, "fake")
			case "the responder":
				err = a.RemoveResponder(c.ctx, r.ID)
			default:
				c.stop()
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := <-over; got != ErrUndecided.Error() {
				t.Errorf("Ask: %s", got)
			}
			if what == "the responder" {
				c.settled(0)
			}
			if n := len(a.Asks()); n != 0 {
				t.Errorf("%d questions are open", n)
			}
			if what != "it stops" {
				c.until("the turn is forgotten", func() bool { return turnsOf(a) == 0 })
			}
		})
	}
}

func turnsOf(a *App) int {
	a.turns.mu.Lock()
	defer a.turns.mu.Unlock()
	return len(a.turns.m)
}

// What a person gives up while a turn is at work on it: the turn ends, is
// forgotten, and says nothing any more.
func TestDismissedWhileAtWork(t *testing.T) {
	c := newCrowd(t, talker{"agent", func(ctx context.Context, _ Delivery, turn Turn) {
		go func() {
			<-ctx.Done()
			turn.Done([]platforms.Message{{Text: "end"}}, nil)
		}()
	}})
	a := c.start()
	c.add()
	c.let("ua", "", access.Owner)
	c.give(c.words("ua", "da", "go"))
	c.until("it is at work", func() bool { return turnsOf(a) == 1 })
	c.until("it is given up", func() bool { return a.Dismiss(c.ctx, c.timeline("da")[0].Seq) == nil })
	c.until("the turn is forgotten", func() bool { return turnsOf(a) == 0 })
	if got := c.sentIn("da"); len(got) > 0 {
		t.Errorf("it says %q", got)
	}
}

// A responder that never ends its turn keeps nobody else waiting, and no stop.
func TestATurnThatNeverEnds(t *testing.T) {
	s := &desk{name: "desk"}
	c := newCrowd(t, talker{"agent", func(context.Context, Delivery, Turn) {}}, s)
	c.start()
	c.add()
	c.let("ua", "", access.Owner)
	for i := range 5 {
		c.give(c.words("ua", "da", fmt.Sprint(i)))
	}
	c.until("the other has all", func() bool { return len(s.texts()) == 5 })
	if !slices.Equal(s.texts(), []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("in the order %q", s.texts())
	}
	before := runtime.NumGoroutine()
	c.stop()
	if after := runtime.NumGoroutine(); after >= before {
		t.Errorf("%d goroutines, and %d before", after, before)
	}
}

// A platform that takes for ever to show what an answer is so far holds up no
// stop.
func TestAStopWaitsForNothingShown(t *testing.T) {
	c := newCrowd(t, talker{"agent", func(_ context.Context, _ Delivery, turn Turn) { turn.Update("so far") }})
	c.start()
	c.add()
	c.let("ua", "", access.Owner)
	c.fake.mu.Lock()
	c.fake.sending = make(chan struct{})
	c.fake.mu.Unlock()
	c.give(c.words("ua", "da", "go"))
	c.until("it is being shown", func() bool {
		c.fake.mu.Lock()
		defer c.fake.mu.Unlock()
		return c.fake.sends == 1
	})
	c.stop()
	if !errors.Is(c.fake.cut, context.Canceled) {
		t.Errorf("the stop waited until: %v", c.fake.cut)
	}
}

// What comes while something waits stays behind it, for that responder only.
func TestOrderBehindAFailure(t *testing.T) {
	slow, fine := &desk{name: "slow", why: "down", wait: time.Millisecond}, &desk{name: "fine"}
	slow.down.Store(true)
	c := newCrowd(t, slow, fine)
	c.start()
	c.add()
	c.let("ua", "", access.Owner)
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprint(i))
		c.give(c.words("ua", "da", want[i]))
		if i == 20 {
			c.until("the other has them", func() bool { return len(fine.texts()) == 21 })
			slow.down.Store(false)
		}
	}
	c.settled(0)
	for _, s := range []*desk{slow, fine} {
		if !slices.Equal(s.texts(), want) {
			t.Errorf("%s had %q", s.name, s.texts())
		}
	}
	if n := c.app.waits.count("slow"); n != 0 {
		t.Errorf("%d are counted as waiting", n)
	}
}
