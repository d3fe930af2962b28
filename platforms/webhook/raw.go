package webhook

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

// Bounds of the headers that are kept with a request: net/http takes up to 1 MiB
// of them. The body has the bound of its route.
const (
	headerBytesMost  = 16 << 10 // of names and values
	headerValuesMost = 64
)

// raw is a verified request, for a responder that wants all of it. secrets are
// those under which requests may come in.
//
// What lets its holder act is left out: whoever sees GitLab's token can forge the
// next request. A signature fits this one only, so it stays. Of too many headers
// the largest are left out.
func raw(r *http.Request, body []byte, secrets []platforms.Secret) *platforms.Raw {
	type header struct {
		name   string
		values []string
		size   int
	}
	var all []header
	for name, values := range r.Header {
		if !utf8.ValidString(name) {
			continue
		}
		h := header{name: http.CanonicalHeaderKey(name)}
		for _, v := range values {
			// The journal is JSON, which holds text only.
			if platforms.IsCredential(name, v) || telling(v, secrets) || !utf8.ValidString(v) {
				continue
			}
			h.values, h.size = append(h.values, v), h.size+len(name)+len(v)
		}
		if len(h.values) > 0 {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b header) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.name, b.name)) })
	out := &platforms.Raw{Method: r.Method, Header: map[string][]string{}, Body: body}
	size, count := 0, 0
	for _, h := range all {
		if size, count = size+h.size, count+len(h.values); size > headerBytesMost || count > headerValuesMost {
			break
		}
		out.Header[h.name] = append(out.Header[h.name], h.values...)
	}
	return out
}

// telling reports whether one of secrets is in a value.
func telling(value string, secrets []platforms.Secret) bool {
	return slices.ContainsFunc(secrets, func(s platforms.Secret) bool { return !s.IsZero() && strings.Contains(value, s.Reveal()) })
}
