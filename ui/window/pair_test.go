package window

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"rsc.io/qr"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
)

var pairCalls = []string{"Pair", "CancelPairing", "AnswerClaim"}

func pairing(t *testing.T, f *fake) *stage {
	t.Helper()
	s := onPeople(t, f)
	s.press("Pair a phone…")
	s.capture()
	return s
}

// pictures is the images in view but for the small icons.
func (s *stage) pictures() (out []*canvas.Image) {
	s.walk(func(o fyne.CanvasObject) {
		if i, ok := o.(*canvas.Image); ok && i.Image != nil && i.MinSize().Width > 100 {
			out = append(out, i)
		}
	})
	return out
}

// sends has somebody send the code.
func (s *stage) sends(cs ...access.Claim) {
	s.t.Helper()
	s.f.set(func() { s.f.talk.people.Claims, s.f.talk.people.Pairing = cs, time.Time{} })
	s.push(func(n *api.Snapshot) { n.Claims = len(cs) })
}

func TestPair(t *testing.T) {
	const code = "7Nq3vXk9TzWbR2mYhJ5cLd"
	t.Run("shows the code, for how long it counts, and the bots", func(t *testing.T) {
		s := pairing(t, peopled())
		for _, words := range []string{code, "Counts once, for another 5 min 0 s", "Telegram family", "@family_helper_bot", "Mattermost home", "Discord", "Scan to write to @family_helper_bot", "Waiting for somebody to send it…"} {
			s.want(words)
		}
		s.pass(28 * time.Second)
		s.want("Counts once, for another 4 min 32 s")
		s.press("Copy")
		if len(s.sent) != 1 || s.sent[0] != code {
			t.Errorf("copied %q", s.sent)
		}
	})
	t.Run("the QR code is the link that sends it", func(t *testing.T) {
		s := pairing(t, peopled())
		pics := s.pictures()
		if len(pics) != 1 {
			t.Fatalf("%d pictures", len(pics))
		}
		want, err := qr.Encode("https://t.me/family_helper_bot?start="+code, qr.M)
		if err != nil {
			t.Fatal(err)
		}
		img := pics[0].Image
		zoom := img.Bounds().Dx() / (want.Size + 2*quietZone)
		for y := -quietZone; y < want.Size+quietZone; y++ {
			for x := -quietZone; x < want.Size+quietZone; x++ {
				r, _, _, _ := img.At((x+quietZone)*zoom+1, (y+quietZone)*zoom+1).RGBA()
				if (r == 0) != want.Black(x, y) {
					t.Fatalf("the module at %d, %d is wrong", x, y)
				}
			}
		}
	})
	t.Run("closing it ends the code", func(t *testing.T) {
		s := pairing(t, peopled())
		s.press("Cancel")
		s.wantCalls(pairCalls, "Pair", "CancelPairing")
		s.wantNot(code)
		s.push(func(n *api.Snapshot) { n.Claims = 1 }) // nobody is there any more to tell
		s.press("Pair a phone…")
		s.wantCalls(pairCalls, "Pair", "CancelPairing", "Pair")
	})
	t.Run("so does Escape, and leaving for another page", func(t *testing.T) {
		s := pairing(t, peopled())
		s.w.escape()
		s.settle()
		s.wantCalls(pairCalls, "Pair", "CancelPairing")
		s.press("Pair a phone…")
		s.f.event(api.Event{Show: &api.Request{Page: "activity"}})
		s.settle()
		s.wantCalls(pairCalls, "Pair", "CancelPairing", "Pair", "CancelPairing")
	})
	t.Run("a code that comes after it was closed ends too", func(t *testing.T) {
		s := onPeople(t, peopled())
		hang := make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		s.w.pair()
		s.w.pairing.m.dismiss()
		close(hang)
		s.f.set(func() { s.f.hang = nil })
		s.settle()
		s.wantCalls(pairCalls, "Pair", "CancelPairing")
		s.wantNot(code)
	})
	t.Run("asks who sent it, and lets in after a yes only", func(t *testing.T) {
		s := pairing(t, peopled())
		s.sends(claim(1, "4712", "Ada"))
		s.want("Somebody sent your code to Telegram family. Is that you?")
		s.want("The code was used.")
		s.wantNot(code)
		s.wantCalls(pairCalls, "Pair")
		s.pass(time.Second)
		s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnter})
		s.settle()
		s.wantCalls(pairCalls, "Pair")
		s.want("Somebody sent your code") // still on the page behind
	})
	t.Run("yes closes it", func(t *testing.T) {
		s := pairing(t, peopled())
		s.sends(claim(1, "4712", "Ada"))
		s.pass(time.Second)
		yes := s.w.pairing.claims.cards[1].yes
		yes.Tapped(nil)
		s.settle()
		s.wantCalls(pairCalls, "Pair", "AnswerClaim 1 4712 true")
		if s.w.pairing != nil || len(s.w.modals) > 0 {
			t.Error("it is still open")
		}
		s.capture()
		s.want("id 4712")
	})
	t.Run("no says that the code is used up, and offers another", func(t *testing.T) {
		s := pairing(t, peopled())
		s.sends(claim(1, "666", "Ada"))
		s.pass(time.Second)
		s.w.pairing.claims.cards[1].no.Tapped(nil)
		s.settle()
		s.wantCalls(pairCalls, "Pair", "AnswerClaim 1 666 false")
		s.want("Refused. The code counted once, and is used up.")
		s.press("New code")
		s.wantCalls(pairCalls, "Pair", "AnswerClaim 1 666 false", "Pair")
		s.want(code)
	})
	t.Run("a code that is too old is taken away", func(t *testing.T) {
		s := pairing(t, peopled())
		s.pass(5 * time.Minute)
		s.settle()
		s.want("The code is too old now")
		s.wantNot(code)
		s.button("New code")
	})
	t.Run("a refusal is told, and can be tried again", func(t *testing.T) {
		f := peopled()
		f.talk.refuse = map[string]error{"Pair": errors.New("five codes are out already")}
		s := pairing(t, f)
		s.want("five codes are out already")
		f.set(func() { f.talk.refuse = nil })
		s.press("New code")
		s.want(code)
		s.wantNot("five codes")
	})
	t.Run("without a bot it says so", func(t *testing.T) {
		f := peopled()
		f.talk.pairing.Bots = nil
		s := pairing(t, f)
		s.want("There is no bot to send it to yet. Add an account first.")
		if n := len(s.pictures()); n != 0 {
			t.Errorf("%d pictures", n)
		}
	})
	t.Run("a chat opens in the browser, one without TLS after a question", func(t *testing.T) {
		f := peopled()
		f.talk.pairing.Bots = f.talk.pairing.Bots[1:2]
		var opened []string
		s := newStage(t, f, Light, Options{Page: PagePeople, OpenURL: func(u *url.URL) error { opened = append(opened, u.String()); return nil }})
		s.settle()
		s.capture()
		s.press("Pair a phone…")
		s.press("Open chat")
		if len(opened) != 1 || opened[0] != "https://chat.example.org/home/messages/@helper" {
			t.Errorf("opened %q", opened)
		}
		s.press("Cancel")
		f.set(func() { f.talk.pairing.Bots[0].Chat = "http://192.168.1.10/home" })
		s.press("Pair a phone…")
		s.press("Open chat")
		s.want("http://192.168.1.10/home")
		s.want("It has no TLS")
		if len(opened) != 1 {
			t.Errorf("opened %q", opened)
		}
		s.press("Open in browser")
		if len(opened) != 2 {
			t.Errorf("opened %q", opened)
		}
	})
	t.Run("another bot's QR code can be chosen", func(t *testing.T) {
		f := peopled()
		f.talk.pairing.Bots[1].Link = "https://chat.example.org/pair?code=" + code
		s := pairing(t, f)
		s.w.pairing.show(1)
		s.want("Scan to write to @helper")
		s.wantNot("Scan to write to @family_helper_bot")
	})
}
