package app

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// guarded is a crowd with an agent that asks whether it may, and says what came
// of it. The owner ua and the member um are in the group g and have direct
// conversations da and dm; ub is another owner, us nobody.
type guarded struct {
	*crowd
	ask      Permission
	mu       sync.Mutex
	ahead    time.Duration               // of the clock
	tick     func()                      // is called when the time is asked for
	begun    func()                      // is called by Begin
	talk     func(context.Context, Turn) // in the place of asking g.ask
	question platforms.Event             // which the agent asks about
}

func newGuarded(t *testing.T, buttons int) *guarded {
	g := &guarded{ask: Permission{Title: "Delete the house", Detail: "rm -r house", Choices: []Choice{
		{ID: "yes", Label: "Allow", Grants: true}, {ID: "no", Label: "Refuse"},
	}}}
	g.crowd = newCrowd(t, talker{"agent", func(ctx context.Context, _ Delivery, turn Turn) {
		g.mu.Lock()
		begun, talk := g.begun, g.talk
		g.mu.Unlock()
		if begun != nil {
			begun()
		}
		go func() {
			if talk != nil {
				talk(ctx, turn)
				return
			}
			chosen, err := turn.Ask(ctx, g.ask)
			if err != nil {
				chosen = "nothing: " + err.Error()
			}
			turn.Done([]platforms.Message{{Text: "It was " + chosen}}, nil)
		}()
	}})
	g.now = func() time.Time {
		g.mu.Lock()
		ahead, tick := g.ahead, g.tick
		g.mu.Unlock()
		if tick != nil {
			tick()
		}
		return time.Now().Add(ahead)
	}
	change := g.change
	g.change = func(p *platforms.Platform) { change(p); p.Limits.Buttons = buttons }
	g.start()
	g.add()
	for _, where := range []string{"", "g"} {
		g.let("ua", where, access.Owner)
		g.let("ub", where, access.Owner)
		g.let("um", where, access.Member)
	}
	return g
}

func (g *guarded) later(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ahead += d
}

// asks has the agent ask in a conversation, and waits until the question stands
// there.
func (g *guarded) asks(conversation string) api.Ask {
	g.t.Helper()
	g.question = g.words("ua", conversation, "go")
	g.give(g.question)
	g.until("the question is sent", func() bool { return g.asked().ID != "" && g.message(conversation) != "" })
	return g.asked()
}

func (g *guarded) asked() api.Ask {
	if all := g.app.Asks(); len(all) > 0 {
		return all[0]
	}
	return api.Ask{}
}

// message is the platform's id of the question's message, once it is recorded.
func (g *guarded) message(conversation string) platforms.MessageID {
	list, err := g.app.Timeline(context.Background(), "fake", platforms.ConversationID(conversation), 0, 0)
	if err != nil {
		return ""
	}
	for _, e := range list {
		if x, err := g.app.store.Entry(e.Seq); err == nil && x.Outgoing && strings.Contains(e.Text, " asks: ") && len(x.IDs) > 0 {
			return x.IDs[len(x.IDs)-1]
		}
	}
	return ""
}

// press is a press of the question's button.
func (g *guarded) press(user, conversation string, choice int) platforms.Event {
	ev := g.event(user, conversation)
	ev.Kind, ev.Message, ev.Mentioned = platforms.ButtonClicked, g.message(string(g.question.Conversation.ID)), false
	ev.Click = &platforms.Click{Data: askData(g.asked().ID, choice)}
	return ev
}

const (
	allows = iota
	refuses
)

// TestWhoDecides is what is tried to have a permission given, one after the
// other, and that it is not given. Then an owner refuses it, which must count.
func TestWhoDecides(t *testing.T) {
	with := func(user, where string, choice int, change func(*platforms.Event)) func(*guarded) []platforms.Event {
		return func(g *guarded) []platforms.Event {
			ev := g.press(user, where, choice)
			if change != nil {
				change(&ev)
			}
			return []platforms.Event{ev}
		}
	}
	words := func(user, where, text string, change func(*platforms.Event)) func(*guarded) []platforms.Event {
		return func(g *guarded) []platforms.Event {
			ev := g.words(user, where, text)
			if change != nil {
				change(&ev)
			}
			return []platforms.Event{ev}
		}
	}
	for _, c := range []struct {
		name    string
		numbers bool // there are no buttons on the platform
		try     func(*guarded) []platforms.Event
		before  func(*guarded) // the try, once the question stands
		after   func(*guarded) // the try
		why     string         // is told to the person
	}{
		{name: "a member presses", try: with("um", "g", allows, nil), why: "role owner"},
		{name: "a stranger presses", try: with("us", "g", allows, nil), why: "None of this account's rules"},
		{name: "somebody with the owner's name", try: with("us", "g", allows, func(ev *platforms.Event) { ev.From.Name, ev.From.Handle = "ua", "ua" }), why: "None of this account's rules"},
		{name: "a bot with the owner's id", try: with("ua", "g", allows, func(ev *platforms.Event) { ev.From.Bot = true }), why: "is a bot"},
		{name: "an owner presses elsewhere", try: with("ua", "da", allows, nil), why: "asked for elsewhere"},
		{name: "an owner presses in a group that no rule names", try: with("ua", "h", allows, nil), why: "not for this conversation"},
		{name: "nobody in particular presses", try: with("g", "g", allows, nil), why: "name of the conversation itself"},
		{name: "without an id", try: with("", "g", allows, nil), why: "did not tell who"},
		{name: "a choice that there is not", try: with("ua", "g", 7, nil), why: "does not have"},
		{name: "a choice below the first", try: with("ua", "g", -1, nil), why: "does not have"},
		{name: "another question's id", try: with("ua", "g", allows, func(ev *platforms.Event) { ev.Click.Data = askMark + "aaaaaaaaaaaaaaaaaaaa:0" }), why: "not asked for any more"},
		{name: "no choice in the data", try: func(g *guarded) []platforms.Event {
			ev := g.press("ua", "g", allows)
			ev.Click.Data = askMark + g.asked().ID
			return []platforms.Event{ev}
		}, why: "not asked for any more"},
		{name: "a choice that overflows", try: func(g *guarded) []platforms.Event {
			ev := g.press("ua", "g", allows)
			ev.Click.Data = askMark + g.asked().ID + ":18446744073709551616"
			return []platforms.Event{ev}
		}, why: "not asked for any more"},
		{name: "an id in upper case", try: func(g *guarded) []platforms.Event {
			ev := g.press("ua", "g", allows)
			ev.Click.Data = askMark + strings.ToUpper(g.asked().ID) + ":0"
			return []platforms.Event{ev}
		}, why: "not asked for any more"},
		{name: "the data under another message", try: with("ua", "g", allows, func(ev *platforms.Event) { ev.Message = "other" }), why: "own message"},
		{name: "the data as words", try: func(g *guarded) []platforms.Event {
			return []platforms.Event{g.words("ua", "g", askData(g.asked().ID, allows))}
		}},
		{name: "a number where there are buttons", try: words("ua", "g", "1", nil)},
		{name: "after its time", try: with("ua", "g", allows, nil), before: func(g *guarded) { g.later(11 * time.Minute) }, after: func(g *guarded) { g.later(-11 * time.Minute) }, why: "after its time"},
		{name: "an owner who was removed meanwhile", try: with("ub", "g", allows, nil), before: func(g *guarded) { g.unlet("ub", "g") }, why: "not for this conversation"},
		{name: "an owner who is a member now", try: with("ub", "g", allows, nil), before: func(g *guarded) { g.let("ub", "g", access.Member) }, why: "role owner"},
		{name: "an owner whose rule has ended", try: with("ub", "g", allows, nil), before: func(g *guarded) {
			g.let("ub", "g", access.Owner, g.app.now().Add(time.Minute))
			g.later(2 * time.Minute)
		}, after: func(g *guarded) { g.later(-2 * time.Minute) }, why: "not for this conversation"},
		{name: "an owner who is ignored now", try: with("ub", "g", allows, nil), before: func(g *guarded) {
			if _, err := g.app.Ignore(g.t.Context(), api.IgnoreDraft{Account: "fake", User: "ub"}); err != nil {
				g.t.Fatal(err)
			}
		}},
		{name: "an owner who is one in direct conversations only", try: with("ub", "g", allows, nil), before: func(g *guarded) { g.unlet("ub", "g") }, why: "not for this conversation"},

		{name: "a member's number", numbers: true, try: words("um", "g", "1", nil), why: "role owner"},
		{name: "a stranger's number", numbers: true, try: words("us", "g", "1", nil), why: "None of this account's rules"},
		{name: "a number in another thread", numbers: true, try: words("ua", "g", "1", func(ev *platforms.Event) { ev.Thread = "t2" })},
		{name: "a number in another conversation", numbers: true, try: words("ua", "da", "1", nil)},
		{name: "a number beyond the choices", numbers: true, try: words("ua", "g", "3", nil)},
		{name: "zero", numbers: true, try: words("ua", "g", "0", nil)},
		{name: "a number among words", numbers: true, try: words("ua", "g", "1 or 2?", nil)},
		{name: "a number that is an edit", numbers: true, try: words("ua", "g", "1", func(ev *platforms.Event) {
			ev.Kind, ev.Message = platforms.MessageEdited, "in7"
		})},
		{name: "a number to nobody", numbers: true, try: words("ua", "g", "1", func(ev *platforms.Event) { ev.Mentioned = false })},
	} {
		t.Run(c.name, func(t *testing.T) {
			buttons := 4
			if c.numbers {
				buttons = 0
			}
			g := newGuarded(t, buttons)
			q := g.asks("g")
			evs := c.try(g)
			if c.before != nil {
				c.before(g)
			}
			// What they say starts an agent that asks, too; its question waits.
			g.give(evs...)
			g.until("it is stored", func() bool { return g.fake.waiting() == 0 })
			g.until("the inbox is quiet", func() bool {
				for _, ev := range evs {
					if _, ok, err := g.app.store.NextJob("fake", ev.Conversation.ID, 0); ok || err != nil {
						return false
					}
				}
				return true
			})
			if got := g.app.Asks(); len(got) == 0 || got[0].ID != q.ID {
				t.Fatalf("it was decided; sent: %q", g.sentIn("g"))
			}
			if all := strings.Join(g.refusals(), "\n"); !strings.Contains(all, c.why) {
				t.Errorf("refused: %q; it should say %q", all, c.why)
			}
			if c.after != nil {
				c.after(g)
			}
			if c.numbers {
				g.give(g.words("ua", "g", " 2 "))
			} else {
				g.give(g.press("ua", "g", refuses))
			}
			g.until("the owner's word counts", func() bool { return slices.Contains(g.sentIn("g"), "It was no") })
			if slices.Contains(g.sentIn("g"), "It was yes") {
				t.Error("it was given all the same")
			}
		})
	}
}

// In a direct conversation the owner's rule for those counts, also where the
// platform does not tell where a button was.
func TestDecideInADirectConversation(t *testing.T) {
	g := newGuarded(t, 4)
	g.asks("da")
	ev := g.press("ua", "da", allows)
	ev.Conversation.Kind = ""
	g.give(ev)
	g.until("it counts", func() bool { return slices.Contains(g.sentIn("da"), "It was yes") })
}

// Two owners press at once, each several times: one decision is made, and told
// once.
func TestTheFirstDecisionCounts(t *testing.T) {
	g := newGuarded(t, 4)
	g.asks("g")
	var evs []platforms.Event
	for i := range 10 {
		evs = append(evs, g.press([]string{"ua", "ub"}[i%2], "g", i%2))
	}
	q := g.asked()
	var wg sync.WaitGroup
	for range 4 { // and at the computer
		wg.Go(func() { _ = g.app.AnswerAsk(context.Background(), q.ID, "no", "person") })
	}
	g.give(evs...)
	wg.Wait()
	g.settled(0)
	var told []string
	for _, s := range g.sentIn("g") {
		if strings.HasPrefix(s, "It was") {
			told = append(told, s)
		}
	}
	if len(told) != 1 {
		t.Errorf("told: %q", told)
	}
	page, err := g.app.Audit(g.ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range page.Lines {
		if r.What == "permission" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d decisions are written down", n)
	}
	// A replay of the very press, and one with an id of its own.
	g.give(evs[0], g.press("ua", "g", allows))
	g.settled(0)
}

// After a restart nobody waits for an answer any more: a press does nothing, and
// the agent asks anew with another id.
func TestAPressAfterARestart(t *testing.T) {
	g := newGuarded(t, 4)
	q := g.asks("g")
	old := g.press("ua", "g", allows)
	g.stop()
	g.start()
	g.until("it asks again", func() bool { return g.asked().ID != "" })
	if g.asked().ID == q.ID {
		t.Fatal("the same id stands for another question")
	}
	g.give(old)
	g.until("it is refused", func() bool { return strings.Contains(strings.Join(g.refusals(), " "), "not asked for any more") })
	if len(g.app.Asks()) != 1 {
		t.Fatal("the old button decided the new question")
	}
	if err := g.app.AnswerAsk(g.ctx, g.asked().ID, "no", "person"); err != nil {
		t.Fatal(err)
	}
	g.until("it ends", func() bool { return slices.Contains(g.sentIn("g"), "It was no") })
}

// A number that was written before the question stood is no answer to it.
func TestANumberFromBefore(t *testing.T) {
	g := newGuarded(t, 0)
	gate := make(chan struct{})
	g.fake.mu.Lock()
	g.fake.sending = gate // the question is on its way
	g.fake.mu.Unlock()
	g.give(g.words("ua", "g", "go"))
	g.until("it asks", func() bool { return g.asked().ID != "" })
	g.give(g.words("ua", "g", "1"))
	g.until("the number is done", func() bool {
		_, ok, err := g.app.store.NextJob("fake", "g", 0)
		return !ok && err == nil && g.fake.waiting() == 0
	})
	if g.asked().ID == "" {
		t.Fatal("it was decided by what nobody could have meant")
	}
	close(gate)
	g.until("it is sent", func() bool { return g.message("g") != "" })
	// Written before the question, by the platform's clock, and late.
	ev := g.words("ua", "g", "1")
	ev.Time = g.app.now().Add(-time.Hour)
	g.give(ev)
	g.until("the number is done", func() bool {
		_, ok, err := g.app.store.NextJob("fake", "g", 0)
		return !ok && err == nil && g.fake.waiting() == 0
	})
	if slices.Contains(g.sentIn("g"), "It was yes") {
		t.Fatal("an old number decided")
	}
	g.give(g.words("ua", "g", "2"))
	g.until("it is refused", func() bool { return slices.Contains(g.sentIn("g"), "It was no") })
}

// Nobody but Postern has buttons of this kind under its messages.
func TestNoOnesButtonsDecide(t *testing.T) {
	g := newGuarded(t, 4)
	id := g.asks("g").ID
	row := [][]platforms.Button{{{Label: "Show more", Data: askData(id, allows)}, {Label: "Fine", Data: "fine"}}}
	if _, err := g.app.Send(g.ctx, api.Draft{Account: "fake", Conversation: "g", Text: "Look", Buttons: row}, nil); err == nil {
		t.Error("a program sent such a button")
	}
	m := answer(store.Job{Event: g.question}, "command-1", 0, platforms.Message{Text: "Look", Buttons: row})
	if len(m.Buttons) != 1 || len(m.Buttons[0]) != 1 || m.Buttons[0][0].Data != "fine" {
		t.Errorf("a responder's buttons: %+v", m.Buttons)
	}
	if row[0][0].Label != "Show more" || len(row[0]) != 2 {
		t.Error("the responder's own buttons were changed")
	}
	if err := g.app.AnswerAsk(g.ctx, id, "no", "person"); err != nil {
		t.Fatal(err)
	}
}

// A decision that is being written down while the agent gives its question up
// counts, and is told: what the audit says is what the agent heard.
func TestDecidedAsItEnds(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	heard := make(chan string, 1)
	g := newGuarded(t, 4)
	g.talk = func(_ context.Context, turn Turn) {
		chosen, err := turn.Ask(ctx, g.ask)
		heard <- fmt.Sprint(chosen, err)
		turn.Done(nil, nil)
	}
	q := g.asks("g")
	in := g.app.asks.find(q.ID)
	var once sync.Once
	g.mu.Lock()
	g.tick = func() { // deciding looks at the clock before it writes
		if in.deciding.TryLock() {
			in.deciding.Unlock()
			return
		}
		once.Do(func() {
			giveUp()
			for range 10_000 { // were it to end the question meanwhile, it would have by now
				if g.app.asks.find(q.ID) == nil {
					t.Error("the question ended while it was decided")
					break
				}
				runtime.Gosched()
			}
		})
	}
	g.mu.Unlock()
	if err := g.app.AnswerAsk(g.ctx, q.ID, "yes", "person"); err != nil {
		t.Errorf("AnswerAsk: %v", err)
	}
	if got := <-heard; got != "yes<nil>" {
		t.Errorf("the agent heard %s", got)
	}
}

// What somebody pressed while they were an owner does not count once they are
// none, however long it waited.
func TestAPressOfWhoWasRemoved(t *testing.T) {
	held, hold := make(chan struct{}), make(chan struct{})
	g := newGuarded(t, 4)
	q := g.asks("g")
	g.mu.Lock()
	g.talk = func(context.Context, Turn) {}
	g.begun = func() { close(held); <-hold }
	g.mu.Unlock()
	g.give(g.words("um", "g", "wait")) // whose agent keeps the conversation's events
	<-held
	g.give(g.press("ub", "g", allows))
	g.until("it is stored", func() bool { return g.fake.waiting() == 0 })
	g.unlet("ub", "g")
	close(hold)
	g.until("it is refused", func() bool { return strings.Contains(strings.Join(g.refusals(), " "), "not for this conversation") })
	if g.asked().ID != q.ID {
		t.Error("it was decided")
	}
}

// TestNoDecisionWithoutALine: what can't be written down is not decided.
func TestNoDecisionWithoutALine(t *testing.T) {
	g := newGuarded(t, 4)
	q := g.asks("g")
	if err := g.app.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := g.app.AnswerAsk(g.ctx, q.ID, "yes", "person"); err == nil {
		t.Error("it was decided")
	}
	if g.asked().ID != q.ID {
		t.Error("it is not asked any more")
	}
}
