//go:build !windows

package mcp_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postern/postern/app/control/mcp"
)

func TestSendFile(t *testing.T) {
	h := serve(t, "send:pigeon/c1")
	root, err := mcp.Folder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "secret.txt")
	put := func(name string, size int64) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(root, name) }
	put(in("plan.txt"), 7)
	put(in("sub/od\u202ed\"n.txt"), 7)
	put(in("empty"), 0)
	put(in("large"), 64<<20+1) // a hole: it takes no room
	put(in(".ssh/id"), 7)
	put(elsewhere, 7)
	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{in("out"): elsewhere, in("near"): "plan.txt", in("key"): ".ssh/id"} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	s := h.connect(func(o *mcp.Options) { o.Files = root }, nil)
	send := func(path string) error {
		t.Helper()
		var out struct{ Status string }
		return call(t, s, "send_file", args{"account": "pigeon", "conversation": "c1", "path": path, "text": "here"}, &out)
	}
	for path, name := range map[string]string{"plan.txt": "plan.txt", in("plan.txt"): "plan.txt", "near": "near", "sub/od\u202ed\"n.txt": "odd_n.txt"} {
		if err := send(path); err != nil || string(h.b.File(name)) != "content" {
			t.Errorf("%s: %v, %q", path, err, h.b.File(name))
		}
	}
	before := len(h.b.Calls())
	for _, path := range []string{"", ".", "sub", "nothing", "pipe", "large", "empty", ".ssh/id", "sub/../.ssh/id", "out", elsewhere, "../x", "/etc/passwd", root} {
		if err := send(path); err == nil || !strings.HasSuffix(err.Error(), ".") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(h.b.Calls()) != before {
		t.Errorf("%q", h.b.Calls()[before:])
	}
	t.Run("without a folder", func(t *testing.T) {
		none := h.connect(nil, nil)
		err := call(t, none, "send_file", args{"account": "pigeon", "conversation": "c1", "path": in("plan.txt")}, &struct{}{})
		if err == nil || !strings.Contains(err.Error(), "--files") {
			t.Error(err)
		}
	})
}
