package hooks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/platforms"
)

func TestHookLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter()
		h := Hook{ID: "h", Limit: platforms.Rate{N: 6, Per: time.Minute, Burst: 3}}
		for i := range 3 {
			if wait := l.Hook(h); wait != 0 {
				t.Fatalf("post %d waits %v", i, wait)
			}
		}
		wait := l.Hook(h)
		if wait < 9*time.Second || wait > 10*time.Second {
			t.Errorf("wait %v", wait)
		}
		for range 100 { // asking too often costs nothing
			l.Hook(h)
		}
		time.Sleep(10 * time.Second)
		if wait := l.Hook(h); wait != 0 {
			t.Errorf("after what was said: %v", wait)
		}
		if l.Hook(h) == 0 {
			t.Error("two after one's time")
		}
		if l.Hook(Hook{ID: "other", Limit: h.Limit}) != 0 {
			t.Error("another hook waits")
		}
		time.Sleep(time.Hour)
		for range 3 {
			if l.Hook(h) != 0 {
				t.Error("not full after an hour")
			}
		}
		if l.Hook(h) == 0 {
			t.Error("more than a burst after an hour")
		}
	})
}

// TestManageIsRare: by its token a hook is changed so seldom that the record, which
// has 100,000 lines, tells of months.
func TestManageIsRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, n := NewLimiter(), 0
		for range 24 * 60 {
			for range 100 {
				if l.Manage(Hook{ID: "h"}) == 0 {
					n++
				}
			}
			time.Sleep(time.Minute)
		}
		if n < 10 || n > 1000 {
			t.Errorf("%d changes in a day", n)
		}
	})
}

func TestSourceLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter()
		a := netip.MustParseAddr("2001:db8::1")
		for i := range sourceLimit().Burst {
			if l.Source(a) != 0 {
				t.Fatalf("request %d", i)
			}
		}
		if l.Source(netip.MustParseAddr("2001:db8::ffff")) == 0 {
			t.Error("a neighbour of the same /64 is another source")
		}
		if l.Source(netip.MustParseAddr("2001:db8:0:1::1")) != 0 {
			t.Error("another /64 is the same source")
		}
		four := netip.MustParseAddr("192.0.2.1")
		for range sourceLimit().Burst {
			l.Source(four)
		}
		if l.Source(netip.MustParseAddr("::ffff:192.0.2.1")) == 0 {
			t.Error("one IPv4 address has two budgets")
		}
		if l.Source(netip.Addr{}) != 0 {
			t.Error("an unknown address is refused at once")
		}
	})
}

func TestSourcesAreBounded(t *testing.T) {
	l := NewLimiter()
	busy := netip.MustParseAddr("198.51.100.1")
	for range sourceLimit().Burst {
		l.Source(busy)
	}
	for i := range uint32(3 * mostSources) {
		l.Source(v4(i))
		l.Source(busy) // whoever goes on asking is not forgotten
	}
	if len(l.sources) != mostSources || l.recent.Len() != mostSources {
		t.Errorf("%d and %d sources", len(l.sources), l.recent.Len())
	}
	if _, ok := l.sources[network(busy)]; !ok {
		t.Error("the busiest is forgotten")
	}
	for i := range 3 * mostHooks {
		l.Hook(Hook{ID: fmt.Sprint(i)})
	}
	if len(l.hooks) > 2*mostHooks {
		t.Errorf("%d hooks", len(l.hooks))
	}
}

func v4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeys()
		begin := func(hook, key, body string) (Begun, Kind) {
			t.Helper()
			b, err := k.Begin(hook, key, []byte(body))
			var f *Fault
			if errors.As(err, &f) {
				return b, f.Kind
			} else if err != nil {
				t.Fatal(err)
			}
			return b, -1
		}
		first, _ := begin("h", "k", "body")
		if first.Again {
			t.Fatal("known before it came")
		}
		if _, kind := begin("h", "k", "body"); kind != Pending {
			t.Errorf("while it is taken: %v", kind)
		}
		first.Drop()
		first, kind := begin("h", "k", "body")
		if kind != -1 || first.Again {
			t.Fatalf("after it was dropped: %v", kind)
		}
		want := Receipt{Message: "m", Conversation: "c", Created: time.Now()}
		first.Done(want)
		first.Drop() // too late, and no matter
		if again, _ := begin("h", "k", "body"); !again.Again || again.Receipt != want {
			t.Errorf("again: %+v", again)
		}
		if _, kind := begin("h", "k", "other"); kind != Reused {
			t.Errorf("another body: %v", kind)
		}
		if other, _ := begin("h2", "k", "other"); other.Again {
			t.Error("another hook's key")
		}
		if none, _ := begin("h", "", "body"); none.Again || none.Done == nil || none.Drop == nil {
			t.Error("no key is a key")
		}
		for _, key := range []string{"a\nb", "ä", string(make([]byte, 256))} {
			if _, kind := begin("h", key, ""); kind != Malformed {
				t.Errorf("%q: %v", key, kind)
			}
		}
		time.Sleep(24*time.Hour - time.Second)
		if again, _ := begin("h", "k", "body"); !again.Again {
			t.Error("forgotten before a day")
		}
		time.Sleep(time.Second)
		if again, _ := begin("h", "k", "body"); again.Again {
			t.Error("remembered after a day")
		}
		if _, kind := begin("h2", "k", ""); kind != -1 {
			t.Fatal(kind)
		}
		k.Forget("h")
		if len(k.each) != 1 || len(k.known) != k.order.Len() {
			t.Errorf("%d hooks, %d keys, %d in order", len(k.each), len(k.known), k.order.Len())
		}
	})
}

func TestKeysAreBounded(t *testing.T) {
	k := NewKeys()
	take := func(hook string, i int) error {
		b, err := k.Begin(hook, fmt.Sprint(i), nil)
		if err == nil {
			b.Done(Receipt{})
		}
		return err
	}
	if err := take("quiet", 0); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * mostKeysHook {
		if err := take("loud", i); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := k.Begin("quiet", "0", nil); err != nil || !b.Again {
		t.Error("one hook pushed out another's keys")
	}
	if k.each["loud"] != mostKeysHook {
		t.Errorf("%d keys of one hook", k.each["loud"])
	}
	for h := range 20 {
		for i := range mostKeysHook {
			if err := take(fmt.Sprint(h), i); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(k.known) != mostKeys || k.order.Len() != mostKeys {
		t.Errorf("%d keys, %d in order", len(k.known), k.order.Len())
	}
	pending := NewKeys()
	for i := range mostKeysHook {
		if _, err := pending.Begin("h", fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pending.Begin("h", "more", nil); err == nil {
		t.Error("what is being taken was forgotten")
	}
}
