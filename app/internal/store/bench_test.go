package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/postern/postern/platforms"
)

// TestBench prints how fast the journal is beside what the disk and bare bbolt
// give in the same run. It takes a minute and asserts nothing, so it runs only
// when asked: POSTERN_BENCH=1.
func TestBench(t *testing.T) {
	if os.Getenv("POSTERN_BENCH") == "" {
		t.Skip("set POSTERN_BENCH=1 to measure")
	}
	const span = 3 * time.Second
	value := make([]byte, 420) // what an event takes in bEntries
	for _, writers := range []int{1, 8, 64, 256} {
		raw := rawSync(t, t.TempDir(), span) // each time anew: other work on the disk comes and goes
		bare, bare99 := bareBatch(t, filepath.Join(t.TempDir(), "bare.db"), writers, value, span)
		s := fresh(t)
		var n atomic.Int64
		ours, p99 := measure(writers, span, func() error {
			i := n.Add(1)
			_, _, err := s.Accept(context.Background(), Incoming{Account: acct, Event: benchEvent(i)})
			return err
		}, t)
		check(t, s.Close())
		fmt.Printf("Accept, %3d writers %6.0f/s p99 %-8v | raw fdatasync %6.0f/s | bare Batch %6.0f/s p99 %-8v | of raw %3.0f %%, of bare %4.0f %%\n",
			writers, ours, p99.Round(10*time.Microsecond), raw,
			bare, bare99.Round(10*time.Microsecond), 100*ours/raw, 100*ours/bare)
	}
}

// TestBenchSize prints what one event costs in a small and in a large journal,
// and how long opening takes.
func TestBenchSize(t *testing.T) {
	if os.Getenv("POSTERN_BENCH") == "" {
		t.Skip("set POSTERN_BENCH=1 to measure")
	}
	s := fresh(t)
	var n atomic.Int64
	fillTo := func(target int64) {
		var wg sync.WaitGroup
		for range 512 {
			wg.Go(func() {
				for n.Load() < target {
					i := n.Add(1)
					seq, _, err := s.Accept(context.Background(), Incoming{Account: acct, Event: benchEvent(i)})
					if err == nil {
						err = s.FinishJob(context.Background(), seq, Outcome{Status: Delivered})
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	cost := func(writers int) float64 {
		rate, _ := measure(writers, 3*time.Second, func() error {
			_, _, err := s.Accept(context.Background(), Incoming{Account: acct, Event: benchEvent(n.Add(1))})
			return err
		}, t)
		return 1e6 / rate
	}
	var base [2]float64
	for _, size := range []int64{10_000, 1_000_000} {
		fillTo(size)
		one, many := cost(1), cost(64)
		st, _ := s.Stats()
		check(t, s.Close())
		begin := time.Now()
		s = mustOpen(t, s.dir)
		clean := time.Since(begin)
		check(t, s.Close())
		_ = os.Remove(s.path(cleanName))
		begin = time.Now()
		s = mustOpen(t, s.dir)
		if base[0] == 0 {
			base = [2]float64{one, many}
		}
		fmt.Printf("%8d events, %4d MB: %4.0f µs an event with 1 writer (%.2f×), %3.0f µs with 64 (%.2f×); open %v, unclean %v\n",
			size, st.Bytes>>20, one, one/base[0], many, many/base[1],
			clean.Round(time.Millisecond/10), time.Since(begin).Round(time.Millisecond/10))
	}
}

func benchEvent(i int64) platforms.Event {
	return platforms.Event{
		ID: platforms.EventID(fmt.Sprint(700_000_000 + i)), Kind: platforms.MessageReceived, Cursor: platforms.Cursor(fmt.Sprint(i)),
		Time:         time.Unix(1_700_000_000+i, 0).UTC(),
		Conversation: platforms.Conversation{ID: platforms.ConversationID(fmt.Sprint(42_000_000 + i%50)), Kind: platforms.Direct, Title: "Ada Lovelace"},
		Message:      platforms.MessageID(fmt.Sprint(1000 + i)), From: platforms.User{ID: "42", Name: "Ada Lovelace", Handle: "@ada"},
		Text: "The engine weaves algebraical patterns just as the loom weaves flowers and leaves.",
	}
}

// measure is the rate of op with that many goroutines, and its 99th percentile.
func measure(writers int, span time.Duration, op func() error, t testing.TB) (float64, time.Duration) {
	var wg sync.WaitGroup
	took := make([][]time.Duration, writers)
	begin := time.Now()
	for w := range writers {
		wg.Go(func() {
			for time.Since(begin) < span {
				at := time.Now()
				if err := op(); err != nil {
					t.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(at))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	all := slices.Concat(took...)
	slices.Sort(all)
	return float64(len(all)) / elapsed.Seconds(), all[len(all)*99/100]
}

func bareBatch(t testing.TB, path string, writers int, value []byte, span time.Duration) (float64, time.Duration) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	check(t, err)
	defer func() { check(t, db.Close()) }()
	check(t, db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))
		return err
	}))
	var n atomic.Uint64
	return measure(writers, span, func() error {
		k := seqKey(n.Add(1))
		return db.Batch(func(tx *bolt.Tx) error { return tx.Bucket([]byte("b")).Put(k, value) })
	}, t)
}

func BenchmarkAccept(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := fresh(b)
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(max(1, writers/2))
			b.ResetTimer()
			op := func() {
				if _, _, err := s.Accept(context.Background(), Incoming{Account: acct, Event: benchEvent(n.Add(1))}); err != nil {
					b.Error(err)
				}
			}
			if writers == 1 {
				for b.Loop() {
					op()
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					op()
				}
			})
		})
	}
}
