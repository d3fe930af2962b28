//go:build unix

package store

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// limitFiles bounds how large a file this process may write: the next best
// thing to a full disk that needs no privilege.
func limitFiles(n uint64) error {
	signal.Ignore(syscall.SIGXFSZ)
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return err
	}
	l.Cur = n
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}

func liftFiles() error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}

func TestReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "journal")
	check(t, err)
	t.Cleanup(func() {
		_ = os.Chmod(dir, 0o700)
		_ = os.RemoveAll(dir)
	})
	check(t, os.Chmod(dir, 0o555))
	binary := os.Args[0]
	cmd := exec.Command(binary)
	if os.Getuid() == 0 {
		// Root may write everywhere: become nobody, who must be able to read
		// the test binary.
		binary = filepath.Join(dir, "store.test")
		in, err := os.Open(os.Args[0])
		check(t, err)
		out, err := os.OpenFile(binary, os.O_WRONLY|os.O_CREATE, 0o755)
		check(t, err)
		_, err = io.Copy(out, in)
		check(t, err)
		check(t, in.Close())
		check(t, out.Close())
		cmd = exec.Command(binary)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd.Dir = dir
	}
	cmd.Env = append(os.Environ(), "POSTERN_STORE_CHILD="+filepath.Join(dir), "POSTERN_STORE_ROLE=readonly")
	b, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(b), "true The journal's folder can't be written.") {
		t.Fatalf("%v: %s", err, b)
	}
}
