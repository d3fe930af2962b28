package telegram_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"io/fs"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

const direct, group = "700000001", "-1001234567890"

// file is one that knows whether it was closed.
func file(name, mediaType string, data []byte) (platforms.File, *atomic.Int32) {
	open := new(atomic.Int32)
	return platforms.File{Name: name, MediaType: mediaType, Size: int64(len(data)), Open: func() (io.ReadCloser, error) {
		open.Add(1)
		return &closer{bytes.NewReader(data), open}, nil
	}}, open
}

type closer struct {
	io.Reader
	open *atomic.Int32
}

func (c *closer) Close() error { c.open.Add(-1); return nil }

func picture(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))))
	return b.Bytes()
}

func TestSendText(t *testing.T) {
	s := newStage(t)
	asked := s.Say(telegramtest.Group, telegramtest.Person, "well?")
	id, err := s.conn.Send(t.Context(), platforms.Message{
		Conversation: group, Thread: "4000017", ReplyTo: platforms.MessageID(itoa(asked)),
		Text:    "<b>*plain*</b> _text_ & [nothing](else) 😀",
		Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}, {Label: "More", URL: "https://example.org"}}},
	})
	must(t, err)
	got := s.Sent()[0]
	if itoa(got.ID) != string(id) || got.Text != "<b>*plain*</b> _text_ & [nothing](else) 😀" || got.Thread != telegramtest.Topic || got.ReplyTo != asked {
		t.Errorf("got %+v", got)
	}
	if b := got.Buttons; len(b) != 1 || b[0][0].CallbackData != "y" || b[0][1].URL != "https://example.org" {
		t.Errorf("buttons %+v", b)
	}
}

func TestSendRefusesBeforeAnyCall(t *testing.T) {
	big := platforms.File{Name: "big.iso", Size: 50_000_001, Open: func() (io.ReadCloser, error) { t.Error("opened"); return nil, fs.ErrInvalid }}
	tests := map[string]struct {
		m    platforms.Message
		says string
	}{
		"nothing":           {platforms.Message{Conversation: direct}, "empty"},
		"white space":       {platforms.Message{Conversation: direct, Text: " \n\t"}, "empty"},
		"too long":          {platforms.Message{Conversation: direct, Text: strings.Repeat("😀", 2049)}, "4098"},
		"file too large":    {platforms.Message{Conversation: direct, Files: []platforms.File{big}}, "50 MB"},
		"no chat":           {platforms.Message{Conversation: "general", Text: "x"}, "chat"},
		"no topic":          {platforms.Message{Conversation: group, Thread: "x", Text: "x"}, "topic"},
		"no message":        {platforms.Message{Conversation: group, ReplyTo: "x", Text: "x"}, "reply"},
		"button data":       {platforms.Message{Conversation: direct, Text: "x", Buttons: [][]platforms.Button{{{Label: "L", Data: strings.Repeat("d", 65)}}}}, "64"},
		"button of nothing": {platforms.Message{Conversation: direct, Text: "x", Buttons: [][]platforms.Button{{{Label: "L"}}}}, "does nothing"},
		"button unlabelled": {platforms.Message{Conversation: direct, Text: "x", Buttons: [][]platforms.Button{{{Data: "d"}}}}, "label"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			_, err := s.conn.Send(t.Context(), tt.m)
			wants(t, err, platforms.Rejected, tt.says)
			if n := len(s.Calls()); n != 0 {
				t.Errorf("%d calls were made", n)
			}
		})
	}
}

func TestSendRefusals(t *testing.T) {
	text := platforms.Message{Conversation: direct, Text: "x"}
	t.Run("no such chat", func(t *testing.T) {
		_, err := newStage(t).conn.Send(t.Context(), platforms.Message{Conversation: "12345", Text: "x"})
		wants(t, err, platforms.Rejected, "no such chat")
	})
	t.Run("blocked by the person", func(t *testing.T) {
		s := newStage(t)
		s.Member(telegramtest.Direct, telegramtest.Person, "member", "kicked")
		_, err := s.conn.Send(t.Context(), text)
		wants(t, err, platforms.Rejected, "blocked the bot")
	})
	t.Run("removed from the group", func(t *testing.T) {
		s := newStage(t)
		s.Member(telegramtest.Group, telegramtest.Person, "member", "kicked")
		_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: group, Text: "x"})
		wants(t, err, platforms.Rejected, "removed from this group")
	})
	t.Run("the group moved", func(t *testing.T) {
		s := newStage(t)
		to := s.Migrate(telegramtest.Basic)
		_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: "-400000001", Text: "x"})
		if e := wants(t, err, platforms.Rejected, "new id"); string(e.MovedTo) != itoa(int(to)) {
			t.Errorf("moved to %q, want %d", e.MovedTo, to)
		}
		var rec platformtest.Recorder
		s.run(t, "", &rec)
		ev := rec.Wait(t, 1)[0]
		must(t, s.WaitAcked(soon(t)))
		if ev.Kind != platforms.ConversationMoved || ev.Conversation.Moved != "-400000001" || len(rec.Events()) != 1 {
			t.Errorf("got %+v", rec.Events())
		}
	})
	t.Run("no such topic", func(t *testing.T) {
		_, err := newStage(t).conn.Send(t.Context(), platforms.Message{Conversation: group, Thread: "5", Text: "x"})
		wants(t, err, platforms.Rejected, "topic")
	})
	t.Run("a reason we have no words for", func(t *testing.T) {
		s := newStage(t)
		s.SetFault("sendMessage", telegramtest.Fault{Code: 400, Description: "Bad Request: the stars are wrong"})
		_, err := s.conn.Send(t.Context(), text)
		wants(t, err, platforms.Rejected, "the stars are wrong")
	})
	t.Run("too fast", func(t *testing.T) {
		s := newStage(t)
		s.SetFault("sendMessage", telegramtest.Fault{Code: 429, RetryAfter: 3})
		_, err := s.conn.Send(t.Context(), text)
		if e := wants(t, err, platforms.RateLimited, "slowly"); e.RetryAfter != 3*time.Second {
			t.Errorf("wait %v", e.RetryAfter)
		}
	})
	t.Run("an answer to a message that is gone is sent anyway", func(t *testing.T) {
		s := newStage(t)
		_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, ReplyTo: "99", Text: "x"})
		must(t, err)
	})
	t.Run("cancelled", func(t *testing.T) {
		s := newStage(t)
		s.SetFault("sendMessage", telegramtest.Fault{Kind: telegramtest.Hang})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { _, err := s.conn.Send(ctx, text); done <- err }()
		must(t, s.WaitHeld(soon(t), 1))
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a redirect is not followed", func(t *testing.T) {
		s := newStage(t)
		s.SetFault("sendMessage", telegramtest.Fault{Code: 302})
		_, err := s.conn.Send(t.Context(), text)
		wants(t, err, platforms.Temporary, "")
	})
}

func TestSendFiles(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	t.Run("a document with a caption", func(t *testing.T) {
		s := newStage(t)
		f, open := file(`C:\Users\ada\Grüße "1".txt`, "text/plain; charset=utf-8", data)
		id, err := s.conn.Send(t.Context(), platforms.Message{
			Conversation: group, Thread: "4000017", Text: "see", Files: []platforms.File{f},
			Buttons: [][]platforms.Button{{{Label: "Seen", Data: "s"}}},
		})
		must(t, err)
		got := s.Sent()
		if len(got) != 1 || got[0].Method != "sendDocument" || got[0].Text != "see" || itoa(got[0].ID) != string(id) || got[0].Thread != telegramtest.Topic || len(got[0].Buttons) != 1 {
			t.Fatalf("got %+v", got)
		}
		if f := got[0].File; f.Name != `Grüße "1".txt` || f.MediaType != "text/plain; charset=utf-8" || !bytes.Equal(f.Data, data) {
			t.Errorf("file %q of %q, %d bytes", f.Name, f.MediaType, len(f.Data))
		}
		if n := open.Load(); n != 0 {
			t.Errorf("%d files are still open", n)
		}
	})
	t.Run("the size need not be known", func(t *testing.T) {
		s := newStage(t)
		f, _ := file("x.bin", "", data)
		f.Size = 0
		_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
		must(t, err)
		if got := s.Sent()[0].File; !bytes.Equal(got.Data, data) {
			t.Errorf("%d bytes arrived", len(got.Data))
		}
	})
	t.Run("a photo goes as one", func(t *testing.T) {
		s := newStage(t)
		f, _ := file("shot.png", "image/png", picture(t, 20, 10))
		_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
		must(t, err)
		if got := s.Sent()[0]; got.Method != "sendPhoto" || !bytes.Equal(got.File.Data, picture(t, 20, 10)) {
			t.Errorf("got %s", got.Method)
		}
	})
	t.Run("what Telegram refuses as a photo goes as a document", func(t *testing.T) {
		for name, data := range map[string][]byte{"narrow": picture(t, 1, 30), "no picture": []byte("not a picture")} {
			s := newStage(t)
			f, _ := file("shot.png", "image/png", data)
			_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
			must(t, err)
			if got := s.Sent()[0]; got.Method != "sendDocument" || !bytes.Equal(got.File.Data, data) {
				t.Errorf("%s: got %s", name, got.Method)
			}
		}
	})
	t.Run("text first, then each file, and a retry goes on where it broke off", func(t *testing.T) {
		s := newStage(t)
		one, _ := file("one.txt", "text/plain", []byte("1"))
		two, _ := file("two.txt", "text/plain", []byte("2"))
		m := platforms.Message{Key: "k", Conversation: direct, Text: "both", Files: []platforms.File{one, two}, Buttons: [][]platforms.Button{{{Label: "Ok", Data: "o"}}}}
		s.SetFault("sendDocument", telegramtest.Fault{Code: 500})
		_, err := s.conn.Send(t.Context(), m)
		wants(t, err, platforms.Temporary, "")
		id, err := s.conn.Send(t.Context(), m)
		must(t, err)
		got := s.Sent()
		if len(got) != 3 || got[0].Text != "both" || got[1].File.Name != "one.txt" || got[2].File.Name != "two.txt" {
			t.Fatalf("got %+v", got)
		}
		if itoa(got[0].ID) != string(id) || len(got[0].Buttons) != 1 || len(got[1].Buttons) != 0 {
			t.Errorf("id %s, buttons on %+v", id, got)
		}
	})
	t.Run("a long text stands before its file", func(t *testing.T) {
		s := newStage(t)
		f, _ := file("one.txt", "text/plain", []byte("1"))
		_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Text: strings.Repeat("x", 1025), Files: []platforms.File{f}})
		must(t, err)
		if n := len(s.Sent()); n != 2 {
			t.Errorf("%d messages", n)
		}
	})
	t.Run("a file that is gone", func(t *testing.T) {
		f := platforms.File{Name: "x", Open: func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }}
		_, err := newStage(t).conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
		wants(t, err, platforms.Rejected, "can't be read")
	})
	t.Run("a file that changes while it is sent", func(t *testing.T) {
		for _, size := range []int64{3, 2000} {
			f, open := file("x", "", data[:1000])
			f.Size = size
			_, err := newStage(t).conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
			wants(t, err, platforms.Rejected, "changed")
			if open.Load() != 0 {
				t.Error("the file is still open")
			}
		}
	})
	t.Run("an empty file", func(t *testing.T) {
		f, _ := file("x", "", nil)
		_, err := newStage(t).conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
		wants(t, err, platforms.Rejected, "empty")
	})
}

// endless gives more bytes than Telegram takes, without holding them.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) { e.n += int64(len(p)); return len(p), nil }
func (e *endless) Close() error               { return nil }

func TestSendStopsAnEndlessFile(t *testing.T) {
	s := newStage(t)
	var e endless
	f := platforms.File{Name: "pipe", Open: func() (io.ReadCloser, error) { return &e, nil }}
	_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
	wants(t, err, platforms.Rejected, "50 MB")
	if e.n > 60_000_000 {
		t.Errorf("%d bytes were read", e.n)
	}
}

func TestEdit(t *testing.T) {
	s := newStage(t)
	edit := s.conn.(platforms.Editor).Edit
	m := platforms.Message{Conversation: direct, Text: "one", Buttons: [][]platforms.Button{{{Label: "B", Data: "b"}}}}
	id, err := s.conn.Send(t.Context(), m)
	must(t, err)
	m.Text, m.Buttons = "two", nil
	must(t, edit(t.Context(), id, m))
	if got := s.Sent()[0]; got.Text != "two" || len(got.Buttons) != 0 || !got.Edited {
		t.Errorf("got %+v", got)
	}
	must(t, edit(t.Context(), id, m)) // nothing changes: no error
	wants(t, edit(t.Context(), "999", m), platforms.Rejected, "gone")
	wants(t, edit(t.Context(), "x", m), platforms.Rejected, "not one of Telegram's")

	f, _ := file("x.txt", "", []byte("x"))
	id, err = s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Text: "caption", Files: []platforms.File{f}})
	must(t, err)
	must(t, edit(t.Context(), id, m))
	if got := s.Sent()[1]; got.Text != "two" || got.File == nil {
		t.Errorf("got %+v", got)
	}
}

func TestClicks(t *testing.T) {
	s := newStage(t)
	id, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Text: "?", Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}}}})
	must(t, err)
	n := s.Sent()[0].ID
	s.Click(telegramtest.Direct, n, "Yes", telegramtest.Person)
	var rec platformtest.Recorder
	s.run(t, "", &rec)
	ev := rec.Wait(t, 1)[0]
	if ev.Kind != platforms.ButtonClicked || ev.Click.Data != "y" || ev.Message != id {
		t.Fatalf("got %+v", ev)
	}
	clicked := s.conn.(platforms.Clicker).Clicked
	must(t, clicked(t.Context(), ev.Click.Token, "noted"))
	must(t, clicked(t.Context(), ev.Click.Token, "noted"))
	if a := s.Answers(); len(a) != 1 || a[0] != "noted" {
		t.Errorf("answers %q", a)
	}
	s.Expire()
	must(t, clicked(t.Context(), ev.Click.Token, "too late"))
	must(t, clicked(t.Context(), "nonsense", strings.Repeat("x", 500)))
}

func TestTyping(t *testing.T) {
	s := newStage(t)
	must(t, s.conn.(platforms.Typer).Typing(t.Context(), group, "4000017"))
	if got := s.Typed(); len(got) != 1 || got[0] != (telegramtest.Typed{Chat: telegramtest.Group, Thread: telegramtest.Topic, Action: "typing"}) {
		t.Errorf("got %+v", got)
	}
}

func TestOpen(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	attachment := func(t *testing.T, s *stage, f telegramtest.File) platforms.Attachment {
		t.Helper()
		s.SendFile(telegramtest.Direct, telegramtest.Person, "document", "", f)
		var rec platformtest.Recorder
		stop := s.run(t, "", &rec)
		a := rec.Wait(t, 1)[0].Attachments[0]
		_ = stop()
		return a
	}
	t.Run("all of it", func(t *testing.T) {
		s := newStage(t)
		a := attachment(t, s, telegramtest.File{Name: "a.bin", MediaType: "application/x-test", Data: data})
		r, err := s.conn.(platforms.Opener).Open(t.Context(), a)
		must(t, err)
		got, err := io.ReadAll(r)
		must(t, err)
		must(t, r.Close())
		if !bytes.Equal(got, data) || a.Name != "a.bin" || a.Size != int64(len(data)) {
			t.Errorf("%d bytes of %+v", len(got), a)
		}
	})
	t.Run("larger than 20 MB", func(t *testing.T) {
		s := newStage(t)
		a := attachment(t, s, telegramtest.File{Name: "a.bin", Data: make([]byte, 20_000_001)})
		open := s.conn.(platforms.Opener).Open
		_, err := open(t.Context(), a)
		wants(t, err, platforms.Rejected, "20 MB")
		a.Size = 0 // not told
		_, err = open(t.Context(), a)
		wants(t, err, platforms.Rejected, "20 MB")
	})
	t.Run("gone", func(t *testing.T) {
		_, err := newStage(t).conn.(platforms.Opener).Open(t.Context(), platforms.Attachment{Ref: "x"})
		wants(t, err, platforms.Rejected, "sent again")
	})
	t.Run("cut in the middle", func(t *testing.T) {
		s := newStage(t)
		a := attachment(t, s, telegramtest.File{Name: "a.bin", Data: data})
		s.SetFault("file", telegramtest.Fault{Kind: telegramtest.Cut})
		r, err := s.conn.(platforms.Opener).Open(t.Context(), a)
		must(t, err)
		defer r.Close()
		_, err = io.ReadAll(r)
		wants(t, err, platforms.Temporary, "broke off")
	})
	t.Run("server fault", func(t *testing.T) {
		s := newStage(t)
		a := attachment(t, s, telegramtest.File{Name: "a.bin", Data: data})
		s.SetFault("file", telegramtest.Fault{})
		_, err := s.conn.(platforms.Opener).Open(t.Context(), a)
		wants(t, err, platforms.Temporary, "")
	})
}

// generous answers getFile without a size, and then never stops.
type generous struct{ endless }

func (g *generous) RoundTrip(q *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: &g.endless, Request: q}
	if strings.HasSuffix(q.URL.Path, "/getFile") {
		resp.Body = io.NopCloser(strings.NewReader(`{"ok":true,"result":{"file_id":"x","file_unique_id":"y","file_path":"documents/x"}}`))
	}
	return resp, nil
}

func TestOpenStopsAnEndlessFile(t *testing.T) {
	var g generous
	s := newStageWith(t, &http.Client{Transport: &g})
	r, err := s.conn.(platforms.Opener).Open(t.Context(), platforms.Attachment{Ref: "x"})
	must(t, err)
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	wants(t, err, platforms.Rejected, "20 MB")
	if n > 20_000_000 {
		t.Errorf("%d bytes came through", n)
	}
}

// sieve reads requests to their end and remembers how long they were.
type sieve struct{ read, told int64 }

func (s *sieve) RoundTrip(q *http.Request) (*http.Response, error) {
	s.told = q.ContentLength
	var err error
	if s.read, err = io.Copy(io.Discard, q.Body); err != nil {
		return nil, err
	}
	_ = q.Body.Close()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: q,
		Body: io.NopCloser(strings.NewReader(`{"ok":true,"result":{"message_id":7}}`))}, nil
}

func TestSendDoesNotHoldFiles(t *testing.T) {
	const size = 45_000_000
	var v sieve
	s := newStageWith(t, &http.Client{Transport: &v})
	f := platforms.File{Name: "big.iso", Size: size, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(&endless{}, size)), nil
	}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: direct, Files: []platforms.File{f}})
	runtime.ReadMemStats(&after)
	must(t, err)
	if v.read != v.told || v.read < size {
		t.Errorf("%d bytes were sent, %d were announced", v.read, v.told)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > size/10 {
		t.Errorf("%d bytes were allocated for a file of %d", grown, size)
	}
}
