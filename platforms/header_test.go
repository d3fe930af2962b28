package platforms_test

import (
	"testing"

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
