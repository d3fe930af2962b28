package vault

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

const (
	goodPass = "MARKERsecret correct horse"
	// testWork makes scrypt fast; what it costs is not what is tested.
	testWork = 4
)

func given(pass string) Passphrase {
	return func(context.Context) (platforms.Secret, error) { return secret(pass), nil }
}

func newSealed(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	if err := create(t.Context(), dir, secret(goodPass), testWork); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openVault(t *testing.T, dir string) *Vault {
	t.Helper()
	v, err := Open(t.Context(), dir, Options{Passphrase: given(goodPass)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCreate(t *testing.T) {
	t.Run("modes", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no modes")
		}
		dir := newSealed(t)
		v := openVault(t, dir)
		if err := v.Set(t.Context(), "a", secret(marker)); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]fs.FileMode{"": 0o700, FileName: 0o600, FileName + backupSuffix: 0o600} {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%q: %v, %v", name, info.Mode(), err)
			}
		}
	})
	t.Run("nothing readable, nothing left over", func(t *testing.T) {
		dir := newSealed(t)
		v := openVault(t, dir)
		for range 3 {
			if err := v.Set(t.Context(), marker+"name", secret(marker+"value")); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != FileName && e.Name() != FileName+backupSuffix {
				t.Errorf("left over: %s", e.Name())
			}
			if b := read(t, filepath.Join(dir, e.Name())); bytes.Contains(b, []byte(marker)) || bytes.Contains(b, []byte("AGE-SECRET-KEY")) {
				t.Errorf("%s is not sealed", e.Name())
			}
		}
	})
	t.Run("an existing file stays", func(t *testing.T) {
		dir := newSealed(t)
		before := read(t, filepath.Join(dir, FileName))
		reason(t, create(t.Context(), dir, secret(goodPass), testWork), Exists)
		if !bytes.Equal(before, read(t, filepath.Join(dir, FileName))) {
			t.Error("it was changed")
		}
	})
	t.Run("weak passphrases", func(t *testing.T) {
		for _, pass := range []string{"", "short", "sévenéé"} {
			dir := filepath.Join(t.TempDir(), "data")
			if err := create(t.Context(), dir, secret(pass), testWork); !errors.Is(err, ErrWeakPassphrase) {
				t.Errorf("%q: %v", pass, err)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("something was made")
			}
		}
	})
	t.Run("the real work factor", func(t *testing.T) {
		if testing.Short() {
			t.Skip("takes seconds")
		}
		dir := filepath.Join(t.TempDir(), "data")
		if err := Create(t.Context(), dir, secret(goodPass)); err != nil {
			t.Fatal(err)
		}
		openVault(t, dir)
	})
}

func TestSealedRefuses(t *testing.T) {
	open := func(t *testing.T, dir string, pass Passphrase) error {
		t.Helper()
		path := filepath.Join(dir, FileName)
		before := read(t, path)
		v, err := Open(t.Context(), dir, Options{Passphrase: pass})
		if err == nil {
			v.Close()
		}
		clean(t, err)
		if !bytes.Equal(before, read(t, path)) {
			t.Error("the file was changed")
		}
		return err
	}
	t.Run("no passphrase to ask for", func(t *testing.T) {
		if err := open(t, newSealed(t), nil); !errors.Is(err, ErrNeedsPassphrase) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a wrong passphrase", func(t *testing.T) {
		dir := newSealed(t)
		for _, pass := range []string{"MARKERsecret wrong", "", goodPass + " "} {
			if err := open(t, dir, given(pass)); !errors.Is(err, ErrWrongPassphrase) {
				t.Errorf("got %v", err)
			}
		}
	})
	t.Run("asking fails", func(t *testing.T) {
		broken := errors.New("nobody there")
		err := open(t, newSealed(t), func(context.Context) (platforms.Secret, error) { return platforms.Secret{}, broken })
		if !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("damage anywhere is told without asking", func(t *testing.T) {
		dir := newSealed(t)
		path := filepath.Join(dir, FileName)
		whole := read(t, path)
		never := func(context.Context) (platforms.Secret, error) {
			t.Error("asked for the passphrase of a damaged file")
			return secret(goodPass), nil
		}
		for at := 0; at < len(whole); at += 37 {
			if err := os.WriteFile(path, whole[:at], 0o600); err != nil {
				t.Fatal(err)
			}
			reason(t, open(t, dir, never), Damaged)
			bad := bytes.Clone(whole)
			bad[at] ^= 1
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			reason(t, open(t, dir, never), Damaged)
		}
		if err := os.WriteFile(path, append(bytes.Clone(whole), "more"...), 0o600); err != nil {
			t.Fatal(err)
		}
		reason(t, open(t, dir, never), Damaged)
	})
	t.Run("a forged sum doesn't help", func(t *testing.T) {
		one, two := newSealed(t), newSealed(t)
		lock, _, err := splitFile("one", read(t, filepath.Join(one, FileName)))
		if err != nil {
			t.Fatal(err)
		}
		_, data, err := splitFile("two", read(t, filepath.Join(two, FileName)))
		if err != nil {
			t.Fatal(err)
		}
		body := string(lock) + string(data)
		text := fileHeader + sumPrefix + sum(body) + "\n" + body
		if err := os.WriteFile(filepath.Join(one, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		reason(t, open(t, one, given(goodPass)), Damaged)
	})
	t.Run("others could read it", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no modes")
		}
		dir := newSealed(t)
		for _, mode := range []fs.FileMode{0o644, 0o640, 0o602, 0o604} {
			if err := os.Chmod(filepath.Join(dir, FileName), mode); err != nil {
				t.Fatal(err)
			}
			err := open(t, dir, given(goodPass))
			reason(t, err, Unsafe)
			if !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("it doesn't say what to do: %v", err)
			}
		}
	})
	t.Run("others could replace it", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no modes")
		}
		dir := newSealed(t)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		reason(t, open(t, dir, given(goodPass)), Unsafe)
	})
	t.Run("another user's", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can give a file away")
		}
		dir := newSealed(t)
		if err := os.Chown(filepath.Join(dir, FileName), 12345, 12345); err != nil {
			t.Fatal(err)
		}
		reason(t, open(t, dir, given(goodPass)), Unsafe)
	})
	t.Run("a link", func(t *testing.T) {
		dir, other := newSealed(t), newSealed(t)
		path := filepath.Join(dir, FileName)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(other, FileName), path); err != nil {
			t.Skip("no links here")
		}
		reason(t, open(t, dir, given(goodPass)), Unsafe)
	})
}

func TestSealedChange(t *testing.T) {
	t.Run("the version before is kept", func(t *testing.T) {
		dir := newSealed(t)
		path := filepath.Join(dir, FileName)
		v := openVault(t, dir)
		if err := v.Set(t.Context(), "a", secret(marker+"1")); err != nil {
			t.Fatal(err)
		}
		before := read(t, path)
		if err := v.Set(t.Context(), "a", secret(marker+"2")); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, read(t, path+backupSuffix)) {
			t.Error("the backup is another")
		}
		if err := os.Rename(path+backupSuffix, path); err != nil {
			t.Fatal(err)
		}
		w := openVault(t, dir)
		if got, err := w.Get(t.Context(), "a"); err != nil || got.Reveal() != marker+"1" {
			t.Errorf("from the backup: another secret, %v", err)
		}
	})
	t.Run("no change writes nothing", func(t *testing.T) {
		dir := newSealed(t)
		path := filepath.Join(dir, FileName)
		v := openVault(t, dir)
		if err := v.Set(t.Context(), "a", secret(marker)); err != nil {
			t.Fatal(err)
		}
		before := read(t, path)
		if err := v.Set(t.Context(), "a", secret(marker)); err != nil {
			t.Fatal(err)
		}
		if err := v.Delete(t.Context(), "none"); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(before, read(t, path)) {
			t.Error("it was written again")
		}
	})
	spoil := map[string]struct {
		with func(t *testing.T, path string)
		want Reason
	}{
		"damaged": {func(t *testing.T, path string) { writeFile(t, path, read(t, path)[:200]) }, Damaged},
		"gone":    {func(t *testing.T, path string) { _ = os.Remove(path) }, Gone},
		"another file": {func(t *testing.T, path string) {
			writeFile(t, path, read(t, filepath.Join(newSealed(t), FileName)))
		}, Damaged},
	}
	for name, s := range spoil {
		t.Run("a file that became "+name+" is left alone", func(t *testing.T) {
			dir := newSealed(t)
			path := filepath.Join(dir, FileName)
			v := openVault(t, dir)
			if err := v.Set(t.Context(), "a", secret(marker)); err != nil {
				t.Fatal(err)
			}
			backup := read(t, path+backupSuffix)
			s.with(t, path)
			before, _ := os.ReadFile(path)
			reason(t, v.Set(t.Context(), "b", secret(marker+"b")), s.want)
			after, _ := os.ReadFile(path)
			if !bytes.Equal(before, after) || !bytes.Equal(backup, read(t, path+backupSuffix)) {
				t.Error("the file or its backup was changed")
			}
			if got, err := v.Get(t.Context(), "a"); err != nil || got.Reveal() != marker {
				t.Errorf("what was read before: %v", err)
			}
			if _, err := v.Get(t.Context(), "b"); !errors.Is(err, ErrNotFound) {
				t.Errorf("what was not kept: %v", err)
			}
		})
	}
	t.Run("a passphrase that was changed meanwhile is not changed back", func(t *testing.T) {
		dir := newSealed(t)
		path := filepath.Join(dir, FileName)
		v := openVault(t, dir)
		id := v.back.(*sealed).id
		lock, err := sealIdentity(id, secret(goodPass+" 2"), testWork)
		if err != nil {
			t.Fatal(err)
		}
		content, err := encodeFile(lock, id, map[string]string{})
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, content)
		reason(t, v.Set(t.Context(), "a", secret(marker)), Damaged)
		if !bytes.Equal(content, read(t, path)) {
			t.Error("the file was changed")
		}
	})
	t.Run("two vaults of one file see each other's changes when they write", func(t *testing.T) {
		dir := newSealed(t)
		v, w := openVault(t, dir), openVault(t, dir)
		if err := v.Set(t.Context(), "a", secret(marker+"a")); err != nil {
			t.Fatal(err)
		}
		if err := w.Set(t.Context(), "b", secret(marker+"b")); err != nil {
			t.Fatal(err)
		}
		x := openVault(t, dir)
		for _, k := range []string{"a", "b"} {
			if got, err := x.Get(t.Context(), k); err != nil || got.Reveal() != marker+k {
				t.Errorf("%s: another secret, %v", k, err)
			}
		}
	})
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
