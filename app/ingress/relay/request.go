package relay

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Bounds of a header, as for a listener of ours.
const (
	headerFields = 128
	headerBytes  = 16 << 10
)

// host is where a relayed request says that it goes: no name that can be
// reached, RFC 2606, section 2.
const host = "relayed.invalid"

// hop reports whether a header is about a connection, which is not ours, or one
// by which net/http would take the relay's word over the body that we hold: RFC
// 9110, section 7.6.1.
func hop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Content-Length", "Expect", "Host":
		return true
	}
	return false
}

// Headers is h as a request may have it: names canonical, what belongs to a
// connection left out, and what no HTTP message could hold too. ok is false if
// it is larger than a listener would take.
func Headers(h map[string][]string) (clean http.Header, ok bool) {
	clean = http.Header{}
	left, fields := headerBytes, headerFields
	for _, k := range slices.Sorted(maps.Keys(h)) {
		if !token(k) {
			continue
		}
		name := http.CanonicalHeaderKey(k)
		if hop(name) {
			continue
		}
		for _, v := range h[k] {
			if !printable(v) {
				continue
			}
			left -= len(k) + len(v)
			fields--
			if left < 0 || fields < 0 {
				return nil, false
			}
			clean[name] = append(clean[name], strings.TrimSpace(v))
		}
	}
	return clean, true
}

// HTTP is the request as a route takes it, at the path that the route has. The
// relay has no say in the path, the host and the source.
func (r Request) HTTP(ctx context.Context, path string) *http.Request {
	u := &url.URL{Path: path, RawQuery: r.Query}
	q := &http.Request{Method: r.Method, URL: u, Header: r.Header.Clone(), Host: host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(r.Body)), ContentLength: int64(len(r.Body)), RequestURI: u.RequestURI()}
	if q.Header == nil {
		q.Header = http.Header{}
	}
	return q.WithContext(ctx)
}

// ValidMethod reports whether m may stand in a request.
func ValidMethod(m string) bool {
	return m != "" && len(m) <= 32 && token(m)
}

// ValidQuery reports whether q may stand behind a question mark: RFC 3986,
// section 3.4, and what browsers let through; no blanks, no controls, no
// fragment.
func ValidQuery(q string) bool {
	return len(q) <= headerBytes && !strings.ContainsFunc(q, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' })
}

// token reports whether s is one, RFC 9110, section 5.6.2.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9'
		return r > 0x7e || !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// printable reports whether s may be a header's value, RFC 9110, section 5.5.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
