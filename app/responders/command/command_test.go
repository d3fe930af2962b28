package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
)

func delivery(text string) app.Delivery { return in("c1", text) }

func in(conversation platforms.ConversationID, text string) app.Delivery {
	return app.Delivery{Seq: 7, Account: "a1", Label: "Bot", Event: platforms.Event{
		ID: "e1", Kind: platforms.MessageReceived, Message: "m1", Text: text, Reply: "token-of-reply",
		Conversation: platforms.Conversation{ID: conversation}, From: platforms.User{ID: "u1", Name: "Ada $(rm)"}}}
}

// role is a configuration that runs this binary.
func role(t testing.TB, name string, args ...string) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Program: self, Args: append([]string{"role:" + name}, args...), Dir: t.TempDir()}
}

func build(t testing.TB, c Config) *Responder {
	t.Helper()
	r, err := New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func only(t *testing.T, ms []platforms.Message, err error) string {
	t.Helper()
	if err != nil || len(ms) != 1 {
		t.Fatalf("got %d answers, error %v", len(ms), err)
	}
	return ms[0].Text
}

func answer(t *testing.T, c Config, d app.Delivery) string {
	t.Helper()
	ms, err := build(t, c).Respond(context.Background(), d)
	return only(t, ms, err)
}

func wantKind(t *testing.T, err error, want platforms.Kind, words ...string) *platforms.Error {
	t.Helper()
	var e *platforms.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("the error is %v, want kind %q", err, want)
	}
	for _, w := range words {
		if !strings.Contains(e.Text, w) {
			t.Errorf("the error says %q, not %q", e.Text, w)
		}
	}
	return e
}

func TestProgramReadsTheEvent(t *testing.T) {
	var ev wire.Event
	got := answer(t, role(t, "stdin"), delivery("hé\n<b>"))
	if err := json.Unmarshal([]byte(got), &ev); err != nil || ev.Text != "hé\n<b>" || ev.From.Name != "Ada $(rm)" || ev.Seq != 7 {
		t.Errorf("it read %s (%v)", got, err)
	}
	if strings.Contains(got, "token-of-reply") {
		t.Error("it read the token")
	}
}

func TestAnswerIsCleaned(t *testing.T) {
	got := answer(t, role(t, "say", "\x1b[31mred\x1b[0m \x07bell \xff\u202e\u200b", "second", "", ""), delivery(""))
	if want := "red  bell �\nsecond"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMarkdownIsSaid(t *testing.T) {
	c := role(t, "say", "*hi*")
	c.Markdown = true
	ms, err := build(t, c).Respond(context.Background(), delivery(""))
	if only(t, ms, err) != "*hi*" || ms[0].Format != platforms.Markdown || ms[0].ReplyTo != "m1" {
		t.Errorf("got %+v", ms)
	}
}

func TestNothingSaidIsNoAnswer(t *testing.T) {
	for _, c := range []Config{role(t, "quiet"), role(t, "say", " \n", "\x1b[0m")} {
		if ms, err := build(t, c).Respond(context.Background(), delivery("x")); ms != nil || err != nil {
			t.Errorf("got %v, %v", ms, err)
		}
	}
}

func TestOtherKindsOfEventsStay(t *testing.T) {
	d := delivery("x")
	d.Event.Kind = platforms.MessageEdited
	c := role(t, "say", "ran")
	if ms, err := build(t, c).Respond(context.Background(), d); ms != nil || err != nil {
		t.Errorf("got %v, %v", ms, err)
	}
	c.Kinds = []platforms.EventKind{platforms.MessageEdited}
	if got := answer(t, c, d); got != "ran" {
		t.Errorf("got %q", got)
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("POSTERN_SECRET", "s3cret-1")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cret-2")
	t.Setenv("WANTED", "yes")
	t.Setenv("TZ", "Europe/Berlin")
	c := role(t, "environment")
	c.Pass = []string{"WANTED", "NOT_THERE"}
	c.Set = map[string]platforms.Secret{"MINE": platforms.NewSecret("a=b c")}
	d := delivery("x")
	d.Event.Conversation.ID = "../$(id)`x`;'\"\n-é"
	var env []string
	if err := json.Unmarshal([]byte(answer(t, c, d)), &env); err != nil {
		t.Fatal(err)
	}
	slices.Sort(env)
	var got []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case slices.Contains([]string{"PATH", "HOME", "LANG"}, name), slices.Contains(process.Passed(), name) && name != "TZ":
		default:
			got = append(got, v)
		}
	}
	want := []string{
		"MINE=a=b c",
		"POSTERN_ACCOUNT=a1",
		"POSTERN_CONVERSATION=%2E.%2F%24%28id%29%60x%60%3B%27%22%0A-%C3%A9",
		"POSTERN_EVENT=" + wire.ID(d),
		"POSTERN_KIND=message",
		"POSTERN_MESSAGE=m1",
		"POSTERN_THREAD=",
		"POSTERN_USER_ID=u1",
		"POSTERN_VERSION=1",
		"TZ=Europe/Berlin",
		"WANTED=yes",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the program's environment:\n%q\nwant\n%q", got, want)
	}
}

func TestLongIDsStayDifferent(t *testing.T) {
	a, b := fact(strings.Repeat("é", 300)+"a"), fact(strings.Repeat("é", 300)+"b")
	if a == b || len(a) > longFact || len(b) > longFact {
		t.Errorf("%d and %d bytes, equal: %v", len(a), len(b), a == b)
	}
}

func TestWorkingFolder(t *testing.T) {
	c := role(t, "folder")
	want, err := filepath.EvalSymlinks(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer(t, c, delivery("")); got != want {
		t.Errorf("it ran in %q, want %q", got, want)
	}
}

func TestArguments(t *testing.T) {
	long := strings.Repeat("é", longArgument)
	for _, c := range []struct {
		name  string
		args  []string
		holes []string
		text  string
		want  []string // nil: refused
	}{
		{"nothing from outside", []string{"{text}", "$HOME", "*"}, nil, "evil", []string{"{text}", "$HOME", "*"}},
		{"one argument", []string{"{text}", "end"}, []string{"text"}, "a b\n'\" $(id) ; | * \x00&", []string{"a b\n'\" $(id) ; | * &", "end"}},
		{"an empty one", []string{"{text}", "end"}, []string{"text"}, "", []string{"", "end"}},
		{"text like a placeholder", []string{"{text}", "{user}"}, []string{"text", "user"}, "{user}", []string{"{user}", "u1"}},
		{"cut", []string{"{text}"}, []string{"text"}, "a" + long, []string{"a" + long[:longArgument-2]}},
		{"like an option", []string{"{text}"}, []string{"text"}, "--config=/etc/x", nil},
		{"after dashes", []string{"--", "{text}"}, []string{"text"}, "--config=/etc/x", []string{"--", "--config=/etc/x"}},
		{"dashes of the sender's", []string{"{text}", "{conversation}"}, []string{"text", "conversation"}, "--", nil},
		{"invalid", []string{"{text}"}, []string{"text"}, "a\xffb", []string{"a\uFFFDb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := role(t, "arguments", c.args...)
			k.Placeholders = c.holes
			d := in("-100", c.text)
			if c.want == nil {
				_, err := build(t, k).Respond(context.Background(), d)
				wantKind(t, err, platforms.Rejected, "not run")
				return
			}
			var got []string
			if err := json.Unmarshal([]byte(answer(t, k, d)), &got); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	run := func(args ...string) error {
		ms, err := build(t, role(t, "exit", args...)).Respond(context.Background(), delivery("x"))
		if ms != nil {
			t.Errorf("a failed program answered %v", ms)
		}
		return err
	}
	wantKind(t, run("3", "no such \x1b[1mfile"), platforms.Rejected, "exit status 3", "It said: no such file")
	wantKind(t, run("1"), platforms.Rejected, "nothing on its standard error")
	wantKind(t, run("75", "later"), platforms.Temporary, "later")
}

func TestOnlyTheEndOfStandardErrorIsKept(t *testing.T) {
	_, err := build(t, role(t, "complain")).Respond(context.Background(), delivery("x"))
	e := wantKind(t, err, platforms.Rejected, "line 1999 é", "It said: …")
	if len(e.Text) > tailBytes+200 || len(e.Text) < tailBytes-200 || strings.Contains(e.Text, "\uFFFD") {
		t.Errorf("the sentence has %d bytes", len(e.Text))
	}
}

func TestSecretsAreNotTold(t *testing.T) {
	t.Setenv("MY_TOKEN", "passed-on-5566")
	with := func(c Config) Config {
		c.Pass = []string{"MY_TOKEN"}
		c.Set = map[string]platforms.Secret{"API_KEY": platforms.NewSecret("sesame-open-0815")}
		return c
	}
	if got := answer(t, with(role(t, "tell")), delivery("x")); got != "out [secret] [secret]" {
		t.Errorf("it told %q", got)
	}
	_, err := build(t, with(role(t, "tell", "fail"))).Respond(context.Background(), delivery("x"))
	wantKind(t, err, platforms.Rejected, "It said: err [secret]")

	// Where output is cut, half a secret must not be left.
	for n := range len("sesame-open-0815") {
		c := with(role(t, "edge", fmt.Sprint(1024-n), "0"))
		c.Output = 1024
		if got := answer(t, c, delivery("x")); strings.Contains(strings.SplitN(got, "\n", 2)[0], "s") {
			t.Errorf("cut after %d bytes of it, it told %q", n, got[900:])
		}
		_, err := build(t, with(role(t, "edge", "0", fmt.Sprint(tailBytes+16-n)))).Respond(context.Background(), delivery("x"))
		if e := wantKind(t, err, platforms.Rejected); strings.Contains(e.Text, "0815") || strings.Contains(e.Text, "5z") {
			t.Errorf("cut before the last %d bytes of it, it told %q", n, e.Text[:200])
		}
	}
}

func TestTooMuchOutput(t *testing.T) {
	t.Parallel()
	m := meet(t)
	c := role(t, "flood", m.addr)
	got := answer(t, c, delivery("x"))
	if !strings.HasPrefix(got, "flood flood") || !strings.Contains(got, "wrote more than 64 KiB and was stopped") || len(got) > 64<<10+200 {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-200:])
	}
	(<-m.came).gone()
	c.Lines = true
	ms, err := build(t, c).Respond(context.Background(), delivery("x"))
	if err != nil || len(ms) != 2 || !strings.HasSuffix(ms[0].Text, "flood") || !strings.Contains(ms[1].Text, "64 KiB") {
		t.Errorf("by lines: %d answers, %v", len(ms), err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	c := role(t, "say", `{"text":"Choose","buttons":[[{"label":"Yes","data":"y"}]]}`,
		"warning: something", "more", "", `{"text":""}`, `{"text":"bye","format":"markdown"}`, `{"text":`)
	c.Lines = true
	ms, err := build(t, c).Respond(context.Background(), delivery("x"))
	if err != nil || len(ms) != 4 {
		t.Fatalf("got %+v, %v", ms, err)
	}
	if ms[0].Text != "Choose" || len(ms[0].Buttons) != 1 || ms[1].Text != "warning: something\nmore" || ms[1].Format != "" ||
		ms[2].Text != "bye" || ms[2].Format != platforms.Markdown || ms[3].Text != `{"text":` {
		t.Errorf("got %+v", ms)
	}
	many := role(t, "answers")
	many.Lines = true
	ms, err = build(t, many).Respond(context.Background(), delivery("x"))
	if err != nil || len(ms) != mostAnswers+1 || !strings.Contains(ms[mostAnswers].Text, "more than 50") {
		t.Errorf("of 70 answers: %d, %v", len(ms), err)
	}
}

func TestProgramIsGone(t *testing.T) {
	c := role(t, "say", "x")
	c.Dir = t.TempDir()
	r := build(t, c)
	if err := os.Remove(c.Dir); err != nil {
		t.Fatal(err)
	}
	_, err := r.Respond(context.Background(), delivery("x"))
	wantKind(t, err, platforms.Rejected, "could not be started")
}

func TestNeverEnds(t *testing.T) {
	t.Parallel()
	m := meet(t)
	r := build(t, role(t, "wait", m.addr))
	r.c.Timeout = 2 * time.Second
	_, err := r.Respond(context.Background(), delivery(strings.Repeat("more than a pipe holds ", 10000)))
	wantKind(t, err, platforms.Rejected, "still running after 2s")
	(<-m.came).gone()
}
