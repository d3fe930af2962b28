package feishu_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/platformtest"
)

// TestHistory: what the platform gave up is fetched, under the ids that its
// events would have had, and nothing is fetched after a short absence.
func TestHistory(t *testing.T) {
	s, conn := open(t)
	var rec platformtest.Recorder
	stop := run(t, conn, "", &rec)
	s.Say(feishutest.Direct, feishutest.Person, "before")
	rec.Wait(t, 1)
	must(t, s.WaitAll(soon(t)))
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var at struct {
		T int64    `json:"t"`
		P []string `json:"p"`
	}
	must(t, json.Unmarshal([]byte(rec.Cursor()), &at))
	at.P = []string{feishutest.Direct}
	list := func() int { return len(s.Calls("GET /open-apis/im/v1/messages")) }
	resume := func(ago time.Duration) platforms.Cursor {
		at.T = time.Now().Add(-ago).UnixMilli()
		b, _ := json.Marshal(at)
		return platforms.Cursor(b)
	}
	stop = run(t, conn, resume(6*time.Hour), &rec)
	rec.WaitPhase(t, platforms.Connected)
	s.Say(feishutest.Direct, feishutest.Person, "live")
	rec.Wait(t, 2)
	_ = stop()
	if list() != 0 {
		t.Error("history was read although the platform still tries")
	}
	id := s.Keep(feishutest.Said{Chat: feishutest.Direct, User: feishutest.Person, Text: "given up"})
	bot := s.Bot()
	s.Keep(feishutest.Said{Chat: feishutest.Group, User: feishutest.Person, Text: "@_user_1 too", Mentions: []feishutest.Mention{{OpenID: bot.OpenID, Name: bot.Name}}})
	s.Keep(feishutest.Said{Chat: feishutest.Group, Text: "the bot's own"})
	run(t, conn, resume(9*time.Hour), &rec)
	var texts []string
	for _, ev := range rec.Wait(t, 5) { // with the first message of the topic
		texts = append(texts, ev.Text)
		if ev.Text == "given up" && (ev.ID != platforms.EventID("message:"+id) || ev.Conversation.Kind != platforms.Direct || !ev.Mentioned) {
			t.Errorf("%+v", ev)
		}
		if strings.HasSuffix(ev.Text, "too") && (ev.Text != "@Postern too" || !ev.Mentioned || ev.Conversation.Title != "Engine room") {
			t.Errorf("%+v", ev)
		}
	}
	if !slices.Contains(texts, "given up") || !slices.Contains(texts, "@Postern too") || slices.Contains(texts, "the bot's own") {
		t.Errorf("%q", texts)
	}
}

// TestHistoryMayBeClosed: without the permission the person is told, and the
// connection works.
func TestHistoryMayBeClosed(t *testing.T) {
	s, conn := open(t)
	s.Deny("im:message", "im:message:readonly")
	var rec platformtest.Recorder
	run(t, conn, platforms.Cursor(fmt.Sprintf(`{"t":%d}`, time.Now().Add(-50*time.Hour).UnixMilli())), &rec)
	s.Say(feishutest.Direct, feishutest.Person, "live")
	rec.Wait(t, 1)
	states := rec.States()
	if !strings.Contains(states[len(states)-1].Note, "im:message:readonly") {
		t.Errorf("%+v", states)
	}
}
