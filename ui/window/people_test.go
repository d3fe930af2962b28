package window

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

func onPeople(t *testing.T, f *fake) *stage {
	t.Helper()
	s := newStage(t, f, Light, Options{Page: PagePeople})
	s.settle()
	s.capture() // the list makes its rows
	return s
}

// wantCalls fails unless these calls were made, and none but them that begin
// with one of the names.
func (s *stage) wantCalls(names []string, want ...string) {
	s.t.Helper()
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	var got []string
	for _, c := range s.f.calls {
		if slices.Contains(names, strings.Fields(c)[0]) {
			got = append(got, c)
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("calls: %q, want %q", got, want)
	}
}

func TestPeople(t *testing.T) {
	t.Run("shows who may talk, as what, where and until when", func(t *testing.T) {
		s := onPeople(t, peopled())
		for _, words := range []string{"Telegram family", "3 rules", "Ada Nilsson", "id 4711", "owner", "direct chats", "for ever", "id 815", "Family", "-100200300 · for ever",
			"-100200300 · until 3 Dec 14:02", "listener", "ended 13:02", "deploy (bot)", "Ignored for good", "id 666", "everywhere", "the whole conversation"} {
			s.want(words)
		}
		s.w.people.list.ScrollToBottom()
		s.capture()
		s.want("Heard without being mentioned")
		s.want("from those who may talk there")
		s.wantNot("Nobody may talk")
	})
	t.Run("nobody yet", func(t *testing.T) {
		s := onPeople(t, sample())
		s.want("Nobody may talk to your bots yet.")
		s.button("Pair a phone…")
		s.wantNot("What would happen if…")
		if s.w.people.list.Visible() {
			t.Error("the list lies over the buttons: a screen's driver would give it their clicks")
		}
	})
	t.Run("says why it can't be read, and reads again", func(t *testing.T) {
		f := peopled()
		f.talk.refuse = map[string]error{"People": &api.Error{Text: "The journal is damaged."}}
		s := onPeople(t, f)
		s.want("Who may talk could not be read. The journal is damaged.")
		s.wantNot("Nobody may talk")
		f.set(func() { f.talk.refuse = nil })
		s.press("Try again")
		s.capture()
		s.wantNot("could not be read")
		s.want("id 4711")
	})
	t.Run("a search finds names and ids", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.w.people.search.SetText("FREE cr")
		s.capture()
		s.want("id 666")
		s.wantNot("id 4711")
		s.wantNot("Heard without being mentioned")
		s.w.people.search.SetText("4711")
		s.capture()
		s.want("Ada Nilsson")
		s.w.people.search.SetText("zzz")
		s.want("Nobody matches.")
	})
	t.Run("reads anew what has changed, once a second at most", func(t *testing.T) {
		s := onPeople(t, peopled())
		before := s.f.count("People")
		s.f.set(func() { s.f.talk.people.Rules[0].Name = "Ada Lovelace" })
		for range 5 {
			s.push(func(*api.Snapshot) {})
		}
		s.wantNot("Ada Lovelace")
		s.pass(time.Second)
		s.settle()
		s.want("Ada Lovelace")
		if n := s.f.count("People") - before; n != 1 {
			t.Errorf("read %d times", n)
		}
	})
	t.Run("what is read never replaces what a change gave since", func(t *testing.T) {
		s := onPeople(t, peopled())
		hang := make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		s.w.people.load()
		stale := s.f.talk.people
		changed := stale
		changed.Rules = changed.Rules[1:]
		s.w.people.changed(changed)
		close(hang)
		s.f.set(func() { s.f.hang = nil })
		s.until("the page has read once more", func() bool { return !s.w.people.loading })
		if s.f.count("People") < 3 {
			t.Error("it was not read again")
		}
	})
	t.Run("counts who waits beside its name", func(t *testing.T) {
		s := onPeople(t, peopled())
		if n := s.w.nav.items[PagePeople]; n.count != 0 || n.urgent {
			t.Errorf("%d, urgent %v", n.count, n.urgent)
		}
		s.push(func(n *api.Snapshot) { n.Claims = 2 })
		if n := s.w.nav.items[PagePeople]; n.count != 2 || !n.urgent {
			t.Errorf("%d, urgent %v", n.count, n.urgent)
		}
	})
}

func TestPeopleBounded(t *testing.T) {
	s := onPeople(t, crowded(3000))
	if n := len(s.w.people.rows); n > 40 {
		t.Errorf("%d rows are kept for what is in view", n)
	}
	for _, w := range []float32{660, 1100} {
		s.captureAt(w, 560)
		if got := s.win.Content().MinSize().Width; got > w {
			t.Errorf("it needs %v of %v", got, w)
		}
	}
	s.w.people.list.ScrollToBottom()
	s.capture()
	s.walk(func(o fyne.CanvasObject) {
		if x, ok := o.(*text); ok && strings.ContainsAny(x.s, "\u202e\n") {
			t.Errorf("a name can turn or break a line: %q", x.s)
		}
	})
}

func TestPeopleChanges(t *testing.T) {
	changes := []string{"Allow", "Disallow", "Ignore", "Unignore", "SetOpen"}
	rule := func(s *stage, i int) access.Rule { return s.w.people.data.Rules[i] }
	t.Run("less is taken away at once, more is asked about", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.w.people.setRole(rule(s, 1), access.Listener)
		s.settle()
		s.wantCalls(changes, "Allow 0 a1 815 -100200300 listener false")
		s.w.people.setRole(rule(s, 1), access.Owner)
		s.want("Make them an owner?")
		s.want("id 815\nGrandma")
		s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		s.wantCalls(changes, "Allow 0 a1 815 -100200300 listener false")
		s.w.people.setRole(rule(s, 1), access.Owner)
		s.press("Make an owner")
		s.wantCalls(changes, "Allow 0 a1 815 -100200300 listener false", "Allow 0 a1 815 -100200300 owner false")
		s.want("Grandma is an owner now.")
	})
	t.Run("a changed rule keeps its end, and a bot stays one", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.w.people.setRole(rule(s, 4), access.Listener)
		s.settle()
		s.wantCalls(changes, "Allow 0 a2 b0tb0tb0tb0tb0tb0tb0tb0tb0 c5h8k3m1n7q2ybgfp5wxr4t6z9 listener true")
		s.w.people.setRole(rule(s, 2), access.Listener)
		s.settle()
		if !rule(s, 2).Until.Equal(noon.Add(13 * 24 * time.Hour)) {
			t.Errorf("ends %v", rule(s, 2).Until)
		}
	})
	t.Run("removing is asked about", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.w.people.removeRule(rule(s, 1))
		s.want("Remove Grandma?")
		s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		s.wantCalls(changes)
		s.w.people.removeRule(rule(s, 1))
		s.press("Remove")
		s.wantCalls(changes, "Disallow a1 815 -100200300")
		s.capture()
		s.wantNot("id 815")
	})
	t.Run("taking off the list is asked about, closing a place is not", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.press("Take off…")
		s.want("Take this off the list?")
		s.want("id 666\nFree Crypto")
		s.press("Take off")
		s.wantCalls(changes, "Unignore a1 666")
		s.w.people.list.ScrollToBottom()
		s.capture()
		s.press("Close")
		s.wantCalls(changes, "Unignore a1 666", "SetOpen a1 -100200300 false")
		s.wantNot("Heard without being mentioned")
	})
	t.Run("hearing all is asked about", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.w.people.openPlace(rule(s, 4))
		s.want("Hear all without a mention?")
		s.press("Hear all")
		s.wantCalls(changes, "SetOpen a2 c5h8k3m1n7q2ybgfp5wxr4t6z9 true")
	})
	t.Run("a refusal is told", func(t *testing.T) {
		f := peopled()
		f.talk.refuse = map[string]error{"Disallow": &api.Error{Text: "The journal is full."}}
		s := onPeople(t, f)
		s.w.people.removeRule(rule(s, 1))
		s.press("Remove")
		s.want("The journal is full.")
		s.want("id 815")
	})
}

func TestAddById(t *testing.T) {
	allow := []string{"Allow"}
	t.Run("what is missing is said at its field", func(t *testing.T) {
		s := onPeople(t, peopled())
		f := s.w.addPerson()
		s.press("Add")
		s.want("Choose the account first.")
		f.who.set("a1")
		s.press("Add")
		s.wantNot("Choose the account first.")
		s.want("The id is missing. Paste it.")
		f.user.SetText("  4712 ")
		f.until.other.SetText("soon")
		s.press("Add")
		s.want("Enter the last day as year, month and day: 2026-12-31.")
		f.until.other.SetText("2026-11-19")
		s.press("Add")
		s.want("This day is over. Enter a later one.")
		s.wantCalls(allow)
		f.until.other.SetText("2026-12-31")
		s.press("Add")
		end := time.Date(2026, 12, 31, 23, 59, 59, 0, time.Local).Format(time.DateTime)
		s.wantCalls(allow, "Allow 0 a1 4712  member false "+end)
		s.want("They may talk now.")
		s.wantNot("Their id")
	})
	t.Run("an id that is none stays to be mended, with how to get one below it", func(t *testing.T) {
		help := "“ada” is a name, not an id. Open their profile, choose More, then Copy member ID."
		for name, err := range map[string]*api.Error{
			"at its field": {Kind: platforms.Rejected, Text: "Not saved.", Fields: map[string]string{"user": help}},
			"in words":     {Kind: platforms.Rejected, Text: help},
		} {
			t.Run(name, func(t *testing.T) {
				f := peopled()
				f.talk.refuse = map[string]error{"Allow": err}
				s := onPeople(t, f)
				d := s.w.addPerson()
				d.who.set("a1")
				d.user.SetText("ada")
				s.press("Add")
				if got := d.faults["user"]; !got.Visible() || got.s != help {
					t.Errorf("%v %q", got.Visible(), got.s)
				}
				if d.user.Text != "ada" || d.fault.Visible() {
					t.Errorf("%q, %v", d.user.Text, d.fault.Visible())
				}
				d.user.SetText("ada2")
				if d.faults["user"].Visible() {
					t.Error("it is still marked")
				}
			})
		}
	})
	t.Run("roles, a conversation, a bot and an end go with it", func(t *testing.T) {
		s := onPeople(t, peopled())
		f := s.w.addPerson()
		f.who.set("a2")
		f.user.SetText("77")
		f.place.SetText("c9")
		s.press("listener")
		test.Tap(f.isBot)
		s.press("for 7 days")
		s.press("Add")
		s.wantCalls(allow, "Allow 0 a2 77 c9 listener true 2026-11-27 14:02:31")
	})
	t.Run("one account needs no choice", func(t *testing.T) {
		f := peopled()
		f.snap.Accounts = f.snap.Accounts[:1]
		if got := onPeople(t, f).w.addPerson().who.id; got != "a1" {
			t.Errorf("%q", got)
		}
	})
	t.Run("an end can be changed and taken away", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.w.setEnd(s.w.people.data.Rules[2])
		s.press("Save")
		s.wantCalls(allow, "Allow 0 a1 99120 -100200300 listener false 2026-12-03 14:02:31")
		s.w.setEnd(s.w.people.data.Rules[2])
		s.press("for ever")
		s.press("Save")
		if u := s.w.people.data.Rules[2].Until; !u.IsZero() {
			t.Errorf("ends %v", u)
		}
	})
}

func TestClaims(t *testing.T) {
	answers := []string{"AnswerClaim"}
	waiting := func(cs ...access.Claim) *fake {
		f := peopled()
		f.talk.people.Claims, f.snap.Claims = cs, len(cs)
		return f
	}
	t.Run("shows the id first, and that a name proves nothing", func(t *testing.T) {
		s := onPeople(t, waiting(claim(1, "4712", "Ada\u202e Nilsson")))
		for _, words := range []string{"Somebody sent your code to Telegram family. Is that you?", "4712", "They are called “Ada Nilsson”, which proves nothing"} {
			s.want(words)
		}
	})
	t.Run("what just came can't be pressed", func(t *testing.T) {
		s := onPeople(t, waiting(claim(1, "4712", "Ada"), claim(2, "666", "Ada")))
		s.want("and 1 more waits to be let in.")
		s.press("Let in")
		s.wantCalls(answers)
		s.pass(time.Second)
		s.button("Let in").TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		s.wantCalls(answers)
		s.press("Let in")
		s.wantCalls(answers, "AnswerClaim 1 4712 true")
		s.want("Ada (id 4712) is let in.")
		s.want("666")
		s.press("Let in") // the second half of a double click
		s.wantCalls(answers, "AnswerClaim 1 4712 true")
		s.pass(time.Second)
		s.press("Refuse")
		s.wantCalls(answers, "AnswerClaim 1 4712 true", "AnswerClaim 2 666 false")
		s.wantNot("Somebody sent your code")
	})
	t.Run("a failure is told, and can be tried again", func(t *testing.T) {
		f := waiting(claim(1, "4712", "Ada"))
		f.talk.refuse = map[string]error{"AnswerClaim": errors.New("no disk")}
		s := onPeople(t, f)
		s.pass(time.Second)
		s.press("Let in")
		s.want("no disk")
		f.set(func() { f.talk.refuse = nil })
		s.press("Let in")
		s.wantCalls(answers, "AnswerClaim 1 4712 true", "AnswerClaim 1 4712 true")
	})
	t.Run("a number that counts anew is another claim", func(t *testing.T) { // Postern started again meanwhile
		f := waiting(claim(1, "4712", "Ada"))
		s := onPeople(t, f)
		s.pass(time.Second)
		f.set(func() { f.talk.people.Claims = []access.Claim{claim(1, "666", "Ada")} })
		s.w.people.load()
		s.settle()
		s.want("666")
		s.wantNot("4712")
		s.press("Let in")
		s.wantCalls(answers)
	})
	t.Run("a claim comes into view by itself", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.f.set(func() { s.f.talk.people.Claims = []access.Claim{claim(1, "4712", "")} })
		s.push(func(n *api.Snapshot) { n.Claims = 1 })
		s.want("They have no name, which proves nothing")
	})
}
