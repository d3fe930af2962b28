package app

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/postern/postern/app/inspect"
	"github.com/postern/postern/app/internal/redact"
	"github.com/postern/postern/platforms"
)

// masked stands for a value that lets its holder act, wherever a request is shown.
const masked = inspect.Masked

// Bounds of the headers that are kept of a request.
const (
	headersMost = 100
	headerMost  = 8 << 10 // bytes of one value
)

// hider takes out of requests what lets its holder act: whoever sees it could
// forge the next request, or answer in the bot's name.
type hider struct {
	secrets *redact.Masker
	name    *regexp.Regexp // of a field
	part    *regexp.Regexp // the same in a form of several parts
}

// powerful is the fields of forms and of JSON whose values let their holder act.
// An address to which an answer may be posted is one, too.
const powerful = `(?i:(?:hub\.)?(?:(?:access|refresh|id|verification|verify|auth|api|bot|app|private|session|bearer)[_-]?)?token` +
	`|(?:(?:client|shared|signing|webhook|app)[_-]?)?secret|pass(?:word|wd|phrase)|(?:api|private|access|secret)[_-]?key|authorization|mac|response[_-]?url)`

// newHider is a hider of secrets and of what is named like one.
func newHider(secrets func() []platforms.Secret) hider {
	return hider{redact.New(secrets), regexp.MustCompile("^" + powerful + "$"),
		regexp.MustCompile(`(?i)\bname="?` + powerful + `(?:"[^\r\n]*|;[^\r\n]*)?\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^\r\n]+)`)}
}

// text is s without secrets, and how many were taken out.
func (h hider) text(s string) (string, int) { return h.secrets.Replace(s, masked) }

// form is a query or form without the values of fields that are named like
// secrets. The rest stays as it is, byte for byte.
func (h hider) form(s string) (string, int) {
	if !strings.Contains(s, "=") {
		return s, 0
	}
	parts := strings.Split(s, "&")
	n := 0
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err == nil && value != "" && h.name.MatchString(plain) {
			parts[i] = name + "=" + masked
			n++
		}
	}
	return strings.Join(parts, "&"), n
}

// pathLeast is how long a path is that nobody guesses, at least, in bytes.
const pathLeast = 16

// request is a request's parts without what lets its holder act, and how many
// values were taken out. Proxies tell in headers of their own which path was
// asked for.
func (h hider) request(path, query string, header http.Header, body []byte, cutOff bool) (string, map[string][]string, []byte, int) {
	query, n := h.form(query)
	query, m := h.text(query)
	n += m
	out := make(map[string][]string, len(header))
	for name, values := range header {
		if len(out) == headersMost {
			break
		}
		name = strings.ToValidUTF8(name, "\ufffd")
		for _, v := range values {
			switch {
			case platforms.IsCredential(name, v):
				v, m = masked, 1
			default:
				if len(v) > headerMost {
					v = v[:headerMost]
					v = v[:h.secrets.Begun(v)] + "…"
				}
				v, m = h.text(strings.ToValidUTF8(v, "\ufffd"))
				if len(path) >= pathLeast && strings.Contains(v, path) {
					v, m = strings.ReplaceAll(v, path, masked), m+1
				}
			}
			n += m
			out[name] = append(out[name], v)
		}
	}
	body, m = h.body(strings.ToLower(header.Get("Content-Type")), body, cutOff)
	return query, out, body, n + m
}

// body is a body of a media type, in small letters. cutOff: it is only the
// beginning of one, so that a secret may have been cut in two.
func (h hider) body(kind string, body []byte, cutOff bool) ([]byte, int) {
	n, m := 0, 0
	s := string(body)
	switch {
	case strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		s, n = h.form(s)
		s, m = h.payload(s)
		n += m
	case strings.HasPrefix(kind, "multipart/"):
		s, n = values(h.part, s)
		fallthrough
	default:
		s, m = h.fields(s)
		n += m
	}
	s, m = h.text(s)
	n += m
	if cutOff {
		if at := h.secrets.Begun(s); at < len(s) {
			s, n = s[:at]+masked, n+1
		}
	}
	if n == 0 {
		return body, 0
	}
	return []byte(s), n
}

// values is s without what the first group of re finds.
func values(re *regexp.Regexp, s string) (string, int) {
	found := re.FindAllStringSubmatchIndex(s, -1)
	if len(found) == 0 {
		return s, 0
	}
	var b strings.Builder
	end := 0
	for _, at := range found {
		b.WriteString(s[end:at[2]])
		b.WriteString(masked)
		end = at[3]
	}
	b.WriteString(s[end:])
	return b.String(), len(found)
}

// payload is a form whose fields hold JSON without what that has of the kind.
func (h hider) payload(s string) (string, int) {
	parts := strings.Split(s, "&")
	n := 0
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil || !strings.HasPrefix(plain, "{") {
			continue
		}
		if clean, m := h.fields(plain); m > 0 {
			parts[i] = name + "=" + url.QueryEscape(clean)
			n += m
		}
	}
	return strings.Join(parts, "&"), n
}
