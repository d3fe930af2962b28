package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/app/control/socket"
)

// stream is a change stream that is pulled from.
type stream struct {
	t    *testing.T
	next func() (api.Event, error, bool)
}

func watch(t *testing.T, c *client.Client) stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	next, stop := iter.Pull2(c.Watch(ctx))
	t.Cleanup(func() { cancel(); stop() })
	return stream{t, next}
}

// until pulls events up to one that is wanted.
func (s stream) until(wanted func(api.Event) bool) api.Event {
	s.t.Helper()
	for {
		ev, err, ok := s.next()
		if err != nil || !ok {
			s.t.Fatalf("the stream ended: %v", err)
		}
		if wanted(ev) {
			return ev
		}
	}
}

func isSnapshot(ev api.Event) bool { return ev.Snapshot != nil }

func TestWatch(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{})
	s := watch(t, dial(t, dir))
	first := s.until(isSnapshot).Snapshot
	if first.Program.PID != 4711 {
		t.Errorf("%+v", first)
	}
	b.Change(func(s *controltest.State) { s.Snapshot.Unread = 99 })
	s.until(func(ev api.Event) bool { return ev.Snapshot != nil && ev.Snapshot.Unread == 99 })
}

func TestWatchTellsOfTheEnd(t *testing.T) {
	dir, _, stop, err := controltest.Start(controltest.New(), control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := watch(t, dial(t, dir))
	s.until(isSnapshot)
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	s.until(func(ev api.Event) bool { return ev.Quit })
	if _, err, ok := s.next(); ok {
		t.Errorf("something follows the end: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWatchBeats(t *testing.T) {
	dir, _ := start(t, controltest.New(), control.Options{}, func(s *control.Server) { s.SetTimes(time.Millisecond, 10*time.Second) })
	resp, err := raw(t, dir).Do(request(t, "GET", "/v1/watch", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	for i := range 4 {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if _, ok := line["snapshot"]; ok != (i == 0) || (i > 0 && len(line) > 0) {
			t.Errorf("line %d: %v", i, line)
		}
	}
}

func TestSlowReaderIsDropped(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) { // more than a socket's buffers hold
		s.Snapshot.Notices = []api.Notice{{ID: "n", Text: strings.Repeat("x", 4<<20)}}
	})
	dir, _ := start(t, b, control.Options{}, func(s *control.Server) { s.SetTimes(time.Hour, 200*time.Millisecond) })

	slow, err := socket.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "GET /v1/watch HTTP/1.1\r\nHost: postern\r\n\r\n")
	for b.Watchers() == 0 {
		runtime.Gosched()
	}
	// Others are served meanwhile, and the slow one loses its place.
	fast := dial(t, dir)
	for b.Watchers() > 0 {
		if _, err := fast.Platforms(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := io.Copy(io.Discard, slow); err == nil && n >= 4<<20 {
		t.Error("the slow one got everything")
	}
}

func TestWatchersAreBounded(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{})
	c := dial(t, dir)
	for range 64 {
		watch(t, c).until(isSnapshot)
	}
	var wire *api.Error
	for _, err := range c.Watch(t.Context()) {
		if !errors.As(err, &wire) {
			t.Fatalf("one too many: %v", err)
		}
	}
}

func TestWatcherThatLeaves(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{})
	c := dial(t, dir)
	for range c.Watch(t.Context()) {
		break
	}
	for b.Watchers() > 0 {
		runtime.Gosched()
	}
}

func TestFollowReconnects(t *testing.T) {
	dir := folder(t)
	stop, _, err := controltest.StartIn(dir, controltest.New(), control.Options{}, func(*control.Server) {})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told []bool
	var again func() error
	quit := false
	c.Follow(ctx, func(ev api.Event) { quit = quit || ev.Quit }, func(up bool) {
		told = append(told, up)
		switch len(told) {
		case 1:
			go stop() //nolint:errcheck // waited for below
		case 2:
			if err := stop(); err != nil {
				t.Error(err)
			}
			if again, _, err = controltest.StartIn(dir, controltest.New(), control.Options{}, func(*control.Server) {}); err != nil {
				t.Error(err)
			}
		case 3:
			cancel()
		}
	})
	if fmt.Sprint(told) != "[true false true false]" || !quit {
		t.Errorf("connected: %v, quit %v", told, quit)
	}
	if again != nil {
		if err := again(); err != nil {
			t.Error(err)
		}
	}
}

func TestShow(t *testing.T) {
	inbox := api.Request{Page: "inbox", Account: "pigeon", Conversation: "c1", Reply: true}
	shows := func(r api.Request) func(api.Event) bool {
		return func(ev api.Event) bool { return ev.Show != nil && *ev.Show == r }
	}
	t.Run("a connected window is told", func(t *testing.T) {
		dir, s := start(t, controltest.New(), control.Options{OpenWindow: func(api.Request) error { t.Error("another was opened"); return nil }})
		w := client.New(dir, client.AsWindow())
		defer w.Close()
		events := watch(t, w)
		events.until(isSnapshot)
		if err := client.Raise(t.Context(), dir, inbox); err != nil {
			t.Fatal(err)
		}
		events.until(shows(inbox))
		if err := s.Show(api.Request{Page: "accounts"}); err != nil {
			t.Fatal(err)
		}
		events.until(shows(api.Request{Page: "accounts"}))
	})
	t.Run("otherwise one is opened, once, and told the last request", func(t *testing.T) {
		opened := make(chan api.Request, 4)
		dir, s := start(t, controltest.New(), control.Options{OpenWindow: func(r api.Request) error { opened <- r; return nil }})
		watch(t, dial(t, dir)).until(isSnapshot) // no window
		for _, page := range []string{"accounts", "settings"} {
			if err := s.Show(api.Request{Page: page}); err != nil {
				t.Fatal(err)
			}
		}
		if r := <-opened; r.Page != "accounts" || len(opened) > 0 {
			t.Errorf("opened with %+v, then %d more", r, len(opened))
		}
		w := client.New(dir, client.AsWindow())
		defer w.Close()
		watch(t, w).until(shows(api.Request{Page: "settings"}))
	})
	t.Run("a window that does not open is told of", func(t *testing.T) {
		dir, _ := start(t, controltest.New(), control.Options{OpenWindow: func(api.Request) error { return errors.New("no display") }})
		for range 2 {
			if err := client.Raise(t.Context(), dir, inbox); err == nil || !strings.Contains(err.Error(), "no display") {
				t.Error(err)
			}
		}
	})
	t.Run("nothing runs", func(t *testing.T) {
		if err := client.Raise(t.Context(), t.TempDir(), inbox); !errors.Is(err, client.ErrNotRunning) {
			t.Error(err)
		}
	})
}

func TestExport(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		for i := range 2500 {
			*s.Activity = append(*s.Activity, api.Activity{Seq: uint64(i + 1), What: api.Routed, Account: "pigeon"})
		}
	})
	dir, _ := start(t, b, control.Options{})
	c := dial(t, dir)
	count := func(q client.ActivityQuery) (n int, last uint64, err error) {
		body, err := c.Export(t.Context(), q)
		if err != nil {
			return 0, 0, err
		}
		defer body.Close()
		for dec := json.NewDecoder(body); ; n++ {
			var a api.Activity
			if err := dec.Decode(&a); err != nil {
				return n, last, err
			}
			last = a.Seq
		}
	}
	t.Run("everything", func(t *testing.T) {
		if n, last, err := count(client.ActivityQuery{}); n != 2500 || last != 1 || !errors.Is(err, io.EOF) {
			t.Errorf("%d lines down to %d: %v", n, last, err)
		}
	})
	t.Run("a part", func(t *testing.T) {
		if n, last, err := count(client.ActivityQuery{Before: 2001, Limit: 1500}); n != 1500 || last != 501 || !errors.Is(err, io.EOF) {
			t.Errorf("%d lines down to %d: %v", n, last, err)
		}
	})
	t.Run("one that breaks does not pass for complete", func(t *testing.T) {
		pages := 0
		b.Err = func(call string) error {
			if call == "Activity" {
				if pages++; pages == 2 {
					return errors.New("broken")
				}
			}
			return nil
		}
		if n, _, err := count(client.ActivityQuery{}); errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d lines, then %v", n, err)
		}
	})
}

func TestAttachment(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		(*s.Entries)[0].Attachments = []api.Attachment{
			{Name: "zeros.png", MediaType: "image/png", Size: 2 << 20},
			{Name: "../../\"x\r\nSet-Cookie: a=b\x1b[2J.html", MediaType: "text/html"},
			{Name: "Zählung 🕊.pdf", MediaType: "application/pdf; name=x"},
		}
	})
	dir, _ := start(t, b, control.Options{})
	c := dial(t, dir)
	for i, want := range []api.Attachment{
		{Name: "zeros.png", MediaType: "image/png", Size: 2 << 20},
		{Name: "_.._x Set-Cookie_ a=b [2J.html", MediaType: "application/octet-stream"},
		{Name: "Zählung 🕊.pdf", MediaType: "application/pdf"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			got, body, err := c.Attachment(t.Context(), 1, i)
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			if n, err := io.Copy(io.Discard, body); n != 2<<20 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			if strings.ContainsAny(got.Name, "/\\\"\r\n\x1b") || got.MediaType != want.MediaType || got.Size != want.Size {
				t.Errorf("%+v, want %+v", got, want)
			}
			if i != 1 && got.Name != want.Name {
				t.Errorf("%q, want %q", got.Name, want.Name)
			}
		})
	}
	t.Run("is always a file to keep", func(t *testing.T) {
		resp, err := raw(t, dir).Do(request(t, "GET", "/v1/entries/1/attachments/1", ""))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if d := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; ") || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%v", resp.Header)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%v", resp.Header)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	})
}

func TestAnswersAreNotCached(t *testing.T) {
	dir, _ := start(t, controltest.New(), control.Options{})
	resp, err := raw(t, dir).Do(request(t, http.MethodGet, "/v1/snapshot", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %v", resp.Header, err)
	}
}
