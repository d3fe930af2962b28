package platformtest

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/platforms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memoryHarness runs the suite against accounts of one Memory, through p, which
// may be a wrapped form of its Platform.
func memoryHarness(m *Memory, p platforms.Platform) Harness {
	var n atomic.Int64
	return Harness{Platform: p, Idempotent: true, InOrder: true, NothingOpen: true, New: func(*testing.T) *World {
		token := MemoryToken + "-" + strconv.FormatInt(n.Add(1), 10)
		b := m.Bot(token)
		b.Idempotent = true
		return &World{
			Config: platforms.Config{Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token)}},
			Bot:    b.id, Person: MemoryPerson,
			Direct: MemoryDirect, Group: MemoryGroup, Thread: MemoryThread, Nowhere: "nowhere",
			Say: b.Say, Odd: b.Odd, Edit: b.EditSaid, Click: b.Click, Redeliver: b.Redeliver,
			Sent: b.Sent, Acked: b.Acked, Typed: b.Typed, Answered: b.Answered,
			Disconnect: b.Disconnect, Down: b.Down, Up: b.Up, Revoke: b.Revoke, Conflict: b.Conflict,
			Cut: b.Disconnect, Garbage: b.Odd, Skew: b.Skew, Advance: func(time.Duration) {},
			FailCall: b.FailCall, FailStream: b.FailStream, Held: b.Held, Close: b.Close,
		}
	}}
}

// mute hides every power of a Connector, and sends nothing.
type mute struct {
	platforms.Connector
	send func(platforms.Connector, context.Context, platforms.Message) (platforms.MessageID, error)
}

func (m mute) Send(ctx context.Context, msg platforms.Message) (platforms.MessageID, error) {
	if m.send != nil {
		return m.send(m.Connector, ctx, msg)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return "", &platforms.Error{Kind: platforms.Unsupported, Text: "This one only hears. Write elsewhere."}
}

// muteHarness is memoryHarness for connectors that only hear.
func muteHarness(m *Memory, p platforms.Platform, send func(platforms.Connector, context.Context, platforms.Message) (platforms.MessageID, error)) Harness {
	good := p.New
	p.New = func(c platforms.Config) (platforms.Connector, error) {
		conn, err := good(c)
		return mute{conn, send}, err
	}
	l := p.Limits
	p.Inbound = platforms.Webhook
	p.Limits = platforms.Limits{Mute: true, Threads: l.Threads, Download: l.Download, Redelivery: l.Redelivery}
	h := memoryHarness(m, p)
	h.OnlyHears, h.Idempotent = true, false
	whole := h.New
	h.New = func(t *testing.T) *World {
		w := whole(t)
		w.Sent, w.Revoke, w.FailCall, w.Held = nil, nil, nil, nil
		w.Disconnect, w.FailStream, w.Cut = nil, nil, nil
		w.Edit, w.Click, w.Typed, w.Answered = nil, nil, nil, nil
		return w
	}
	return h
}

func TestMute(t *testing.T) {
	m := NewMemory()
	Run(t, muteHarness(m, m.Platform(), nil))
}

func TestMuteFaults(t *testing.T) {
	m := NewMemory()
	Faults(t, muteHarness(m, m.Platform(), nil))
}

func TestMemoryFaults(t *testing.T) {
	m := NewMemory()
	Faults(t, memoryHarness(m, m.Platform()))
}

func TestMemory(t *testing.T) {
	m := NewMemory()
	Run(t, memoryHarness(m, m.Platform()))
}
