package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// heard is a responder that acts and notes what it was handed.
type heard struct {
	mu   sync.Mutex
	got  []string
	tell bool // it only tells
}

func (h *heard) Name() string {
	if h.tell {
		return "tells"
	}
	return "acts"
}
func (h *heard) Acts() bool { return !h.tell }
func (h *heard) Respond(_ context.Context, d Delivery) ([]platforms.Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := d.Event.Text
	if d.Event.Kind != platforms.MessageReceived {
		text = string(d.Event.Kind) + " " + text
	}
	h.got = append(h.got, text)
	return nil, nil
}
func (h *heard) texts() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// people is a world with a platform on which people write, and two responders.
func peopled(t *testing.T) (w *world, acts, tells *heard) {
	acts, tells = &heard{}, &heard{tell: true}
	w = newWorld(t, tells, acts)
	w.fake.ids = platforms.IDs{User: `^u[0-9]+$`, Conversation: `^g[0-9]+$`, UserHelp: "Look under Profile."}
	w.start()
	w.add()
	return w, acts, tells
}

func direct(user, text string) platforms.Event {
	return platforms.Event{Kind: platforms.MessageReceived, Conversation: platforms.Conversation{ID: platforms.ConversationID("d" + user), Kind: platforms.Direct},
		Message: platforms.MessageID("m-" + text), From: platforms.User{ID: platforms.UserID(user), Name: "Ada"}, Mentioned: true, Text: text}
}

func among(user, text string, mentioned bool) platforms.Event {
	ev := direct(user, text)
	ev.Conversation, ev.Mentioned = platforms.Conversation{ID: "g1", Kind: platforms.Group, Title: "Kitchen"}, mentioned
	return ev
}

// settled waits until every event so far has been dealt with.
func (w *world) settled() {
	w.t.Helper()
	w.until("everything is dealt with", func() bool {
		if w.fake.waiting() > 0 { // first: what is counted then is all of it
			return false
		}
		st, err := w.app.store.Stats()
		return err == nil && st.Pending == 0
	})
}

func (w *world) allow(d api.RuleDraft) {
	w.t.Helper()
	d.Account = "fake"
	if _, err := w.app.Allow(w.t.Context(), d); err != nil {
		w.t.Fatal(err)
	}
}

// TestNobodyIsLetInByDefault: without a rule only the person hears of a message,
// nothing is answered, and the activity says who could be let in.
func TestNobodyIsLetInByDefault(t *testing.T) {
	w, acts, tells := peopled(t)
	w.fake.put(direct("u1", "hello"))
	w.settled()
	if got := acts.texts(); len(got) > 0 {
		t.Errorf("handed on: %q", got)
	}
	if got := tells.texts(); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("told %q", got)
	}
	if got := w.fake.texts(); len(got) > 0 {
		t.Errorf("a stranger was answered: %q", got)
	}
	lines, err := w.app.Activity(t.Context(), control.ActivityQuery{What: []api.What{api.Rejected}})
	if err != nil || len(lines) != 1 || lines[0].User != "u1" || lines[0].Entry == 0 || !strings.Contains(lines[0].Why, "without one nobody is let in") {
		t.Fatalf("activity: %+v, %v", lines, err)
	}
	why, err := w.app.Why(t.Context(), lines[0].Entry)
	if err != nil || why.Then == nil || why.Then.Verdict != access.Stranger || len(why.Then.Trace) < 4 {
		t.Errorf("why: %+v, %v", why, err)
	}

	t.Run("allowed from the entry", func(t *testing.T) {
		w.allow(api.RuleDraft{Entry: lines[0].Entry, Role: access.Member})
		w.fake.put(direct("u1", "again"))
		w.fake.put(direct("u2", "me too"))
		w.settled()
		if got := acts.texts(); !slices.Equal(got, []string{"again"}) {
			t.Errorf("handed on: %q", got)
		}
		why, err := w.app.Why(t.Context(), lines[0].Entry)
		if err != nil || why.Then.Verdict != access.Stranger || why.Now.Verdict != access.Allowed || !slices.Equal(why.To, []string{"tells", "acts"}) {
			t.Errorf("why: %+v, %v", why, err)
		}
	})
	t.Run("who is ignored for good leaves no trace", func(t *testing.T) {
		if _, err := w.app.Ignore(t.Context(), api.IgnoreDraft{Account: "fake", User: "u3"}); err != nil {
			t.Fatal(err)
		}
		before := len(tells.texts())
		w.fake.put(direct("u3", "buy now"))
		w.settled()
		if got := w.timeline("du3"); len(got) > 0 || len(tells.texts()) != before {
			t.Errorf("kept: %+v", got)
		}
	})
	t.Run("the list outlives a restart, and a forged one lets nobody in", func(t *testing.T) {
		w.stop()
		w.start()
		w.fake.put(direct("u1", "third"))
		w.settled()
		if got := acts.texts(); got[len(got)-1] != "third" {
			t.Errorf("handed on: %q", got)
		}
		forged := kept{Value: []byte(`{"version":1,"rules":[{"account":"fake","user":"u2","role":"owner"}]}`), Seal: []byte("none")}
		if err := w.app.store.PutSetting(t.Context(), settingAccess, forged); err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.start()
		if p := w.app.People(); len(p.Rules) > 0 {
			t.Errorf("rules: %+v", p.Rules)
		}
		if n := w.app.Snapshot().Notices; !slices.ContainsFunc(n, func(n api.Notice) bool { return n.Bad && strings.Contains(n.Text, "can't be trusted") }) {
			t.Errorf("not told: %+v", n)
		}
	})
}

// TestGroups: in shared places a rule names the place too, and the bot is
// addressed, unless a person said that it need not be.
func TestGroups(t *testing.T) {
	w, acts, _ := peopled(t)
	w.allow(api.RuleDraft{User: "u1", Role: access.Owner})
	w.fake.put(among("u1", "no rule for here", true))
	w.settled()
	w.allow(api.RuleDraft{User: "u1", Conversation: "g1", Role: access.Member})
	w.fake.put(among("u1", "not addressed", false))
	w.fake.put(among("u1", "addressed", true))
	w.settled()
	if _, err := w.app.SetOpen(t.Context(), api.RuleKey{Account: "fake", Conversation: "g1"}, true); err != nil {
		t.Fatal(err)
	}
	w.fake.put(among("u1", "open", false))
	w.settled()
	if got := acts.texts(); !slices.Equal(got, []string{"addressed", "open"}) {
		t.Errorf("handed on: %q", got)
	}
	t.Run("it moves with the place", func(t *testing.T) {
		w.fake.put(platforms.Event{Kind: platforms.ConversationMoved, Conversation: platforms.Conversation{ID: "g2", Kind: platforms.Group, Moved: "g1"}})
		w.settled()
		ev := among("u1", "moved", false)
		ev.Conversation.ID = "g2"
		w.fake.put(ev)
		w.settled()
		if got := acts.texts(); got[len(got)-1] != "moved" {
			t.Errorf("handed on: %q", got)
		}
	})
}

// TestEdits: an edit does what its message could, also if both come together.
func TestEdits(t *testing.T) {
	w, acts, _ := peopled(t)
	w.fake.put(direct("u1", "before the rule"))
	w.settled()
	w.allow(api.RuleDraft{User: "u1", Role: access.Member})
	edited := func(of, text string) platforms.Event {
		ev := direct("u1", text)
		ev.Kind, ev.Message = platforms.MessageEdited, platforms.MessageID("m-"+of)
		return ev
	}
	w.fake.put(edited("before the rule", "sneaked in"))
	w.fake.put(edited("never seen", "sneaked in too"))
	w.settled()
	w.fake.put(direct("u1", "good"))
	w.settled()
	w.fake.put(edited("good", "better"))
	w.settled()
	// Both in one delivery: the message has its new text by the time it is handed
	// on.
	w.fake.put(direct("u1", "one"), edited("one", "two"))
	w.settled()
	w.fake.put(edited("good", "best"))
	w.settled()
	if got := acts.texts(); !slices.Equal(got, []string{"good", "edit better", "two", "edit two", "edit best"}) {
		t.Errorf("handed on: %q", got)
	}
}

func TestPairing(t *testing.T) {
	w, acts, _ := peopled(t)
	p, err := w.app.Pair(t.Context())
	if err != nil || len(p.Code) != 22 || len(p.Bots) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	w.fake.put(among("u1", p.Code, true)) // a group is no place for a code
	w.fake.put(direct("u1", "is it 1111111111111111111111?"))
	w.settled()
	if c := w.app.People().Claims; len(c) > 0 {
		t.Fatalf("claims: %+v", c)
	}
	w.fake.put(direct("u1", "/start "+p.Code))
	w.settled()
	c := w.app.People().Claims
	if len(c) != 1 || c[0].User.ID != "u1" || w.app.Snapshot().Claims != 1 {
		t.Fatalf("claims: %+v", c)
	}
	w.fake.put(direct("u2", p.Code)) // used up
	w.settled()
	if c := w.app.People().Claims; len(c) != 1 {
		t.Fatalf("a code counted twice: %+v", c)
	}
	if got := w.fake.texts(); len(got) > 0 {
		t.Errorf("answered before the person's yes: %q", got)
	}
	if _, err := w.app.AnswerClaim(t.Context(), api.ClaimAnswer{Claim: c[0], Accept: true}); err != nil {
		t.Fatal(err)
	}
	if r := w.app.People().Rules; len(r) != 1 || r[0].Role != access.Owner || r[0].User != "u1" {
		t.Errorf("rules: %+v", r)
	}
	w.until("they are told", func() bool { return strings.Contains(strings.Join(w.fake.texts(), " "), "as owner") })
	w.fake.put(direct("u1", "hello"))
	w.settled()
	if got := acts.texts(); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("handed on: %q", got)
	}
	stored, err := w.app.store.Setting(settingAccess, &kept{})
	if err != nil || !stored {
		t.Error(err)
	}
}

// TestPastedNames: a name is refused with how to get an id.
func TestPastedNames(t *testing.T) {
	w, _, _ := peopled(t)
	for _, bad := range []string{"@ada", "Ada Lovelace", "*", "", "g1", "u"} {
		_, err := w.app.Allow(t.Context(), api.RuleDraft{Account: "fake", User: bad, Role: access.Member})
		if e, ok := err.(*api.Error); !ok || e.Fields["user"] == "" || !strings.Contains(e.Text, "Look under Profile") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := w.app.Allow(t.Context(), api.RuleDraft{Account: "fake", User: "u1", Role: access.Member, Until: time.Now().Add(-time.Hour)}); err == nil {
		t.Error("a rule that has ended was taken")
	}
	if r := w.app.People().Rules; len(r) > 0 {
		t.Errorf("rules: %+v", r)
	}
}

// TestRulesGoWithTheirAccount: what is added later under the same id begins with
// nobody.
func TestRulesGoWithTheirAccount(t *testing.T) {
	w, _, _ := peopled(t)
	for i := range 3 {
		w.allow(api.RuleDraft{User: fmt.Sprintf("u%d", i), Role: access.Member})
	}
	if err := w.app.RemoveAccount(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if p := w.app.People(); len(p.Rules) > 0 {
		t.Errorf("rules: %+v", p.Rules)
	}
}
