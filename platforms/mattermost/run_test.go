package mattermost_test

import (
	"fmt"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/mattermost"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
	"github.com/postern/postern/platforms/platformtest"
)

func connect(t *testing.T, w *platformtest.World) platforms.Connector {
	t.Helper()
	conn, err := mattermost.Platform().New(w.Config)
	must(t, err)
	return conn
}

// TestFloor has a new account hear nothing of what was before it.
func TestFloor(t *testing.T) {
	w, s := world(t)
	defer w.Close()
	s.Say(mattermosttest.Direct, mattermosttest.Person, "before")
	var rec platformtest.Recorder
	end := start(t, connect(t, w), &rec)
	rec.WaitCursor(t)
	s.Say(mattermosttest.Direct, mattermosttest.Person, "after")
	evs := rec.Wait(t, 1)
	end()
	if len(evs) != 1 || evs[0].Text != "after" {
		t.Errorf("heard %+v", evs)
	}
}

// TestLongAbsence misses more posts than the server gives at once, and hears
// all of them in order, with cursors that stay small.
func TestLongAbsence(t *testing.T) {
	w, s := world(t)
	defer w.Close()
	var rec platformtest.Recorder
	end := start(t, connect(t, w), &rec)
	from := rec.WaitCursor(t)
	end()
	const n = 5000
	for i := range n {
		s.Say(mattermosttest.Direct, mattermosttest.Person, fmt.Sprint("post ", i))
	}
	var later platformtest.Recorder
	end = startAt(connect(t, w), from, &later)
	evs := later.Wait(t, n)
	end()
	for i, ev := range evs {
		if want := fmt.Sprint("post ", i); ev.Text != want {
			t.Fatalf("event %d is %q", i, ev.Text)
		}
		if len(ev.Cursor) > 16<<10 {
			t.Fatalf("a cursor of %d bytes", len(ev.Cursor))
		}
	}
}

// TestChoosing takes numbers for choices where the bot asked, after a restart too.
func TestChoosing(t *testing.T) {
	w, s := world(t)
	defer w.Close()
	var rec platformtest.Recorder
	first := connect(t, w)
	end := start(t, first, &rec)
	from := rec.WaitCursor(t)
	id, err := first.Send(t.Context(), platforms.Message{Key: "k", Conversation: mattermosttest.Direct, Text: "Tea?",
		Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}, {Label: "No", Data: "n"}}}})
	must(t, err)
	end()
	s.React(string(id), mattermosttest.Person, "two")
	s.Say(mattermosttest.Direct, mattermosttest.Person, "1")
	s.Say(mattermosttest.Direct, mattermosttest.Person, "3")
	var later platformtest.Recorder
	end = startAt(connect(t, w), from, &later)
	evs := later.Wait(t, 3)
	end()
	if evs[0].Click == nil || evs[0].Click.Data != "n" {
		t.Errorf("the reaction is %+v", evs[0])
	}
	if evs[1].Click == nil || evs[1].Click.Data != "y" || evs[1].Message != id {
		t.Errorf("the number is %+v", evs[1])
	}
	if evs[2].Click != nil || evs[2].Text != "3" {
		t.Errorf("a number that nothing has is %+v", evs[2])
	}
}

// TestEditedWhileAway hears of a change to a post that it has heard of shortly
// before.
func TestEditedWhileAway(t *testing.T) {
	w, s := world(t)
	t.Cleanup(w.Close)
	conn := connect(t, w)
	rec := &platformtest.Recorder{}
	end := startAt(conn, "", rec)
	rec.WaitPhase(t, platforms.Connected)
	rec.WaitCursor(t)
	id := s.Say(mattermosttest.Direct, mattermosttest.Person, "teh")
	rec.Wait(t, 1)
	end()
	s.Edit(id, "the")
	fresh := s.Say(mattermosttest.Direct, mattermosttest.Person, "nwe")
	s.Edit(fresh, "new")
	rec.Begin()
	defer startAt(conn, rec.Cursor(), rec)()
	got := rec.Wait(t, 3)
	if got[1].Kind != platforms.MessageEdited || got[1].Text != "the" || got[2].Kind != platforms.MessageReceived || got[2].Text != "new" || len(got) != 3 {
		t.Errorf("%+v", got[1:])
	}
}
