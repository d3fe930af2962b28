package discord_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/discord/discordtest"
	"github.com/postern/postern/platforms/platformtest"
)

func TestMentionsCallOnlyWhoIsNamed(t *testing.T) {
	s := newStage(t)
	s.AddUser(discordtest.User{ID: "1080000000000000009", Name: "bob"})
	ctx := soon(t)
	for _, m := range []platforms.Message{
		{Text: "@everyone <@" + ada + "> <@&" + discordtest.BotRole + "> @here"},
		{Text: "@everyone <@" + ada + "> @here", Format: platforms.Markdown},
	} {
		m.Conversation = group
		_, err := s.conn.Send(ctx, m)
		must(t, err)
	}
	_, err := s.conn.Send(ctx, platforms.Message{Conversation: group, Format: platforms.Markdown, Text: "[Ada](mention:" + ada + ") and <@1080000000000000009> and [all](mention:everyone)"})
	must(t, err)
	sent := s.Sent()
	for _, m := range sent[:2] {
		if len(m.Pinged) > 0 || m.Everyone || strings.Contains(m.Text, "⟦") {
			t.Errorf("%+v", m)
		}
	}
	if m := sent[2]; !slices.Equal(m.Pinged, []string{ada}) || m.Everyone || !strings.HasPrefix(m.Text, "@Ada Lovelace and <@") {
		t.Errorf("%+v", m)
	}
	for _, c := range s.Calls("POST /channels/:/messages") {
		if !bytes.Contains(c.Body, []byte(`"parse":[]`)) || !bytes.Contains(c.Body, []byte(`"replied_user":false`)) {
			t.Errorf("%s", c.Body)
		}
	}
}

func TestReplies(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	asked := s.Say(discordtest.Group, ada, "<@"+discordtest.Bot+"> what is <#"+discordtest.Group+">? <:tea:12> <@&"+discordtest.BotRole+"> <@123>")
	ev := rec.Wait(t, 1)[0]
	if !ev.Mentioned || ev.Text != "@Postern what is #engine-room? :tea: @Postern <@123>" || ev.Conversation.Title != "#engine-room – Analytical Society" {
		t.Errorf("%+v", ev)
	}
	id, err := s.conn.Send(soon(t), platforms.Message{Key: "1", Conversation: group, ReplyTo: ev.Message, Text: "a room"})
	must(t, err)
	if m := s.Sent()[0]; m.ReplyTo != asked {
		t.Errorf("%+v", m)
	}
	s.Post(discordtest.Said{Channel: discordtest.Group, User: ada, Text: "thanks", ReplyTo: string(id)})
	if ev := rec.Wait(t, 2)[1]; !ev.Mentioned || ev.ReplyTo != id {
		t.Errorf("%+v", ev)
	}
	s.Post(discordtest.Said{Channel: discordtest.Group, User: ada, Text: "to myself", ReplyTo: asked})
	if ev := rec.Wait(t, 3)[2]; ev.Mentioned {
		t.Errorf("%+v", ev)
	}
	// An answer to what is gone is a message all the same.
	_, err = s.conn.Send(soon(t), platforms.Message{Key: "2", Conversation: group, ReplyTo: "1080000000000000123", Text: "late"})
	must(t, err)
	s.Preview(asked) // nobody changed anything
	s.Edit(discordtest.Group, asked, "changed")
	if ev := rec.Wait(t, 4)[3]; ev.Kind != platforms.MessageEdited || ev.Text != "changed" {
		t.Errorf("%+v", ev)
	}
	_ = stop()
}

func TestCommands(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	ctx := soon(t)
	s.Command(discordtest.Group, ada, "ask", "text", "what *now*?")
	ev := rec.Wait(t, 1)[0]
	if ev.Kind != platforms.MessageReceived || ev.Text != "what *now*?" || !ev.Mentioned || ev.From.ID != ada || ev.Conversation.ID != group || ev.Reply == "" {
		t.Errorf("%+v", ev)
	}
	must(t, s.WaitAcknowledged(ctx))
	m := platforms.Message{Key: "a", Conversation: group, Reply: ev.Reply, Text: "this *now*"}
	s.SetFault("PATCH /webhooks/:/:/messages/@original", discordtest.Fault{Kind: discordtest.Lost})
	if _, err := s.conn.Send(ctx, m); platforms.KindOf(err) != platforms.Temporary || strings.Contains(err.Error(), "aW50") {
		t.Errorf("%v", err)
	}
	first, err := s.conn.Send(ctx, m) // the same again
	must(t, err)
	m.Key, m.Text = "b", "and this"
	second, err := s.conn.Send(ctx, m)
	must(t, err)
	if sent := s.Sent(); len(sent) != 2 || sent[0].ID != string(first) || sent[1].ID != string(second) || !sent[0].Command || !sent[1].Command ||
		sent[0].Text != "this *now*" || sent[1].Text != "and this" {
		t.Errorf("%+v", sent)
	}
	must(t, s.conn.(platforms.Editor).Edit(ctx, first, platforms.Message{Conversation: group, Text: "changed"}))
	s.Advance(16 * time.Minute) // the token ends
	m.Key, m.Text = "c", "late"
	_, err = s.conn.Send(ctx, m)
	must(t, err)
	if sent := s.Sent(); len(sent) != 3 || sent[2].Command || sent[2].Text != "late" || sent[0].Text != "changed" {
		t.Errorf("%+v", sent)
	}
	s.Command(discordtest.Direct, ada, "weather", "city", "Wrocław")
	if ev := rec.Wait(t, 2)[1]; ev.Text != "/weather city: Wrocław" || ev.Conversation.Kind != platforms.Direct {
		t.Errorf("%+v", ev)
	}
	_ = stop()
	if strings.Contains(s.log.String(), "aW50") {
		t.Error("an interaction's token is in the log")
	}
}

// TestCommandAmongPeople: a command in a conversation without the bot, which who
// installed the app for themselves can use, comes from a shared place.
func TestCommandAmongPeople(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	for i, c := range []struct {
		kind, context int
		want          platforms.ConversationKind
	}{{3, 2, platforms.Group}, {1, 2, platforms.Group}, {1, 1, platforms.Direct}} {
		channel := fmt.Sprint("108000000000000000", i)
		s.Deliver("INTERACTION_CREATE", map[string]any{
			"id": fmt.Sprint("108100000000000000", i), "application_id": discordtest.App, "type": 2, "token": "aW50ZXJhY3Rpb24", "context": c.context,
			"channel_id": channel, "channel": map[string]any{"id": channel, "type": c.kind}, "user": map[string]any{"id": ada, "username": "ada"},
			"data": map[string]any{"name": "weather"},
		})
		if ev := rec.Wait(t, i+1)[i]; ev.Conversation.Kind != c.want || string(ev.Conversation.ID) != channel || ev.From.ID != ada || ev.Text != "/weather" {
			t.Errorf("a channel of type %d, context %d: %+v", c.kind, c.context, ev)
		}
	}
	_ = stop()
}

// TestClicksAreAcknowledged: within three seconds, but not before they are stored.
func TestClicksAreAcknowledged(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	ctx := soon(t)
	var buttons [][]platforms.Button
	for r := range 5 {
		var row []platforms.Button
		for c := range 5 {
			row = append(row, platforms.Button{Label: string(rune('a'+r)) + string(rune('0'+c)), Data: "same"})
		}
		buttons = append(buttons, row)
	}
	id, err := s.conn.Send(ctx, platforms.Message{Key: "k", Conversation: direct, Text: "?", Buttons: buttons})
	must(t, err)
	rec.Block()
	if !s.Click(string(id), "e4", ada) {
		t.Fatal("no button")
	}
	rec.WaitCalls(t, 1)
	if n, all := s.Acknowledged(); n != 0 || all != 1 {
		t.Errorf("%d of %d acknowledged before it was stored", n, all)
	}
	rec.Unblock()
	must(t, s.WaitAcknowledged(ctx))
	ev := rec.Wait(t, 1)[0]
	if ev.Click.Data != "same" {
		t.Errorf("%+v", ev.Click)
	}
	clicker := s.conn.(platforms.Clicker)
	must(t, clicker.Clicked(ctx, ev.Click.Token, ""))
	must(t, clicker.Clicked(ctx, ev.Click.Token, "*noted*"))
	must(t, clicker.Clicked(ctx, ev.Click.Token, "*noted*"))
	if got := s.Whispers(); !slices.Equal(got, []string{"*noted*"}) {
		t.Errorf("%q", got)
	}
	_ = stop()
	s.Advance(16 * time.Minute)
	wants(t, clicker.Clicked(ctx, ev.Click.Token, "late"), platforms.Rejected, "too late")
	wants(t, clicker.Clicked(ctx, "x", "late"), platforms.Rejected, "not one of Discord's")
	buttons = append(buttons, buttons[0])
	_, err = s.conn.Send(ctx, platforms.Message{Key: "k2", Conversation: direct, Text: "?", Buttons: buttons})
	wants(t, err, platforms.Rejected, "5 rows")
	_, err = s.conn.Send(ctx, platforms.Message{Key: "k3", Conversation: direct, Text: "?", Buttons: [][]platforms.Button{make([]platforms.Button, 6)}})
	wants(t, err, platforms.Rejected, "5 rows")
}

func file(name string, data []byte) platforms.File {
	return platforms.File{Name: name, MediaType: "text/plain", Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

func TestFiles(t *testing.T) {
	s := newStage(t)
	ctx := soon(t)
	var files []platforms.File
	for i := range 10 {
		f := file(string(rune('a'+i))+".txt", bytes.Repeat([]byte{byte('a' + i)}, 1000+i))
		if i == 3 {
			f.Size = 0 // not known
		}
		files = append(files, f)
	}
	id, err := s.conn.Send(ctx, platforms.Message{Key: "k", Conversation: direct, Text: "ten", Files: files, Buttons: [][]platforms.Button{{{Label: "ok", Data: "y"}}}})
	must(t, err)
	m := s.Sent()[0]
	if m.ID != string(id) || m.Text != "ten" || len(m.Files) != 10 || len(m.Buttons) != 1 {
		t.Fatalf("%+v", m)
	}
	for i, f := range m.Files {
		if f.Name != files[i].Name || len(f.Data) != 1000+i {
			t.Errorf("%s: %d bytes", f.Name, len(f.Data))
		}
	}
	again, err := s.conn.Send(ctx, platforms.Message{Key: "k", Conversation: direct, Text: "ten", Files: files})
	if err != nil || again != id {
		t.Errorf("the same key gave %q, %v", again, err)
	}
	_, err = s.conn.Send(ctx, platforms.Message{Key: "k2", Conversation: direct, Files: append(files, files[0])})
	wants(t, err, platforms.Rejected, "10 files")
	gone := file("gone.txt", nil)
	gone.Open = func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }
	_, err = s.conn.Send(ctx, platforms.Message{Key: "k3", Conversation: direct, Files: []platforms.File{gone}})
	wants(t, err, platforms.Rejected, "gone.txt")
	short := file("short.txt", []byte("abc"))
	short.Size = 5
	_, err = s.conn.Send(ctx, platforms.Message{Key: "k4", Conversation: direct, Files: []platforms.File{short}})
	wants(t, err, platforms.Rejected, "changed")

	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	s.Post(discordtest.Said{Channel: discordtest.Direct, User: ada, Files: []discordtest.File{{Name: "in.txt", MediaType: "text/plain", Data: []byte("in")}}})
	ev := rec.Wait(t, 1)[0]
	r, err := s.conn.(platforms.Opener).Open(ctx, ev.Attachments[0])
	must(t, err)
	if got := readAll(t, r); string(got) != "in" {
		t.Errorf("%q", got)
	}
	_ = stop()
	for _, ref := range []string{"", "1/2", "1/2/3/4", "a/b/c", "../../x", discordtest.Direct + "/" + string(ev.Message) + "/1"} {
		if _, err := s.conn.(platforms.Opener).Open(ctx, platforms.Attachment{Ref: ref}); platforms.KindOf(err) != platforms.Rejected {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		f     discordtest.Fault
		kind  platforms.Kind
		words string
	}{
		"no access":      {discordtest.Fault{Code: 403, APICode: 50001}, platforms.Rejected, "View Channel"},
		"permission":     {discordtest.Fault{Code: 403, APICode: 50013}, platforms.Rejected, "permission"},
		"closed to bots": {discordtest.Fault{Code: 403, APICode: 50007}, platforms.Rejected, "direct messages"},
		"something new":  {discordtest.Fault{Code: 400, APICode: 99999, Msg: "Odd."}, platforms.Rejected, "code 99999: Odd. Change"},
		"global limit":   {discordtest.Fault{Code: 429, RetryAfter: 64.57, Global: true}, platforms.RateLimited, "slowly"},
		"cloudflare":     {discordtest.Fault{Code: 403, Bare: true, Msg: "<html>error code: 1020</html>"}, platforms.Temporary, "not Discord"},
		"bare limit":     {discordtest.Fault{Code: 429, Bare: true, RetryAfter: 9}, platforms.RateLimited, "slowly"},
		"sign-in page":   {discordtest.Fault{Kind: discordtest.Garbage}, platforms.Temporary, "understood"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.SetFault(discordtest.AnyCall, tt.f)
			_, err := s.conn.Send(soon(t), platforms.Message{Key: "k", Conversation: direct, Text: "x"})
			wants(t, err, tt.kind, tt.words)
			var e *platforms.Error
			if errors.As(err, &e) && tt.f.RetryAfter > 0 && e.RetryAfter.Seconds() != tt.f.RetryAfter {
				t.Errorf("retry after %v", e.RetryAfter)
			}
		})
	}
}

// TestNoTokenInErrors breaks every call in every way and looks for the token in
// what comes back, and in the log.
func TestNoTokenInErrors(t *testing.T) {
	secret := token[strings.LastIndex(token, ".")+1:]
	for name, f := range map[string]discordtest.Fault{
		"server error": {}, "told": {Code: 400, Msg: "Bad: Bot " + token}, "forbidden": {Code: 403, Msg: token}, "limit": {Code: 429, RetryAfter: 1},
		"malformed": {Kind: discordtest.Malformed}, "garbage": {Kind: discordtest.Garbage}, "cut": {Kind: discordtest.Cut}, "redirect": {Code: 307},
	} {
		s := newStage(t)
		f.Times = -1
		s.SetFault(discordtest.AnyCall, f)
		s.SetFault(discordtest.Gateway, f)
		click := platforms.ReplyToken(`{"id":"1090000000000000777","app":"` + discordtest.App + `","token":"aW50secretsecret"}`)
		for what, call := range map[string]func(context.Context) error{
			"Check": func(ctx context.Context) error { _, err := s.conn.Check(ctx); return err },
			"Run": func(ctx context.Context) error {
				return s.conn.Run(ctx, "", &platformtest.Recorder{})
			},
			"Send": func(ctx context.Context) error {
				_, err := s.conn.Send(ctx, platforms.Message{Conversation: direct, Text: "x"})
				return err
			},
			"file": func(ctx context.Context) error {
				_, err := s.conn.Send(ctx, platforms.Message{Conversation: direct, Files: []platforms.File{file("x", []byte("x"))}})
				return err
			},
			"Edit": func(ctx context.Context) error {
				return s.conn.(platforms.Editor).Edit(ctx, "12345", platforms.Message{Conversation: direct, Text: "x"})
			},
			"Clicked": func(ctx context.Context) error { return s.conn.(platforms.Clicker).Clicked(ctx, click, "x") },
			"Fix":     func(ctx context.Context) error { return s.conn.(platforms.Fixer).Fix(ctx, "command_ask") },
			"Open": func(ctx context.Context) error {
				_, err := s.conn.(platforms.Opener).Open(ctx, platforms.Attachment{Ref: "1/2/3"})
				return err
			},
		} {
			err := call(soon(t))
			if err == nil {
				if name == "garbage" || name == "malformed" {
					continue // a call without an answer to read
				}
				t.Errorf("%s, %s: succeeded", name, what)
				continue
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if all := e.Error() + platforms.Explain(e); strings.Contains(all, secret) || strings.Contains(all, "aW50secret") {
					t.Errorf("%s, %s: the token is in %q", name, what, all)
				}
			}
			if len(platforms.Explain(err)) < 10 {
				t.Errorf("%s, %s: no sentence in %v", name, what, err)
			}
		}
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("%s: the token is in the log", name)
		}
	}
}

// TestServerOutOfOrder: what was missed in it is fetched when it is back.
func TestServerOutOfOrder(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	s.Say(discordtest.Group, ada, "seen")
	rec.Wait(t, 1)
	_ = stop()
	s.EndSessions()
	s.SetOutage(true)
	s.Say(discordtest.Group, ada, "missed")
	var second platformtest.Recorder
	_, stop = s.run(t, rec.Cursor(), &second)
	second.WaitPhase(t, platforms.Connected)
	s.Say(discordtest.Direct, ada, "live")
	second.Wait(t, 1)
	s.SetOutage(false)
	s.Say(discordtest.Group, ada, "after")
	if got := texts(second.Wait(t, 3)); !slices.Equal(got, []string{"live", "missed", "after"}) {
		t.Errorf("%q", got)
	}
	_ = stop()
}

// TestFlood: more than is held while the sink is slow waits in the network, and
// the silence that this makes is not taken for the other side's.
func TestFlood(t *testing.T) {
	s := newStage(t)
	s.SetHeartbeat(200)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	rec.Block()
	const n = 800 // more than are held
	for range n {
		s.Say(discordtest.Direct, ada, "x")
	}
	ctx := soon(t)
	for before := s.Beats(); s.Beats() < before+5; time.Sleep(time.Millisecond) {
		must(t, ctx.Err())
	}
	rec.Unblock()
	rec.Wait(t, n)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
