package app

import (
	"net"
	"net/http"
	"testing"

	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// TestWitness looks which server of an account the doctor compares its clock
// with: the first one, whatever is fetched later.
func TestWitness(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	ended := make(chan struct{})
	go func() { _ = srv.Serve(l); close(ended) }()
	t.Cleanup(func() { _ = srv.Close(); <-ended })

	a := newWorld(t).start()
	p := platforms.Platform{Fields: []platforms.Field{{Key: "name"}, {Key: "hook", Secret: true}, {Key: "server"}}}
	c := newAccount(a, p, store.Account{Settings: map[string]string{"name": "Ann", "hook": "https://never.example/secret", "server": " https://chat.example/team "}})
	if base, client := c.base(); base != "" || client != nil {
		t.Errorf("before there was a connector: %q", base)
	}
	c.client = a.newClient()
	defer c.client.CloseIdleConnections()
	if base, client := c.base(); base != "https://chat.example" || client != c.client {
		t.Errorf("by its settings: %q", base)
	}
	for _, address := range []string{"http://" + l.Addr().String() + "/bot123:token/getMe", "http://127.0.0.1:1/a/file"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := c.client.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}
	if base, _ := c.base(); base != "http://"+l.Addr().String() {
		t.Errorf("after it talked: %q", base)
	}
}
