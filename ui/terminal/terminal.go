// Package terminal is Postern's face where there is no display: a line for
// each change of an account, and a line for each message.
package terminal

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// Terminal writes to one writer. Make it with New.
type Terminal struct {
	out      io.Writer
	snapshot func() api.Snapshot
	now      func() time.Time

	mu sync.Mutex
}

// New makes a Terminal that shows what snapshot gives.
func New(out io.Writer, snapshot func() api.Snapshot) *Terminal {
	return &Terminal{out: out, snapshot: snapshot, now: time.Now}
}

// Run prints the state, then what changes in it, until ctx ends or changed is
// closed.
func (t *Terminal) Run(ctx context.Context, changed <-chan struct{}) {
	first := t.snapshot()
	t.begin(first)
	shown := map[platforms.AccountID]string{}
	told := map[string]bool{}
	t.update(first, shown, told)
	for {
		select {
		case <-ctx.Done():
			t.line("Stopping.")
			return
		case _, ok := <-changed:
			if !ok {
				return
			}
			t.update(t.snapshot(), shown, told)
		}
	}
}

func (t *Terminal) begin(s api.Snapshot) {
	if s.Program.Demo {
		t.line("This is the demo. Its correspondents and servers are stand-ins inside this process, on 127.0.0.1;")
		t.line("nothing leaves this computer, and nothing is kept when it ends. Data: %s", s.Program.DataDir)
	}
	t.line("Postern %s. Secrets: %s. Data: %s", s.Program.Version, text.Line(s.Program.Vault, 120), s.Program.DataDir)
	if len(s.Accounts) == 0 && !s.Program.Demo {
		t.line("No accounts yet. Add one with: postern accounts add")
	}
}

// update prints accounts whose status or note changed, and new notices.
func (t *Terminal) update(s api.Snapshot, shown map[platforms.AccountID]string, told map[string]bool) {
	there := map[platforms.AccountID]bool{}
	for _, a := range s.Accounts {
		there[a.ID] = true
		key := string(a.Status) + a.Note + a.Handle
		if shown[a.ID] == key {
			continue
		}
		shown[a.ID] = key
		badge := model.Badge(a.Exposure)
		words := model.StatusWords(a.Status)
		if a.Note != "" {
			words += ". " + text.Line(a.Note, 300)
		}
		t.line("%s  %s %s · %s", model.Label(a), badge.Symbol, badge.Words, words)
	}
	for id := range shown {
		if !there[id] {
			delete(shown, id)
			t.line("%s  removed", id)
		}
	}
	for _, n := range s.Notices {
		if !told[n.ID+n.Text] {
			told[n.ID+n.Text] = true
			t.line("Notice: %s", text.Line(n.Text, 500))
		}
	}
}

// Tell prints one message. Title and body may come from outside.
func (t *Terminal) Tell(title, body string) {
	t.line("✉ %s: %s", text.Line(title, 160), text.Line(body, 400))
}

func (t *Terminal) line(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%s  %s\n", t.now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
