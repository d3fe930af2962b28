package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

// image is what a crash would leave of a data folder at this moment.
func image(t *testing.T, from string) string {
	t.Helper()
	read := func() map[string][]byte {
		all := map[string][]byte{}
		err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			name, _ := filepath.Rel(from, path)
			all[name] = b
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		return all
	}
	same := func(a, b map[string][]byte) bool {
		for name := range a {
			if !bytes.Equal(a[name], b[name]) {
				return false
			}
		}
		return len(a) == len(b)
	}
	now := read()
	for next := read(); !same(now, next); next = read() { // something was being written
		now = next
	}
	to := t.TempDir()
	for name, b := range now {
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Error(err)
		}
	}
	return to
}

// TestCrashes ends a run at each point of an event's way, and lets another run
// go on from what was on disk then.
func TestCrashes(t *testing.T) {
	type saw struct {
		begun, again int      // how often the second run's responder was asked, and how often as one that had it before
		sent         []string // by the second run
		doubt        bool     // an answer may be a duplicate
	}
	for _, c := range []struct {
		name  string
		talks bool
		at    string // where the first run ends
		want  saw
	}{
		{name: "while a responder is asked", at: "asked", want: saw{begun: 1, sent: []string{"answer"}}},
		{name: "while its answer is sent", at: "send", want: saw{sent: []string{"answer"}, doubt: true}},
		{name: "while it is tried again", at: "retry", want: saw{begun: 1, again: 1, sent: []string{"answer"}}},
		{name: "as an agent begins", talks: true, at: "asked", want: saw{begun: 1, again: 1, sent: []string{"answer"}}},
		{name: "while an agent's answer is sent", talks: true, at: "send", want: saw{sent: []string{"answer"}, doubt: true}},
		// What was shown is changed to the answer before that is recorded: the next
		// run asks again, and says so to the agent.
		{name: "while an agent's answer takes the place of what was shown", talks: true, at: "edit", want: saw{begun: 1, again: 1, sent: []string{"answer"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			var dir string
			var one *crowd
			crash := func(at string) {
				mu.Lock()
				defer mu.Unlock()
				if at == c.at && dir == "" {
					dir = image(t, one.dir)
				}
			}
			var begun, again, tries atomic.Int32
			var second atomic.Bool
			seen := func(d Delivery) {
				if second.Load() {
					begun.Add(1)
					if d.Again {
						again.Add(1)
					}
				}
			}
			answers := []platforms.Message{{Text: "answer"}}
			shown := make(chan struct{}, 8)
			var r Responder = responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
				seen(d)
				crash("asked")
				if c.at == "retry" && tries.Add(1) == 1 {
					return nil, &platforms.Error{Kind: platforms.Temporary, RetryAfter: 1, Text: "busy"}
				}
				crash("retry")
				return answers, nil
			}}
			if c.talks {
				r = talker{"test", func(_ context.Context, d Delivery, turn Turn) {
					seen(d)
					crash("asked")
					go func() {
						if c.at == "edit" && !second.Load() {
							turn.Update("so far")
							<-shown
						}
						turn.Done(answers, nil)
					}()
				}}
			}
			one = newCrowd(t, r)
			one.fake.send = func(m platforms.Message) error {
				if m.Text == "so far" {
					shown <- struct{}{}
				} else {
					crash("send")
				}
				return nil
			}
			one.fake.edited = func() { crash("edit") }
			one.start()
			one.add()
			one.let("ua", "", access.Owner)
			one.give(one.words("ua", "da", "go"))
			one.settled(0)
			one.until("all is sent", func() bool { return one.app.Snapshot().Queued == 0 })
			one.stop()
			mu.Lock()
			left := dir
			mu.Unlock()
			if left == "" {
				t.Fatal("the point was not reached")
			}
			second.Store(true)
			two := newCrowd(t, r)
			two.dir, two.vault = left, one.vault
			two.start()
			two.settled(0)
			two.until("all is sent", func() bool { return two.app.Snapshot().Queued == 0 })
			got := saw{begun: int(begun.Load()), again: int(again.Load()), sent: two.fake.texts()}
			for _, e := range two.timeline("da") {
				got.doubt = got.doubt || e.MayDuplicate
			}
			if got.begun != c.want.begun || got.again != c.want.again || strings.Join(got.sent, "|") != strings.Join(c.want.sent, "|") || got.doubt != c.want.doubt {
				t.Errorf("the next run: %+v, want %+v", got, c.want)
			}
		})
	}
}
