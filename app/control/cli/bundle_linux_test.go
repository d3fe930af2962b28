package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

func TestBundleAtTerminal(t *testing.T) {
	for answer, want := range map[string]int{"y": cli.OK, "n": cli.Failed, "": cli.Failed} {
		t.Run("answering "+answer, func(t *testing.T) {
			dir := serve(t, controltest.New())
			file := filepath.Join(t.TempDir(), "b.zip")
			p := newTTY(t)
			p.people.Go(func() { p.typed("[y/N] ", answer, false) })
			out, code := p.run(t.Context(), cli.Options{Dir: func() (string, error) { return dir, nil }}, "doctor", "--bundle", file)
			if _, err := os.Stat(file); code != want || (err == nil) != (want == cli.OK) {
				t.Errorf("code %d, the file: %v", code, err)
			}
			if !strings.Contains(out, "doctor.json") || !strings.Contains(out, "secrets: 1") || !strings.Contains(p.text(), file) {
				t.Errorf("it was not said what is asked about: %s%s", out, p.text())
			}
		})
	}
}
