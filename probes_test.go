package main

import (
	"runtime"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
)

func TestFaceProbes(t *testing.T) {
	for _, p := range faceProbes(true) {
		if r := p.Run(t.Context()); r.State != api.Skipped || r.Text == "" {
			t.Errorf("%s without a face: %+v", p.ID, r)
		}
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, p := range faceProbes(false) {
		r := p.Run(t.Context())
		if r.State != api.Sick && r.State != api.Warned || !strings.HasSuffix(r.Text, ".") || r.Do == "" {
			t.Errorf("%s without a bus: %+v", p.ID, r)
		}
	}
}
