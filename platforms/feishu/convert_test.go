package feishu

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

var (
	me  = bot{OpenID: "ou_bot", Name: "Postern"}
	now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

// TestConvert reads events as the documentation shows them.
func TestConvert(t *testing.T) {
	const id = "om_5ce6d572455d361153b7cb51da133945"
	written := time.UnixMilli(1609073151345).UTC()
	told := time.UnixMilli(1608725989000).UTC()
	// message is what the messages have in common.
	message := func(kind platforms.ConversationKind, change func(*platforms.Event)) *platforms.Event {
		ev := &platforms.Event{
			ID: "message:" + id, Kind: platforms.MessageReceived, Time: written, Message: id,
			Conversation: platforms.Conversation{ID: "oc_5ce6d572455d361153b7xx51da133945", Kind: kind},
			From:         platforms.User{ID: "ou_84aad35d084aa403a838cf73ee18467"},
			Mentioned:    kind == platforms.Direct,
		}
		change(ev)
		return ev
	}
	file := func(name, mediaType, ref string) []platforms.Attachment {
		return []platforms.Attachment{{Ref: id + "/" + ref, Name: name, MediaType: mediaType}}
	}
	direct := func(change func(*platforms.Event)) *platforms.Event { return message(platforms.Direct, change) }
	group := func(change func(*platforms.Event)) *platforms.Event { return message(platforms.Group, change) }
	note := func(s string) *platforms.Event { return direct(func(ev *platforms.Event) { ev.Note = s }) }

	for name, want := range map[string]*platforms.Event{
		"text_p2p": direct(func(ev *platforms.Event) { ev.Text = "hello [x](http://example.org)" }),
		"text_group_mention": group(func(ev *platforms.Event) {
			ev.Text, ev.Mentioned = "@Postern ask @Tom, not @_user_2 or @all", true
		}),
		"text_group":       group(func(ev *platforms.Event) { ev.Text = "just talking" }),
		"text_reply":       group(func(ev *platforms.Event) { ev.Text, ev.ReplyTo = "yes", "om_parent" }),
		"text_topic":       group(func(ev *platforms.Event) { ev.Text, ev.ReplyTo, ev.Thread = "in the topic", "om_parent", "om_root" }),
		"text_topic_first": group(func(ev *platforms.Event) { ev.Text, ev.Thread = "begins one", id }),
		"post": group(func(ev *platforms.Event) {
			ev.Text = "A title\nFirst line a link (http://www.feishu.cn)@Tom\n\nfunc main() {}\n\n[SMILE]—"
			ev.Attachments = append(file("image-9c5e8g.jpg", "image/jpeg", "img_7ea74629-9191-4176-998c-2e603c9c5e8g/image"),
				file("video-cdd7d9.mp4", "video/mp4", "file_v2_0dcdd7d9/file")...)
		}),
		"image": direct(func(ev *platforms.Event) {
			ev.Attachments = file("image-7c9d0g.jpg", "image/jpeg", "img_8dcb5c3b-1d34-4f80-9f0b-1f8f5f7c9d0g/image")
		}),
		"file": direct(func(ev *platforms.Event) {
			ev.Attachments = file("test.txt", "application/octet-stream", "file_v2_75235e0c-4f92-430a-a99b-8446610223cg/file")
		}),
		"audio": direct(func(ev *platforms.Event) {
			ev.Attachments, ev.Note = file("voice-235e0c.opus", "audio/ogg", "file_v2_75235e0c/file"), "voice message, 2s"
		}),
		"media":         direct(func(ev *platforms.Event) { ev.Attachments = file("clip.mp4", "video/mp4", "file_v2_75235e0c/file") }),
		"sticker":       note("sticker"),
		"location":      note("location: 北京市 (39.916, 116.397)"),
		"card":          direct(func(ev *platforms.Event) { ev.Text, ev.Note = "Card\nThis is a link\nOpen", "card" }),
		"merge_forward": note("several messages, forwarded together"),
		"todo":          note("task: Buy tea"),
		"vote":          note("vote: Tea (green, black)"),
		"new_kind":      note("something that this version can't show"),
		"odd_content":   direct(func(ev *platforms.Event) { ev.Text, ev.Note = "kept", unreadable }),
		"no_json":       note(unreadable),
		"odd_types": {ID: "message:om_1", Kind: platforms.MessageReceived, Time: now, Message: "om_1", Note: unreadable, Mentioned: true,
			Conversation: platforms.Conversation{ID: "oc_1", Kind: platforms.Direct}, From: platforms.User{ID: "ou_84aad35d084aa403a838cf73ee18467"}},
		"bot_added": {ID: "event:5e3702a84e847582be8db7fb73283c02", Kind: platforms.MembershipChanged, Time: told, Note: "the bot was added",
			Conversation: platforms.Conversation{ID: "oc_8bf2f2a4", Kind: platforms.Group, Title: "Tea"}, From: platforms.User{ID: "ou_7d8a"}},
		"bot_removed": {ID: "event:5e3702a84e847582be8db7fb73283c02", Kind: platforms.MembershipChanged, Time: told, Note: "the bot was removed",
			Conversation: platforms.Conversation{ID: "oc_8bf2f2a4", Kind: platforms.Group, Title: "Tea"}, From: platforms.User{ID: "ou_7d8a"}},
		"click": {ID: "click:5e3702a84e847582be8db7fb73283c02", Kind: platforms.ButtonClicked, Time: told, Mentioned: true,
			Message: "om_574d639e4a44e4dd646eaf628e2c1dc1", From: platforms.User{ID: "ou_3c14f3a59eaf2825dbe25359f15768b9"},
			Conversation: platforms.Conversation{ID: "oc_e4d2605ca917e695f54f11aaf56d6ab5"},
			Click: &platforms.Click{Data: "deploy:yes",
				Token: `{"t":"c-295ee57216a5dc9de90fefd0aadb4b1d7d","m":"om_574d639e4a44e4dd646eaf628e2c1dc1","a":"1","d":"deploy:yes"}`}},
		"click_old": {ID: "click:c-old", Kind: platforms.ButtonClicked, Time: now, Mentioned: true,
			Message: "om_574d639e", From: platforms.User{ID: "ou_3c14f3a59eaf2825dbe25359f15768b9"},
			Conversation: platforms.Conversation{ID: "oc_e4d2605c"},
			Click:        &platforms.Click{Data: "n", Token: `{"t":"c-old","m":"om_574d639e","a":"0","d":"n"}`}},
		"click_foreign": nil,
		"read":          nil,
	} {
		t.Run(name, func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			ev, ok := convert(payload, me, now)
			if want == nil {
				if ok {
					t.Errorf("%+v, want nothing", ev)
				}
				return
			}
			if !ok || !reflect.DeepEqual(ev, *want) {
				t.Errorf("%+v, %v, want\n%+v", ev, ok, *want)
			}
		})
	}
}

func TestEveryRecordingIsTested(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 25 {
		t.Errorf("%d files, %v", len(files), err)
	}
	source, err := os.ReadFile("convert_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); !strings.Contains(string(source), `"`+name+`"`) {
			t.Errorf("%s is read by no test", f)
		}
	}
}

func TestOwnMessagesAreMarked(t *testing.T) {
	w := written{id: "om_1", chat: "oc_1", kind: "text", content: `{"text":"x"}`, sender: me.OpenID, byApp: true}
	if ev, _ := w.event(me); !ev.Own || !ev.From.Bot {
		t.Errorf("%+v", ev)
	}
	w.sender = "ou_other"
	if ev, _ := w.event(me); ev.Own || !ev.From.Bot {
		t.Errorf("another bot's: %+v", ev)
	}
}

// FuzzConvert: whatever is pushed, nothing breaks, and what comes out can be
// stored.
func FuzzConvert(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ev, ok := convert(b, me, now)
		if !ok {
			return
		}
		if ev.ID == "" || ev.Kind == "" || ev.Conversation.ID == "" || ev.Time.IsZero() || ev.Message == "" && ev.Kind != platforms.MembershipChanged {
			t.Errorf("%+v", ev)
		}
		if !utf8.ValidString(ev.Text) || !utf8.ValidString(string(ev.ID)) {
			t.Errorf("not valid: %q", ev.Text)
		}
		if again, _ := convert(b, me, now); !reflect.DeepEqual(again, ev) {
			t.Errorf("%+v, then %+v", ev, again)
		}
		if _, err := json.Marshal(ev); err != nil {
			t.Error(err)
		}
	})
}
