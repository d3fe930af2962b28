package mattermost_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/mattermost"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
	"github.com/postern/postern/platforms/platformtest"
)

func doorWorld(t *testing.T) (*platformtest.World, *mattermosttest.Server) {
	w, s := world(t)
	in, err := ingresstest.NewLoopback()
	must(t, err)
	t.Cleanup(in.Close)
	w.Config.Ingress = in
	w.Config.Key = platforms.NewSecret("a-key-of-the-account-0123456789abcdef")
	w.Sent = func() []platformtest.Sent {
		out := sent(s)
		for i, m := range s.Sent() {
			for _, row := range mattermosttest.Actions(m.Post) {
				var buttons []platforms.Button
				for _, a := range row {
					buttons = append(buttons, platforms.Button{Label: a.Name, Data: string(a.Context)})
				}
				out[i].Buttons = append(out[i].Buttons, buttons)
			}
			for line := range strings.Lines(m.Shown) {
				if label, url, ok := strings.Cut(strings.TrimSpace(line), ": http"); ok {
					out[i].Buttons = append(out[i].Buttons, []platforms.Button{{Label: label, URL: "http" + url}})
				}
			}
		}
		return out
	}
	w.Click = func(_ platforms.ConversationID, m platforms.MessageID, label string) {
		go func() { // until Run has opened the door, there is nobody to answer
			for end := time.Now().Add(5 * time.Second); s.Press(string(m), mattermosttest.Person, label) != nil && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	w.Answered = func() []string { // the answer is on its way to the server
		for end := time.Now().Add(10 * time.Second); len(s.Answers()) == 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		return s.Answers()
	}
	return w, s
}

func TestContractWithADoor(t *testing.T) {
	h := harness(mattermost.Platform())
	h.Numbered = false
	h.New = func(t *testing.T) *platformtest.World { w, _ := doorWorld(t); return w }
	platformtest.Run(t, h)
}

// TestForgedClicks tries what somebody could who reaches the address.
func TestForgedClicks(t *testing.T) {
	w, s := doorWorld(t)
	t.Cleanup(w.Close)
	conn, err := mattermost.Platform().New(w.Config)
	must(t, err)
	rec := &platformtest.Recorder{OnEvent: func(ctx context.Context, ev platforms.Event) error {
		return conn.(platforms.Clicker).Clicked(ctx, ev.Click.Token, "noted") // or each press waits for words
	}}
	end := start(t, conn, rec)
	defer end()
	rec.WaitPhase(t, platforms.Connected)
	send := func(c platforms.ConversationID, key string) mattermosttest.Sent {
		_, err := conn.Send(t.Context(), platforms.Message{Key: key, Conversation: c, Text: "Well?", Buttons: [][]platforms.Button{{{Label: "Yes", Data: "yes"}, {Label: "No", Data: "no"}}}})
		must(t, err)
		all := s.Sent()
		return all[len(all)-1]
	}
	p, other, beside := send(mattermosttest.Direct, "one"), send(mattermosttest.Town, "two"), send(mattermosttest.Direct, "three")
	action := mattermosttest.Actions(p.Post)[0][0]
	body := func(change func(map[string]any, map[string]any)) map[string]any {
		var c map[string]any
		must(t, json.Unmarshal(action.Context, &c))
		b := map[string]any{"user_id": mattermosttest.Person, "channel_id": p.ChannelID, "post_id": p.ID, "context": c}
		change(b, c)
		return b
	}
	for name, change := range map[string]func(b, c map[string]any){
		"no signature":         func(_, c map[string]any) { delete(c, "mac") },
		"another signature":    func(_, c map[string]any) { c["mac"] = strings.Repeat("00", 32) },
		"another answer":       func(_, c map[string]any) { c["data"] = "no" },
		"another channel":      func(b, c map[string]any) { b["channel_id"], c["channel"] = mattermosttest.Town, mattermosttest.Town },
		"another post":         func(b, _ map[string]any) { b["post_id"] = other.ID },
		"the post beside it":   func(b, _ map[string]any) { b["post_id"] = beside.ID },
		"said to be elsewhere": func(b, _ map[string]any) { b["channel_id"] = mattermosttest.Town },
		"a later end":          func(_, c map[string]any) { c["expires"] = "2999-01-01T00:00:00Z" },
		"nobody":               func(b, _ map[string]any) { b["user_id"] = "nobody0000000000000000001" },
		"a path for a user":    func(b, _ map[string]any) { b["user_id"] = "../../users/me" },
		"no context":           func(b, _ map[string]any) { delete(b, "context") },
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.Callback(action.URL, body(change)); err == nil || !strings.Contains(err.Error(), "403") && !strings.Contains(err.Error(), "404") {
				t.Errorf("it is answered with %v", err)
			}
		})
	}
	if n := len(rec.Events()); n > 0 {
		t.Fatalf("%d events: %+v", n, rec.Events())
	}
	heard := 0
	t.Run("everybody who sees it, once each", func(t *testing.T) {
		const bob = "bob00000000000000000000001"
		s.AddUser(mattermosttest.User{ID: bob, Username: "bob"})
		for range 2 {
			for _, who := range []string{bob, mattermosttest.Person} {
				must(t, s.Press(other.ID, who, "Yes"))
			}
		}
		var from []platforms.UserID
		for _, ev := range rec.Events() {
			if ev.Click == nil || ev.Click.Data != "yes" || ev.Message != platforms.MessageID(other.ID) {
				t.Errorf("%+v", ev)
			}
			from = append(from, ev.From.ID)
		}
		// Who may not use the button, and was first, has not used it up.
		if !slices.Equal(from, []platforms.UserID{bob, mattermosttest.Person}) {
			t.Errorf("pressed by %q", from)
		}
		heard = len(rec.Events())
	})
	t.Run("the real one, once", func(t *testing.T) {
		for range 2 {
			must(t, s.Callback(action.URL, body(func(_, _ map[string]any) {})))
		}
		if evs := rec.Events()[heard:]; len(evs) != 1 || evs[0].Click.Data != "yes" || len(rec.Twice()) != 0 {
			t.Errorf("%+v", evs)
		}
		if !slices.Contains(s.Answers(), "This button was pressed already.") {
			t.Errorf("%q", s.Answers())
		}
	})
}
