package slack_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/slack"
	"github.com/postern/postern/platforms/slack/slacktest"
)

// TestOverlap has a later message stored and an earlier one not, which Slack
// does not deliver again either.
func TestOverlap(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	r.rec.FailOn(2, nil)
	s.Swap(slacktest.Said{Channel: slacktest.Direct, User: slacktest.Person, Text: "first"},
		slacktest.Said{Channel: slacktest.Direct, User: slacktest.Person, Text: "second"})
	if err := <-r.done; !errors.Is(err, platformtest.ErrSink) {
		t.Fatal(err)
	}
	must(t, s.WaitSockets(soon(t), 0))
	s.Advance(time.Hour)
	from := r.rec.Cursor()
	r = start(t, s, from)
	if ev := r.rec.Wait(t, 1)[0]; ev.Text != "first" {
		t.Errorf("%q", ev.Text)
	}
	must(t, ignoreCanceled(r.stop(t)))
}

// TestMissedComesBeforeNew has a new message wait at the socket while those
// before it are only in the history, behind many other conversations.
func TestMissedComesBeforeNew(t *testing.T) {
	s := newServer(t)
	for i := range 30 {
		s.AddChannel(slacktest.Channel{ID: fmt.Sprintf("C0ROOM%04d", i), Name: fmt.Sprint("room", i)})
	}
	const last = "C0ROOM0029"
	r := start(t, s, "")
	must(t, ignoreCanceled(r.stop(t)))
	must(t, s.WaitSockets(soon(t), 0))
	s.Say(last, slacktest.Person, "missed 1")
	s.Say(last, slacktest.Person, "missed 2")
	s.Advance(time.Hour)
	s.Say(last, slacktest.Person, "new")
	r = start(t, s, r.rec.Cursor())
	var got []string
	for _, ev := range r.rec.Wait(t, 3) {
		got = append(got, ev.Text)
	}
	if !slices.Equal(got, []string{"missed 1", "missed 2", "new"}) {
		t.Error(got)
	}
	must(t, s.WaitCalls(soon(t), "conversations.history", 32))
	must(t, ignoreCanceled(r.stop(t)))
}

// TestManyPages misses more than a page of messages.
func TestManyPages(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	must(t, ignoreCanceled(r.stop(t)))
	must(t, s.WaitSockets(soon(t), 0))
	const many = 450
	for i := range many {
		s.Say(slacktest.Group, slacktest.Person, fmt.Sprint("m", i))
	}
	s.Advance(time.Hour)
	r = start(t, s, r.rec.Cursor())
	for i, ev := range r.rec.Wait(t, many) {
		if ev.Text != fmt.Sprint("m", i) {
			t.Fatalf("%d: %q", i, ev.Text)
		}
	}
	must(t, ignoreCanceled(r.stop(t)))
}

func TestReplyToTheBotIsForTheBot(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	id, err := r.Send(soon(t), platforms.Message{Key: "k", Conversation: slacktest.Group, Text: "Anybody here?"})
	must(t, err)
	s.Post(slacktest.Said{Channel: slacktest.Group, User: slacktest.Person, Thread: string(id), Text: "I am"})
	s.Post(slacktest.Said{Channel: slacktest.Group, User: slacktest.Person, Thread: slacktest.Root, Text: "not for the bot"})
	evs := r.rec.Wait(t, 2)
	if !evs[0].Mentioned || string(evs[0].Thread) != string(id) || evs[1].Mentioned {
		t.Errorf("%+v", evs)
	}
	must(t, ignoreCanceled(r.stop(t)))
}

// TestManifestAsksForWhatCheckNeeds compares the manifest with the scopes.
func TestManifestAsksForWhatCheckNeeds(t *testing.T) {
	g := slack.Platform().Setup
	for _, scope := range g.Scopes {
		if !strings.Contains(g.Manifest, "      - "+scope+"\n") {
			t.Errorf("the manifest lacks %s", scope)
		}
	}
	for _, line := range []string{"socket_mode_enabled: true", "    is_enabled: true", "command: /postern", "- app_mention\n", "- message.im\n"} {
		if !strings.Contains(g.Manifest, line) {
			t.Errorf("the manifest lacks %q", line)
		}
	}
	s := newServer(t)
	if !slices.Equal(slices.Sorted(slices.Values(s.Scopes())), slices.Sorted(slices.Values(g.Scopes))) {
		t.Errorf("%q", s.Scopes())
	}
	if strings.Contains(g.Manifest, "\t") {
		t.Error("YAML has no tabs")
	}
}

// TestCatchUpWaitsWhenAsked has Slack ask for slower reading, while news comes in
// the very conversation that is to be read.
func TestCatchUpWaitsWhenAsked(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	must(t, ignoreCanceled(r.stop(t)))
	must(t, s.WaitSockets(soon(t), 0))
	s.Say(slacktest.Direct, slacktest.Person, "missed")
	s.Advance(time.Hour)
	s.SetFault("conversations.history", slacktest.Fault{Code: 429, RetryAfter: 1})
	r = start(t, s, r.rec.Cursor())
	must(t, s.WaitCalls(soon(t), "conversations.history", 1))
	s.Say(slacktest.Direct, slacktest.Person, "live")
	got := map[string]bool{}
	for _, ev := range r.rec.Wait(t, 2) {
		got[ev.Text] = true
	}
	if !got["missed"] || !got["live"] {
		t.Errorf("%v", got)
	}
	must(t, ignoreCanceled(r.stop(t)))
}
