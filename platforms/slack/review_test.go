package slack

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/postern/postern/platforms"
)

func reviewed(t *testing.T, h http.HandlerFunc) (platforms.Connector, string) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := newConnector(platforms.Config{HTTP: s.Client(), Settings: map[string]string{keyServer: s.URL}, Secrets: map[string]platforms.Secret{
		keyBot: platforms.NewSecret("xoxb-1234567890"), keyApp: platforms.NewSecret("xapp-1234567890")}})
	if err != nil {
		t.Fatal(err)
	}
	return c, s.URL
}

// TestSignInPageParksNobody: a page of something in between is no word of
// Slack's about the token.
func TestSignInPageParksNobody(t *testing.T) {
	c, _ := reviewed(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>sign in</html>", http.StatusUnauthorized)
	})
	_, err := c.Check(context.Background())
	if k := platforms.KindOf(err); k != platforms.Temporary {
		t.Errorf("%s: %v", k, err)
	}
}

// TestSignInPageCostsNoAnswer: nor is it one about a response URL.
func TestSignInPageCostsNoAnswer(t *testing.T) {
	for _, status := range []int{302, 401, 407, 511} {
		c, url := reviewed(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://login.example/")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
		})
		err := c.(*connector).respond(t.Context(), answerable{URL: url + "/commands/1"}, map[string]string{"text": "x"})
		if k := platforms.KindOf(err); k != platforms.Temporary {
			t.Errorf("%d: %s: %v", status, k, err)
		}
	}
}
