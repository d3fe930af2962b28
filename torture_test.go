package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/responders/echo"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/telegram"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

var (
	kills = flag.Int("kills", 6, "how often TestTorture kills the program")
	seed  = flag.Uint64("seed", 1, "of the moments at which TestTorture kills")
)

// echoing is the environment variable that makes the test binary a Postern that
// echoes, in the data folder that it names. The released program has no
// responder that acts outside the demo.
const echoing = "POSTERN_TEST_ECHO"

// echoUntil runs that Postern until its standard input ends.
func echoUntil(dir string) error {
	p := telegram.Platform()
	p.IDs = platforms.IDs{Machines: true} // nor who may talk
	p.Limits.Pace = platforms.Pace{}      // the outbox is under test, not the pace
	a, err := app.New(context.Background(), app.Options{
		Dir: dir, Platforms: []platforms.Platform{p}, Responders: []app.Responder{echo.Responder{}}, Version: "test",
		Passphrase: func(context.Context) (platforms.Secret, error) { return platforms.NewSecret(testPassphrase), nil },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var served sync.WaitGroup
	defer served.Wait()
	served.Go(func() { _ = control.New(a, control.Options{}).Serve(ctx, dir) })
	return a.Run(ctx)
}

// launchEcho starts the echoing Postern in the house.
func (h *house) launchEcho() {
	h.t.Helper()
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	h.cmd = exec.Command(self)
	h.cmd.Env = []string{echoing + "=" + h.dir, "HOME=" + h.dir, "PATH=" + os.Getenv("PATH")}
	if _, err := h.cmd.StdinPipe(); err != nil {
		h.t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	h.cmd.Stdout, h.cmd.Stderr = w, w
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	_ = w.Close()
	h.output, h.ended = &transcript{}, make(chan struct{})
	cmd, out, ended := h.cmd, h.output, h.ended
	go func() {
		out.read(r)
		_ = r.Close()
		_ = cmd.Wait()
		close(ended)
	}()
}

// TestTorture kills an echoing Postern at random moments under load. Nothing
// acknowledged may be lost, and no answer may come twice without a label.
func TestTorture(t *testing.T) {
	t.Logf("seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0)) //nolint:gosec // repeatable on purpose
	s := emulate(t, testToken)
	h := newHouse(t)
	h.launchEcho()
	c := h.await()
	a := h.account(c, s, testToken)
	becomes(t, c, a.ID, api.Connected)

	chats := make([]int64, 5)
	for i := range chats {
		chats[i] = 800_000_001 + int64(i)
		s.AddUser(telegramtest.User{ID: chats[i], FirstName: "Person " + strconv.Itoa(i)})
	}
	said := map[int64][]string{}
	events := 0
	push := func(n int) {
		for range n {
			chat := chats[events%len(chats)]
			text := "m" + strconv.Itoa(events)
			s.Say(chat, chat, text)
			said[chat] = append(said[chat], text)
			events++
		}
	}
	for range *kills {
		if random.IntN(4) > 0 { // else it is killed while it starts
			h.await()
		}
		end := time.After(time.Duration(random.IntN(400)) * time.Millisecond)
		if random.IntN(4) == 0 {
			push(50)
		}
		for alive := true; alive; {
			select {
			case <-end:
				alive = false
			case <-time.After(10 * time.Millisecond):
				push(1)
			}
		}
		h.kill()
		push(5) // while nobody is there
		h.launchEcho()
	}
	c = h.await()
	eventually(t, "Telegram has nothing left", func() bool { return s.Pending() == 0 })
	eventually(t, "nothing is left to send", func() bool {
		snap, err := c.Snapshot(t.Context())
		return err == nil && snap.Queued == 0 && answeredAll(s, said)
	})

	var lost, doubled, labelled, unlabelled, disorder int
	arrived := map[string][]string{} // chat → texts, as they arrived
	for _, v := range s.Sent() {
		key := strconv.FormatInt(v.Chat, 10)
		arrived[key] = append(arrived[key], strings.TrimPrefix(v.Text, "You said: "))
	}
	for _, chat := range chats {
		journal, marked := map[string]int{}, map[string]bool{}
		for _, e := range everything(t, c, a.ID, chat) {
			if e.Outgoing {
				text := strings.TrimPrefix(e.Text, "You said: ")
				marked[text] = marked[text] || e.MayDuplicate
			} else {
				journal[e.Text]++
			}
		}
		times, first := map[string]int{}, []string{}
		for _, text := range arrived[strconv.FormatInt(chat, 10)] {
			if times[text]++; times[text] == 1 {
				first = append(first, text)
			}
		}
		for i, text := range said[chat] {
			switch n := journal[text]; {
			case n == 0:
				lost++
			case n > 1:
				doubled++
			}
			if i >= len(first) || first[i] != text {
				disorder++
			}
			if times[text] > 1 && marked[text] {
				labelled++
			} else if times[text] > 1 {
				unlabelled++
			}
		}
	}
	t.Logf("kills %d | events %d | lost %d | twice in the journal %d | duplicates labelled %d, unlabelled %d | out of order %d",
		*kills, events, lost, doubled, labelled, unlabelled, disorder)
	if lost+doubled+unlabelled+disorder > 0 {
		t.Errorf("seed %d: see the line above", *seed)
	}
}

// answeredAll reports whether each message has an answer at the server.
func answeredAll(s *telegramtest.Server, said map[int64][]string) bool {
	got := map[string]bool{}
	for _, v := range s.Sent() {
		got[fmt.Sprint(v.Chat, v.Text)] = true
	}
	for chat, texts := range said {
		for _, text := range texts {
			if !got[fmt.Sprint(chat, "You said: "+text)] {
				return false
			}
		}
	}
	return true
}

// TestKill kills the real program amid 500 messages.
func TestKill(t *testing.T) {
	for _, v := range []struct {
		name string
		gap  time.Duration
	}{{"100 a second", 10 * time.Millisecond}, {"a burst", 0}} {
		t.Run(v.name, func(t *testing.T) {
			s := emulate(t, testToken)
			h := newHouse(t)
			c := h.start()
			a := h.account(c, s, testToken)
			becomes(t, c, a.ID, api.Connected)
			const n = 500
			for i := range n {
				s.Say(telegramtest.Direct, telegramtest.Person, "m"+strconv.Itoa(i))
				if v.gap > 0 {
					time.Sleep(v.gap) // the load, not a synchronisation
				}
				if i == n/2 && v.gap > 0 {
					h.kill()
				}
			}
			if v.gap == 0 {
				eventually(t, "part of the burst is stored", func() bool { return s.Acked() > 0 })
				h.kill()
			}
			acked := s.Acked()
			c = h.start()
			eventually(t, "Telegram has nothing left", func() bool { return s.Pending() == 0 })
			got := heard(t, c, a.ID, telegramtest.Direct)
			for i := range n {
				if text := "m" + strconv.Itoa(i); got[text] != 1 {
					t.Errorf("%s is %d times in the journal", text, got[text])
				}
			}
			t.Logf("%d messages, killed amid them (acknowledged up to %d), %d in the journal", n, acked, len(got))
		})
	}
}
