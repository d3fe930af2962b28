package command

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/responders/internal/process"
)

// TestWhoGivesUpHoldsUpNobody has one of a lane give up while it waits for a
// slot, and the next of the lane wait behind it.
func TestWhoGivesUpHoldsUpNobody(t *testing.T) {
	g := newGate(1)
	leave, err := g.enter(context.Background(), lane{"a", "1"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	other := lane{"a", "2"}
	waiting := func(n int) {
		for ok := false; !ok; runtime.Gosched() {
			g.mu.Lock()
			ok = g.lanes[other] != nil && g.lanes[other].users == n && len(g.lanes[other].held) == 1
			g.mu.Unlock()
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := g.enter(ctx, other, time.Minute); first <- err }()
	waiting(1)
	go func() {
		leave, err := g.enter(context.Background(), other, time.Minute)
		if err == nil {
			leave()
		}
		second <- err
	}()
	waiting(2)
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first gave up with %v", err)
	}
	leave()
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
	if len(g.lanes) > 0 || len(g.slots) > 0 {
		t.Errorf("%d lanes and %d slots are left", len(g.lanes), len(g.slots))
	}
}

func TestTailBeginsWithAWholeCharacter(t *testing.T) {
	for _, end := range []string{"", "x"} {
		tl := process.NewTail(tailBytes)
		for range 3000 {
			_, _ = tl.Write([]byte("é"))
		}
		_, _ = tl.Write([]byte(end))
		said := (&Responder{}).said(run{tail: tl})
		if strings.ContainsRune(said, '\uFFFD') || !strings.HasSuffix(said, "éé"+end) {
			t.Errorf("it said %q", said[:40])
		}
	}
}
