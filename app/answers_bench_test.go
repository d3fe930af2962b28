package app

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// clocked is a responder that notes when it was started.
type clocked struct {
	mu      sync.Mutex
	started map[string]time.Time
	stuck   string // a conversation in which it never ends by itself
	done    chan struct{}
	left    int
}

func (c *clocked) Name() string { return "clocked" }
func (c *clocked) Acts() bool   { return true }
func (c *clocked) Respond(ctx context.Context, d Delivery) ([]platforms.Message, error) {
	now := time.Now()
	if string(d.Event.Conversation.ID) == c.stuck {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started[d.Event.Text] = now
	if c.left--; c.left == 0 {
		close(c.done)
	}
	return nil, nil
}

// TestBenchAnswers measures how soon a responder starts after its event was
// stored, and whether a stuck conversation holds up a thousand others.
func TestBenchAnswers(t *testing.T) {
	if os.Getenv("POSTERN_BENCH") == "" {
		t.Skip("set POSTERN_BENCH=1, or run make bench")
	}
	for _, at := range []struct {
		name  string
		chats int
		pause time.Duration
	}{{"one message every 2 ms", 1, 2 * time.Millisecond}, {"64 conversations, as fast as the journal takes them", 64, 0}} {
		c := &clocked{started: map[string]time.Time{}, done: make(chan struct{}), left: 3000}
		w := newWorld(t, c)
		stored := map[string]time.Time{}
		var mu sync.Mutex
		w.fake.run = func(ctx context.Context, s platforms.Sink) error {
			s.State(platforms.State{Phase: platforms.Connected, Hears: true})
			for i := range 3000 {
				text := fmt.Sprint(i)
				ev := direct(fmt.Sprint("u", i%at.chats), text)
				ev.ID, ev.Time = platforms.EventID(text), time.Now()
				if err := s.Event(ctx, ev); err != nil {
					return err
				}
				mu.Lock()
				stored[text] = time.Now()
				mu.Unlock()
				time.Sleep(at.pause)
			}
			<-ctx.Done()
			return ctx.Err()
		}
		w.start()
		w.add()
		<-c.done
		w.stop()
		var took []time.Duration
		for text, began := range c.started {
			took = append(took, max(0, began.Sub(stored[text])))
		}
		slices.Sort(took)
		t.Logf("event stored → responder started, %s: p50 %v, p99 %v", at.name,
			took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
	}
	for _, stuck := range []string{"", "c7"} {
		const chats, each = 1000, 5
		n := chats * each
		if stuck != "" {
			n -= each
		}
		c := &clocked{started: map[string]time.Time{}, done: make(chan struct{}), left: n, stuck: stuck}
		w := newWorld(t, c)
		for i := range each {
			for j := range chats {
				w.fake.say(fmt.Sprint("c", j), fmt.Sprint(i, "/", j), time.Now())
			}
		}
		w.start()
		began := time.Now()
		w.add()
		<-c.done
		name := "none stuck"
		if stuck != "" {
			name = "one stuck"
		}
		t.Logf("1,000 conversations of 5 messages, %s: the others' %d handed on in %v", name, n, time.Since(began).Round(time.Millisecond))
		w.stop()
	}
}
