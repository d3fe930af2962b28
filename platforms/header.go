package platforms

import (
	"slices"
	"strings"
)

// IsCredential reports whether a value of a request's header lets its holder act:
// by the header's name (Authorization, Cookie, X-Gitlab-Token, X-Api-Key,
// Cf-Access-Jwt-Assertion and their like) or because it is one for HTTP
// authentication. A signature fits one request only, so it is none.
func IsCredential(name, value string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(value)), " ")
	if scheme == "bearer" || scheme == "basic" {
		return true
	}
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if strings.Contains(name, "signature") {
		return false
	}
	for _, part := range []string{"authorization", "cookie", "token", "secret", "password", "passwd", "credential", "session", "jwt", "api-key", "apikey", "access-key"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return slices.Contains(strings.Split(name, "-"), "auth")
}
