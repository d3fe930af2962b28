package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms/text"
)

// value is a part of a body: what encoding/json makes of JSON, or nothing. All
// that is asked of it is answered by an empty value where the body has another
// form than expected.
type value struct{ any any }

// parse reads a body. It is false for what is no JSON; encoding/json gives up
// on what is nested deeper than 10,000.
func parse(body []byte) (value, bool) {
	if bytes.HasPrefix(body, []byte("payload=")) { // GitHub's and Slack's forms
		if form, err := url.ParseQuery(string(body)); err == nil {
			body = []byte(form.Get("payload"))
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // ids may be longer than a float64 is exact
	var v value
	if d.Decode(&v.any) != nil {
		return value{}, false
	}
	if _, err := d.Token(); err != io.EOF {
		return value{}, false
	}
	return v, true
}

// get is what is at the end of a path of names.
func (v value) get(path ...string) value {
	for _, name := range path {
		m, _ := v.any.(map[string]any)
		v = value{m[name]}
	}
	return v
}

// list is the members of a list.
func (v value) list() []any {
	l, _ := v.any.([]any)
	return l
}

// is reports whether v is true.
func (v value) is() bool {
	b, _ := v.any.(bool)
	return b
}

// raw is a string or a number as it was written, nothing else, at most most bytes.
func (v value) raw(most int) string {
	s, ok := v.any.(string)
	if n, number := v.any.(json.Number); number {
		s, ok = n.String(), true
	}
	if !ok || len(s) > most {
		return ""
	}
	return s
}

// line is a string or a number, fit for one line of at most most characters.
func (v value) line(most int) string {
	switch s := v.any.(type) {
	case string:
		return text.Line(head(s, most), most)
	case json.Number:
		return text.Line(s.String(), min(most, 40))
	}
	return ""
}

// first is the first line of a string that has words.
func (v value) first(most int) string {
	s, _ := v.any.(string)
	s, _, _ = strings.Cut(strings.TrimSpace(head(s, 4*most)), "\n")
	return text.Line(s, most)
}

// block is a string in at most most characters, with its line breaks.
func (v value) block(most int) string {
	s, _ := v.any.(string)
	return block(s, most)
}

// number is a whole number, 0 for anything else.
func (v value) number() int64 {
	n, _ := v.any.(json.Number)
	i, _ := strconv.ParseInt(n.String(), 10, 64)
	return i
}

// time is RFC 3339, or whole seconds of Unix time; zero for anything else, and
// for what no clock of a living service shows.
func (v value) time() time.Time {
	var at time.Time
	switch s := v.any.(type) {
	case string:
		at, _ = time.Parse(time.RFC3339, head(s, 40))
	case json.Number:
		if n, err := s.Float64(); err == nil && n > 0 && n < 1<<33 {
			at = time.Unix(int64(n), 0)
		}
	}
	if at.Year() < 2000 || at.Year() > 2200 {
		return time.Time{}
	}
	return at
}

// head is enough of s for most characters, so that what follows is not worked
// through for nothing.
func head(s string, most int) string {
	if n := 8*most + 256; len(s) > n {
		return s[:n]
	}
	return s
}

// block makes s fit to be shown in at most most characters.
func block(s string, most int) string {
	pieces := text.Split(strings.TrimSpace(text.Block(head(s, most))), most-1, "characters")
	switch len(pieces) {
	case 0:
		return ""
	case 1:
		return pieces[0]
	}
	return pieces[0] + "…"
}

// pointer is the names in a JSON pointer.
// https://www.rfc-editor.org/rfc/rfc6901
func pointer(s string) ([]string, bool) {
	if !strings.HasPrefix(s, "/") {
		return nil, false
	}
	names := strings.Split(s[1:], "/")
	for i, name := range names {
		for rest := name; ; {
			_, after, found := strings.Cut(rest, "~")
			if !found {
				break
			}
			if !strings.HasPrefix(after, "0") && !strings.HasPrefix(after, "1") {
				return nil, false
			}
			rest = after
		}
		names[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	}
	return names, true
}

// at is what a JSON pointer leads to.
func (v value) at(s string) value {
	names, _ := pointer(s)
	for _, name := range names {
		if list := v.list(); list != nil {
			i, err := strconv.Atoi(name)
			if err != nil || strconv.Itoa(i) != name || i < 0 || i >= len(list) {
				return value{}
			}
			v = value{list[i]}
			continue
		}
		v = v.get(name)
	}
	return v
}
