package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

func TestCrashInTheMiddle(t *testing.T) {
	r := build(t, pausing(t), memory())
	other := begin(t, r, in("c2", "slow"))
	other.shows("1 …")
	f := begin(t, r, said("crash"))
	for _, f := range []*fakeTurn{f, other} {
		has(t, f.fault(), "ended by itself", "exit status 3", "the sample agent crashed, as it was asked to", "started again")
	}
	if len(f.answers) != 1 || f.answers[0].Text != "I was about to say" {
		t.Errorf("what was said until then is %+v", f.answers)
	}
	// Both conversations go on where they were.
	if got := begin(t, r, in("c2", "x")).text(); got != "You said: x" {
		t.Errorf("the other got %q", got)
	}
	if got := ask1(t, r, "y"); got != "You said: y" {
		t.Errorf("got %q", got)
	}
}

func TestCrashesBetweenAnswersAreNotCounted(t *testing.T) {
	r := build(t, friendly(t), memory())
	r.pace.retry = time.Hour
	for range 3 {
		has(t, begin(t, r, said("crash")).fault(), "exit status 3")
		ask1(t, r, "x")
	}
}

func TestStartThatFails(t *testing.T) {
	for role, c := range map[string]struct{ words []string }{
		"exit":    {[]string{"ended by itself, as it was started", "exit status 7", "It said: no licence for [secret]"}},
		"silent":  {[]string{"did not introduce itself within 300ms", "needs an argument"}},
		"garbage": {[]string{"did not introduce itself", "It said: Welcome to the wrong program"}},
		"long":    {[]string{"it wrote a line of more than 8 MiB"}},
		"future":  {[]string{"speaks version 9"}},
		"login":   {[]string{"wants you to log in first"}},
		"fails":   {[]string{"failed: Internal error: out of credit."}},
		"closes":  {[]string{"ended by itself, in the middle"}},
	} {
		t.Run(role, func(t *testing.T) {
			s := conf(t, role)
			s.Set = map[string]platforms.Secret{"MY_KEY": platforms.NewSecret("s3cret-value")}
			r := build(t, s, memory())
			switch role {
			case "silent":
				r.pace.introduce = 300 * time.Millisecond
			case "garbage": // it has to be up by then
				r.pace.introduce = 3 * time.Second
			}
			has(t, begin(t, r, said("hi")).fault(), c.words...)
		})
	}
}

func TestWhatIsNotThere(t *testing.T) {
	s := friendly(t)
	s.Program += "-gone"
	has(t, begin(t, build(t, s, memory()), said("hi")).fault(), "There is no such file")
	s = friendly(t)
	s.Folder += "-gone"
	has(t, begin(t, build(t, s, memory()), said("hi")).fault(), "There is no such folder")
}

func TestFailingAgentIsLeftAlone(t *testing.T) {
	r := build(t, conf(t, "exit"), memory())
	r.pace.retry = time.Hour
	for range 2 { // after one failure it is tried at once
		has(t, begin(t, r, said("hi")).fault(), "exit status 7")
	}
	has(t, begin(t, r, said("hi")).fault(), "failed 2 times in a row and is left alone for another", "no licence")
	if r.failures != 2 {
		t.Errorf("it was started %d times", r.failures)
	}
	// While it waits for a shorter time, it can be stopped.
	r.pace.patience = 2 * time.Hour
	f := begin(t, r, said("hi"))
	for !running(r, f) {
		runtime.Gosched()
	}
	ask1(t, r, "/stop")
	if got := f.text(); got != "(Stopped.)" {
		t.Errorf("got %q", got)
	}
}

// running reports whether a turn is at work.
func running(r *Responder, f *fakeTurn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lanes {
		if l.running != nil && l.running.to == f {
			return true
		}
	}
	return false
}

func TestPauseGrows(t *testing.T) {
	var got []time.Duration
	for n := range 10 {
		got = append(got, pause(n, time.Second)/time.Second)
	}
	if want := []time.Duration{0, 0, 1, 2, 4, 8, 16, 32, 60, 60}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if pause(1<<20, time.Second) != longestRest {
		t.Error("it overflows")
	}
}

func TestIgnoresCancel(t *testing.T) {
	r := build(t, conf(t, "deaf"), memory())
	r.pace.obey = 50 * time.Millisecond
	f, other := begin(t, r, said("x")), begin(t, r, in("c2", "x"))
	f.shows("I hear nothing")
	other.shows("I hear nothing")
	h := r.host
	ask1(t, r, "/stop")
	got := f.text()
	has(t, got, "I hear nothing\n\n(Stopped. The agent did not stop by itself within 50ms, so it was ended.)")
	has(t, other.fault(), "was ended", "it did not stop when it was told to")
	<-h.dead
}

func TestFlood(t *testing.T) {
	r := build(t, conf(t, "flood"), memory())
	began := time.Now()
	f := begin(t, r, said("x"))
	got := f.text()
	if most := int(time.Since(began)/gap) + 2; f.updates > most {
		t.Errorf("%d updates, at most %d should be", f.updates, most)
	}
	if len(got) > longAnswer+200 || !strings.HasSuffix(got, "(The answer is longer than 64 KiB; the rest is missing.)") {
		t.Errorf("%d bytes that end with %q", len(got), got[len(got)-100:])
	}
}

func TestToolsAreBoundedAndClean(t *testing.T) {
	s := conf(t, "tools")
	s.Set = map[string]platforms.Secret{"MY_KEY": platforms.NewSecret("s3cret-value")}
	got := ask1(t, build(t, s, memory()), "x")
	has(t, got, "⚙ step \\*0\\* · done\n⚙ step \\*1\\* · done\n", "\n\nred [secret]\n\n⚙ and 60 more steps\n\n(The agent came to the end")
	if strings.Contains(got, "thought") || strings.Contains(got, "\x1b") || strings.Count(got, "⚙") != mostTools+1 {
		t.Errorf("got %q", got)
	}
}

func TestOtherRequestsAreNotFound(t *testing.T) {
	for _, method := range []string{"fs/read_text_file", "fs/write_text_file", "terminal/create", "elicitation/create", "_x/y", "nonsense"} {
		r := build(t, conf(t, "asker", method), memory())
		has(t, ask1(t, r, "x"), `"code":-32601`)
		_ = r.Close()
	}
	has(t, ask1(t, build(t, conf(t, "asks50"), memory()), "x"), `"code":-32601`)
}

// asking has an agent ask for a permission, and is what it got for an answer.
func asking(t *testing.T, params string, ask func(app.Permission) (string, error)) string {
	t.Helper()
	r := build(t, conf(t, "asker", "session/request_permission", params), memory())
	f := turnOf(t)
	f.ask = func(_ context.Context, p app.Permission) (string, error) { return ask(p) }
	r.Begin(t.Context(), said("x"), f)
	return f.text()
}

func TestPermissionWithOddOptions(t *testing.T) {
	var options []string
	for i := range 9 {
		options = append(options, fmt.Sprintf(`{"optionId":"o%d","name":"","kind":"allow_once"}`, i))
	}
	options = append(options, `{"optionId":"no","name":"","kind":"reject_always"}`)
	many := `{"toolCall":{"toolCallId":"t"},"options":[` + strings.Join(options, ",") + `]}`
	got := asking(t, many, func(p app.Permission) (string, error) {
		last := p.Choices[len(p.Choices)-1]
		if len(p.Choices) != 6 || p.Title == "" || p.Choices[0].Label != "allow once" || last.Grants || last.Label != "reject always" {
			t.Errorf("asked %+v", p)
		}
		return last.ID, nil
	})
	has(t, got, `"optionId":"no"`)
	// "Always" is not decided by nobody.
	has(t, asking(t, many, func(app.Permission) (string, error) { return "", app.ErrUndecided }), `"outcome":"cancelled"`)

	odd := `{"toolCall":{"toolCallId":"t"},"options":[{"optionId":"x","name":"No harm","kind":"something_new"}]}`
	got = asking(t, odd, func(p app.Permission) (string, error) {
		if len(p.Choices) != 1 || !p.Choices[0].Grants {
			t.Errorf("an option that is not known is harmless: %+v", p)
		}
		return "", app.ErrUndecided
	})
	has(t, got, `"outcome":"cancelled"`)

	none := `{"toolCall":{"toolCallId":"t"},"options":[]}`
	has(t, asking(t, none, func(app.Permission) (string, error) {
		t.Error("asked without a choice")
		return "1", nil
	}), `"outcome":"cancelled"`)
}

func TestPermissionIsForTheTurnAtWork(t *testing.T) {
	h := &host{turns: map[sessionID]*turn{}}
	res, err := h.handle(t.Context(), "session/request_permission",
		[]byte(`{"sessionId":"s","toolCall":{"toolCallId":"t"},"options":[{"optionId":"y","name":"Yes","kind":"allow_once"}]}`))
	if err != nil || !strings.Contains(fmt.Sprintf("%+v", jsonOf(t, res)), "cancelled") {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestSessionsAreNotShared(t *testing.T) {
	r := build(t, conf(t, "twins"), memory())
	f := begin(t, r, said("x"))
	g := begin(t, r, in("c2", "x"))
	one, other := f, g // who came first can't be known
	select {
	case <-f.over:
	case <-g.over:
		one, other = g, f
	}
	has(t, one.fault(), "gave no session of its own")
	_ = r.Close()
	<-other.over
}

func TestBrokenMemory(t *testing.T) {
	m := memory()
	m.broken = errors.New("disk on fire")
	r := build(t, friendly(t), m)
	has(t, begin(t, r, said("x")).fault(), "could not be looked up")
	has(t, begin(t, r, said("/new")).fault(), "could not be forgotten")
	has(t, begin(t, r, said("/status")).text(), "Session: none yet")
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("POSTERN_SECRET", "s3cret-1")
	t.Setenv("WANTED", "yes")
	t.Setenv("API_TOKEN", "token-of-service")
	c := Config{Pass: []string{"WANTED", "API_TOKEN", "NOT_THERE"}, Set: map[string]platforms.Secret{"MINE": platforms.NewSecret("a=b c")}}
	env, hide := c.environment(os.LookupEnv)
	for _, want := range []string{"WANTED=yes", "MINE=a=b c", "API_TOKEN=token-of-service"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(strings.Join(env, "\n"), "POSTERN_") || len(hide) != 2 {
		t.Errorf("the environment is %q, hidden are %d", env, len(hide))
	}
}

func TestTheWholeGroupEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := build(t, conf(t, "family", l.Addr().String()), memory())
	f := begin(t, r, said("x"))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f.shows("at work")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	<-f.over
	_, _ = io.Copy(io.Discard, c) // it ends with the child
}
