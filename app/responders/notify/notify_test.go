package notify

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

type screen struct {
	mu     sync.Mutex
	popups []Popup
}

func (s *screen) show(_ context.Context, p Popup) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.popups = append(s.popups, p)
	return nil
}

func (s *screen) take() []Popup {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.popups
	s.popups = nil
	return p
}

func message(c, text string) app.Delivery {
	return app.Delivery{Account: "a", Label: "Home", Event: platforms.Event{Kind: platforms.MessageReceived, Text: text,
		Conversation: platforms.Conversation{ID: platforms.ConversationID(c), Kind: platforms.Direct}, From: platforms.User{Name: "Ann"}}}
}

// run gives a running Notifier inside a synctest bubble.
func run(t *testing.T, settings api.Settings, f func(n *Notifier, s *screen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		n := New(Options{Show: s.show, Settings: func() api.Settings { return settings }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { n.Run(ctx); close(done) }()
		f(n, s)
		cancel()
		<-done
	})
}

func TestNotifier(t *testing.T) {
	on := api.Settings{Notifications: true, ShowStrangers: true}
	tell := func(n *Notifier, d app.Delivery) { _, _ = n.Respond(context.Background(), d) }

	t.Run("the first message shows at once", func(t *testing.T) {
		run(t, on, func(n *Notifier, s *screen) {
			tell(n, message("1", "hello"))
			synctest.Wait()
			got := s.take()
			if len(got) != 1 || got[0].Title != "Ann · Home" || got[0].Body != "hello" || got[0].Open.Conversation != "1" {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("a burst becomes one more popup with the same key", func(t *testing.T) {
		run(t, on, func(n *Notifier, s *screen) {
			for i := range 100 {
				tell(n, message("1", fmt.Sprint("m", i)))
				synctest.Wait()
				time.Sleep(time.Millisecond)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			got := s.take()
			if len(got) != 2 || got[0].Key != got[1].Key || got[1].Body != "100 messages. m99" {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("what came while away is one popup", func(t *testing.T) {
		run(t, on, func(n *Notifier, s *screen) {
			for range 7 {
				d := message("1", "x")
				d.Away = true
				tell(n, d)
			}
			synctest.Wait()
			if got := s.take(); len(got) != 1 || !strings.Contains(got[0].Title, "7 messages") {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("hidden text stays hidden, for files and buttons too", func(t *testing.T) {
		run(t, api.Settings{Notifications: true, ShowStrangers: true, HideText: true}, func(n *Notifier, s *screen) {
			tell(n, message("1", "private words"))
			synctest.Wait()
			if got := s.take(); len(got) != 1 || strings.Contains(got[0].Body, "private") {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("off means off, and strangers can be left out", func(t *testing.T) {
		for _, st := range []api.Settings{{}, {Notifications: true}} {
			run(t, st, func(n *Notifier, s *screen) {
				d := message("1", "x")
				d.Stranger = true
				tell(n, d)
				synctest.Wait()
				if got := s.take(); len(got) != 0 {
					t.Errorf("%+v", got)
				}
			})
		}
	})
	t.Run("text from outside is cleaned", func(t *testing.T) {
		run(t, on, func(n *Notifier, s *screen) {
			d := message("1", "a\x1b[31mb\u202ec")
			d.Event.From.Name = "An\nn\x07\u202e"
			tell(n, d)
			synctest.Wait()
			got := s.take()
			if len(got) != 1 || strings.ContainsAny(got[0].Title+got[0].Body, "\x1b\x07\u202e\n") {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("many conversations at once share a popup", func(t *testing.T) {
		run(t, on, func(n *Notifier, s *screen) {
			for i := range 12 {
				d := message(fmt.Sprint(i), "x")
				d.Event.Conversation.Kind = platforms.Group
				tell(n, d)
				synctest.Wait()
				time.Sleep(time.Second / 10)
			}
			tell(n, message("direct", "x"))
			synctest.Wait()
			own, others := map[string]bool{}, Popup{}
			for _, p := range s.take() {
				if p.Key == "others" {
					others = p
				} else {
					own[p.Key] = true
				}
			}
			if len(own) != room+1 || !own["a\x1fdirect"] || !strings.Contains(others.Body, fmt.Sprint(12-room, " other conversations")) {
				t.Errorf("%v, and %+v", own, others)
			}
			time.Sleep(span)
			tell(n, message("7", "later"))
			synctest.Wait()
			if got := s.take(); len(got) != 1 || got[0].Body != "2 messages. later" {
				t.Errorf("%+v", got)
			}
		})
	})
	t.Run("the memory of conversations is bounded", func(t *testing.T) {
		run(t, on, func(n *Notifier, s *screen) {
			for i := range 3 * most {
				tell(n, message(fmt.Sprint(i), "x"))
			}
			if len(n.bursts) > most {
				t.Errorf("%d are remembered", len(n.bursts))
			}
		})
	})
}
