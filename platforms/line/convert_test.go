package line_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/line"
)

// recorded is the events of testdata, in the documentation's shape.
type recorded struct {
	Name  string
	Event json.RawMessage
	Want  *struct {
		Kind         platforms.EventKind
		Conversation platforms.ConversationID
		Message      platforms.MessageID
		ReplyTo      platforms.MessageID `json:"reply_to"`
		Text, Note   string
		File, Data   string
		Mentioned    bool
	}
}

func events(t testing.TB) (out []recorded) {
	data, err := os.ReadFile("testdata/events.json")
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestConvert(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, r := range events(t) {
		t.Run(r.Name, func(t *testing.T) {
			ev, ok := line.Convert(r.Event, now)
			if !ok || r.Want == nil {
				if ok != (r.Want != nil) {
					t.Fatalf("converted: %v, %+v", ok, ev)
				}
				return
			}
			w := r.Want
			file, data := "", ""
			if len(ev.Attachments) > 0 {
				file = ev.Attachments[0].Name
			}
			if ev.Click != nil {
				data = ev.Click.Data
			}
			if ev.Kind != w.Kind || ev.Conversation.ID != w.Conversation || ev.Message != w.Message || ev.ReplyTo != w.ReplyTo || ev.Text != w.Text ||
				ev.Note != w.Note || file != w.File || data != w.Data || ev.Mentioned != w.Mentioned {
				t.Errorf("%+v\nwant %+v", ev, *w)
			}
			var from struct {
				Source struct{ UserID platforms.UserID }
			}
			must(t, json.Unmarshal(r.Event, &from))
			if ev.Kind != platforms.MembershipChanged && ev.From.ID != from.Source.UserID {
				t.Errorf("from %q, want %q", ev.From.ID, from.Source.UserID)
			}
			if ev.ID != "event:01FZ74A0TDDPYRVKNK77XKC3ZR" || ev.Time.UnixMilli() != 1462629479859 {
				t.Errorf("id %q, time %v", ev.ID, ev.Time)
			}
		})
	}
}

// TestReplyTokenSurvives: what answering needs is in the event, with its end.
func TestReplyTokenSurvives(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ev, _ := line.Convert(events(t)[0].Event, now)
	var got map[string]any
	must(t, json.Unmarshal([]byte(ev.Reply), &got))
	if got["r"] != "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA" || got["q"] != "q3Plxr4AgKd" || got["u"] != float64(now.Add(50*time.Second).UnixMilli()) {
		t.Errorf("%v", got)
	}
}

func FuzzConvert(f *testing.F) {
	for _, r := range events(f) {
		f.Add([]byte(r.Event))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ev, ok := line.Convert(raw, time.Now())
		if !ok {
			return
		}
		if ev.ID == "" || ev.Kind == "" || ev.Conversation.ID == "" || !utf8.ValidString(ev.Text) || ev.Cursor != "" {
			t.Errorf("%+v", ev)
		}
		if _, err := json.Marshal(ev); err != nil {
			t.Error(err)
		}
		again, _ := line.Convert(raw, time.Now())
		if again.ID != ev.ID {
			t.Errorf("ids %q and %q", ev.ID, again.ID)
		}
	})
}
