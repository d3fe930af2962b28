package feishu_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/platformtest"
)

func yesNo() [][]platforms.Button {
	return [][]platforms.Button{{{Label: "Yes", Data: "y"}, {Label: "No", Data: "n"}}, {{Label: "Read", URL: "https://example.org/"}}}
}

// labels is the labels of a message's buttons, as a reader sees them now.
func labels(s *feishutest.Server, id platforms.MessageID) (out []string) {
	for _, m := range s.Sent() {
		if m.ID != string(id) {
			continue
		}
		for _, row := range m.Buttons {
			for _, b := range row {
				out = append(out, b.Label)
			}
		}
	}
	return out
}

// TestClick: the words are shown, and the card shows what was chosen from then
// on.
func TestClick(t *testing.T) {
	s, conn := open(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	must(t, s.WaitSocket(soon(t)))
	id, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Direct, Text: "Well?", Buttons: yesNo()})
	must(t, err)
	clicker := conn.(platforms.Clicker)
	for i, c := range []struct {
		press func(string, string, string) bool
		label string
		want  []string
	}{
		{s.Click, "Yes", []string{"✓ Yes", "No", "Read"}},
		{s.ClickOld, "No", []string{"Yes", "✓ No", "Read"}}, // a frame of type card
	} {
		if !c.press(string(id), c.label, feishutest.Person) {
			t.Fatalf("there is no button %q", c.label)
		}
		ev := rec.Wait(t, i+1)[i]
		if ev.Conversation.Kind != platforms.Direct || ev.From.Name != "Ada Lovelace" || ev.Message != id {
			t.Errorf("%+v", ev)
		}
		must(t, clicker.Clicked(soon(t), ev.Click.Token, "noted "+c.label))
		must(t, clicker.Clicked(soon(t), ev.Click.Token, "once more"))
		must(t, s.WaitAll(soon(t)))
		if got := labels(s, id); !slices.Equal(got, c.want) {
			t.Errorf("the buttons are %q, want %q", got, c.want)
		}
	}
	if got := s.Toasts(); !slices.Equal(got, []string{"noted Yes", "noted No"}) {
		t.Errorf("%q", got)
	}
	if n := len(s.Calls("PATCH /open-apis/im/v1/messages/:")); n != 2 {
		t.Errorf("the card was changed %d times, want once for each click", n)
	}
}

// TestClickThatNobodyAnswers is acknowledged nevertheless, and a late answer is
// no error.
func TestClickThatNobodyAnswers(t *testing.T) {
	s, conn := open(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	must(t, s.WaitSocket(soon(t)))
	id, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Direct, Text: "Well?", Buttons: yesNo()})
	must(t, err)
	s.Click(string(id), "Yes", feishutest.Person)
	ev := rec.Wait(t, 1)[0]
	must(t, s.WaitAll(soon(t)))
	must(t, conn.(platforms.Clicker).Clicked(soon(t), ev.Click.Token, "late"))
	if len(s.Toasts()) != 0 || labels(s, id)[0] != "✓ Yes" {
		t.Errorf("%q, %q", s.Toasts(), labels(s, id))
	}
}

// TestClickOnAChangedCard: what the program wrote after the click stays.
func TestClickOnAChangedCard(t *testing.T) {
	s, conn := open(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	must(t, s.WaitSocket(soon(t)))
	m := platforms.Message{Key: "k", Conversation: feishutest.Direct, Text: "Well?", Buttons: yesNo()}
	id, err := conn.Send(soon(t), m)
	must(t, err)
	s.Click(string(id), "Yes", feishutest.Person)
	ev := rec.Wait(t, 1)[0]
	m.Text, m.Buttons = "Done.", nil
	must(t, conn.(platforms.Editor).Edit(soon(t), id, m))
	must(t, conn.(platforms.Clicker).Clicked(soon(t), ev.Click.Token, "noted"))
	if got := s.Sent()[0]; got.Text != "Done." || len(got.Buttons) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestChosenByReply: a button's label or number, as a reply to the card, is a
// click; anything else is a message.
func TestChosenByReply(t *testing.T) {
	s, conn := open(t)
	id, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Direct, Text: "Well?", Buttons: yesNo()})
	must(t, err)
	var rec platformtest.Recorder
	stop := run(t, conn, "", &rec)
	say := func(words string) string {
		return s.Post(feishutest.Said{Chat: feishutest.Direct, User: feishutest.Person, Text: words, ReplyTo: string(id)})
	}
	for i, c := range []struct{ words, data string }{{"2", "n"}, {" yes ", "y"}, {"1.", "y"}, {"3", ""}, {"perhaps", ""}} {
		said := say(c.words)
		ev := rec.Wait(t, i+1)[i]
		if ev.ID != platforms.EventID("message:"+said) {
			t.Errorf("%q: %+v", c.words, ev)
		}
		switch {
		case c.data == "" && (ev.Kind != platforms.MessageReceived || ev.Text != c.words):
			t.Errorf("%q: %+v", c.words, ev)
		case c.data != "" && (ev.Kind != platforms.ButtonClicked || ev.Click.Data != c.data || ev.Message != id):
			t.Errorf("%q: %+v", c.words, ev)
		case c.data != "":
			must(t, conn.(platforms.Clicker).Clicked(soon(t), ev.Click.Token, "noted"))
		}
	}
	if got := labels(s, id); got[0] != "✓ Yes" {
		t.Errorf("%q", got)
	}
	_ = stop()
	// After a restart the card is looked up.
	_, other := openAt(t, s)
	run(t, other, "", &rec)
	say("2")
	if ev := rec.Wait(t, 6)[5]; ev.Kind != platforms.ButtonClicked || ev.Click.Data != "n" {
		t.Errorf("%+v", ev)
	}
}

// TestAnothersCard: who answers another bot's card with a number presses no button
// of ours, whatever that card names.
func TestAnothersCard(t *testing.T) {
	s, conn := open(t)
	_, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Direct, Text: "Well?", Buttons: yesNo()})
	must(t, err)
	card := string(s.Sent()[0].Content)
	_, other := openAt(t, s) // which does not remember the card
	var rec platformtest.Recorder
	run(t, other, "", &rec)
	must(t, s.WaitSocket(soon(t)))
	for i, app := range []string{"cli_another", ""} {
		id := s.Keep(feishutest.Said{Chat: feishutest.Direct, App: app, Kind: "interactive", Content: card})
		s.Post(feishutest.Said{Chat: feishutest.Direct, User: feishutest.Person, Text: "1", ReplyTo: id})
		if ev := rec.Wait(t, i+1)[i]; (ev.Kind == platforms.ButtonClicked) != (app == "") {
			t.Errorf("of %q: %+v", app, ev)
		}
	}
}

// TestTypingSign: a reaction to the last message, which goes with the answer.
func TestTypingSign(t *testing.T) {
	s, conn := open(t)
	typer := conn.(platforms.Typer)
	must(t, typer.Typing(soon(t), feishutest.Direct, "")) // nothing was heard: no sign, and no error
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	s.Say(feishutest.Direct, feishutest.Person, "first")
	asked := s.Say(feishutest.Direct, feishutest.Person, "a question")
	rec.Wait(t, 2)
	must(t, s.WaitAll(soon(t)))
	for range 3 {
		must(t, typer.Typing(soon(t), feishutest.Direct, ""))
	}
	if typed := s.Typed(); len(typed) != 1 || typed[0].Message != asked || typed[0].Emoji != "Typing" || typed[0].Gone {
		t.Errorf("%+v", typed)
	}
	_, err := conn.Send(soon(t), text("an answer"))
	must(t, err)
	if typed := s.Typed(); !typed[0].Gone {
		t.Errorf("the sign stays: %+v", typed)
	}
}

// TestEdits: a text twenty times, a card always, and neither becomes the other.
func TestEdits(t *testing.T) {
	s, conn := open(t)
	editor := conn.(platforms.Editor)
	id, err := conn.Send(soon(t), text("0"))
	must(t, err)
	for i := range 20 {
		must(t, editor.Edit(soon(t), id, text(fmt.Sprint(i+1))))
	}
	err = editor.Edit(soon(t), id, text("21"))
	if platforms.KindOf(err) != platforms.Rejected || !strings.Contains(platforms.Explain(err), "20 times") {
		t.Errorf("%v", err)
	}
	m := platforms.Message{Key: "c", Conversation: feishutest.Direct, Text: "card", Buttons: yesNo()}
	if err := editor.Edit(soon(t), id, m); platforms.KindOf(err) != platforms.Rejected {
		t.Errorf("a text became a card: %v", err)
	}
	card, err := conn.Send(soon(t), m)
	must(t, err)
	m.Buttons = yesNo()[1:] // which only leads elsewhere
	must(t, editor.Edit(soon(t), card, m))
	_, other := openAt(t, s) // which does not know what it was
	for i, c := range []platforms.Connector{conn, other, conn} {
		m.Text = fmt.Sprint("changed ", i)
		m.Buttons = nil
		must(t, c.(platforms.Editor).Edit(soon(t), card, m))
		if got := s.Sent()[1]; got.Text != m.Text || len(got.Buttons) != 0 {
			t.Errorf("%+v", got)
		}
	}
}

// TestReplyToWhatIsGone: the answer arrives nevertheless.
func TestReplyToWhatIsGone(t *testing.T) {
	s, conn := open(t)
	asked := s.Say(feishutest.Direct, feishutest.Person, "forget it")
	s.Recall(asked)
	m := text("an answer")
	m.ReplyTo = platforms.MessageID(asked)
	id, err := conn.Send(soon(t), m)
	must(t, err)
	if sent := s.Sent(); len(sent) != 1 || sent[0].ID != string(id) || sent[0].ReplyTo != "" {
		t.Errorf("%+v", sent)
	}
}

// TestImageAndText: an image is shown as one, and the text comes below it.
func TestImageAndText(t *testing.T) {
	s, conn := open(t)
	var picture bytes.Buffer
	must(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 3))))
	file := func(name, mediaType string, data []byte) platforms.File {
		return platforms.File{Name: name, MediaType: mediaType, Size: int64(len(data)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
	}
	m := platforms.Message{Key: "k", Conversation: feishutest.Direct, Text: "look", Buttons: yesNo(),
		Files: []platforms.File{file("a.png", "image/png", picture.Bytes()), file("b.txt", "text/plain", []byte("text"))}}
	id, err := conn.Send(soon(t), m)
	must(t, err)
	sent := s.Sent()
	var kinds []string
	for _, v := range sent {
		kinds = append(kinds, v.Kind)
	}
	if !slices.Equal(kinds, []string{"image", "file", "interactive"}) || sent[0].ID != string(id) || sent[2].Text != "look" ||
		!bytes.Equal(sent[0].Files[0].Data, picture.Bytes()) || sent[1].Files[0].Name != "b.txt" {
		t.Errorf("%+v", sent)
	}
	// What only says that it is an image goes as a file.
	_, err = conn.Send(soon(t), platforms.Message{Key: "n", Conversation: feishutest.Group, Files: []platforms.File{file("c.png", "image/png", []byte("no image"))}})
	must(t, err)
	if got := s.Sent()[3]; got.Kind != "file" || got.Files[0].Name != "c.png" {
		t.Errorf("%+v", got)
	}
	// The same message once more: what is there is not sent again.
	again, err := conn.Send(soon(t), m)
	must(t, err)
	if again != id || len(s.Sent()) != 4 {
		t.Errorf("%q, %d messages", again, len(s.Sent()))
	}
	if _, err := conn.Send(soon(t), platforms.Message{Key: "e", Conversation: feishutest.Direct, Files: []platforms.File{file("empty", "", nil)}}); platforms.KindOf(err) != platforms.Rejected {
		t.Errorf("an empty file: %v", err)
	}
}

// TestFileThatChanged: it is not what was announced, and will not be.
func TestFileThatChanged(t *testing.T) {
	s, conn := open(t)
	for _, data := range []string{"short", "longer than it was said to be"} {
		_, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Direct, Files: []platforms.File{{Name: "a", Size: 10,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(data)), nil }}}})
		if platforms.KindOf(err) != platforms.Rejected || !strings.Contains(platforms.Explain(err), "changed") || len(s.Sent()) != 0 {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// TestFileWithAnOldToken: the token ends while a file goes out; the next attempt
// has a new one.
func TestFileWithAnOldToken(t *testing.T) {
	s, conn := open(t)
	_, err := conn.Send(soon(t), text("a token, please"))
	must(t, err)
	s.Advance(3 * time.Hour)
	m := platforms.Message{Key: "k", Conversation: feishutest.Direct, Files: []platforms.File{{Name: "a", Size: 3,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }}}}
	if _, err := conn.Send(soon(t), m); platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("%v", err)
	}
	_, err = conn.Send(soon(t), m)
	must(t, err)
	s.Advance(3 * time.Hour)
	s.Revoke()
	if _, err := conn.Send(soon(t), m); platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("%v", err)
	}
}

// TestOnTheWire looks at what a reader can't tell: the key, the form and the
// addresses of a message.
func TestOnTheWire(t *testing.T) {
	s, conn := open(t)
	for _, m := range []platforms.Message{
		{Key: "k", Conversation: feishutest.Direct, Text: `<at user_id="all">x</at>`},
		{Key: "k", Conversation: feishutest.Person, Text: "to a person"},
		{Key: "k2", Conversation: feishutest.Group, Thread: feishutest.Root, Text: "in a topic"},
	} {
		_, err := conn.Send(soon(t), m)
		must(t, err)
	}
	calls := s.Calls("POST /open-apis/im/v1/messages")
	if calls[0].Query["receive_id_type"] != "chat_id" || calls[1].Query["receive_id_type"] != "open_id" {
		t.Errorf("%+v", calls)
	}
	uuid, _ := calls[0].Fields["uuid"].(string)
	if len(uuid) != 40 || calls[1].Fields["uuid"] != uuid || calls[0].Fields["msg_type"] != "post" {
		t.Errorf("%+v", calls[0].Fields)
	}
	var content map[string]struct {
		Content [][]map[string]string `json:"content"`
	}
	must(t, json.Unmarshal([]byte(calls[0].Fields["content"].(string)), &content))
	if part := content["zh_cn"].Content[0][0]; part["tag"] != "text" || part["text"] != `<at user_id="all">x</at>` {
		t.Errorf("%+v", part)
	}
	reply := s.Calls("POST /open-apis/im/v1/messages/:/reply")[0]
	if reply.Args[0] != feishutest.Root || reply.Fields["reply_in_thread"] != true || reply.Fields["uuid"] == uuid {
		t.Errorf("%+v", reply)
	}
	for _, bad := range []platforms.Message{
		{Conversation: "../bot", Text: "x"}, {Conversation: "oc_a/b", Text: "x"}, {Conversation: feishutest.Direct, ReplyTo: "om_../x", Text: "x"},
	} {
		if _, err := conn.Send(soon(t), bad); platforms.KindOf(err) != platforms.Rejected {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
