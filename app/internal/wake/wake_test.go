package wake

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestJudge(t *testing.T) {
	const tick = 5 * time.Second
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name                  string
		wall, running, passed time.Duration // between the readings; passed 0: there is no such clock
		want                  event
	}{
		{"nothing", tick, tick, tick, event{}},
		{"a look somewhat late", tick + 9*time.Second, tick + 9*time.Second, tick + 9*time.Second, event{}},
		{"a sleep", 8 * time.Minute, tick, 8 * time.Minute, event{woke, 8*time.Minute - tick}},
		{"a short sleep", tick + 6*time.Second, tick, tick + 6*time.Second, event{woke, 6 * time.Second}},
		{"a nap that breaks nothing", tick + 4*time.Second, tick, tick + 4*time.Second, event{}},
		{"a clock set forward", time.Hour, tick, tick, event{kind: clock}},
		{"a clock set back", -time.Hour, tick, tick, event{kind: clock}},
		{"a sleep, and a clock set back", -time.Hour, tick, time.Minute, event{woke | clock, time.Minute - tick}},
		{"a halted process", time.Minute, time.Minute, time.Minute, event{woke, time.Minute - tick}},
		{"a slewed clock", tick + 10*time.Millisecond, tick, tick, event{}},

		{"two clocks: nothing", tick, tick, 0, event{}},
		{"two clocks: a sleep", 8 * time.Minute, tick, 0, event{woke, 8*time.Minute - tick}},
		{"two clocks: set back", -time.Minute, tick, 0, event{kind: clock}},
		{"two clocks: one that runs on in sleep", 8 * time.Minute, 8 * time.Minute, 0, event{woke, 8*time.Minute - tick}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := reading{wall: at, running: time.Hour}
			now := reading{wall: at.Add(tt.wall), running: time.Hour + tt.running}
			if tt.passed != 0 {
				before.passed = 3 * time.Hour
				now.passed = before.passed + tt.passed
			}
			if got := judge(before, now, tick); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestNoticeText(t *testing.T) {
	tests := []struct {
		in   event
		want string
	}{
		{event{woke, 8*time.Minute + 10*time.Second}, "woke after 8 min"},
		{event{woke, 40 * time.Second}, "woke after 40 s"},
		{event{woke, 9 * time.Hour}, "woke after 9 h"},
		{event{kind: woke}, "woke"},
		{event{kind: network}, "network changed"},
		{event{kind: clock}, "clock changed"},
		{event{woke | network, 2 * time.Minute}, "woke after 2 min, network changed"},
	}
	for _, tt := range tests {
		if got := tt.in.notice(); got.Reason != tt.want || got.Slept != tt.in.slept {
			t.Errorf("notice of %+v = %+v, want %q", tt.in, got, tt.want)
		}
	}
}

// script tells each event at its time.
func script(at map[time.Duration]event) source {
	return func(ctx context.Context, _ *slog.Logger, tell func(event)) {
		start := time.Now()
		for passed := time.Duration(0); passed < time.Hour; passed += 100 * time.Millisecond {
			if e, ok := at[time.Since(start)]; ok {
				tell(e)
			}
			if !pause(ctx, 100*time.Millisecond) {
				return
			}
		}
	}
}

func TestWatch(t *testing.T) {
	t.Run("events within two seconds are one notice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			start := time.Now()
			notices := watch(ctx, nil,
				script(map[time.Duration]event{time.Second: {kind: network}, 2900 * time.Millisecond: {kind: network}, 10 * time.Second: {kind: network}}),
				script(map[time.Duration]event{1500 * time.Millisecond: {woke, time.Minute}}))
			want := []struct {
				at     time.Duration
				notice Notice
			}{
				{3 * time.Second, Notice{"woke after 60 s, network changed", time.Minute}},
				{12 * time.Second, Notice{"network changed", 0}},
			}
			for _, w := range want {
				if got := <-notices; got != w.notice || time.Since(start) != w.at {
					t.Errorf("got %+v after %v, want %+v", got, time.Since(start), w)
				}
			}
			cancel()
			if n, ok := <-notices; ok {
				t.Errorf("another notice: %+v", n)
			}
		})
	})
	t.Run("notices merge while nobody receives", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			notices := watch(ctx, nil, script(map[time.Duration]event{
				time.Second: {kind: network}, 20 * time.Second: {woke, time.Minute}, 40 * time.Second: {kind: clock}}))
			time.Sleep(time.Minute)
			if got := <-notices; got.Reason != "woke after 60 s, network changed, clock changed" {
				t.Errorf("got %+v", got)
			}
			synctest.Wait()
			select {
			case n := <-notices:
				t.Errorf("another notice: %+v", n)
			default:
			}
			cancel()
			for range notices {
			}
		})
	})
	t.Run("it closes while a notice waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			notices := watch(ctx, nil, script(map[time.Duration]event{time.Second: {kind: network}}))
			time.Sleep(time.Minute)
			cancel()
			synctest.Wait()
			if n, ok := <-notices; ok {
				t.Errorf("got %+v from an ended watch", n)
			}
		})
	})
	t.Run("it closes once every source ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var ended atomic.Bool
			notices := watch(ctx, nil, func(ctx context.Context, _ *slog.Logger, _ func(event)) {
				<-ctx.Done()
				time.Sleep(time.Second)
				ended.Store(true)
			})
			cancel()
			<-notices
			if !ended.Load() {
				t.Error("closed before its source ended")
			}
		})
	})
	t.Run("a sleep shows in the clocks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var slept atomic.Int64
			start := time.Now()
			read := func() reading {
				running := time.Since(start)
				return reading{wall: start.Round(0).Add(running + time.Duration(slept.Load())), running: running}
			}
			notices := watch(ctx, nil, clocks(read, lookEvery))
			time.Sleep(time.Hour)
			slept.Store(int64(8 * time.Minute))
			at := time.Now()
			if got := <-notices; got != (Notice{"woke after 8 min", 8 * time.Minute}) {
				t.Errorf("got %+v", got)
			}
			if d := time.Since(at); d > lookEvery+together {
				t.Errorf("told %v after waking", d)
			}
			time.Sleep(time.Hour)
			select {
			case n := <-notices:
				t.Errorf("told again: %+v", n)
			default:
			}
			cancel()
			for range notices {
			}
		})
	})
}

func TestPoll(t *testing.T) {
	t.Run("a change is told once, an error never", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			answers := []string{"a", "a", "", "b", "b", "b"}
			var looks atomic.Int64
			look := func() (string, error) {
				a := answers[min(int(looks.Add(1)-1), len(answers)-1)]
				if a == "" {
					return "", errors.New("not now")
				}
				return a, nil
			}
			notices := watch(ctx, nil, poll(lookEvery, look))
			start := time.Now()
			if got := <-notices; got.Reason != "network changed" || time.Since(start) != 3*lookEvery+together {
				t.Errorf("got %+v after %v", got, time.Since(start))
			}
			time.Sleep(time.Hour)
			select {
			case n := <-notices:
				t.Errorf("told again: %+v", n)
			default:
			}
			cancel()
			for range notices {
			}
		})
	})
	t.Run("the real interfaces can be compared", func(t *testing.T) {
		a, err := fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := fingerprint(); err != nil || a != b {
			t.Errorf("two looks differ: %q, %q, %v", a, b, err)
		}
	})
}

func TestWatchTheRealSystem(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	notices := Watch(ctx, slog.New(slog.DiscardHandler))
	cancel()
	for n := range notices {
		t.Logf("notice: %+v", n)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	for b.Loop() {
		if _, err := fingerprint(); err != nil {
			b.Fatal(err)
		}
	}
}
