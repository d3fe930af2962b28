package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	acp "github.com/coder/acp-go-sdk"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

func TestAnswerStreams(t *testing.T) {
	r := build(t, pausing(t), memory())
	f := begin(t, r, said("one two three four five six seven eight"))
	f.shows("You said:")
	if got := f.text(); got != "You said: one two three four five six seven eight" {
		t.Errorf("got %q", got)
	}
	if m := f.answers[0]; m.Format != platforms.Markdown || m.ReplyTo != "m1" {
		t.Errorf("got %+v", m)
	}
}

func TestOneSessionPerThread(t *testing.T) {
	m := memory()
	r := build(t, friendly(t), m)
	d := in("c1", "hi")
	d.Event.Thread = "t1"
	for _, d := range []app.Delivery{in("c1", "hi"), in("c1", "again"), d, in("c2", "hi")} {
		begin(t, r, d).text()
	}
	if n := len(m.values); n != 4 { // three sessions, and the list of them
		t.Errorf("%d values are remembered: %q", n, m.values)
	}
}

func TestToolsAreShown(t *testing.T) {
	c := friendly(t)
	if err := os.WriteFile(filepath.Join(c.Folder, "plan.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := ask1(t, build(t, c, memory()), "list")
	if want := "⚙ list the folder · done\n\nIn my folder:\n\n- plan.txt"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.Quiet = true
	if got = ask1(t, build(t, c, memory()), "list"); got != "In my folder:\n\n- plan.txt" {
		t.Errorf("quiet: got %q", got)
	}
}

func TestPlanIsShownWhileItIsFollowed(t *testing.T) {
	if got := ask1(t, build(t, friendly(t), memory()), "plan"); got != "That was the plan." {
		t.Errorf("got %q", got)
	}
	f := turnOf(t)
	s := &show{to: f}
	s.take(acp.UpdatePlan(acp.PlanEntry{Content: "Look *around*\n", Status: acp.PlanEntryStatusCompleted},
		acp.PlanEntry{Content: "Think", Status: acp.PlanEntryStatusInProgress}, acp.PlanEntry{Content: "Answer"}))
	if got := <-f.shown; got != "● Look \\*around\\*\n▸ Think\n○ Answer" {
		t.Errorf("shown: %q", got)
	}
	s.take(acp.UpdateAgentMessageText("Hm"))
	if got := <-f.shown; !strings.HasSuffix(got, "○ Answer\n\nHm") {
		t.Errorf("shown: %q", got)
	}
	if got := s.end(); got != "Hm" {
		t.Errorf("in the end: %q", got)
	}
	s.take(acp.UpdateAgentMessageText("too late"))
}

func TestPermission(t *testing.T) {
	for name, c := range map[string]struct {
		choose  func(p app.Permission) (string, error)
		written bool
	}{
		"allowed":   {pick("Allow once"), true},
		"always":    {pick("Always allow"), true},
		"rejected":  {pick("Reject"), false},
		"undecided": {func(app.Permission) (string, error) { return "", app.ErrUndecided }, false},
		"broken":    {func(app.Permission) (string, error) { return "1", errors.New("no network") }, false},
		"unknown":   {func(app.Permission) (string, error) { return "77", nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			set := friendly(t)
			r := build(t, set, memory())
			f := turnOf(t)
			asked := 0
			f.ask = func(_ context.Context, p app.Permission) (string, error) {
				asked++
				if p.Title != "write note.txt" || len(p.Choices) != 3 || !p.Choices[0].Grants || !p.Choices[1].Grants || p.Choices[2].Grants {
					t.Errorf("asked %+v", p)
				}
				has(t, p.Detail, "Kind: edit", "Path: "+filepath.Join(set.Folder, "note.txt"), "+ buy milk")
				return c.choose(p)
			}
			r.Begin(t.Context(), said("write buy milk"), f)
			got := f.text()
			b, err := os.ReadFile(filepath.Join(set.Folder, "note.txt"))
			if c.written && (string(b) != "buy milk\n" || !strings.Contains(got, "I wrote it")) || !c.written && (!errors.Is(err, os.ErrNotExist) || !strings.Contains(got, "I did not write it")) {
				t.Errorf("it said %q, the file is %q, %v", got, b, err)
			}
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
			if name != "always" {
				return
			}
			ask1(t, r, "write more") // the fake would complain of a question
		})
	}
}

func pick(label string) func(app.Permission) (string, error) {
	return func(p app.Permission) (string, error) {
		for _, c := range p.Choices {
			if c.Label == label {
				return c.ID, nil
			}
		}
		return "", fmt.Errorf("there is no %s", label)
	}
}

func TestStop(t *testing.T) {
	r := build(t, pausing(t), memory())
	f := begin(t, r, said("slow"))
	f.shows("2 …")
	waiting := []*fakeTurn{begin(t, r, said("a")), begin(t, r, said("b"))}
	other := begin(t, r, in("c2", "slow"))
	other.shows("1 …")
	if got := ask1(t, r, "/stop"); got != "Stopping. 2 messages that waited are dropped." {
		t.Errorf("got %q", got)
	}
	got := f.text()
	has(t, got, "2 …")
	if !strings.HasSuffix(got, "\n\n(Stopped.)") {
		t.Errorf("got %q", got)
	}
	for _, w := range waiting {
		<-w.over
		if w.err != nil || len(w.answers) > 0 {
			t.Errorf("what was dropped got %v, %v", w.answers, w.err)
		}
	}
	if got := ask1(t, r, "still there"); got != "You said: still there" {
		t.Errorf("got %q", got)
	}
	if got := ask1(t, r, "/stop"); got != "Nothing is running." {
		t.Errorf("got %q", got)
	}
	begin(t, r, in("c2", "/stop@postern_bot now"))
	has(t, other.text(), "(Stopped.)")
}

func TestStopTakesTheQuestionBack(t *testing.T) {
	r := build(t, friendly(t), memory())
	f := turnOf(t)
	asked := make(chan struct{})
	f.ask = func(ctx context.Context, _ app.Permission) (string, error) {
		close(asked)
		<-ctx.Done()
		return "1", nil // somebody allowed it in the same moment
	}
	r.Begin(t.Context(), said("write x"), f)
	<-asked
	ask1(t, r, "/stop")
	has(t, f.text(), "(Stopped.)")
	if _, err := os.Stat(filepath.Join(r.c.Folder, "note.txt")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestNewBeginsAnew(t *testing.T) {
	r := build(t, conf(t, "parrot"), memory())
	first := ask1(t, r, "hi")
	has(t, first, "You are reached through Postern")
	if second := ask1(t, r, "hi"); strings.Contains(second, "You are reached") {
		t.Error("the second prompt explains all again")
	}
	has(t, ask1(t, r, "/new"), "begins a new session")
	third := ask1(t, r, "hi")
	has(t, third, "You are reached through Postern")
	if strings.Contains(third, "does not remember") {
		t.Error("it says that the session is new, which was asked for")
	}
}

func TestStatus(t *testing.T) {
	c := pausing(t)
	r := build(t, c, memory())
	got := ask1(t, r, "/status")
	has(t, got, "(not started)", "Folder: "+filepath.Base(c.Folder), "Session: none yet", "Running: nothing", "Waiting: 0")
	f := begin(t, r, said("slow"))
	f.shows("1 …")
	begin(t, r, said("b"))
	got = ask1(t, r, "/status")
	has(t, got, "Agent: sample-agent 1.0", "Session: since ", "Running: since ", "Waiting: 1")
	if strings.Contains(got, filepath.Dir(c.Folder)) {
		t.Errorf("it tells where the folder is: %q", got)
	}
}

func TestAgainIsNotRunAgain(t *testing.T) {
	r := build(t, friendly(t), memory())
	d := said("write x")
	d.Again = true
	has(t, begin(t, r, d).text(), "Send it again if it is still wanted.")
	if r.host != nil {
		t.Error("the agent was started")
	}
}

func TestOnlyMessagesAreHandedOver(t *testing.T) {
	r := build(t, friendly(t), memory())
	click, stranger, empty := said("x"), said("x"), said(" \n")
	click.Event.Kind, stranger.Stranger = platforms.ButtonClicked, true
	for _, d := range []app.Delivery{click, stranger, empty} {
		f := begin(t, r, d)
		<-f.over
		if f.err != nil || f.answers != nil {
			t.Errorf("got %v, %v", f.answers, f.err)
		}
	}
	if r.host != nil {
		t.Error("the agent was started")
	}
}

func TestResumedAfterARestart(t *testing.T) {
	m := memory()
	r := build(t, friendly(t), m)
	ask1(t, r, "hi")
	before := m.values["session "+place{"a1", "c1", ""}.key()]
	_ = r.Close()
	r = build(t, friendly(t), m)
	if got := ask1(t, r, "hi"); got != "You said: hi" {
		t.Errorf("got %q", got)
	}
	if after := m.values["session "+place{"a1", "c1", ""}.key()]; string(after) != string(before) {
		t.Errorf("the session was %s and is %s", before, after)
	}
}

func TestNewSessionIsToldOf(t *testing.T) {
	m := memory()
	r := build(t, conf(t, "parrot"), m)
	ask1(t, r, "hi")
	_ = r.Close()
	r = build(t, conf(t, "parrot"), m)
	got := ask1(t, r, "hi")
	if !strings.HasPrefix(got, "(The agent does not remember") || !strings.Contains(got, "You are reached") {
		t.Errorf("got %q", got)
	}
	if got := ask1(t, r, "hi"); strings.Contains(got, "does not remember") {
		t.Errorf("it is told twice: %q", got)
	}
}

func TestQueueIsBounded(t *testing.T) {
	r := build(t, pausing(t), memory())
	f := begin(t, r, said("slow"))
	f.shows("1 …")
	var waiting []*fakeTurn
	for range mostWaiting {
		waiting = append(waiting, begin(t, r, said("x")))
	}
	has(t, ask1(t, r, "one too many"), "Busy: 20 messages wait")
	if got := begin(t, r, in("c2", "x")).text(); got != "You said: x" {
		t.Errorf("another conversation got %q", got)
	}
	has(t, ask1(t, r, "/stop"), "20 messages that waited are dropped")
	for _, w := range waiting {
		<-w.over
	}
}

func TestOrderIsKept(t *testing.T) {
	r := build(t, friendly(t), memory())
	var turns []*fakeTurn
	for i := range 10 {
		turns = append(turns, begin(t, r, said(fmt.Sprint(i))))
	}
	for i, f := range turns {
		if got := f.text(); got != fmt.Sprintf("You said: %d", i) {
			t.Errorf("%d got %q", i, got)
		}
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	r := build(t, pausing(t), memory())
	f, w := begin(t, r, said("slow")), begin(t, r, said("x"))
	f.shows("1 …")
	h := r.host
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	<-h.dead
	for _, f := range []*fakeTurn{f, w, begin(t, r, said("late"))} {
		<-f.over
		if !errors.Is(f.err, context.Canceled) {
			t.Errorf("a turn ended with %v", f.err)
		}
	}
}

func TestTurnEndsWithItsContext(t *testing.T) {
	r := build(t, pausing(t), memory())
	ctx, cancel := context.WithCancel(t.Context())
	f := turnOf(t)
	r.Begin(ctx, said("slow"), f)
	f.shows("1 …")
	cancel()
	<-f.over
	if !errors.Is(f.err, context.Canceled) {
		t.Errorf("it ended with %v", f.err)
	}
	if got := ask1(t, r, "x"); got != "You said: x" {
		t.Errorf("the next got %q", got)
	}
}

func TestTurnEndsThoughTheAgentGoesOn(t *testing.T) {
	r := build(t, conf(t, "deaf"), memory())
	r.pace.obey = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	f := turnOf(t)
	r.Begin(ctx, said("x"), f)
	f.shows("I hear nothing")
	cancel()
	<-f.over
	if !errors.Is(f.err, context.Canceled) {
		t.Errorf("it ended with %v", f.err)
	}
}

func TestTimeLimit(t *testing.T) {
	r := build(t, pausing(t), memory())
	ask1(t, r, "hi") // it is started
	r.c.Turn = 300 * time.Millisecond
	has(t, ask1(t, r, "slow"), "(Stopped: the time limit of 300ms is over.)")
}

func TestIdleAgentIsEnded(t *testing.T) {
	r := build(t, friendly(t), memory())
	r.pace.idle = time.Millisecond
	for range 5 { // it is started again, or still there
		ask1(t, r, "hi")
	}
	r.mu.Lock()
	h := r.host
	r.mu.Unlock()
	if h != nil {
		<-h.dead
		if !errors.Is(h.why, errIdle) {
			t.Errorf("it ended because of %v", h.why)
		}
	}
	_ = r.Close()
	if r.failures > 0 {
		t.Error("that counts as a failure")
	}
}

func TestTurnWaitsForItsQuestion(t *testing.T) {
	w := &turn{show: &show{to: turnOf(t)}, asking: make(chan struct{}, 1)}
	w.asking <- struct{}{} // one is put
	begun, order := make(chan struct{}), make(chan string, 2)
	go func() {
		w.end(func() { close(begun) })
		order <- "end"
	}()
	<-begun
	for range 1000 {
		runtime.Gosched()
	}
	order <- "answer"
	<-w.asking
	if got := <-order; got != "answer" {
		t.Errorf("the %s came first", got)
	}
	<-order
}
