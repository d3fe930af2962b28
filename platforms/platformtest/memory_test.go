package platformtest

import (
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

func TestMemoryFaults(t *testing.T) {
	m := NewMemory()
	Faults(t, memoryHarness(m, m.Platform()))
}

func TestMemory(t *testing.T) {
	m := NewMemory()
	Run(t, memoryHarness(m, m.Platform()))
}
