package app

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/platforms"
)

func TestLanes(t *testing.T) {
	t.Run("never twice at once, and no signal is lost", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var at, runs atomic.Int32
			s := newLanes(t.Context(), 4, func(context.Context, lane) time.Time {
				if at.Add(1) != 1 {
					t.Error("twice at once")
				}
				time.Sleep(time.Second)
				at.Add(-1)
				runs.Add(1)
				return time.Time{}
			})
			l := lane{"a", "c"}
			s.signal(l)
			synctest.Wait()
			for range 10 {
				s.signal(l) // while it runs: once more, not ten times
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := runs.Load(); got != 2 {
				t.Errorf("%d runs, want 2", got)
			}
			s.close()
		})
	})
	t.Run("at most limit at a time, all in the end, nothing remembered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var now, most int
			done := map[lane]bool{}
			s := newLanes(t.Context(), 3, func(_ context.Context, l lane) time.Time {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				now--
				done[l] = true
				mu.Unlock()
				return time.Time{}
			})
			for i := range 100 {
				s.signal(lane{"a", platforms.ConversationID(fmt.Sprint(i))})
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if most != 3 || len(done) != 100 {
				t.Errorf("most %d, done %d", most, len(done))
			}
			if len(s.state) != 0 || len(s.waiting) != 0 || len(s.timers) != 0 {
				t.Error("idle lanes are remembered")
			}
			s.close()
		})
	})
	t.Run("looks again when asked to, or earlier on a signal", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var times []time.Duration
			start := time.Now()
			s := newLanes(t.Context(), 1, func(context.Context, lane) time.Time {
				times = append(times, time.Since(start))
				if len(times) < 3 {
					return time.Now().Add(time.Minute)
				}
				return time.Time{}
			})
			l := lane{"a", "c"}
			s.signal(l)
			time.Sleep(90 * time.Second)
			s.signal(l)
			time.Sleep(time.Hour)
			s.close()
			want := []time.Duration{0, time.Minute, 90 * time.Second}
			if fmt.Sprint(times) != fmt.Sprint(want) {
				t.Errorf("ran at %v, want %v", times, want)
			}
		})
	})
}

func TestBackoff(t *testing.T) {
	var b backoff
	last := time.Duration(0)
	for i := range 20 {
		full := min(time.Second<<min(i, 10), 2*time.Minute)
		got := b.next()
		if got < full/2 || got > full {
			t.Errorf("wait %d is %v, want within %v and %v", i, got, full/2, full)
		}
		last = got
	}
	if last < time.Minute {
		t.Errorf("the last wait is %v", last)
	}
	b.reset()
	if got := b.next(); got > time.Second {
		t.Errorf("after a success: %v", got)
	}
}

func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer()
		limits := platforms.Pace{Conversation: platforms.Rate{N: 1, Per: time.Second, Burst: 2}, Group: platforms.Rate{N: 1, Per: 3 * time.Second, Burst: 1}}
		start := time.Now()
		for range 4 {
			if err := p.wait(t.Context(), lane{"a", "direct"}, false, limits); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("four to a person took %v, want 2s", took)
		}
		start = time.Now()
		for range 3 {
			if err := p.wait(t.Context(), lane{"a", "group"}, true, limits); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("three to a group took %v, want 6s", took)
		}
		for i := range 2 * paceMost {
			if err := p.wait(t.Context(), lane{"a", platforms.ConversationID(fmt.Sprint(i))}, false, limits); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.lanes) > paceMost {
			t.Errorf("%d conversations are remembered", len(p.lanes))
		}
		p.forget("a")
		if len(p.lanes)+len(p.accounts) != 0 {
			t.Error("a removed account is remembered")
		}
	})
}
