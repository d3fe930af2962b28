package platformtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/postern/postern/platforms"
)

// once is what must happen one time, or not at all.
func (s *suite) once(t *testing.T) {
	if !s.h.OnlySpeaks {
		t.Run("stored, but not acknowledged", s.crash)
	}
	if s.h.OnlyHears {
		return
	}
	for name, f := range map[string]struct {
		fault Fault
		want  int // messages on the server
	}{
		"server error": {Fault{Kind: ServerError}, 0}, "answer lost": {Fault{Kind: Lost}, 1},
	} {
		t.Run("Send tries once: "+name, func(t *testing.T) {
			d := s.open(t)
			d.FailCall(f.fault)
			_, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "x"})
			d.kind("Send", err, platforms.Temporary)
			if n := len(d.Sent()); n != f.want {
				t.Errorf("the server has %d messages, want %d", n, f.want)
			}
		})
	}
	t.Run("one key, one message", func(t *testing.T) {
		if !s.h.Idempotent {
			t.Skip("the platform has no idempotency key")
		}
		d := s.open(t)
		m := platforms.Message{Key: "same", Conversation: d.Direct, Text: "x"}
		d.FailCall(Fault{Kind: Lost})
		_, err := d.conn.Send(d.context(), m)
		d.kind("Send", err, platforms.Temporary)
		var ids []platforms.MessageID
		for range 2 {
			id, err := d.conn.Send(d.context(), m)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		if n := len(d.Sent()); n != 1 || ids[0] != ids[1] {
			t.Errorf("%d messages, ids %q", n, ids)
		}
	})
	t.Run("a file that breaks off", func(t *testing.T) {
		if s.limits.Upload == 0 {
			t.Skip("the platform takes no files")
		}
		d := s.open(t)
		file := &brokenFile{data: bytes.NewReader(make([]byte, 200_000))}
		_, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Files: []platforms.File{{
			Name: "half.bin", Size: 400_000, Open: func() (io.ReadCloser, error) { return file, nil },
		}}})
		if err == nil {
			t.Error("Send succeeded with half a file")
		}
		s.heard.error(err)
		if n := len(d.Sent()); n != 0 {
			t.Errorf("the server has %d messages", n)
		}
		if file.closed != 1 {
			t.Errorf("the file was closed %d times", file.closed)
		}
	})
	t.Run("nothing for a context that has ended", func(t *testing.T) {
		d := s.open(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := d.conn.Send(ctx, platforms.Message{Key: "k", Conversation: d.Direct, Text: "x"})
		d.kind("Send", err, platforms.Temporary)
		if n := len(d.Sent()); n != 0 {
			t.Errorf("the server has %d messages", n)
		}
	})
}

// crash ends Run between storing and acknowledging: the cursor must keep what
// is stored from coming again, and what follows from being skipped.
func (s *suite) crash(t *testing.T) {
	d := s.open(t)
	stop := make(chan context.CancelFunc, 1)
	rec := &Recorder{Patience: d.most, OnEvent: func(_ context.Context, ev platforms.Event) error {
		if ev.Text == "2" {
			(<-stop)()
		}
		return nil
	}}
	from := d.begin()
	for _, text := range []string{"1", "2", "3"} {
		d.say(text)
	}
	r := d.start(rec, from)
	stop <- r.cancel
	if err := r.wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	d.say("4")
	close(stop)
	rec.OnEvent = nil
	r = d.start(rec, rec.at(from))
	d.until("the last one is stored", func() bool {
		return slices.ContainsFunc(rec.Events(), func(ev platforms.Event) bool { return ev.Text == "4" })
	})
	if err := r.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	var texts []string
	for _, ev := range rec.Events() {
		texts = append(texts, ev.Text)
	}
	if !slices.Equal(texts, []string{"1", "2", "3", "4"}) {
		t.Errorf("stored: %v", texts)
	}
}

// brokenFile fails where its data ends.
type brokenFile struct {
	data   io.Reader
	closed int
}

var errBroken = errors.New("the disk is gone")

func (f *brokenFile) Read(p []byte) (int, error) {
	n, err := f.data.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

func (f *brokenFile) Close() error {
	f.closed++
	return nil
}
