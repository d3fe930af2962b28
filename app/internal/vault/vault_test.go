package vault

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

func secret(s string) platforms.Secret { return platforms.NewSecret(s) }

// backends is every kind of vault, empty, and how to open it again.
func backends(t *testing.T) map[string]func(t *testing.T) (v *Vault, again func() *Vault) {
	return map[string]func(t *testing.T) (*Vault, func() *Vault){
		"memory": func(t *testing.T) (*Vault, func() *Vault) { return Memory(), nil },
		"keyring": func(t *testing.T) (*Vault, func() *Vault) {
			f := newFake()
			f.limit = 2560
			open := func() *Vault { v, _ := ringVault(f, time.Minute, time.Minute); return v }
			return open(), open
		},
		"sealed file": func(t *testing.T) (*Vault, func() *Vault) {
			dir := newSealed(t)
			open := func() *Vault { return openVault(t, dir) }
			return open(), open
		},
	}
}

func TestVault(t *testing.T) {
	for name, make := range backends(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			v, again := make(t)
			t.Run("absent", func(t *testing.T) {
				if _, err := v.Get(ctx, "none"); !errors.Is(err, ErrNotFound) {
					t.Errorf("got %v", err)
				}
				if err := v.Delete(ctx, "none"); err != nil {
					t.Errorf("delete: %v", err)
				}
			})
			t.Run("set, get, replace, delete", func(t *testing.T) {
				for _, value := range []string{marker + "1", marker + "2", strings.Repeat(marker, 4000), "s:" + marker, "m:{}", "line\nline\x00\xff", marker} {
					if err := v.Set(ctx, "telegram/1/token", secret(value)); err != nil {
						t.Fatal(err)
					}
					got, err := v.Get(ctx, "telegram/1/token")
					if err != nil || got.Reveal() != value {
						t.Fatalf("another secret came back, %v", err)
					}
				}
				if err := v.Delete(ctx, "telegram/1/token"); err != nil {
					t.Fatal(err)
				}
				if _, err := v.Get(ctx, "telegram/1/token"); !errors.Is(err, ErrNotFound) {
					t.Errorf("after delete: %v", err)
				}
			})
			t.Run("what is refused", func(t *testing.T) {
				if err := v.Set(ctx, "empty", platforms.Secret{}); err == nil {
					t.Error("an empty secret was kept")
				}
				reason(t, v.Set(ctx, "big", secret(marker+strings.Repeat("x", maxSecret))), TooBig)
				for _, key := range []string{"", "a\nb", "\x00", "\xff", strings.Repeat("k", maxKey+1)} {
					if err := v.Set(ctx, key, secret(marker)); err == nil {
						t.Errorf("the name %q was taken", key)
					}
				}
			})
			t.Run("names that look alike are apart", func(t *testing.T) {
				names := []string{"a/b", "a%2Fb", "a b", "a%20b", "a#0.1", "é", "e", "key/x", strings.Repeat("k", maxKey)}
				for _, n := range names {
					if err := v.Set(ctx, n, secret(marker+n)); err != nil {
						t.Fatal(err)
					}
				}
				for _, n := range names {
					if got, err := v.Get(ctx, n); err != nil || got.Reveal() != marker+n {
						t.Errorf("%q: another secret came back, %v", n, err)
					}
				}
			})
			t.Run("key", func(t *testing.T) {
				first, created, err := v.Key(ctx, "journal")
				if err != nil || !created || first == [32]byte{} {
					t.Fatalf("first: created %v, %v", created, err)
				}
				second, created, err := v.Key(ctx, "journal")
				if err != nil || created || first != second {
					t.Fatalf("second: created %v, same %v, %v", created, first == second, err)
				}
				if other, _, err := v.Key(ctx, "other"); err != nil || other == first {
					t.Errorf("two names have one key, %v", err)
				}
			})
			t.Run("one key for many callers", func(t *testing.T) {
				var wg sync.WaitGroup
				var mu sync.Mutex
				keys, made := map[[32]byte]bool{}, 0
				for range 16 {
					wg.Go(func() {
						k, created, err := v.Key(ctx, "shared")
						mu.Lock()
						defer mu.Unlock()
						if err != nil {
							t.Error(err)
						}
						keys[k] = true
						if created {
							made++
						}
					})
				}
				wg.Wait()
				if len(keys) != 1 || made != 1 {
					t.Errorf("%d keys, made %d times", len(keys), made)
				}
			})
			t.Run("many writers", func(t *testing.T) {
				var wg sync.WaitGroup
				for i := range 8 {
					wg.Go(func() {
						key := fmt.Sprintf("many/%d", i)
						for j := range 5 {
							value := secret(fmt.Sprintf("%s-%d-%d", marker, i, j))
							if err := v.Set(ctx, key, value); err != nil {
								t.Error(err)
							}
							if got, err := v.Get(ctx, key); err != nil || got.Reveal() != value.Reveal() {
								t.Errorf("another secret came back, %v", err)
							}
						}
					})
				}
				wg.Wait()
			})
			if again != nil {
				t.Run("opened again", func(t *testing.T) {
					long := strings.Repeat(marker+"é", 1000)
					if err := v.Set(ctx, "kept", secret(long)); err != nil {
						t.Fatal(err)
					}
					key, _, err := v.Key(ctx, "journal")
					if err != nil {
						t.Fatal(err)
					}
					w := again()
					defer w.Close()
					if got, err := w.Get(ctx, "kept"); err != nil || got.Reveal() != long {
						t.Errorf("another secret came back, %v", err)
					}
					if k, created, err := w.Key(ctx, "journal"); err != nil || created || k != key {
						t.Errorf("created %v, same %v, %v", created, k == key, err)
					}
				})
			}
			t.Run("closed", func(t *testing.T) {
				if err := v.Close(); err != nil {
					t.Fatal(err)
				}
				if err := v.Close(); err != nil {
					t.Errorf("a second time: %v", err)
				}
				if _, err := v.Get(ctx, "kept"); !errors.Is(err, ErrClosed) {
					t.Errorf("get: %v", err)
				}
				if _, _, err := v.Key(ctx, "new"); !errors.Is(err, ErrClosed) {
					t.Errorf("key: %v", err)
				}
				if len(v.Secrets()) == 0 {
					t.Error("nothing is left to mask with")
				}
			})
		})
	}
}

func TestSecrets(t *testing.T) {
	f := newFake()
	v, r := ringVault(f, time.Minute, time.Minute)
	f.kept[r.item("there")] = wholePrefix + marker + "read"
	if len(v.Secrets()) != 0 {
		t.Fatal("a new vault has seen secrets")
	}
	before := v.Secrets()
	for range 3 {
		if _, err := v.Get(t.Context(), "there"); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Set(t.Context(), "new", secret(marker+"set")); err != nil {
		t.Fatal(err)
	}
	key, _, err := v.Key(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	f.hook(func(string, string) error { return errors.New("down") })
	if err := v.Set(t.Context(), "fails", secret(marker+"refused")); err == nil {
		t.Fatal("no error")
	}
	want := []string{marker + "read", marker + "set", base64.StdEncoding.EncodeToString(key[:]), marker + "refused"}
	got := v.Secrets()
	if len(got) != len(want) || len(before) != 0 {
		t.Fatalf("%d secrets, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Reveal() != w {
			t.Errorf("secret %d is another", i)
		}
	}
}

func TestKeyIsNeverMadeByMistake(t *testing.T) {
	failures := map[string]error{
		"locked":      errors.New("failed to unlock correct collection '/x'"),
		"odd":         errors.New("something else\non two lines"),
		"cancelled":   context.Canceled,
		"unavailable": &Unavailable{Reason: TimedOut},
	}
	for name, failure := range failures {
		for _, nth := range []int{1, 2} { // the first look, or the one under the lock
			t.Run(fmt.Sprintf("%s at look %d", name, nth), func(t *testing.T) {
				f := newFake()
				v, _ := ringVault(f, time.Minute, time.Minute)
				gets := 0
				f.hook(func(op, item string) error {
					if op == "set" {
						t.Error("a key was made")
					}
					if gets++; gets == nth {
						return failure
					}
					return nil
				})
				key, created, err := v.Key(t.Context(), "journal")
				if err == nil || errors.Is(err, ErrNotFound) || created || key != [32]byte{} {
					t.Errorf("created %v, %v", created, err)
				}
			})
		}
	}
	t.Run("a damaged key", func(t *testing.T) {
		for _, bad := range []string{"s:" + marker, "s:", "x", "s:AAAA", "m:{}", `m:{"generation":"g","pieces":2,"sum":""}`} {
			f := newFake()
			v, r := ringVault(f, time.Minute, time.Minute)
			f.kept[r.item("key/journal")] = bad
			_, created, err := v.Key(t.Context(), "journal")
			reason(t, err, Damaged)
			if created || f.snapshot()[r.item("key/journal")] != bad {
				t.Errorf("%q was replaced", bad)
			}
		}
	})
	t.Run("a keyring that only pretends to keep it", func(t *testing.T) {
		f := newFake()
		f.lies = true
		v, _ := ringVault(f, time.Minute, time.Minute)
		_, created, err := v.Key(t.Context(), "journal")
		reason(t, err, Denied)
		if created {
			t.Error("a key that is not kept counts as made")
		}
	})
}

func TestOpen(t *testing.T) {
	t.Run("a sealed file that went away is not replaced by the keyring", func(t *testing.T) {
		dir := newSealed(t)
		v := openVault(t, dir)
		if err := v.Set(t.Context(), "a", secret(marker)); err != nil {
			t.Fatal(err)
		}
		v.Close()
		if err := os.Remove(filepath.Join(dir, FileName)); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), dir, Options{Passphrase: given(goodPass)})
		reason(t, err, Gone)
		if err := Create(t.Context(), dir, secret(goodPass)); err == nil {
			t.Error("a new file was made beside the backup of the old one")
		}
	})
	t.Run("folders have names of their own", func(t *testing.T) {
		one, two := t.TempDir(), t.TempDir()
		a, err := folderHash(one)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := folderHash(two); err != nil || a == b {
			t.Errorf("%q and %q, %v", a, b, err)
		}
		if b, err := folderHash(one + "/./x/.."); err != nil || a != b {
			t.Errorf("the same folder: %q and %q, %v", a, b, err)
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(one, link); err != nil {
			t.Skip("no links here")
		}
		before, err := folderHash(filepath.Join(link, "sub")) // doesn't exist yet
		if err != nil {
			t.Fatal(err)
		}
		if after, err := folderHash(filepath.Join(one, "sub")); err != nil || before != after {
			t.Errorf("through a link: %q and %q, %v", before, after, err)
		}
	})
	t.Run("described", func(t *testing.T) {
		if got := Memory().Describe(); got != "memory, nothing is kept" {
			t.Error(got)
		}
		for goos, want := range map[string]string{"linux": "OS keyring (Secret Service)", "darwin": "OS keyring (Keychain)", "windows": "OS keyring (Credential Manager)"} {
			if got := keyringTitle(goos); got != want {
				t.Errorf("%s: %s", goos, got)
			}
		}
	})
}
