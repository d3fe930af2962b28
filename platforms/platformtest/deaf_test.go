package platformtest

import (
	"context"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// deaf hides every power of a Connector, and hears nothing. change spoils what it
// tells of its conversation, or of itself; false tells nothing.
type deaf struct {
	platforms.Connector
	change func(*platforms.Event, *platforms.State) bool
}

func (d deaf) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	sink.State(platforms.State{Phase: platforms.Connecting})
	if _, err := d.Check(ctx); err != nil {
		return err
	}
	st := platforms.State{Phase: platforms.Connected, Speaks: true}
	ev := platforms.Event{ID: "place", Cursor: "place", Kind: platforms.MembershipChanged, Time: time.Now(), Note: "the address was added",
		Conversation: platforms.Conversation{ID: MemoryDirect, Kind: platforms.Channel, Title: "Memory"}}
	tells := from != ev.Cursor
	if d.change != nil {
		tells = d.change(&ev, &st) && tells
	}
	sink.State(st)
	if tells {
		if err := sink.Event(ctx, ev); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// deafHarness is memoryHarness for connectors that only speak.
func deafHarness(m *Memory, p platforms.Platform, change func(*platforms.Event, *platforms.State) bool) Harness {
	good := p.New
	p.New = func(c platforms.Config) (platforms.Connector, error) {
		conn, err := good(c)
		return deaf{conn, change}, err
	}
	p.Limits = platforms.Limits{Deaf: true, Text: p.Limits.Text, Unit: p.Limits.Unit}
	p.IDs, p.Only, p.Greet = platforms.IDs{Machines: true}, MemoryDirect, nil
	h := memoryHarness(m, p)
	h.OnlySpeaks, h.Unacknowledged = true, true
	whole := h.New
	h.New = func(t *testing.T) *World {
		w := whole(t)
		w.Say, w.Odd, w.Edit, w.Click, w.Redeliver, w.Acked, w.Typed, w.Answered = nil, nil, nil, nil, nil, nil, nil, nil
		w.Disconnect, w.FailStream, w.Cut, w.Garbage, w.Skew, w.Advance = nil, nil, nil, nil, nil, nil
		w.Conflict, w.Thread = nil, ""
		return w
	}
	return h
}

func TestDeaf(t *testing.T) {
	m := NewMemory()
	Run(t, deafHarness(m, m.Platform(), nil))
}

func TestDeafFaults(t *testing.T) {
	m := NewMemory()
	Faults(t, deafHarness(m, m.Platform(), nil))
}
