package app

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

// TestWhatLetsActIsHidden: however it stands in a body, and wherever that was cut.
func TestWhatLetsActIsHidden(t *testing.T) {
	const ours, theirs = "our-own-secret/0123456789", "theirs-98765-abcdef"
	h := newHider(func() []platforms.Secret { return []platforms.Secret{platforms.NewSecret(ours)} })
	part := "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\nContent-Type: text/plain\r\n\r\n" + theirs + "\r\n--b--\r\n"
	for name, c := range map[string]struct {
		kind, body string
		cut        bool
	}{
		"json":             {"application/json", `{"Token" : "` + theirs + `"}`, false},
		"other spelling":   {"application/json", `{"accessToken":"` + theirs + `","api-key":"` + theirs + `"}`, false},
		"json within json": {"application/json", `{"payload":"{\"token\":\"` + theirs + `\",\"a\":1}"}`, false},
		"twice within":     {"application/json", `{"a":"{\"b\":\"{\\\"secret\\\": \\\"` + theirs + `\\\"}\"}"}`, false},
		"form":             {"Application/X-WWW-Form-URLEncoded", "a=1&token=" + theirs, false},
		"other form":       {"application/x-www-form-urlencoded", "hub.verify_token=" + theirs, false},
		"parts":            {"multipart/form-data; boundary=b", part, false},
		"cut field":        {"application/json", `{"a":1,"secret":"` + theirs, true},
		"cut escape":       {"application/json", `{"a":1,"secret":"` + theirs + `\`, true},
		"cut inner field":  {"application/json", `{"a":"{\"secret\":\"` + theirs, true},
		"cut parts":        {"multipart/form-data; boundary=b", part[:strings.Index(part, theirs)+15], true},
		"cut of ours":      {"text/plain", "say " + ours[:len(ours)-1], true},
		"half of ours":     {"text/plain", "say " + ours[:12], true},
		"cut and encoded":  {"text/plain", "say our-own-secret%2F0123", true},
	} {
		_, _, got, n := h.request("/", "", http.Header{"Content-Type": {c.kind}}, []byte(c.body), c.cut)
		if s := string(got); n == 0 || strings.Contains(s, theirs[:6]) || strings.Contains(s, ours[:6]) || !strings.Contains(s, masked) {
			t.Errorf("%s: %d, %s", name, n, s)
		}
	}
	_, header, _, _ := h.request("/", "", http.Header{"X-Long": {strings.Repeat("x", headerMost-12) + ours}}, nil, false)
	if v := header["X-Long"][0]; strings.Contains(v, ours[:6]) {
		t.Errorf("a header's end is %s", v[len(v)-20:])
	}
	for _, body := range []string{`{"tokens":"several","secretary":"Ada","a":"token"}`, `name=x`, `our-own`, `{"token":""}`, "\xff\x00\""} {
		if _, _, got, n := h.request("/", "", http.Header{"Content-Type": {"application/json"}}, []byte(body), false); n != 0 || string(got) != body {
			t.Errorf("%s became %s", body, got)
		}
	}
}
