package slack

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
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

// TestWhyAFileIsNotGiven: only Slack's own page for signing in tells of a
// missing scope.
func TestWhyAFileIsNotGiven(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		location string
		kind     platforms.Kind
		scope    bool
	}{
		"sign in":               {302, "https://engines.slack.com/?redir=%2Ffiles-pri%2FT1-F1%2Fa.txt", platforms.Rejected, true},
		"sign in, central":      {302, "https://slack.com/workspace-signin?redir=%2Ffiles-pri", platforms.Rejected, true},
		"sign in, relative":     {302, "/?redir=%2Ffiles-pri", platforms.Rejected, true},
		"elsewhere at Slack":    {302, "https://slack.com/help", platforms.Temporary, false},
		"a network's page":      {302, "https://login.example/?redir=x", platforms.Temporary, false},
		"named like Slack":      {302, "https://slack.com.example/?redir=x", platforms.Temporary, false},
		"in the clear":          {302, "http://engines.slack.com/?redir=x", platforms.Temporary, false},
		"leads nowhere":         {304, "", platforms.Temporary, false},
		"forbidden":             {403, "", platforms.Rejected, false},
		"asks for a name":       {401, "", platforms.Temporary, false},
		"the network's sign-in": {511, "", platforms.Temporary, false},
		"gone":                  {410, "", platforms.Rejected, false},
	} {
		t.Run(name, func(t *testing.T) {
			conn, at := reviewed(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "files.info") {
					fmt.Fprintf(w, `{"ok":true,"file":{"id":"F1","size":1,"url_private":"http://%s/a"}}`, r.Host)
					return
				}
				if c.location != "" {
					w.Header().Set("Location", c.location)
				}
				w.WriteHeader(c.status)
			})
			body, err := conn.(platforms.Opener).Open(t.Context(), platforms.Attachment{Ref: "F1"})
			if err == nil {
				_ = body.Close()
				t.Fatalf("%s gave a file", at)
			}
			if k := platforms.KindOf(err); k != c.kind || strings.Contains(err.Error(), "files:read") != c.scope {
				t.Errorf("%s: %v", k, err)
			}
		})
	}
}
