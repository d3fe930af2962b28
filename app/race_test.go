package app

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// TestClosedWhileItOpens: a door that is closed by hand while the guard still
// looks around before it opens it stays closed.
func TestClosedWhileItOpens(t *testing.T) {
	w := newWorld(t)
	w.callable(platforms.Callback)
	w.start()
	if _, err := w.app.AddAccount(t.Context(), api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-secret-value-1", "server": "http://127.0.0.1:8065"}}); err != nil {
		t.Fatal(err)
	}
	c, err := w.app.account("fake")
	if err != nil {
		t.Fatal(err)
	}
	bind := freePort(t)
	d := w.app.doors
	if err := d.save(t.Context(), func(m map[platforms.AccountID]doorSetting) {
		m["fake"] = doorSetting{Listener: api.Listener{Bind: bind}}
	}); err != nil {
		t.Fatal(err)
	}
	route := platforms.Route{Path: "/late", Verify: refuseAll, Handler: http.NotFoundHandler()}
	l, err := d.admitted(c, route.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.app.CloseDoor(t.Context(), "fake", "window"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := (doorway{d, c}).open(l, route); err == nil {
		t.Error("it opened")
	}
	if w.door().Open {
		t.Error("it is open")
	}
}

func refuseAll(*http.Request, []byte, time.Time) error { return platforms.ErrSignature }

// TestShutOutlivesASave: what is closed while another account's listener is being
// written stays closed.
func TestShutOutlivesASave(t *testing.T) {
	w := newWorld(t)
	w.callable(platforms.Webhook)
	w.start()
	d := w.app.doors
	put := func(id platforms.AccountID, during func()) {
		t.Helper()
		if err := d.save(t.Context(), func(m map[platforms.AccountID]doorSetting) { m[id] = doorSetting{}; during() }); err != nil {
			t.Fatal(err)
		}
	}
	put("a", func() {})
	put("b", sync.OnceFunc(func() { d.shut("a") }))
	if s, _ := d.setting("a"); !s.Closed {
		t.Error("it is open again")
	}
}
