package model

import (
	"testing"

	"github.com/postern/postern/app/control/api"
)

func TestHealth(t *testing.T) {
	for h, want := range map[api.Health]State{api.Healthy: Good, api.Warned: Stale, api.Sick: Bad, api.Skipped: Off, api.Unclear: Unknown, "": Unknown, "new": Unknown} {
		if v := Health(h); v.State != want || v.Symbol == "" || v.Words == "" {
			t.Errorf("%q: %+v", h, v)
		}
	}
}

func TestDiagnosis(t *testing.T) {
	fs := []api.Finding{{ID: "a", State: api.Healthy}, {ID: "b"}, {ID: "c", State: api.Skipped}, {ID: "d", State: "new"}, {ID: "e", State: api.Warned}, {ID: "f", State: api.Sick}, {ID: "g", State: api.Healthy}, {ID: "h", State: api.Sick}}
	if got := Diagnosis(fs); got != "2 problems, 1 warning, 1 unknown, 2 fine, 1 not looked at" {
		t.Errorf("%q", got)
	}
	order := ""
	for _, f := range ByUrgency(fs) {
		order += f.ID
	}
	if order != "fhedbagc" || fs[0].ID != "a" {
		t.Errorf("%s", order)
	}
	if got := Taken([]api.Masked{{What: "secrets", Count: 2}, {What: "x"}}); got != "Taken out: 2 × secrets." {
		t.Errorf("%q", got)
	}
	if Taken(nil) == "" {
		t.Error("nothing is said")
	}
}
