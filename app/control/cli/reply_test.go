package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// talk is a Backend in which a group and one other account talk, too.
func talk() *controltest.Backend {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		say := func(e api.Entry) {
			e.Seq, e.At, e.Stored, e.Status = uint64(len(*s.Entries)+1), controltest.At(), controltest.At(), api.Delivered
			*s.Entries = append(*s.Entries, e)
		}
		bob := platforms.User{ID: "u2", Name: "Bob"}
		say(api.Entry{Account: "pigeon", Conversation: "g", Thread: "t1", Message: "m3", Kind: platforms.MessageReceived, From: bob, Text: "in a thread"})
		say(api.Entry{Account: "owl", Conversation: "g", Message: "m4", Kind: platforms.MessageReceived, From: bob, Text: "by night"})
		say(api.Entry{Account: "pigeon", Conversation: "g", Thread: "t1", Outgoing: true, IDs: []platforms.MessageID{"m5", "m5b"}, Text: "ours"})
		say(api.Entry{Account: "pigeon", Conversation: "g", Outgoing: true, Text: "not sent yet"})
		say(api.Entry{Account: "pigeon", Conversation: "g", Kind: platforms.MembershipChanged, Note: "Carol joined"})
	})
	return b
}

func TestReply(t *testing.T) {
	b := talk()
	s := shell{dir: serve(t, b)}
	for name, c := range map[string]struct {
		args   string
		in     string
		to     platforms.AccountID
		conv   platforms.ConversationID
		thread platforms.ThreadID
		id     platforms.MessageID
		text   string
	}{
		"by number":                   {"reply 3 on my way", "", "pigeon", "g", "t1", "m3", "on my way"},
		"standard input":              {"reply 3", "from a pipe\n", "pigeon", "g", "t1", "m3", "from a pipe\n"},
		"a dash":                      {"reply 3 -", "from a pipe", "pigeon", "g", "t1", "m3", "from a pipe"},
		"the last":                    {"reply --last hi", "", "owl", "g", "", "m4", "hi"},
		"the last of an account":      {"reply --last --account pigeon hi", "", "pigeon", "g", "t1", "m3", "hi"},
		"the last of a conversation":  {"reply --last --conversation c1 --account pigeon -", "hi", "pigeon", "c1", "", "", "hi"},
		"our own":                     {"reply 5 more", "", "pigeon", "g", "t1", "m5", "more"},
		"with the account told":       {"reply 4 --account owl more", "", "owl", "g", "", "m4", "more"},
		"a text that looks like none": {"reply 3 -- --last", "", "pigeon", "g", "t1", "m3", "--last"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s
			s.in = strings.NewReader(c.in)
			words := strings.Fields(c.args)
			var v api.Entry
			if err := json.Unmarshal([]byte(s.good(t, append([]string{words[0], "--json"}, words[1:]...)...)), &v); err != nil {
				t.Fatal(err)
			}
			if v.Account != c.to || v.Conversation != c.conv || v.Thread != c.thread || v.ReplyTo != c.id || v.Text != c.text {
				t.Errorf("%+v", v)
			}
		})
	}
	t.Run("it says whom it answers", func(t *testing.T) {
		if out := s.good(t, "reply", "3", "hi", "--key", "k"); !strings.HasSuffix(out, " queued, in answer to 3 of Bob in pigeon g\n") {
			t.Error(out)
		}
		if keys := b.Keys(); keys[len(keys)-1] != clients.Unnamed("k") {
			t.Errorf("%q", keys)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.txt")
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.good(t, "reply", "3", "--file", path)
		if string(b.File("a.txt")) != "content" {
			t.Errorf("%q", b.File("a.txt"))
		}
	})
	b.Change(func(s *controltest.State) { (*s.Entries)[0].Erased = true })
	before := len(b.Keys())
	for name, c := range map[string]struct {
		args string
		code int
		says string
	}{
		"nobody named":           {"reply", cli.Usage, "--last"},
		"no number":              {"reply hello there", cli.Usage, "number"},
		"no such message":        {"reply 999 hi", cli.Failed, "no such message"},
		"another account's":      {"reply 3 --account owl hi", cli.Usage, "pigeon g"},
		"another conversation's": {"reply 3 --conversation c1 hi", cli.Usage, "pigeon g"},
		"not sent yet":           {"reply 6 hi", cli.Failed, "not sent yet"},
		"the thread is lost":     {"reply 1 hi", cli.Failed, "not kept"},
		"nothing was ever said":  {"reply --last --account nobody hi", cli.Failed, "no message"},
		"nothing to say":         {"reply 3", cli.Usage, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, errs, code := s.run(t, strings.Fields(c.args)...); code != c.code || out != "" || !strings.Contains(errs, c.says) {
				t.Errorf("code %d: %s%s", code, out, errs)
			}
		})
	}
	if len(b.Keys()) != before {
		t.Error("something was sent all the same")
	}
	t.Run("the newest are offered", func(t *testing.T) {
		if out, _, _ := s.run(t, "__complete", "reply", "--account", "pigeon", ""); !strings.HasPrefix(out, "7\t") || !strings.Contains(out, "3\tBob: in a thread\n") {
			t.Errorf("%q", out)
		}
	})
}
