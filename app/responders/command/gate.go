package command

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// errBusy says that it was not an event's turn in time.
var errBusy = errors.New("busy")

// lane is one conversation of one account.
type lane struct {
	account      platforms.AccountID
	conversation platforms.ConversationID
}

// gate lets one at a time of a lane in, and a few of all.
type gate struct {
	slots chan struct{}

	mu    sync.Mutex
	lanes map[lane]*turn
}

// turn is held by whoever is in; those who wait for it are counted, so that an
// empty lane is forgotten.
type turn struct {
	held  chan struct{}
	users int
}

func newGate(most int) *gate {
	return &gate{slots: make(chan struct{}, most), lanes: map[lane]*turn{}}
}

// enter waits for its turn, at most for limit: then the error is errBusy. Who
// waits for its own conversation takes no slot from others.
func (g *gate) enter(ctx context.Context, l lane, limit time.Duration) (leave func(), err error) {
	ctx, stop := context.WithTimeoutCause(ctx, limit, errBusy)
	defer stop()
	g.mu.Lock()
	t := g.lanes[l]
	if t == nil {
		t = &turn{held: make(chan struct{}, 1)}
		g.lanes[l] = t
	}
	t.users++
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(g.lanes, l)
		}
	}
	select {
	case t.held <- struct{}{}:
	case <-ctx.Done():
		forget()
		return nil, context.Cause(ctx)
	}
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		<-t.held
		forget()
		return nil, context.Cause(ctx)
	}
	return func() {
		<-g.slots
		<-t.held
		forget()
	}, nil
}
