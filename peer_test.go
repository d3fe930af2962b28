package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/postern/postern/platforms/telegram/telegramtest"
)

const peerVar = "POSTERN_PEER"

// peer is the emulator in a process of its own. It reads one command a line and
// answers with one line.
func peer() error {
	s, err := telegramtest.New(testToken)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println(s.URL())
	ctx := context.Background()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var n, chats int
		switch {
		case scan(in.Text(), "one %d", &n): // message in → answer here
			var took []time.Duration
			for i := range n {
				before := len(s.Sent())
				start := time.Now()
				s.Say(telegramtest.Person, telegramtest.Person, fmt.Sprint("ping ", i))
				if err := s.WaitSent(ctx, before+1); err != nil {
					return err
				}
				took = append(took, time.Since(start))
			}
			fmt.Println(quantiles(took))
		case scan(in.Text(), "ack %d", &n): // message in → acknowledged by the next poll
			var took []time.Duration
			before := len(s.Sent())
			answering := before > 0
			for i := range n {
				if err := s.WaitPolling(ctx); err != nil {
					return err
				}
				start := time.Now()
				s.Say(telegramtest.Person, telegramtest.Person, fmt.Sprint("ack ", i))
				if err := s.WaitAcked(ctx); err != nil {
					return err
				}
				took = append(took, time.Since(start))
			}
			if answering {
				if err := s.WaitSent(ctx, before+n); err != nil {
					return err
				}
			}
			fmt.Println(quantiles(took))
		case scan(in.Text(), "burst %d %d", &n, &chats):
			for c := range chats {
				id := 710_000_000 + int64(c)
				s.AddUser(telegramtest.User{ID: id, FirstName: fmt.Sprint("P", c)})
			}
			before := len(s.Sent())
			start := time.Now()
			for i := range n {
				id := 710_000_000 + int64(i%chats)
				s.Say(id, id, fmt.Sprint("b", i))
			}
			if err := s.WaitSent(ctx, before+n); err != nil {
				return err
			}
			took := time.Since(start)
			last, wrong := map[int64]int{}, 0
			for _, m := range s.Sent()[before:] {
				var i int
				if _, err := fmt.Sscanf(m.Text, "You said: b%d", &i); err != nil || i < last[m.Chat] {
					wrong++
				}
				last[m.Chat] = i
			}
			fmt.Printf("%8.0f answers/s, %d of %d answered, %d out of order\n", float64(n)/took.Seconds(), len(s.Sent())-before, n, wrong)
		}
	}
	return nil
}

func scan(line, format string, args ...any) bool {
	n, err := fmt.Sscanf(line, format, args...)
	return err == nil && n == len(args)
}

func quantiles(d []time.Duration) string {
	slices.Sort(d)
	return fmt.Sprintf("p50 %8v   p99 %8v", d[len(d)/2].Round(time.Microsecond), d[len(d)*99/100].Round(time.Microsecond))
}

// peerProcess runs peer and speaks with it.
type peerProcess struct {
	t   *testing.T
	url string
	in  *os.File
	out *bufio.Scanner
}

func newPeer(t *testing.T) *peerProcess {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), peerVar+"=1")
	cmd.Stderr = os.Stderr
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = inR
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = inR.Close()
	p := &peerProcess{t: t, in: inW, out: bufio.NewScanner(out)}
	t.Cleanup(func() { _ = inW.Close(); _ = cmd.Wait() })
	p.url = p.read()
	return p
}

func (p *peerProcess) read() string {
	if !p.out.Scan() {
		p.t.Fatal("the peer ended")
	}
	return p.out.Text()
}

func (p *peerProcess) ask(format string, args ...any) string {
	fmt.Fprintf(p.in, format+"\n", args...)
	return p.read()
}

// TestBenchAnswer measures with the emulator in a process of its own: what
// storing costs beside a poller that stores nothing, from a message to its
// answer with more and more history, and bursts.
func TestBenchAnswer(t *testing.T) {
	benching(t)
	bare := newPeer(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { barePoller(ctx, bare.url); close(done) }()
	t.Logf("message → acknowledged by the next poll, nothing stored: %s", bare.ask("ack 500"))
	stop()
	<-done

	p := newPeer(t)
	h := newHouse(t)
	h.launchEcho()
	c := h.await()
	h.add(c, "telegram", map[string]string{"token": testToken, "server": p.url})
	p.ask("one 50")
	t.Logf("message → acknowledged by the next poll, stored:         %s", p.ask("ack 500"))
	t.Logf("message → answer, both ways journalled, 1,000 stored:    %s", p.ask("one 500"))
	for _, chats := range []int{1, 20, 50} {
		t.Logf("5,000 at once in %2d chats: %s", chats, p.ask("burst 5000 %d", chats))
	}
	t.Logf("message → answer, 32,000 stored:  %s", p.ask("one 500"))
	for range 7 {
		p.ask("burst 5000 50")
	}
	t.Logf("message → answer, 103,000 stored: %s", p.ask("one 500"))
}

// barePoller polls as a bot without a memory would.
func barePoller(ctx context.Context, url string) {
	var offset int64
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, "POST", fmt.Sprintf("%s/bot%s/getUpdates?timeout=50&offset=%d", url, testToken, offset), nil)
		if err != nil {
			return
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return
		}
		var got struct {
			Result []struct {
				ID int64 `json:"update_id"`
			} `json:"result"`
		}
		err = json.NewDecoder(resp.Body).Decode(&got)
		_ = resp.Body.Close()
		if err != nil {
			return
		}
		for _, u := range got.Result {
			offset = u.ID + 1
		}
	}
}
