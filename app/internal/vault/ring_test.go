package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSplit(t *testing.T) {
	ctx := context.Background()
	setup := func() (*fakeRing, *Vault, *ring) {
		f := newFake()
		f.limit = 160 // a manifest must fit
		v, r := ringVault(f, time.Minute, time.Minute)
		r.limit = f.limit
		return f, v, r
	}
	value := func(n int) string { return strings.Repeat(marker+"é|", n)[:n] }

	t.Run("every length", func(t *testing.T) {
		f, v, _ := setup()
		for n := 1; n < 700; n++ {
			if err := v.Set(ctx, "k", secret(value(n))); err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			if got, err := v.Get(ctx, "k"); err != nil || got.Reveal() != value(n) {
				t.Fatalf("%d bytes: another secret came back, %v", n, err)
			}
			want := 1
			if n+len(wholePrefix) > f.limit {
				want += (n + f.limit - 1) / f.limit
			}
			if items := len(f.snapshot()); items != want {
				t.Fatalf("%d bytes take %d items, want %d", n, items, want)
			}
		}
	})
	t.Run("delete leaves nothing", func(t *testing.T) {
		f, v, _ := setup()
		if err := v.Set(ctx, "k", secret(value(1000))); err != nil {
			t.Fatal(err)
		}
		if err := v.Delete(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		if left := f.snapshot(); len(left) != 0 {
			t.Errorf("%d items are left", len(left))
		}
	})
	t.Run("a failure anywhere leaves the old secret or the new", func(t *testing.T) {
		for nth := 1; ; nth++ {
			f, v, r := setup()
			if err := v.Set(ctx, "k", secret("old"+value(500))); err != nil {
				t.Fatal(err)
			}
			calls := 0
			f.hook(func(op, item string) error {
				if calls++; calls == nth && op == "set" {
					return errors.New("broke, having seen " + value(100)) // in part
				} else if calls == nth {
					return errors.New("broke")
				}
				return nil
			})
			err := v.Set(ctx, "k", secret("new"+value(600)))
			f.hook(nil)
			clean(t, err)
			got, gerr := v.Get(ctx, "k")
			if gerr != nil {
				t.Fatalf("call %d failed: unreadable: %v", nth, gerr)
			}
			if s := got.Reveal(); s != "old"+value(500) && s != "new"+value(600) {
				t.Fatalf("call %d failed: neither the old nor the new secret", nth)
			} else if err == nil && s != "new"+value(600) {
				t.Fatalf("call %d failed: reported as kept, and isn't", nth)
			}
			// Whatever is left can be replaced and deleted.
			if err := v.Delete(ctx, "k"); err != nil {
				t.Fatal(err)
			}
			if _, ok := f.snapshot()[r.item("k")]; ok {
				t.Fatal("not deleted")
			}
			if calls < nth {
				return // no call is left to fail
			}
		}
	})
	t.Run("a deletion that failed can be repeated", func(t *testing.T) {
		for nth := 1; ; nth++ {
			f, v, _ := setup()
			if err := v.Set(ctx, "k", secret(value(500))); err != nil {
				t.Fatal(err)
			}
			calls := 0
			f.hook(func(op, item string) error {
				if calls++; calls == nth {
					return errors.New("broke")
				}
				return nil
			})
			_ = v.Delete(ctx, "k")
			f.hook(nil)
			if _, err := v.Get(ctx, "k"); err == nil && nth > 1 && calls > nth {
				t.Fatal("still whole")
			}
			if err := v.Delete(ctx, "k"); err != nil {
				t.Fatalf("call %d failed, and then: %v", nth, err)
			}
			if left := f.snapshot(); len(left) != 0 {
				t.Fatalf("call %d failed: %d items are left", nth, len(left))
			}
			if calls < nth {
				return
			}
		}
	})
	t.Run("a missing or changed piece is damage, not absence", func(t *testing.T) {
		f, v, r := setup()
		if err := v.Set(ctx, "k", secret(value(500))); err != nil {
			t.Fatal(err)
		}
		whole := f.snapshot()
		for item := range whole {
			if item == r.item("k") {
				continue
			}
			for _, changed := range []string{"", "other"} {
				f.mu.Lock()
				f.kept = maps.Clone(whole)
				if f.kept[item] = changed; changed == "" {
					delete(f.kept, item)
				}
				f.mu.Unlock()
				_, err := v.Get(ctx, "k")
				reason(t, err, Damaged)
				if errors.Is(err, ErrNotFound) {
					t.Error("it counts as absent")
				}
			}
		}
		if err := v.Set(ctx, "k", secret(value(10))); err != nil {
			t.Errorf("it can't be set again: %v", err)
		}
	})
	t.Run("a reader amid writers sees whole secrets", func(t *testing.T) {
		_, v, _ := setup()
		if err := v.Set(ctx, "k", secret("0"+value(400))); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(stop)
			for i := range 200 {
				if err := v.Set(ctx, "k", secret(fmt.Sprint(i%10)+value(400))); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got, err := v.Get(ctx, "k"); err != nil || got.Reveal()[1:] != value(400) {
					t.Errorf("not whole, %v", err)
				}
			}
		})
		wg.Wait()
	})
	t.Run("an item that Postern didn't write", func(t *testing.T) {
		f, v, r := setup()
		for _, bad := range []string{"", marker, "m:", "m:" + marker, `m:{"generation":"","pieces":1}`, `m:{"generation":"g","pieces":-1}`} {
			f.kept[r.item("k")] = bad
			_, err := v.Get(ctx, "k")
			reason(t, err, Damaged)
		}
	})
	t.Run("dismissed prompts that report success", func(t *testing.T) {
		f, v, _ := setup()
		if err := v.Set(ctx, "k", secret(marker)); err != nil {
			t.Fatal(err)
		}
		f.lies = true
		reason(t, v.Set(ctx, "k", secret(marker+"2")), Denied)
		reason(t, v.Delete(ctx, "k"), Denied)
	})
}

func TestHangingKeyring(t *testing.T) {
	const short, long = 10 * time.Second, 2 * time.Minute
	// hang makes calls of op wait until the returned function is called.
	hang := func(f *fakeRing, op string) (release func()) {
		gate := make(chan struct{})
		f.hook(func(o, item string) error {
			if o == op && strings.Contains(item, "/hangs") {
				<-gate
			}
			return nil
		})
		return func() { f.hook(nil); close(gate) }
	}
	t.Run("a read ends at the short deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			v, _ := ringVault(f, short, long)
			release := hang(f, "get")
			defer release()
			start := time.Now()
			_, err := v.Get(t.Context(), "hangs")
			reason(t, err, TimedOut)
			if time.Since(start) != short {
				t.Errorf("took %v", time.Since(start))
			}
			if err := v.Set(t.Context(), "other", secret(marker)); err != nil {
				t.Errorf("another secret can't be set: %v", err)
			}
		})
	})
	t.Run("a locked keyring gets the long deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			v, r := ringVault(f, short, long)
			r.ready = func(context.Context) (bool, error) { return true, nil }
			release := hang(f, "get")
			defer release()
			start := time.Now()
			_, err := v.Get(t.Context(), "hangs")
			reason(t, err, TimedOut)
			if time.Since(start) != long {
				t.Errorf("took %v", time.Since(start))
			}
		})
	})
	t.Run("the caller's context ends the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			v, _ := ringVault(f, short, long)
			release := hang(f, "get")
			defer release()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := v.Get(ctx, "hangs"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("calls that never come back are bounded, and the vault recovers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			v, _ := ringVault(f, short, long)
			if err := v.Set(t.Context(), "fine", secret(marker)); err != nil {
				t.Fatal(err)
			}
			release := hang(f, "get")
			before := f.count()
			for range 3 * maxCalls {
				_, err := v.Get(t.Context(), "hangs")
				reason(t, err, TimedOut)
			}
			if n := f.count() - before; n != maxCalls {
				t.Errorf("%d calls are outstanding, want %d", n, maxCalls)
			}
			release()
			synctest.Wait()
			if got, err := v.Get(t.Context(), "fine"); err != nil || got.Reveal() != marker {
				t.Errorf("afterwards: %v", err)
			}
		})
	})
	t.Run("a change that hangs can't overwrite a later one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			v, _ := ringVault(f, short, long)
			gate := make(chan struct{})
			var sets atomic.Int64
			f.hook(func(op, item string) error {
				if op == "set" && sets.Add(1) == 1 {
					<-gate
				}
				return nil
			})
			reason(t, v.Set(t.Context(), "hangs", secret(marker+"1")), TimedOut)
			// It could be written now, and the first one would come over it.
			reason(t, v.Set(t.Context(), "hangs", secret(marker+"2")), TimedOut)
			if err := v.Set(t.Context(), "other", secret(marker)); err != nil {
				t.Errorf("another secret: %v", err)
			}
			close(gate)
			synctest.Wait()
			if err := v.Set(t.Context(), "hangs", secret(marker+"3")); err != nil {
				t.Fatal(err)
			}
			if got, err := v.Get(t.Context(), "hangs"); err != nil || got.Reveal() != marker+"3" {
				t.Errorf("an older secret came back, %v", err)
			}
		})
	})
	t.Run("a check that hangs asks nothing of the library", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			v, r := ringVault(f, short, long)
			r.ready = func(ctx context.Context) (bool, error) { <-ctx.Done(); return false, context.Cause(ctx) }
			_, err := v.Get(t.Context(), "k")
			reason(t, err, TimedOut)
			if n := f.count(); n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	})
	t.Run("a library that panics", func(t *testing.T) {
		f := newFake()
		v, _ := ringVault(f, short, long)
		f.hook(func(string, string) error { panic(marker) })
		for range 3 * maxCalls {
			_, err := v.Get(t.Context(), "k")
			reason(t, err, Failed)
		}
	})
}
