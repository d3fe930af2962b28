package mattermost_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
)

// TestTokenIsNeverTold has servers repeat the token in what they answer, and
// lead elsewhere.
func TestTokenIsNeverTold(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(fmt.Sprint(r.Header, r.URL), token) {
			t.Error("another server was given the token")
		}
		http.Error(w, "no", http.StatusTeapot)
	}))
	defer other.Close()
	for name, serve := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/"+r.Header.Get("Authorization"), http.StatusFound)
		},
		"page": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "<h1>"+r.Header.Get("Authorization")+"</h1>", http.StatusBadGateway)
		},
		"refusal": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"id":"%[1]s","message":"%[1]s","status_code":400}`, r.Header.Get("Authorization"))
		},
		"unauthorized": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"id":"x","message":"%s","status_code":401}`, r.Header.Get("Authorization"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(serve)
			defer s.Close()
			w, _ := world(t)
			defer w.Close()
			w.Config.Settings = map[string]string{"server": s.URL}
			conn := connect(t, w)
			var rec platformtest.Recorder
			_, sent := conn.Send(context.Background(), platforms.Message{Key: "k", Conversation: "dm", Text: "x"})
			_, checked := conn.Check(context.Background())
			for _, err := range []error{sent, checked, conn.Run(context.Background(), "", &rec)} {
				if err == nil {
					t.Error("it did not fail")
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					if said := fmt.Sprintf("%v %+v", e, e); strings.Contains(said, token) {
						t.Errorf("the token is told: %s", said)
					}
				}
			}
		})
	}
}
