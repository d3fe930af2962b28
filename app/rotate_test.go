package app

import (
	"testing"

	"github.com/postern/postern/platforms"
)

func TestMakesFieldsOfKindsOfResponders(t *testing.T) {
	w := newWorld(t)
	w.kinds = []Kind{{Name: "service", Title: "Service", Fields: []platforms.Field{
		{Key: "secret", Secret: true, Make: func() string { return "made" }}, {Key: "url"}}}}
	a := w.start()
	if m, err := a.Make(t.Context(), "service", "secret"); err != nil || m.Value != "made" {
		t.Errorf("%v %v", m, err)
	}
	for _, of := range [][2]string{{"service", "url"}, {"service", "none"}, {"nothing", "secret"}} {
		if m, err := a.Make(t.Context(), of[0], of[1]); err == nil {
			t.Errorf("%q: %q", of, m.Value)
		}
	}
}
