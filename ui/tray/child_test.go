//go:build linux || freebsd || openbsd || netbsd

package tray_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/ui/tray"
)

const childEnv = "POSTERN_TEST_TRAY"

// TestMain runs the tests, or is the tray: a process can show one only once, so
// every test has its own.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// child shows the snapshots that it reads, one a line as JSON, and writes a
// line for everything that happens. It ends with its standard input.
func child() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	var now atomic.Pointer[api.Snapshot]
	next := func() bool {
		if !in.Scan() {
			return false
		}
		var s api.Snapshot
		if err := json.Unmarshal(in.Bytes(), &s); err != nil {
			panic(err)
		}
		now.Store(&s)
		return true
	}
	next()
	changed := make(chan struct{}, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer cancel()
		for next() {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	say := func(format string, a ...any) { fmt.Printf(format+"\n", a...) }
	err := tray.Run(ctx, tray.Options{
		Snapshot: func() api.Snapshot { return *now.Load() },
		Changed:  changed,
		Log:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Patience: 100 * time.Millisecond,
		OnNoHost: func() { say("no host") },
		OnShown:  func() { say("shown") },
		Actions: tray.Actions{
			Show:           func(r api.Request) { say("show %s %s", r.Page, r.Account) },
			Pause:          func(id platforms.AccountID) { say("pause %s", id) },
			Resume:         func(id platforms.AccountID) { say("resume %s", id) },
			CloseListeners: func() { say("close") },
			Quit:           func() { say("quit") },
		},
	})
	<-read
	if err != nil {
		say("error %v", err)
		return 1
	}
	if err := goleak.Find(); err != nil {
		say("leak %v", err)
		return 1
	}
	say("ended")
	return 0
}
