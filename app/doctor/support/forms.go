package support

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
)

// forms is every text that v may have become on its way into another: what
// redact knows, and what only a bundle needs, where a false match costs little.
func forms(v string) []string {
	if len(v) < shortestSecret {
		return nil
	}
	list := []string{v, url.QueryEscape(v), url.PathEscape(v), percent(v), strings.ToLower(percent(v)), html.EscapeString(v)}
	list = append(list, hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v))))
	for _, q := range []string{strconv.Quote(v), strconv.QuoteToASCII(v), jsonOf(v, true), jsonOf(v, false)} {
		inner := q[1 : len(q)-1]
		again := strconv.Quote(inner) // JSON within a line of a log
		list = append(list, inner, again[1:len(again)-1])
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		b := e.EncodeToString([]byte(v))
		list = append(list, b, url.QueryEscape(b), percent(b))
	}
	out := list[:0]
	for _, f := range list {
		if len(f) >= shortestSecret {
			out = append(out, f)
		}
	}
	return out
}

// jsonOf is v as a JSON string, with and without the escapes for HTML.
func jsonOf(v string, html bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(html)
	if err := enc.Encode(v); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// percent is v with every byte percent-encoded.
func percent(v string) string {
	var b strings.Builder
	for i := range len(v) {
		fmt.Fprintf(&b, "%%%02X", v[i])
	}
	return b.String()
}

// shortestWithin is how many characters of base64 tell a secret apart.
const shortestWithin = 8

// within is what a longer text that v is a part of has in common with others of
// its kind once it is base64: the characters that depend on v alone, at each of
// the three ways in which v can lie across the groups.
func within(v string) (list []string) {
	if len(v) < shortestSecret {
		return nil
	}
	for lead := range 3 {
		raw := append(make([]byte, lead), v...)
		full := base64.RawStdEncoding.EncodeToString(raw[:len(raw)/3*3])
		from := (lead*8 + 5) / 6 // the first character without a bit of what leads
		if from > len(full) {
			continue
		}
		inner := full[from:]
		if len(inner) < shortestWithin {
			continue
		}
		list = append(list, inner, strings.NewReplacer("+", "-", "/", "_").Replace(inner))
	}
	return list
}

// written is the ways in which a path or a name may stand in a text.
func written(s string) []string {
	list := []string{s}
	add := func(v string) {
		for _, have := range list {
			if have == v {
				return
			}
		}
		list = append(list, v)
	}
	j, q := jsonOf(s, true), strconv.Quote(s)
	add(j[1 : len(j)-1])
	add(q[1 : len(q)-1])
	q = strconv.Quote(j[1 : len(j)-1])
	add(q[1 : len(q)-1])
	add(strings.ReplaceAll(s, `\`, `/`))
	add(url.PathEscape(s))
	add(url.QueryEscape(s))
	return list
}
