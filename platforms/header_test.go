package platforms_test

import (
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

func TestIsCredential(t *testing.T) {
	for _, c := range []struct {
		name, value string
		yes         bool
	}{
		{"Authorization", "anything", true}, {"Cookie", "a=b", true}, {"X-Gitlab-Token", "s", true}, {"X-API-Key", "s", true}, {"x_auth_key", "s", true},
		{"Cf-Access-Jwt-Assertion", "s", true}, {"X-Other", "Bearer abc", true}, {"X-Other", " basic abc", true},
		{"X-Hub-Signature-256", "sha256=00", false}, {"Content-Type", "application/json", false}, {"X-Author", "ann", false}, {"X-Other", "bearers", false},
	} {
		if platforms.IsCredential(c.name, c.value) != c.yes {
			t.Errorf("%s: %s: not %v", c.name, c.value, c.yes)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for value, want := range map[string]time.Duration{"": 0, "soon": 0, "-1": 0, "0": 0, " 90 ": 90 * time.Second, "7200": time.Hour, "99999999999999999999": time.Hour,
		"Wed, 04 Mar 2026 05:06:37 GMT": 30 * time.Second, "Wed, 04 Mar 2026 05:00:00 GMT": 0, "Thu, 05 Mar 2026 05:06:37 GMT": time.Hour} {
		if got := platforms.RetryAfter(value, now, time.Hour); got != want {
			t.Errorf("%q: %s, not %s", value, got, want)
		}
	}
}
