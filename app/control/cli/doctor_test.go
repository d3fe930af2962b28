package cli_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

func TestDoctorPrintsWhatItFinds(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	out := s.good(t, "doctor")
	for _, want := range []string{"ok       Clock", "WARNING  Disk space", "→ Make room on the disk.", "No problems, 1 warning, 0 unknown."} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	b.Findings = []api.Finding{{ID: "x", Title: "X", State: api.Sick, Text: "Broken\x1b[2J.", Do: "Mend it."}, {ID: "y", Title: "Y"}}
	out, err, code := s.run(t, "doctor")
	if code != cli.Failed || !strings.Contains(err, "1 problem") || strings.Contains(out, "\x1b") || !strings.Contains(out, "PROBLEM") || !strings.Contains(out, "unknown") {
		t.Errorf("%d %q %q", code, out, err)
	}
	b.Findings = []api.Finding{{ID: "x", Title: strings.Repeat("long ", 7) + "title", Text: "Fine.", State: api.Healthy}}
	if out := s.good(t, "doctor"); !strings.Contains(out, "title\n"+strings.Repeat(" ", 38)+"Fine.\n") {
		t.Errorf("a long title leaves no column: %q", out)
	}
	b.Findings = []api.Finding{{ID: "x", Title: "X", State: api.Sick, Text: "Broken.", Do: "Mend it."}, {ID: "y", Title: "Y"}}
	out, _, code = s.run(t, "doctor", "--json")
	var f api.Finding
	if line, _, _ := strings.Cut(out, "\n"); json.Unmarshal([]byte(line), &f) != nil || f.ID != "x" || code != cli.Failed || strings.Count(out, "\n") != 2 {
		t.Errorf("%d %q", code, out)
	}
}

func TestDoctorBrokenOff(t *testing.T) {
	b := controltest.New()
	b.Err = func(call string) error {
		if strings.HasPrefix(call, "Doctor") && len(b.Calls()) > 1 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	s := shell{dir: serve(t, b)}
	if out, err, code := s.run(t, "doctor"); code != cli.Failed || !strings.Contains(out, "Clock") || err == "" || strings.Contains(out, "No problems") {
		t.Errorf("%d %q %q", code, out, err)
	}
}

func TestDoctorWithoutPostern(t *testing.T) {
	s := shell{dir: t.TempDir()}
	out, err, code := s.run(t, "doctor")
	for _, want := range []string{"PROBLEM  Postern", "not running", "Start it with: postern", "Disk space", "Data folder"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if code != cli.Failed || !strings.Contains(err, "problem") {
		t.Errorf("%d %q", code, err)
	}
	if _, _, code := s.run(t, "doctor", "--preview"); code != cli.NotRunning {
		t.Errorf("a bundle without Postern: %d", code)
	}
}

func TestBundle(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	file := filepath.Join(t.TempDir(), "b.zip")
	out, err, code := s.run(t, "doctor", "--bundle", file)
	if _, stat := os.Stat(file); code != cli.Usage || !strings.Contains(err, "--yes") || stat == nil {
		t.Fatalf("nobody was asked: %d %q", code, err)
	}
	for _, want := range []string{"doctor.json", "postern.log", "secrets: 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	s.good(t, "doctor", "--bundle", file, "--yes")
	info, stat := os.Stat(file)
	if stat != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, stat)
	}
	z, zerr := zip.OpenReader(file)
	if zerr != nil {
		t.Fatal(zerr)
	}
	defer z.Close()
	for i, want := range controltest.Bundle().Files {
		r, err := z.File[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || z.File[i].Name != want.Name || string(text) != want.Text {
			t.Errorf("%v %q %q", err, z.File[i].Name, text)
		}
	}
	before := len(b.Calls())
	if _, err, code := s.run(t, "doctor", "--bundle", file, "--yes"); code != cli.Usage || !strings.Contains(err, "exists") || len(b.Calls()) != before {
		t.Errorf("it was written over: %d %q", code, err)
	}
	if out := s.good(t, "doctor", "--preview"); !strings.Contains(out, "    level=INFO msg=started token=[secret]") {
		t.Errorf("%q", out)
	}
	var all api.Support
	if err := json.Unmarshal([]byte(s.good(t, "doctor", "--preview", "--json")), &all); err != nil || len(all.Files) != 2 {
		t.Errorf("%v %+v", err, all)
	}
}
