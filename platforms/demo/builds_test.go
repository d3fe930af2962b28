package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestBuild(t *testing.T) {
	status, event, body := http.StatusCreated, "", ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		event, body = r.Header.Get("X-GitHub-Event"), string(b)
		w.WriteHeader(status)
	}))
	defer srv.Close()
	if err := build(t.Context(), srv.URL+"/secret", time.Millisecond); err != nil || event != "workflow_run" || !strings.Contains(body, "engine/room") {
		t.Errorf("%v %q %s", err, event, body)
	}
	status = http.StatusNotFound
	if err := build(t.Context(), srv.URL+"/secret", time.Millisecond); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("refused: %v", err)
	}
	srv.Close()
	if err := build(t.Context(), srv.URL+"/secret", time.Millisecond); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
}
