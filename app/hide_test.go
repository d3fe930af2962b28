package app

import (
	"encoding/json"
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

// FuzzFields: what is JSON stays JSON, and a field of it that is named like a
// secret has no value but that it was taken out.
func FuzzFields(f *testing.F) {
	for _, s := range []string{`{"token":"a\"b\\"}`, `{"p":"{\"token\":\"a\\\"b\"}"}`, `{"p":"token\":","q":"z"}`, `{"token" : "a`, `{"":"\"token\":\"\\"}`, `{"x\"token":"v"}`, `{"a":{"secret":"x","b":[":"]}}`, `{"token":"\u0022","token":""}`} {
		f.Add(s)
	}
	h := newHider(func() []platforms.Secret { return nil })
	f.Fuzz(func(t *testing.T, s string) {
		out, n := h.fields(s)
		if n == 0 && out != s {
			t.Fatalf("%q became %q", s, out)
		}
		if !json.Valid([]byte(s)) {
			return
		}
		var v map[string]any
		if !json.Valid([]byte(out)) {
			t.Fatalf("%s became %s", s, out)
		}
		if json.Unmarshal([]byte(out), &v) != nil {
			return
		}
		if got, ok := v["token"].(string); ok && got != masked && got != "" && strings.Contains(s, `"token"`) {
			t.Errorf("%s became %s", s, out)
		}
	})
}
