// Package inspect shows requests that came: as a command for a shell, as a file,
// and beside one another. It is pure; the window and the command line share it.
//
// Whatever a request holds is from outside. Curl is safe to paste into a POSIX
// shell, but what it prints may hold anything: show it with package text.
package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/app/control/api"
)

// Masked stands in a request for a value that was taken out.
const Masked = "[masked]"

// here is where a service of this computer may listen.
const here = "http://localhost:8080/"

// Address is where a command may send a request to an input again. Where the
// input has no address, or a part of that is a secret that stands as an ellipsis,
// it is one of this computer: what is pasted sends nothing to a stranger.
func Address(in api.Input) string {
	if in.Address == "" || strings.Contains(in.Address, "…") || strings.Contains(in.Address, "%E2%80%A6") {
		return here
	}
	return in.Address
}

// inline is the longest body that stands in a command itself, in bytes: Linux
// takes 128 KiB in one argument.
const inline = 32 << 10

// Missing says that a request can't be shown as it came, since it is not all
// kept.
type Missing struct{ Text string }

func (e *Missing) Error() string { return e.Text }

// URL is an address with a request's query.
func URL(r api.InputRequest, address string) string {
	switch {
	case r.Query == "":
		return address
	case strings.Contains(address, "?"):
		return address + "&" + r.Query
	}
	return address + "?" + r.Query
}

// hop reports whether a header is about a connection, so that whoever sends the
// request again makes it anew.
func hop(name string) bool {
	return slices.Contains([]string{"connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}, strings.ToLower(name))
}

// token reports whether s is a header's name, or a method: RFC 9110, section 5.6.2.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

// headers is a request's headers in order, but for those about a connection and
// those that would not be shown as they are.
func headers(r api.InputRequest) (out [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if hop(name) || !token(name) {
			continue
		}
		for _, v := range r.Header[name] {
			if !strings.ContainsFunc(v, func(c rune) bool { return c != '\t' && hidden(c) }) {
				out = append(out, [2]string{name, v})
			}
		}
	}
	return out
}

func whole(r api.InputRequest) error {
	switch {
	case r.Erased:
		return &Missing{"What this request held is not kept."}
	case r.Cut:
		return &Missing{"Only the beginning of this request's body is kept."}
	case r.Method != "" && !token(r.Method):
		return &Missing{"This request has a method that HTTP does not know."}
	}
	return nil
}

// Curl is a command for a POSIX shell that sends a request to an address with the
// same method, query, headers and body. Where the body is not plain text it
// comes through base64. Values that were taken out stand as [Masked]. The error
// is an *[Missing].
//
// What curl would add by itself is left out: https://curl.se/docs/manpage.html
func Curl(r api.InputRequest, address string) (string, error) {
	if err := whole(r); err != nil {
		return "", err
	}
	q := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	var b strings.Builder
	piped := len(r.Body) > inline || !plain(r.Body)
	if piped {
		b.WriteString("printf %s " + q(base64.StdEncoding.EncodeToString(r.Body)) + " | base64 -d | ")
	}
	b.WriteString("curl --globoff")
	switch m := r.Method; m {
	case "", "POST":
		b.WriteString(" -X POST")
	case "HEAD":
		b.WriteString(" --head")
	default:
		b.WriteString(" -X " + q(m))
	}
	has := map[string]bool{}
	for _, h := range headers(r) {
		has[strings.ToLower(h[0])] = true
		if strings.TrimSpace(h[1]) == "" {
			b.WriteString(" -H " + q(h[0]+";")) // so curl sends it without a value
			continue
		}
		b.WriteString(" -H " + q(h[0]+": "+h[1]))
	}
	own := []string{"Accept", "User-Agent"}
	if len(r.Body) > 0 {
		own = append(own, "Content-Type", "Expect")
	}
	for _, name := range own {
		if !has[strings.ToLower(name)] {
			b.WriteString(" -H " + q(name+":"))
		}
	}
	switch {
	case piped:
		b.WriteString(" --data-binary @-")
	case len(r.Body) > 0:
		b.WriteString(" --data-raw " + q(string(r.Body))) // unlike --data-binary, it reads no file
	}
	b.WriteString(" --url " + q(strings.Map(visible, URL(r, address))))
	return b.String(), nil
}

// plain reports whether a body can stand in a command: text that a terminal shows
// as it is. A newline at its end would be lost nowhere, but hidden characters
// could make the command seem another one.
func plain(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	return !bytes.ContainsFunc(body, func(r rune) bool {
		return r != '\n' && r != '\t' && hidden(r)
	})
}

// hidden reports whether a terminal would obey a character or not show it.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// HTTP is a request as it stands on the wire, in HTTP/1.1, with the whole address
// in its first line: what editors read in files that end with .http. The error is
// an *[Missing].
func HTTP(r api.InputRequest, address string) ([]byte, error) {
	if err := whole(r); err != nil {
		return nil, err
	}
	method := r.Method
	if method == "" {
		method = "POST"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, strings.Map(visible, URL(r, address)))
	for _, h := range headers(r) {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes(), nil
}

// obeyed is what editors of .http files act on, beside the requests themselves:
// variables of the person's, the beginning of another request, files to read and
// to write, and scripts. See
// https://www.jetbrains.com/help/idea/exploring-http-syntax.html and
// https://github.com/Huachao/vscode-restclient.
var obeyed = regexp.MustCompile(`\{\{|(?m:^[ \t]*(?:###|<@?\w*[ \t]|<>|<[ \t]*\{%|>|@))`)

// Extension is what the name of a file with what HTTP made is to end with:
// .http, so that an editor can send it, or .txt where an editor would do more
// than that, which whoever sent the request may have meant.
func Extension(file []byte) string {
	// Of the ends of lines, regexp knows one.
	if obeyed.Match(bytes.ReplaceAll(file, []byte("\r"), []byte("\n"))) {
		return ".txt"
	}
	return ".http"
}

func visible(r rune) rune {
	if r <= ' ' || hidden(r) {
		return -1
	}
	return r
}

// deepest is how deep JSON may nest to be indented: indenting 20 kB of brackets
// makes 200 MB of them.
const deepest = 64

// Pretty is a body with the keys of its JSON in order and a value on each line.
// What is no JSON, or nests too deep, stays as it is.
func Pretty(body []byte) []byte {
	body = bytes.TrimSpace(body)
	if len(body) < 2 || body[0] != '{' && body[0] != '[' || !json.Valid(body) || depth(body) > deepest {
		return body
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // a number stays as it was written
	var v any
	if d.Decode(&v) != nil {
		return body
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(v) != nil {
		return body
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// depth is how deep valid JSON nests.
func depth(b []byte) (most int) {
	at, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			at++
			most = max(most, at)
		case c == '}' || c == ']':
			at--
		}
	}
	return most
}
