package platformtest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern/postern/platforms"
)

// How much of a file a connector may hold: far below the file's size, far above
// what buffers take.
const (
	bigFile  = 8 << 20
	heldMost = 3 << 20
)

// meter is a RoundTripper that counts what passes in either direction.
type meter struct {
	next     http.RoundTripper
	sent     atomic.Int64
	received atomic.Int64
}

// RoundTrip is http.RoundTripper's.
func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.Clone(r.Context())
		r.Body = counted{r.Body, &m.sent}
	}
	resp, err := m.next.RoundTrip(r)
	if err == nil {
		resp.Body = counted{resp.Body, &m.received}
	}
	return resp, err
}

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// metered gives d's connector a metered client.
func (s *suite) metered(t *testing.T) (*desk, *meter) {
	t.Helper()
	w := s.h.New(t)
	t.Cleanup(w.Close)
	d := &desk{World: w, t: t, s: s, most: max(s.h.Patience, patience)}
	if w.Config.HTTP == nil {
		t.Skip("nothing is dialled")
	}
	m := &meter{next: w.Config.HTTP.Transport}
	if m.next == nil {
		t.Fatal("World.Config.HTTP needs a Transport of its own")
	}
	client := *w.Config.HTTP
	client.Transport = m
	w.Config.HTTP = &client
	return s.connect(t, d), m
}

// long is a file that notes how far it was read ahead of what left the house.
type long struct {
	m     *meter
	mu    sync.Mutex
	at    int64
	ahead int64
}

func (f *long) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := min(int64(len(p)), bigFile-f.at)
	if n == 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	f.at += n
	f.ahead = max(f.ahead, f.at-f.m.sent.Load())
	return int(n), nil
}

func (f *long) Close() error { return nil }

// streamed proves that a file passes through a connector instead of being held
// in memory.
func (s *suite) streamed(t *testing.T) {
	t.Run("out", func(t *testing.T) {
		if s.limits.Upload < bigFile {
			t.Skip("the platform takes no such file")
		}
		d, m := s.metered(t)
		f := &long{m: m}
		_, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Files: []platforms.File{{
			Name: "big.bin", MediaType: "application/octet-stream", Size: bigFile, Open: func() (io.ReadCloser, error) { return f, nil },
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if f.at != bigFile || f.ahead > heldMost {
			t.Errorf("%d bytes were read, up to %d before they left", f.at, f.ahead)
		}
	})
	t.Run("in", func(t *testing.T) {
		if s.limits.Download < bigFile {
			t.Skip("the platform gives no such file")
		}
		d, m := s.metered(t)
		r := d.start(nil, d.begin())
		d.Say(Said{Conversation: d.Direct, Text: "big", Files: []Content{{Name: "big.bin", MediaType: "application/octet-stream", Data: bytes.Repeat([]byte("x"), bigFile)}}})
		ev := r.rec.Wait(t, 1)[0]
		if len(ev.Attachments) != 1 {
			t.Fatalf("%+v", ev)
		}
		before := m.received.Load()
		body, err := d.conn.(platforms.Opener).Open(d.context(), ev.Attachments[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(body, make([]byte, 1000)); err != nil {
			t.Error(err)
		}
		if held := m.received.Load() - before; held > heldMost {
			t.Errorf("%d bytes were fetched when 1000 were read", held)
		}
		n, err := io.Copy(io.Discard, body)
		if err2 := body.Close(); n != bigFile-1000 || err != nil || err2 != nil {
			t.Errorf("%d more bytes, %v, %v", n, err, err2)
		}
		r.stop()
	})
}
