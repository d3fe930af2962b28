package line_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/line"
	"github.com/postern/postern/platforms/line/linetest"
	"github.com/postern/postern/platforms/platformtest"
)

// stage is an emulator with a connector.
type stage struct {
	*linetest.Server
	in   *ingresstest.Ingress
	conn platforms.Connector
	log  *logged
}

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newStage(t *testing.T, change ...func(*platforms.Config)) *stage {
	t.Helper()
	s := &stage{Server: newServer(t), in: ingresstest.New(), log: &logged{}}
	s.Through(s.in, true)
	c := config(t, s.Server, s.in)
	c.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, f := range change {
		f(&c)
	}
	conn, err := line.Platform().New(c)
	must(t, err)
	s.conn = conn
	return s
}

// run runs the connector into rec; stop ends that and gives Run's error.
func (s *stage) run(t *testing.T, rec *platformtest.Recorder) (stop func() error) {
	t.Helper()
	rec.Begin()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		err := s.conn.Run(ctx, "", rec)
		rec.End(err)
		done <- err
	}()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func (s *stage) send(t *testing.T, m platforms.Message) platforms.MessageID {
	t.Helper()
	if m.Conversation == "" {
		m.Conversation = linetest.Direct
	}
	id, err := s.conn.Send(soon(t), m)
	must(t, err)
	return id
}

// hear has a person write, and gives the event.
func (s *stage) hear(t *testing.T, m linetest.Said) platforms.Event {
	t.Helper()
	var rec platformtest.Recorder
	stop := s.run(t, &rec)
	s.Post(m)
	ev := rec.Wait(t, 1)[0]
	must(t, s.WaitAcked(soon(t)))
	_ = stop()
	return ev
}

func wants(t *testing.T, err error, kind platforms.Kind, words string) {
	t.Helper()
	if platforms.KindOf(err) != kind || !strings.Contains(platforms.Explain(err), words) {
		t.Errorf("kind %q, %v; want %q and %q", platforms.KindOf(err), err, kind, words)
	}
}

func problem(t *testing.T, s *stage, code string) (p platforms.Problem, found bool) {
	t.Helper()
	id, err := s.conn.Check(soon(t))
	must(t, err)
	for _, p := range id.Problems {
		if p.Code == code {
			return p, true
		}
	}
	return p, false
}

func TestAnswersAreFreeWhileTheyCanBe(t *testing.T) {
	s := newStage(t)
	ev := s.hear(t, linetest.Said{Chat: linetest.Direct, User: linetest.Person, Text: "question"})
	s.send(t, platforms.Message{Key: "1", Text: "first", Reply: ev.Reply})
	s.send(t, platforms.Message{Key: "2", Text: "second", Reply: ev.Reply})
	sent := s.Sent()
	if !sent[0].Free || sent[1].Free {
		t.Errorf("free: %v, %v; want the first only", sent[0].Free, sent[1].Free)
	}
	replies := 0
	for _, c := range s.Calls() {
		if strings.HasSuffix(c.Path, "/reply") {
			if replies++; c.RetryKey != "" {
				t.Error("a reply carries a retry key, which LINE refuses")
			}
		}
	}
	if replies != 1 {
		t.Errorf("the token was tried %d times, want once", replies)
	}
}

func TestAnExpiredReplyTokenBecomesAPush(t *testing.T) {
	s := newStage(t)
	ev := s.hear(t, linetest.Said{Chat: linetest.Direct, User: linetest.Person, Text: "question"})
	s.Advance(90e9)
	s.send(t, platforms.Message{Key: "1", Text: "late", Reply: ev.Reply})
	if sent := s.Sent(); len(sent) != 1 || sent[0].Free {
		t.Errorf("%+v", sent)
	}
}

// TestALostReplyIsPushed: LINE has no key for replies, so the person may read
// the message twice, and never not at all.
func TestALostReplyIsPushed(t *testing.T) {
	s := newStage(t)
	ev := s.hear(t, linetest.Said{Chat: linetest.Direct, User: linetest.Person, Text: "question"})
	m := platforms.Message{Key: "1", Conversation: linetest.Direct, Text: "answer", Reply: ev.Reply}
	s.SetFault(linetest.Fault{Kind: linetest.Lost})
	_, err := s.conn.Send(soon(t), m)
	wants(t, err, platforms.Temporary, "LINE")
	first := s.send(t, m)
	if second := s.send(t, m); first != second {
		t.Errorf("ids %q and %q", first, second)
	}
	if n := len(s.Sent()); n != 2 {
		t.Errorf("%d messages, want the reply and one push", n)
	}
}

// TestAReplyThatWasPutOffIsStillFree: the token is spent by what LINE took.
func TestAReplyThatWasPutOffIsStillFree(t *testing.T) {
	down := errors.New("no way to LINE")
	var broken atomic.Bool
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if broken.Load() {
			return nil, down
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	s := newStage(t, func(c *platforms.Config) { c.HTTP = &http.Client{Transport: transport} })
	for name, fail := range map[string]func(){
		"slower":   func() { s.SetFault(linetest.Fault{Code: http.StatusTooManyRequests}) },
		"not sent": func() { broken.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			ev := s.hear(t, linetest.Said{Chat: linetest.Direct, User: linetest.Person, Text: "question"})
			m := platforms.Message{Key: name, Conversation: linetest.Direct, Text: "answer", Reply: ev.Reply}
			fail()
			if _, err := s.conn.Send(soon(t), m); err == nil {
				t.Fatal("it was sent")
			}
			broken.Store(false)
			s.send(t, m)
			if sent := s.Sent(); !sent[len(sent)-1].Free {
				t.Error("the answer was pushed, which costs")
			}
		})
	}
}

func TestQuotes(t *testing.T) {
	s := newStage(t)
	ev := s.hear(t, linetest.Said{Chat: linetest.Direct, User: linetest.Person, Text: "question"})
	s.send(t, platforms.Message{Key: "1", Text: "by the event", Reply: ev.Reply, ReplyTo: ev.Message})
	id := s.send(t, platforms.Message{Key: "2", Text: "from memory", ReplyTo: ev.Message})
	s.send(t, platforms.Message{Key: "3", Text: "not known", ReplyTo: "1"})
	s.send(t, platforms.Message{Key: "4", Text: "with buttons", ReplyTo: ev.Message, Buttons: [][]platforms.Button{{{Label: "a", Data: "a"}}}})
	sent := s.Sent()
	for i, want := range []string{string(ev.Message), string(ev.Message), "", string(ev.Message), ""} {
		if sent[i].Quotes != want {
			t.Errorf("message %d quotes %q, want %q", i, sent[i].Quotes, want)
		}
	}
	answer := s.hear(t, linetest.Said{Chat: linetest.Group, User: linetest.Person, Text: "that", Quotes: string(id)})
	if !answer.Mentioned || answer.ReplyTo != id {
		t.Errorf("who quotes the bot addresses it: %+v", answer)
	}
}

func TestMentions(t *testing.T) {
	s := newStage(t)
	ada, stranger := "[Ada](mention:"+linetest.Person+")", "[Eve](mention:U8f8f8f8f8f8f8f8f8f8f8f8f8f8f8f8f)"
	for i, m := range []struct{ chat, text, want, who string }{
		{linetest.Group, "hi " + ada + " {m0} {{x}} }{", "hi @Ada Lovelace {m0} {{x}} }{", linetest.Person},
		{linetest.Group, ada + " and " + ada, "@Ada Lovelace and @Ada Lovelace", linetest.Person},
		{linetest.Group, ada + " and " + stranger, "Ada and Eve", ""},
		{linetest.Direct, ada + " {m0}", "Ada {m0}", ""},
		{linetest.Group, "[all](mention:all) {m0}", "all {m0}", ""},
	} {
		s.send(t, platforms.Message{Key: string(rune('a' + i)), Conversation: platforms.ConversationID(m.chat), Format: platforms.Markdown, Text: m.text})
		got := s.Sent()[i]
		if got.Text != m.want || strings.Join(got.Mentions, "") != m.who && len(got.Mentions) != 2 {
			t.Errorf("%q came as %q, mentioning %v", m.text, got.Text, got.Mentions)
		}
	}
}

func TestButtons(t *testing.T) {
	many := [][]platforms.Button{}
	for range 13 {
		many = append(many, []platforms.Button{{Label: "a label that is too long for LINE 👩‍👩‍👧", Data: strings.Repeat("d", line.Platform().Limits.Data)}})
	}
	long := strings.Repeat("😀", 2500)
	t.Run("in a bubble", func(t *testing.T) {
		s := newStage(t)
		id := s.send(t, platforms.Message{Key: "1", Text: "short", Buttons: many})
		if m := s.Sent()[0]; m.ID != string(id) || m.Text != "short" || len(m.Buttons) != 13 || m.Quick {
			t.Errorf("%+v", m)
		}
	})
	t.Run("below a long text", func(t *testing.T) {
		s := newStage(t)
		id := s.send(t, platforms.Message{Key: "1", Text: long, Buttons: many})
		sent := s.Sent()
		if len(sent) != 2 || sent[0].Text != long || sent[1].ID != string(id) || len(sent[1].Buttons) != 13 {
			t.Errorf("%d messages", len(sent))
		}
	})
	t.Run("as quick replies", func(t *testing.T) {
		s := newStage(t, func(c *platforms.Config) { c.Settings["buttons"] = "quick" })
		var rec platformtest.Recorder
		s.run(t, &rec)
		id := s.send(t, platforms.Message{Key: "1", Text: long, Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}}}})
		if m := s.Sent()[0]; !m.Quick || m.Text != long || len(m.Buttons) != 1 {
			t.Errorf("%+v", m)
		}
		s.Click(string(id), "Yes", linetest.Person)
		if ev := rec.Wait(t, 1)[0]; ev.Click.Data != "y" || ev.Message != id {
			t.Errorf("%+v", ev)
		}
	})
	t.Run("what LINE would refuse", func(t *testing.T) {
		s := newStage(t)
		for _, b := range []platforms.Button{{Label: " ", Data: "x"}, {Label: "x"}, {Label: "x", URL: "javascript:alert(1)"}, {Label: "x", URL: "https://e/" + strings.Repeat("x", 1000)}} {
			_, err := s.conn.Send(soon(t), platforms.Message{Conversation: linetest.Direct, Text: "x", Buttons: [][]platforms.Button{{b}}})
			wants(t, err, platforms.Rejected, "utton")
		}
		_, err := s.conn.Send(soon(t), platforms.Message{Conversation: linetest.Direct, Text: "x", Buttons: append(many, many...)})
		wants(t, err, platforms.Rejected, "26 buttons")
		if len(s.Calls()) != 0 {
			t.Error("something was sent")
		}
	})
}

func TestFilesAndTypingThatLINEHasNot(t *testing.T) {
	s := newStage(t)
	_, err := s.conn.Send(soon(t), platforms.Message{Conversation: linetest.Direct, Text: "x", Files: []platforms.File{{Name: "f"}}})
	wants(t, err, platforms.Unsupported, "public addresses")
	wants(t, s.conn.(platforms.Typer).Typing(soon(t), linetest.Group, ""), platforms.Unsupported, "direct chats only")
	if _, ok := s.conn.(platforms.Editor); ok || line.Platform().Limits.Edit {
		t.Error("LINE has no edits")
	}
	must(t, s.conn.(platforms.Typer).Typing(soon(t), linetest.Direct, ""))
	if v := s.Typed(); len(v) != 1 || v[0].Seconds != 20 {
		t.Errorf("%+v", v)
	}
}

func TestNamesAreAskedOnce(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.run(t, &rec)
	for range 3 {
		s.Say(linetest.Group, linetest.Grace, "x")
	}
	for _, ev := range rec.Wait(t, 3) {
		if ev.From.Name != "Grace Hopper" || ev.Conversation.Title != "Engine room" {
			t.Errorf("%+v", ev)
		}
	}
	n := 0
	for _, c := range s.Calls() {
		if c.Method == http.MethodGet && strings.Contains(c.Path, "/group/") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d questions, want one for the person and one for the group", n)
	}
}

func TestFilesIn(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.run(t, &rec)
	post := func(kind string) string {
		return s.Post(linetest.Said{Chat: linetest.Direct, User: linetest.Person, Kind: kind, File: &linetest.File{Name: "f", MediaType: "video/mp4", Data: []byte("moving")}})
	}
	slow, broken := post("video"), post("audio")
	s.Prepare(slow, 1, false)
	s.Prepare(broken, 0, true)
	evs := rec.Wait(t, 2)
	body, err := s.conn.(platforms.Opener).Open(soon(t), evs[0].Attachments[0])
	must(t, err)
	var b bytes.Buffer
	if _, err := b.ReadFrom(body); err != nil || b.String() != "moving" {
		t.Errorf("%q, %v", b.String(), err)
	}
	must(t, body.Close())
	_, err = s.conn.(platforms.Opener).Open(soon(t), evs[1].Attachments[0])
	wants(t, err, platforms.Rejected, "could not prepare")
	for _, ref := range []string{"", "../info", "1/../../x", "123"} {
		_, err = s.conn.(platforms.Opener).Open(soon(t), platforms.Attachment{Ref: ref})
		wants(t, err, platforms.Rejected, "any more")
	}
}
