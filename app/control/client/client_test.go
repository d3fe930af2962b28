package client_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/controltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinksLittle(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "github.com/postern/postern/app/control/client").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		for _, heavy := range []string{"bbolt", "go-keyring", "go-telegram", "fyne", "cobra", "postern/app/internal", "postern/platforms/"} {
			if strings.HasSuffix(strings.TrimSpace(dep), "postern/platforms/text") { // names are made fit to be shown
				continue
			}
			if strings.Contains(dep, heavy) {
				t.Errorf("links %s", strings.TrimSpace(dep))
			}
		}
	}
}

func TestNotRunning(t *testing.T) {
	dir := t.TempDir()
	c := client.New(dir)
	defer c.Close()
	_, err := c.Snapshot(t.Context())
	if !errors.Is(err, client.ErrNotRunning) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "Start it with") {
		t.Error(err)
	}
	for _, err := range c.Watch(t.Context()) {
		if !errors.Is(err, client.ErrNotRunning) {
			t.Error(err)
		}
	}
	missing := client.New(dir + "/none")
	defer missing.Close()
	if err := missing.Quit(t.Context()); !errors.Is(err, client.ErrNotRunning) {
		t.Error(err)
	}
}

func TestContextEnds(t *testing.T) {
	b := controltest.New()
	entered := make(chan struct{})
	b.Wait = func(ctx context.Context, _ string) { close(entered); <-ctx.Done() }
	dir, _, stop, err := controltest.Start(b, control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(dir)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if err := c.Pause(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c.Close()
	if err := stop(); err != nil { // the backend's call has ended with the request
		t.Error(err)
	}
}

func TestErrorsHoldNoQueries(t *testing.T) {
	b := controltest.New()
	dir, _, stop, err := controltest.Start(b, control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(dir)
	defer c.Close()
	b.Wait = func(context.Context, string) { panic("gone") }
	_, err = c.Search(t.Context(), "hushquery", 0)
	if err == nil || strings.Contains(err.Error(), "hushquery") {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Search(t.Context(), "hushquery", 0); err == nil || strings.Contains(err.Error(), "hushquery") {
		t.Error(err)
	}
}
