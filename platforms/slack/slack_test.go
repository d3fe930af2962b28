package slack_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/slack"
	"github.com/postern/postern/platforms/slack/slacktest"
)

// running is a connector whose Run is under way.
type running struct {
	platforms.Connector
	rec    *platformtest.Recorder
	cancel context.CancelFunc
	done   chan error
	told   *strings.Builder
}

func connector(t *testing.T, s *slacktest.Server, c platforms.Config) (platforms.Connector, *strings.Builder) {
	t.Helper()
	told := &strings.Builder{}
	c.Log = slog.New(slog.NewTextHandler(told, nil))
	conn, err := slack.Hasty().New(c)
	must(t, err)
	return conn, told
}

func start(t *testing.T, s *slacktest.Server, from platforms.Cursor) *running {
	t.Helper()
	conn, told := connector(t, s, config(t, s))
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Connector: conn, rec: &platformtest.Recorder{}, cancel: cancel, done: make(chan error, 1), told: told}
	go func() { r.done <- conn.Run(ctx, from, r.rec) }()
	t.Cleanup(cancel)
	r.rec.WaitPhase(t, platforms.Connected)
	if from == "" {
		r.rec.WaitCursor(t)
	}
	return r
}

func (r *running) stop(t *testing.T) error {
	t.Helper()
	r.cancel()
	select {
	case err := <-r.done:
		return err
	case <-soon(t).Done():
		t.Fatal("Run does not end")
	}
	return nil
}

func TestRefreshLeavesNoGap(t *testing.T) {
	for _, reason := range []string{"warning", "refresh_requested"} {
		t.Run(reason, func(t *testing.T) {
			s := newServer(t)
			r := start(t, s, "")
			for i := range 3 {
				s.Refresh(reason)
				must(t, s.WaitSocket(soon(t), i+2))
				must(t, s.WaitSockets(soon(t), 1))
				s.Say(slacktest.Direct, slacktest.Person, reason)
				r.rec.Wait(t, i+1)
			}
			if n := s.Gaps(); n != 0 {
				t.Errorf("%d times nobody was connected", n)
			}
			if err := r.stop(t); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
}

func TestSocketModeSwitchedOff(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	s.Refresh("link_disabled")
	select {
	case err := <-r.done:
		if platforms.KindOf(err) != platforms.Unauthorized || !strings.Contains(platforms.Explain(err), "Socket Mode") {
			t.Errorf("%v", err)
		}
	case <-soon(t).Done():
		t.Fatal("Run goes on")
	}
}

func TestMentionIsOneEvent(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	ts := s.Post(slacktest.Said{Channel: slacktest.Group, User: slacktest.Person, Raw: "<@" + slacktest.Bot + "> see <#" + slacktest.Group + "|general> &amp; <https://example.org|this>, <@" + slacktest.Person + ">"})
	ev := r.rec.WaitCalls(t, 2)
	if ev[0].ID != ev[1].ID || string(ev[0].ID) != "message:"+slacktest.Group+":"+ts || !ev[0].Mentioned || !ev[1].Mentioned {
		t.Errorf("%+v\n%+v", ev[0], ev[1])
	}
	if want := "@Postern see #general & this (https://example.org), @Ada Lovelace"; ev[0].Text != want || ev[1].Text != want {
		t.Errorf("%q, %q", ev[0].Text, ev[1].Text)
	}
	if c := ev[0].Conversation; c.Title != "#general" || c.Kind != platforms.Channel {
		t.Errorf("%+v", c)
	}
}

func TestPreviewIsNoEdit(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	ts := s.Say(slacktest.Direct, slacktest.Person, "https://example.org")
	s.Unfurl(slacktest.Direct, ts)
	s.Edit(slacktest.Direct, ts, "https://example.org/2")
	s.Unfurl(slacktest.Direct, ts)
	s.Say(slacktest.Direct, slacktest.Person, "end")
	var kinds []string
	for _, ev := range r.rec.Wait(t, 3) {
		kinds = append(kinds, string(ev.Kind)+" "+ev.Text)
	}
	if got := strings.Join(kinds, ", "); got != "message https://example.org, edit https://example.org/2, message end" {
		t.Error(got)
	}
}

func TestCatchUp(t *testing.T) {
	s := newServer(t)
	s.AddChannel(slacktest.Channel{ID: "G0SECRET01", Name: "secret", Private: true})
	r := start(t, s, "")
	old := s.Say(slacktest.Group, slacktest.Person, "a topic")
	r.rec.Wait(t, 1)
	must(t, ignoreCanceled(r.stop(t)))
	from := r.rec.Cursor()
	must(t, s.WaitSockets(soon(t), 0))

	s.Advance(2 * time.Hour)
	s.Say(slacktest.Group, slacktest.Person, "before the reply")
	reply := s.Post(slacktest.Said{Channel: slacktest.Group, User: slacktest.Person, Thread: old, Text: "a reply"})
	s.Post(slacktest.Said{Channel: slacktest.Group, User: slacktest.Person, Thread: slacktest.Root, Text: "an old thread"})
	s.Say(slacktest.Group, slacktest.Person, "after the reply")
	s.Edit(slacktest.Group, old, "another topic")
	s.Say("G0SECRET01", slacktest.Person, "psst")
	s.Post(slacktest.Said{Channel: slacktest.Group, Text: "the bot's own"})
	s.Advance(2 * time.Hour) // Slack gave the events up

	conn, told := connector(t, s, config(t, s))
	rec := &platformtest.Recorder{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- conn.Run(ctx, from, rec) }()
	var group []string
	byID := map[platforms.EventID]platforms.Event{}
	for _, ev := range rec.Wait(t, 7) { // with the topic, which is read again
		byID[ev.ID] = ev
		if ev.Conversation.ID == slacktest.Group && ev.Kind == platforms.MessageReceived {
			group = append(group, ev.Text)
		}
	}
	if got := strings.Join(group, ", "); got != "another topic, before the reply, a reply, an old thread, after the reply" {
		t.Error(got)
	}
	if ev := byID[platforms.EventID("message:"+slacktest.Group+":"+reply)]; string(ev.Thread) != old {
		t.Errorf("%+v", ev)
	}
	edits := 0
	for id, ev := range byID {
		if strings.HasPrefix(string(id), "edit:") {
			edits++
			if ev.Text != "another topic" || string(ev.Message) != old {
				t.Errorf("%+v", ev)
			}
		}
	}
	if edits != 1 {
		t.Errorf("%d edits", edits)
	}
	cancel()
	must(t, ignoreCanceled(<-done))
	if len(rec.Cursor()) > 16<<10 || strings.Contains(told.String(), "psst") {
		t.Error("the cursor is too long, or the log tells too much")
	}
}

func TestCommand(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	s.AddChannel(slacktest.Channel{ID: "C0ELSEWHER", Name: "elsewhere"})
	s.Command("C0ELSEWHER", slacktest.Person, "/postern", "deploy <now> & here")
	ev := r.rec.Wait(t, 1)[0]
	if ev.Kind != platforms.MessageReceived || !ev.Mentioned || ev.Text != "deploy <now> & here" || ev.From.ID != slacktest.Person || ev.Reply == "" || ev.Message != "" {
		t.Fatalf("%+v", ev)
	}
	must(t, s.WaitAcks(soon(t), 1))
	m := platforms.Message{Key: "k", Conversation: ev.Conversation.ID, Reply: ev.Reply, Text: "*done*"}
	if id, err := r.Send(soon(t), m); err != nil || id == "" {
		t.Fatal(id, err)
	}
	s.SetFault("chat.postMessage", slacktest.Fault{Error: "not_in_channel"})
	if id, err := r.Send(soon(t), m); err != nil || id == "" {
		t.Fatal(id, err)
	}
	s.SetFault("chat.postMessage", slacktest.Fault{Error: "not_in_channel"})
	m.Reply = ""
	if _, err := r.Send(soon(t), m); platforms.KindOf(err) != platforms.Rejected {
		t.Errorf("%v", err)
	}
	sent := s.Sent()
	if len(sent) != 2 || sent[0].Text != "*done*" || sent[1].Text != "*done*" || sent[1].Channel != "C0ELSEWHER" {
		t.Errorf("%+v", sent)
	}
	must(t, ignoreCanceled(r.stop(t)))
}

func TestReplyTokenLeadsToSlackOnly(t *testing.T) {
	s := newServer(t)
	conn, _ := connector(t, s, config(t, s))
	for _, address := range []string{"http://169.254.169.254/latest", "https://example.org/x", "https://slack.com.example.org/x", "https://a@hooks.slack.com/x", "file:///etc/passwd", ""} {
		err := conn.(platforms.Clicker).Clicked(soon(t), platforms.ReplyToken(`{"u":"`+address+`"}`), "hi")
		if platforms.KindOf(err) != platforms.Rejected {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestClickOfALinkIsNoEvent(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	id, err := r.Send(soon(t), platforms.Message{Key: "k", Conversation: slacktest.Group, ReplyTo: slacktest.Root, Text: "x",
		Buttons: [][]platforms.Button{{{Label: "Go", URL: "https://example.org"}, {Label: "Yes", Data: "y"}}}})
	must(t, err)
	if sent := s.Sent()[0]; sent.Thread != slacktest.Root {
		t.Errorf("an answer in a channel is not in the thread: %+v", sent)
	}
	s.Click(slacktest.Group, string(id), "Go", slacktest.Person)
	s.Click(slacktest.Group, string(id), "Yes", slacktest.Person)
	if ev := r.rec.Wait(t, 1)[0]; ev.Click == nil || ev.Click.Data != "y" || string(ev.Thread) != slacktest.Root {
		t.Errorf("%+v", ev)
	}
	must(t, s.WaitAcks(soon(t), 3)) // and the bot's own message
	must(t, ignoreCanceled(r.stop(t)))
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	s := newServer(t)
	s.SetRivals(3)
	var kept []string
	for _, scope := range s.Scopes() {
		if scope != "chat:write" && scope != "groups:history" {
			kept = append(kept, scope)
		}
	}
	s.SetScopes(kept...)
	conn, _ := connector(t, s, config(t, s))
	id, err := conn.Check(soon(t))
	must(t, err)
	found := map[string]bool{}
	for _, p := range id.Problems {
		found[p.Code] = p.Bad
		if !strings.HasSuffix(p.Text, ".") {
			t.Errorf("%+v", p)
		}
	}
	if bad, ok := found["scope chat:write"]; !bad || !ok {
		t.Errorf("%+v", id.Problems)
	}
	if bad, ok := found["scope groups:history"]; bad || !ok {
		t.Errorf("%+v", id.Problems)
	}
	if _, ok := found["shared"]; !ok || len(found) != 3 {
		t.Errorf("%+v", id.Problems)
	}
}

func TestCheckTellsWhichToken(t *testing.T) {
	for method, word := range map[string]string{"auth.test": "bot token", "apps.connections.open": "app-level token"} {
		s := newServer(t)
		s.SetFault(method, slacktest.Fault{Error: "invalid_auth"})
		conn, _ := connector(t, s, config(t, s))
		if _, err := conn.Check(soon(t)); platforms.KindOf(err) != platforms.Unauthorized || !strings.Contains(platforms.Explain(err), word) {
			t.Errorf("%s: %v", method, err)
		}
	}
	c := config(t, newServer(t))
	c.Secrets = map[string]platforms.Secret{"bot_token": platforms.NewSecret(appToken), "app_token": platforms.NewSecret(botToken)}
	if _, err := slack.Platform().New(c); platforms.KindOf(err) != platforms.Unauthorized || !strings.Contains(err.Error(), "other field") {
		t.Errorf("%v", err)
	}
}

func TestFileWithButtons(t *testing.T) {
	s := newServer(t)
	conn, _ := connector(t, s, config(t, s))
	m := platforms.Message{Key: "k", Conversation: slacktest.Direct, Text: "look <@U0ADAAAAA1> *x*", Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}}},
		Files: []platforms.File{text("a.txt", "one"), text("b.txt", "two")}}
	s.SetFault("chat.postMessage", slacktest.Fault{Code: 503})
	if _, err := conn.Send(soon(t), m); platforms.KindOf(err) != platforms.Temporary {
		t.Fatal(err)
	}
	_, err := conn.Send(soon(t), m)
	must(t, err)
	sent := s.Sent()
	if len(sent) != 2 || len(sent[0].Files) != 2 || sent[0].Text != "" || sent[1].Text != m.Text || len(sent[1].Buttons) != 1 {
		t.Errorf("%+v", sent)
	}
	m.Buttons, m.Key = nil, "k2"
	id, err := conn.Send(soon(t), m)
	must(t, err)
	if last := s.Sent()[2]; last.TS != string(id) || last.Text != m.Text {
		t.Errorf("%q, %+v", id, last)
	}
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
