package slack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slack-go/slack/socketmode"

	"github.com/postern/postern/platforms"
)

var self = bot{User: "U0LAN0Z89", Bot: "B1"}

func recorded(t testing.TB, name string) socketmode.Request {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var req socketmode.Request
	if err := json.Unmarshal(b, &req); err != nil {
		t.Fatal(err)
	}
	return req
}

// TestConvert reads payloads in the form of the documentation's.
func TestConvert(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for name, want := range map[string]platforms.Event{
		"message": {ID: "message:C024BE91L:1355517523.000005", Kind: platforms.MessageReceived, Time: time.UnixMicro(1355517523000005),
			Conversation: platforms.Conversation{ID: "C024BE91L", Kind: platforms.Channel}, Thread: "1355517500.000001", Message: "1355517523.000005",
			From: platforms.User{ID: "U2147483697"}, Mentioned: true,
			Text: "Live long & prosper (https://example.org/a?b=c&d), @bot. @here @team #town a@example.org"},
		"file": {ID: "message:D024BE91L:1355517523.000006", Kind: platforms.MessageReceived, Time: time.UnixMicro(1355517523000006),
			Conversation: platforms.Conversation{ID: "D024BE91L", Kind: platforms.Direct}, Message: "1355517523.000006", From: platforms.User{ID: "U2147483697"}, Mentioned: true,
			Attachments: []platforms.Attachment{{Ref: "F2147483862", Name: "dramacat.gif", MediaType: "image/gif", Size: 43518}}, Note: "a file that is not there any more"},
		"bot": {ID: "message:C024BE91L:1358877455.000010", Kind: platforms.MessageReceived, Time: time.UnixMicro(1358877455000010),
			Conversation: platforms.Conversation{ID: "C024BE91L", Kind: platforms.Channel}, Message: "1358877455.000010",
			From: platforms.User{ID: "BB12033", Name: "github", Bot: true}, Text: "Slack API <Documentation>"},
		"changed": {ID: "edit:C024BE91L:1355517523.000005:1358878755.000001", Kind: platforms.MessageEdited, Time: time.UnixMicro(1358878755000001),
			Conversation: platforms.Conversation{ID: "C024BE91L", Kind: platforms.Channel}, Message: "1355517523.000005", From: platforms.User{ID: "U123ABC456"}, Text: "Hello, world!"},
		"joined": {ID: "membership:C0698JE0H:added:1360782804.083113", Kind: platforms.MembershipChanged, Time: time.UnixMicro(1360782804083113),
			Conversation: platforms.Conversation{ID: "C0698JE0H", Kind: platforms.Channel}, From: platforms.User{ID: "U123456789"}, Note: "the bot was added"},
		"odd": {ID: "message:C024BE91L:1355517523.000005", Kind: platforms.MessageReceived, Time: time.UnixMicro(1355517523000005),
			Conversation: platforms.Conversation{ID: "C024BE91L", Kind: platforms.Channel}, Message: "1355517523.000005", From: platforms.User{ID: "U123ABC456"},
			Text: "kept", Note: "a message in a form that Postern does not know"},
		"command": {ID: "command:13345224609.738474920.8088930838d88f008e0", Kind: platforms.MessageReceived, Time: now,
			Conversation: platforms.Conversation{ID: "C2147483705", Kind: platforms.Channel}, From: platforms.User{ID: "U2147483697", Handle: "Steve"}, Mentioned: true,
			Text: "94070 <x>", Note: "the command /postern", Reply: `{"u":"https://hooks.slack.com/commands/1234/5678","c":"C2147483705"}`},
		"click": {ID: "click:DBQKQ4ZR6:1548261231.000200:UA8RXUSPL:postern:data:0:1548426417.840180", Kind: platforms.ButtonClicked, Time: time.UnixMicro(1548426417840180),
			Conversation: platforms.Conversation{ID: "DBQKQ4ZR6", Kind: platforms.Direct}, Message: "1548261231.000200", From: platforms.User{ID: "UA8RXUSPL", Handle: "jtorrance"}, Mentioned: true,
			Click: &platforms.Click{Data: "deploy:yes", Token: `{"u":"https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209","c":"DBQKQ4ZR6"}`},
			Reply: `{"u":"https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209","c":"DBQKQ4ZR6"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := convert(recorded(t, name), self, now)
			want.Time = want.Time.UTC()
			if g, w := encode(got), encode(want); !ok || g != w {
				t.Errorf("%v\n got %s\nwant %s", ok, g, w)
			}
		})
	}
	for _, name := range []string{"own", "topic"} {
		if ev, ok := convert(recorded(t, name), self, now); ok {
			t.Errorf("%s: %+v", name, ev)
		}
	}
}

// TestOwnByEitherID knows the bot's own messages by its id as a user, which one
// in the name of a custom sender lacks, and by its id as a bot.
func TestOwnByEitherID(t *testing.T) {
	for _, c := range []struct {
		user, bot, subtype string
		own                bool
	}{
		{user: self.User, own: true}, {user: self.User, bot: self.Bot, own: true}, {bot: self.Bot, subtype: "bot_message", own: true},
		{bot: "B2", subtype: "bot_message"}, {user: "U2147483697"}, {user: "U2147483697", bot: "B2"},
	} {
		m := message{Type: "message", Channel: "C024BE91L", TS: "1355517523.000005", User: c.user, BotID: c.bot, Subtype: c.subtype, Text: "x"}
		if _, told := m.happened(self); told == c.own {
			t.Errorf("%+v: told %v", c, told)
		}
	}
}

// TestOddMessages is about messages in no form that is known: whose they are counts
// for them too.
func TestOddMessages(t *testing.T) {
	const odd = `"files":{"not":"a list"}`
	for name, c := range map[string]struct {
		more      string
		told, bot bool
	}{
		"a person's":                {`"user":"U123ABC456"`, true, false},
		"a bot's":                   {`"user":"U123ABC456","bot_id":"B2"`, true, true},
		"of who knows":              {`"user":"U123ABC456","bot_id":{}`, true, true},
		"our own":                   {`"user":"` + self.User + `"`, false, false},
		"a shared file":             {`"user":"U123ABC456","subtype":"file_share"`, true, false},
		"an edit":                   {`"user":"U123ABC456","subtype":"message_changed"`, false, false},
		"of a subtype of who knows": {`"user":"U123ABC456","subtype":{}`, false, false},
	} {
		payload := `{"event":{"type":"message","channel":"C024BE91L","text":"kept","ts":"1355517523.000005",` + c.more + `,` + odd + `}}`
		ev, told := convert(socketmode.Request{Type: socketmode.RequestTypeEventsAPI, EnvelopeID: "e", Payload: []byte(payload)}, self, time.Now())
		if told != c.told || told && (ev.From.Bot != c.bot || ev.From.ID != "U123ABC456" || ev.Text != "kept") {
			t.Errorf("%s: %v, %+v", name, told, ev)
		}
	}
}

// FuzzConvert looks for payloads that crash, and for events without an id.
func FuzzConvert(f *testing.F) {
	for _, name := range []string{"message", "file", "bot", "changed", "joined", "odd", "command", "click"} {
		req := recorded(f, name)
		f.Add(req.Type, []byte(req.Payload))
	}
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		ev, ok := convert(socketmode.Request{Type: socketmode.RequestTypeEventsAPI, EnvelopeID: "e", Payload: payload}, self, time.Now())
		if kind == socketmode.RequestTypeSlashCommands || kind == socketmode.RequestTypeInteractive {
			ev, ok = convert(socketmode.Request{Type: kind, EnvelopeID: "e", Payload: payload}, self, time.Now())
		}
		if ok && (ev.ID == "" || ev.Kind == "" || ev.Conversation.ID == "") && ev.Kind != platforms.MembershipChanged {
			t.Errorf("%+v", ev)
		}
	})
}

func TestPlace(t *testing.T) {
	for _, ts := range []string{"1700000000.000100", "1700000000", "1.5"} {
		if micros(ts) == 0 {
			t.Errorf("%q is a ts", ts)
		}
	}
	for _, ts := range []string{"", "x", "1.x", "-1.000000", "1.0000001", "99999999999999999999", "1.-5"} {
		if micros(ts) != 0 {
			t.Errorf("%q is no ts", ts)
		}
	}
	if got := stamp(micros("1700000000.000100")); got != "1700000000.000100" {
		t.Error(got)
	}
	p := place{At: 1e15, Floor: 1}
	for i := range 10_000 {
		p.saw("C"+stamp(int64(i+1)), 2e15, true)
	}
	if n := len(p.cursor()); n > 16<<10 || len(p.Done) != doneMost {
		t.Errorf("%d bytes, %d conversations", n, len(p.Done))
	}
	again, err := parsePlace(p.cursor())
	if err != nil || again.At != p.At || len(again.Done) != doneMost {
		t.Errorf("%+v, %v", again, err)
	}
	p.caughtUp(0)
	if p.At != 2e15 || p.Done != nil {
		t.Errorf("%+v", p)
	}
	for _, bad := range []platforms.Cursor{"x", "{}", `{"at":-1}`, "null"} {
		if _, err := parsePlace(bad); platforms.KindOf(err) != platforms.Rejected {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
