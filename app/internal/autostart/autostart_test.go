//go:build !windows && !darwin

package autostart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSet(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	if on, err := Enabled(); on || err != nil {
		t.Fatalf("at first: %v %v", on, err)
	}
	if err := Set(`/opt/my $apps/"100%"/postern`, true); err != nil {
		t.Fatal(err)
	}
	if on, err := Enabled(); !on || err != nil {
		t.Fatalf("after setting: %v %v", on, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "autostart", "postern.desktop"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `Exec="/opt/my \\$apps/\\"100%%\\"/postern"`; !strings.Contains(string(b), want+"\n") {
		t.Errorf("no %s in\n%s", want, b)
	}
	for range 2 { // removing what is gone is no error
		if err := Set("", false); err != nil {
			t.Fatal(err)
		}
	}
	if on, _ := Enabled(); on {
		t.Error("still there")
	}
}
