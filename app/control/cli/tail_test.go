package cli_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// following is a command that goes on until stop.
type following struct {
	out, err *pipe
	stop     func() int
}

func follow(t *testing.T, dir string, args ...string) following {
	ctx, cancel := context.WithCancel(t.Context())
	f := following{out: &pipe{news: make(chan struct{}, 1)}, err: &pipe{news: make(chan struct{}, 1)}}
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Execute(ctx, cli.Options{In: strings.NewReader(""), Out: f.out, Err: f.err, Zone: time.UTC,
			Dir: func() (string, error) { return dir, nil }}, args)
	}()
	f.stop = func() int { cancel(); return <-ended }
	return f
}

// begun is closed once a command that follows b asks for what is new.
func begun(b *controltest.Backend) <-chan struct{} {
	var calls atomic.Int32
	begun := make(chan struct{})
	b.Wait = func(_ context.Context, call string) {
		if call == "Entries" && calls.Add(1) == 2 {
			close(begun)
		}
	}
	return begun
}

// add appends messages with the next seqs.
func add(b *controltest.Backend, list ...api.Entry) {
	b.Change(func(s *controltest.State) {
		for _, e := range list {
			e.Seq, e.At, e.Status = uint64(len(*s.Entries)+1), controltest.At(), cmp.Or(e.Status, api.Delivered)
			*s.Entries = append(*s.Entries, e)
		}
	})
}

func TestTail(t *testing.T) {
	b := talk()
	f := follow(t, serve(t, b), "tail", "-n", "3")
	f.out.wait("Carol joined")
	add(b, api.Entry{Account: "owl", Conversation: "g", From: platforms.User{Name: "Eve\x1b[2J"}, Text: "two\nlines\x07", Stranger: true,
		Attachments: []api.Attachment{{Name: "a\x1b.png", Size: 1536}}, Click: &platforms.Click{Data: "yes"}},
		api.Entry{Account: "pigeon", Conversation: "c1", Outgoing: true, Status: api.Queued, Text: "an answer"}, api.Entry{Account: "owl", Conversation: "g", Erased: true})
	f.out.wait("not kept")
	if code := f.stop(); code != cli.OK || f.err.String() != "" {
		t.Errorf("code %d %s", code, f.err)
	}
	golden(t, f.out.String(), `
5  2026-03-04 05:06  pigeon  g  Postern:  ours  [delivered]
6  2026-03-04 05:06  pigeon  g  Postern:  not sent yet  [delivered]
7  2026-03-04 05:06  pigeon  g  Carol joined
8  2026-03-04 05:06  owl  g  Eve [2J:  two lines pressed yes [file a .png 1.5 KiB]  [stranger]
9  2026-03-04 05:06  pigeon  c1  Postern:  an answer  [queued]
10  2026-03-04 05:06  owl  g  (the content is not kept)
`)
}

func TestTailBeginsAndSelects(t *testing.T) {
	for args, want := range map[string][]int{
		"":                                   {1, 2, 3, 4, 5, 6, 7, 8},
		"-n 2":                               {6, 7, 8},
		"-n 0":                               {8},
		"--account owl":                      {4, 8},
		"-n 0 --account owl":                 {8},
		"--account pigeon --conversation c1": {1, 2},
		"--conversation g --lines 1":         {7, 8},
	} {
		t.Run(args, func(t *testing.T) {
			b := talk()
			ready := begun(b)
			f := follow(t, serve(t, b), append([]string{"tail", "--json"}, strings.Fields(args)...)...)
			<-ready
			add(b, api.Entry{Account: "owl", Conversation: "g", Text: "new"})
			if want[len(want)-1] == 8 {
				f.out.wait(`"seq":8`)
			} else {
				f.out.wait(`"seq":2`)
			}
			if code := f.stop(); code != cli.OK {
				t.Errorf("code %d", code)
			}
			var got []int
			for dec := json.NewDecoder(strings.NewReader(f.out.String())); ; {
				var e api.Entry
				if err := dec.Decode(&e); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, int(e.Seq))
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d, want %d", got, want)
			}
		})
	}
}

// TestTailOverRestarts has Postern end again and again while messages come.
func TestTailOverRestarts(t *testing.T) {
	dir, err := os.MkdirTemp("", "postern-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	b := controltest.New()
	run := func() func() error {
		stop, _, err := controltest.StartIn(dir, b, control.Options{}, func(*control.Server) {})
		if err != nil {
			t.Fatal(err)
		}
		return stop
	}
	stop := run()
	f := follow(t, dir, "tail", "--json", "-n", "1")
	f.out.wait(`"seq":2`)
	news := func() {
		for range 300 { // more than is read at once
			add(b, api.Entry{Account: "pigeon", Conversation: "c1", Text: "news"})
		}
	}
	for i := range 3 {
		go news() // while it ends
		f.out.wait(fmt.Sprintf(`"seq":%d,`, 2+i*600+10))
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		f.err.wait("waiting for it")
		news()
		stop = run()
		f.out.wait(fmt.Sprintf(`"seq":%d,`, 2+(i+1)*600))
	}
	if code := f.stop(); code != cli.OK {
		t.Errorf("code %d", code)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(f.out.String()), "\n")
	for i, line := range lines {
		var e api.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != uint64(i+2) {
			t.Fatalf("line %d: seq %d, %v", i, e.Seq, err)
		}
	}
	if len(lines) != 1801 {
		t.Errorf("%d lines", len(lines))
	}
	if said := f.err.String(); !strings.Contains(said, "waiting for it") || !strings.Contains(said, "is back") {
		t.Error(said)
	}
}

func TestTailWithActivity(t *testing.T) {
	happen := func(b *controltest.Backend, list ...api.Activity) {
		b.Change(func(s *controltest.State) {
			for _, a := range list {
				a.Seq, a.At = uint64(len(*s.Activity)+1), controltest.At()
				*s.Activity = append(*s.Activity, a)
			}
		})
	}
	b := controltest.New()
	happen(b, api.Activity{What: api.Stopped, Conversation: "c1", Who: "before"})
	ready := begun(b)
	f := follow(t, serve(t, b), "tail", "-n", "0", "--activity", "--conversation", "c1")
	<-ready
	happen(b, api.Activity{What: api.Stopped, Conversation: "c2", Who: "elsewhere"},
		api.Activity{What: api.Rejected, Account: "pigeon", Conversation: "c1", Who: "Eve\x1b[2J", Why: "unknown", Entry: 2})
	for range 500 {
		happen(b, api.Activity{What: api.Routed, Conversation: "c1"})
	}
	happen(b, api.Activity{What: api.Routed, Conversation: "c1", Why: "the end"})
	f.out.wait("the end")
	if code := f.stop(); code != cli.OK {
		t.Errorf("code %d", code)
	}
	out := f.out.String()
	if first, _, _ := strings.Cut(out, "\n"); first != "-  2026-03-04 05:06  pigeon  c1  rejected  Eve [2J  unknown  (message 2)" {
		t.Error(first)
	}
	if n := strings.Count(out, "\n"); n != 502 {
		t.Errorf("%d lines", n)
	}
}

func TestTailEnds(t *testing.T) {
	t.Run("nobody to ask", func(t *testing.T) {
		if _, errs, code := (shell{dir: t.TempDir()}).run(t, "tail"); code != cli.NotRunning || !strings.Contains(errs, "not running") {
			t.Errorf("%d %s", code, errs)
		}
	})
	t.Run("a wrong number", func(t *testing.T) {
		if _, _, code := (shell{dir: t.TempDir()}).run(t, "tail", "-n", "-1"); code != cli.Usage {
			t.Errorf("%d", code)
		}
	})
	t.Run("what is followed is gone", func(t *testing.T) {
		b := controltest.New()
		dir := serve(t, b)
		gone := make(chan struct{})
		b.Err = func(call string) error {
			select {
			case <-gone:
				return &api.Error{Kind: platforms.Rejected, Text: "There is no account."}
			default:
				return nil
			}
		}
		f := follow(t, dir, "tail", "--account", "pigeon")
		f.out.wait("coo?")
		close(gone)
		add(b, api.Entry{Account: "pigeon"})
		f.err.wait("There is no account.")
		if code := f.stop(); code != cli.Failed {
			t.Errorf("%d", code)
		}
	})
	t.Run("a passing trouble", func(t *testing.T) {
		b := controltest.New()
		ready := begun(b)
		dir := serve(t, b)
		var trouble atomic.Bool
		b.Err = func(string) error {
			if trouble.CompareAndSwap(true, false) {
				return &api.Error{Kind: platforms.Temporary, Text: "Busy."}
			}
			return nil
		}
		f := follow(t, dir, "tail")
		<-ready
		trouble.Store(true)
		add(b, api.Entry{Account: "pigeon", Text: "the only one"}) // no later change calls for it
		f.out.wait("the only one")
		if code := f.stop(); code != cli.OK {
			t.Errorf("%d", code)
		}
	})
	t.Run("nobody reads", func(t *testing.T) {
		for _, args := range [][]string{{"tail"}, {"tail", "--json"}, {"tail", "-n", "0"}} {
			b := controltest.New()
			ready := begun(b)
			dir := serve(t, b)
			ended := make(chan int, 1)
			go func() {
				ended <- cli.Execute(t.Context(), cli.Options{In: strings.NewReader(""), Out: nobody{}, Err: io.Discard, Dir: func() (string, error) { return dir, nil }}, args)
			}()
			if len(args) == 3 {
				<-ready
				add(b, api.Entry{Account: "pigeon"})
			}
			if code := <-ended; code != cli.Failed {
				t.Errorf("%q: %d", args, code)
			}
		}
	})
}

// nobody reads what is written to it.
type nobody struct{}

func (nobody) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
