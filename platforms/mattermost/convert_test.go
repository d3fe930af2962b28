package mattermost

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/postern/postern/platforms"
)

// TestConvert converts recorded posts, in the form of
// https://developers.mattermost.com/api-documentation/.
func TestConvert(t *testing.T) {
	data, err := os.ReadFile("testdata/posts.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Type, Note                                     string
		Post                                                 post
		Edited, Answers, Mentioned, Own, Nothing, Membership bool
		Mentions, Files                                      []string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	me := user{ID: "bot", Username: "postern", Bot: true}
	seen := map[platforms.EventID]bool{}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			from := user{ID: c.Post.UserID, Username: c.Post.UserID}
			ev, ok := convert(c.Post, c.Edited, scene{me: me, channel: channel{ID: c.Post.ChannelID, Type: c.Type}, from: from, mentions: c.Mentions, answers: c.Answers})
			if ok == c.Nothing {
				t.Fatalf("converted: %v", ok)
			}
			if !ok {
				return
			}
			if seen[ev.ID] {
				t.Errorf("the id %s is taken", ev.ID)
			}
			seen[ev.ID] = true
			kind, at, words := platforms.MessageReceived, c.Post.CreateAt, c.Post.Message
			if c.Edited {
				kind, at = platforms.MessageEdited, c.Post.EditAt
			}
			if c.Membership {
				kind, words = platforms.MembershipChanged, ""
			}
			if ev.Kind != kind || ev.Time.UnixMilli() != at || ev.Text != words || ev.Note != c.Note {
				t.Errorf("kind %s at %d, text %q, note %q", ev.Kind, ev.Time.UnixMilli(), ev.Text, ev.Note)
			}
			if ev.Mentioned != c.Mentioned || ev.Own != c.Own {
				t.Errorf("mentioned %v, own %v", ev.Mentioned, ev.Own)
			}
			if string(ev.Message) != c.Post.ID || string(ev.Thread) != c.Post.RootID || string(ev.ReplyTo) != c.Post.RootID || string(ev.Conversation.ID) != c.Post.ChannelID {
				t.Errorf("message %q, thread %q, reply to %q, in %q", ev.Message, ev.Thread, ev.ReplyTo, ev.Conversation.ID)
			}
			if direct := ev.Conversation.Kind == platforms.Direct; direct != (c.Type == "D") {
				t.Errorf("a conversation of the kind %s", ev.Conversation.Kind)
			}
			var files []string
			for _, a := range ev.Attachments {
				files = append(files, fmt.Sprintf("%s %s %d", a.Ref, a.Name, a.Size))
			}
			if !slices.Equal(files, c.Files) {
				t.Errorf("files %q", files)
			}
		})
	}
}

// TestMachines: what a program writes by a person's right is no person's.
func TestMachines(t *testing.T) {
	me := user{ID: "bot", Username: "postern", Bot: true}
	for props, machine := range map[string]bool{
		`{}`: false, `{"disable_group_highlight":true}`: false, `{"from_webhook":"false"}`: false, `{"from_webhook":""}`: false,
		`{"from_webhook":"true","override_username":"Ada"}`: true, `{"from_webhook":true}`: true,
		`{"from_plugin":"true"}`: true, `{"from_oauth_app":"true"}`: true, `{"from_bot":"true"}`: true,
	} {
		var p post
		if err := json.Unmarshal([]byte(`{"id":"p","channel_id":"c","user_id":"ada","message":"x","create_at":1,"edit_at":2,"props":`+props+`}`), &p); err != nil {
			t.Fatal(err)
		}
		for _, edited := range []bool{false, true} {
			ev, ok := convert(p, edited, scene{me: me, channel: channel{ID: "c", Type: "O"}, from: user{ID: "ada"}})
			if !ok || ev.From.ID != "ada" || ev.From.Bot != machine {
				t.Errorf("%s: %v, %+v", props, ok, ev.From)
			}
		}
	}
}

// TestChoicesOfOurs: numbers mean something in posts that the bot wrote itself.
func TestChoicesOfOurs(t *testing.T) {
	props := map[string]any{propButtons: []any{"yes"}}
	if got := choices(post{UserID: "bot", Props: props}, "bot"); !slices.Equal(got, []string{"yes"}) {
		t.Errorf("%q", got)
	}
	if got := choices(post{UserID: "ada", Props: props}, "bot"); got != nil {
		t.Errorf("of somebody else: %q", got)
	}
	props["from_webhook"] = "true"
	if got := choices(post{UserID: "bot", Props: props}, "bot"); got != nil {
		t.Errorf("of a webhook: %q", got)
	}
}

// TestMentions finds a user name at the boundaries of words only.
func TestMentions(t *testing.T) {
	for words, want := range map[string]bool{
		"@postern":            true,
		"hey @Postern, go":    true,
		"@postern.":           true,
		"@postern. And":       true,
		"(@postern)":          true,
		"@posternx":           false,
		"@postern-two":        false,
		"@postern.two":        false,
		"@posternx @postern!": true,
		"postern":             false,
		"":                    false,
	} {
		if got := mentions(words, "postern"); got != want {
			t.Errorf("%q: %v", words, got)
		}
	}
	if mentions("@", "") {
		t.Error("nobody is mentioned")
	}
}

func FuzzConvert(f *testing.F) {
	f.Add([]byte(`{"id":"p","channel_id":"c","message":"@postern","file_ids":["f"],"props":{"addedUserId":"bot"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p post
		if json.Unmarshal(b, &p) != nil {
			return
		}
		ev, ok := convert(p, false, scene{me: user{ID: "bot", Username: "postern"}})
		if ok && (ev.ID == "" || ev.Kind == "" || ev.Message == "") {
			t.Errorf("half an event: %+v", ev)
		}
	})
}
