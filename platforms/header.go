package platforms

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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

// RetryAfter is how long a header Retry-After asks to wait, from 0 to most: RFC
// 9110, section 10.2.3, seconds or a date. 0 if it says nothing.
func RetryAfter(value string, now time.Time, most time.Duration) time.Duration {
	value = strings.TrimSpace(value)
	if n, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(n, uint64(most/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return most
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), most)
}
