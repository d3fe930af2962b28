package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// child runs one role in a process of its own; see the tests that start it.
func child(role, dir string) int {
	fail := func(err error) int {
		fmt.Println("error:", err)
		return 1
	}
	if role == "full" {
		if err := limitFiles(6 << 20); err != nil {
			return fail(err)
		}
	}
	s, rec, err := Open(dir, testKey(1), Options{})
	if role == "readonly" {
		fmt.Println(errors.Is(err, ErrReadOnly), err)
		return 0
	}
	if err != nil {
		return fail(err)
	}
	if rec != (Recovery{}) {
		return fail(errors.New(rec.Text))
	}
	switch role {
	case "write":
		if err := s.PutAccount(context.Background(), Account{ID: acct}); err != nil {
			return fail(err)
		}
		return writeForever(s, os.Getenv("POSTERN_STORE_RUN"))
	case "full":
		return fillUp(s)
	case "hold":
		fmt.Println("holding")
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err := s.Close(); err != nil {
			return fail(err)
		}
		return 0
	}
	return 2
}

// writeForever accepts and finishes, enqueues and sends, and prints what was
// acknowledged, until it is killed.
func writeForever(s *Store, run string) int {
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%s-%d-%d", run, w, i)
				seq, dup, err := s.Accept(context.Background(), Incoming{Account: acct, Event: message(fmt.Sprint("c", w), id, id)})
				if err != nil || dup {
					say("error: accept %v %v", dup, err)
					return
				}
				say("in %s %d", id, seq)
				if i%3 == 0 {
					continue
				}
				seq, err = s.Enqueue(context.Background(), Outgoing{Account: acct, Answers: seq, Finish: &Outcome{Status: Delivered},
					Message: platforms.Message{Key: id, Conversation: platforms.ConversationID(fmt.Sprint("c", w)), Text: id}})
				if err != nil {
					say("error: enqueue %v", err)
					return
				}
				say("out %s %d", id, seq)
				if i%2 == 0 {
					continue
				}
				if err := s.Sent(context.Background(), seq, []platforms.MessageID{platforms.MessageID(id)}, 0); err != nil {
					say("error: sent %v", err)
					return
				}
				say("sent %s %d", id, seq)
			}
		})
	}
	wg.Wait()
	return 1
}

// fillUp writes until the disk is full, then proves that the journal is whole.
func fillUp(s *Store) int {
	n := 0
	for ; ; n++ {
		_, _, err := s.Accept(context.Background(), Incoming{Account: acct, Event: message("c", fmt.Sprint(n), strings.Repeat("x", 20_000))})
		if n == 0 && errors.Is(err, ErrNotFound) {
			if err := s.PutAccount(context.Background(), Account{ID: acct}); err != nil {
				fmt.Println("error:", err)
				return 1
			}
			n--
			continue
		}
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			fmt.Println("error:", err)
			return 1
		}
	}
	if err := liftFiles(); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	_, _, err := s.Accept(context.Background(), Incoming{Account: acct, Event: message("c", "after", "after")})
	if err == nil {
		err = s.Close()
	}
	fmt.Println(n, err)
	return 0
}

// start runs this test binary in a role.
func start(t *testing.T, role, dir string, env ...string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "POSTERN_STORE_CHILD="+dir, "POSTERN_STORE_ROLE="+role), env...)
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	cmd.Stderr = os.Stderr
	check(t, cmd.Start())
	return cmd, in, bufio.NewScanner(out)
}

func TestCrash(t *testing.T) {
	dir := t.TempDir()
	in, out, sent := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		cmd, _, lines := start(t, "write", dir, "POSTERN_STORE_RUN="+fmt.Sprint(round))
		for n := 0; lines.Scan(); n++ {
			f := strings.Fields(lines.Text())
			if f[0] == "error:" {
				t.Fatalf("round %d: %s", round, lines.Text())
			}
			seq, err := strconv.ParseUint(f[2], 10, 64)
			check(t, err)
			map[string]map[string]uint64{"in": in, "out": out, "sent": sent}[f[0]][f[1]] = seq
			if n == 200+137*round {
				check(t, cmd.Process.Kill())
			}
		}
		_ = cmd.Wait() // it was killed
	}
	if len(in) < 200*rounds/2 || len(sent) == 0 {
		t.Fatalf("only %d events and %d sent messages were acknowledged", len(in), len(sent))
	}
	s := mustOpen(t, dir)
	times := map[string]int{}
	for w := range 8 {
		for before := uint64(0); ; {
			es, err := s.Timeline(acct, platforms.ConversationID(fmt.Sprint("c", w)), before, 1000)
			check(t, err)
			if len(es) == 0 {
				break
			}
			before = es[0].Seq
			for _, e := range es {
				if e.Event != nil {
					times[e.Event.Text]++
				} else {
					times["> "+e.Message.Text]++
				}
			}
		}
	}
	for id, seq := range in {
		if e := entryOf(t, s, seq); e.Event == nil || e.Event.Text != id || times[id] != 1 {
			t.Fatalf("event %s: entry %+v, %d times", id, e, times[id])
		}
	}
	for id, seq := range out {
		if e := entryOf(t, s, seq); e.Message == nil || e.Message.Text != id || times["> "+id] != 1 {
			t.Fatalf("message %s: entry %+v, %d times", id, e, times["> "+id])
		}
	}
	for id, seq := range sent {
		if e := entryOf(t, s, seq); e.Status != Sent {
			t.Fatalf("sent %s: %+v", id, e)
		}
	}
	pending, queued := 0, 0
	refs, err := s.JobConversations()
	check(t, err)
	for _, r := range refs {
		for after := uint64(0); ; pending++ {
			j, ok, err := s.NextJob(r.Account, r.Conversation, after)
			check(t, err)
			if !ok {
				break
			}
			after = j.Seq
		}
	}
	refs, err = s.OutConversations()
	check(t, err)
	for _, r := range refs {
		for after := uint64(0); ; queued++ {
			p, ok, err := s.NextOut(r.Account, r.Conversation, after)
			check(t, err)
			if !ok {
				break
			}
			after = p.Seq
		}
	}
	if st, _ := s.Stats(); st.Pending != pending || st.Queued != queued {
		t.Fatalf("stats %+v, but %d pending and %d queued", st, pending, queued)
	}
	t.Logf("%d events, %d messages, %d sent survived %d kills", len(in), len(out), len(sent), rounds)
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	cmd, in, lines := start(t, "hold", dir)
	if !lines.Scan() || lines.Text() != "holding" {
		t.Fatalf("the other process says %q", lines.Text())
	}
	began := time.Now()
	_, _, err := Open(dir, testKey(1), Options{})
	wantErr(t, err, ErrLocked)
	if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "Another Postern") {
		t.Fatalf("error %q after %v", err, time.Since(began))
	}
	check(t, in.Close())
	check(t, cmd.Wait())
	mustOpen(t, dir)
}

func TestDiskFull(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no limit to a process's files on Windows")
	}
	dir := t.TempDir()
	cmd, _, lines := start(t, "full", dir)
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	if err := cmd.Wait(); err != nil || !strings.HasSuffix(last, "<nil>") {
		t.Fatalf("%v: %s", err, last)
	}
	n, err := strconv.Atoi(strings.Fields(last)[0])
	check(t, err)
	s := mustOpen(t, dir)
	if st, _ := s.Stats(); st.Entries != n+1 || n < 50 {
		t.Fatalf("%d events were acknowledged before the disk was full and one after, stats %+v", n, st)
	}
}
