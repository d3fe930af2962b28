package window

import (
	"testing"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/ui/model"
)

// badges is how many badges of webhooks are in view.
func (s *stage) badges() (n int) {
	s.walk(func(o fyne.CanvasObject) {
		if b, ok := o.(*badge); ok && b.words() == model.WebhookBadge().Words {
			n++
		}
	})
	return n
}

func TestWebhookMessages(t *testing.T) {
	pin(t)
	open := func(t *testing.T, account, conversation string, change func(*fake)) *stage {
		f := webhooked()
		if change != nil {
			change(f)
		}
		s := newStage(t, f, Light, Options{})
		s.w.Show(api.Request{Account: platforms.AccountID(account), Conversation: platforms.ConversationID(conversation)})
		s.settle()
		s.capture()
		return s
	}
	t.Run("what a hook posted says who and by which, once for a run", func(t *testing.T) {
		s := open(t, "a2", "c4", nil)
		s.want("CI runner 4 · via hook Build server")
		s.want("Nightly report · via hook Nightly report")
		if n := s.badges(); n != 2 {
			t.Errorf("%d badges", n)
		}
	})
	t.Run("another hook begins another run, though the same posts", func(t *testing.T) {
		s := open(t, "a2", "c4", func(f *fake) {
			for i := range f.entries {
				if f.entries[i].Seq == 303 {
					f.entries[i].Hook = "Mirror"
				}
			}
		})
		s.want("CI runner 4 · via hook Mirror")
	})
	t.Run("names from outside stay on one line", func(t *testing.T) {
		s := open(t, "a2", "c4", func(f *fake) {
			f.set(func() {
				for i := range f.entries {
					if f.entries[i].Seq == 304 {
						f.entries[i].Hook, f.entries[i].Poster = "a\nb", "c\u202ed\ne"
					}
				}
			})
		})
		s.want("cd e · via hook a b")
	})
	t.Run("what came to a webhook's address is marked, in the list too", func(t *testing.T) {
		s := open(t, "w1", "orders", nil)
		if n := s.badges(); n != 1 {
			t.Errorf("%d badges", n)
		}
		s.want("by webhook")
		s.want("14:01 · replay of “order 4711: two loaves”")
	})
	t.Run("what came over a socket is not", func(t *testing.T) {
		s := open(t, "a1", "c1", nil)
		if n := s.badges(); n != 0 {
			t.Errorf("%d badges", n)
		}
		s.wantNot("via hook")
	})
	t.Run("details name both", func(t *testing.T) {
		s := open(t, "a2", "c4", nil)
		s.walk(func(o fyne.CanvasObject) {
			if b, ok := o.(*bubble); ok && b.e.Seq == 302 {
				b.details()
			}
		})
		s.want("CI runner 4, via hook Build server")
		s.want("a webhook, not end-to-end encrypted")
	})
}

func TestLowWindowShowsEveryPage(t *testing.T) {
	s := newStage(t, sample(), Light, Options{})
	s.captureAt(660, 420)
	for name, it := range s.w.nav.items {
		s.w.Go(name)
		s.settle()
		top, have := s.w.nav.scroll.Offset.Y, s.w.nav.scroll.Size().Height
		if y := it.Position().Y; y < top || y+it.Size().Height > top+have {
			t.Errorf("%s is at %v, in view is %v to %v", name, y, top, top+have)
		}
	}
}
