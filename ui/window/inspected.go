package window

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

// requestAddress is an input's address with a request's query.
func requestAddress(address, query string) string {
	if query == "" {
		return address
	}
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// curlOf is a request as a command for a shell.
func curlOf(r api.InputRequest, address string) (string, error) {
	q := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	var b strings.Builder
	b.WriteString("curl -X " + q(r.Method))
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[k] {
			b.WriteString(" -H " + q(k+": "+v))
		}
	}
	if len(r.Body) > 0 {
		b.WriteString(" --data-binary " + q(string(r.Body)))
	}
	b.WriteString(" " + q(address))
	return b.String(), nil
}

// httpText is a request as it stands on the wire.
func httpText(r api.InputRequest, address string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, address)
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[k] {
			fmt.Fprintf(&b, "%s: %s\r\n", k, v)
		}
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// diffOf is in what two requests differ, as one text.
func diffOf(a, b api.InputRequest) (out []diffLine) {
	part := func(name, x, y string) {
		out = append(out, diffLine{Text: name})
		out = append(out, diffLines(model.TextRows(x, 100), model.TextRows(y, 100))...)
	}
	part("Request", requestAddress(a.Method, a.Query), requestAddress(b.Method, b.Query))
	part("Headers", model.HeaderLines(a.Header), model.HeaderLines(b.Header))
	part("Body", sortedBody(a.Body), sortedBody(b.Body))
	return out
}

// sortedBody is a body with the keys of its JSON in order.
func sortedBody(body []byte) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&v) == nil {
		if b, err := json.Marshal(v); err == nil {
			body = b
		}
	}
	s, _ := model.BodyText(model.AsJSON, body, 1<<20)
	return s
}

// diffLines compares line by line. What is too long for that is told apart as
// a whole.
func diffLines(a, b []string) (out []diffLine) {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		out = append(out, diffLine{" ", a[n]})
		n++
	}
	a, b = a[n:], b[n:]
	tail := 0
	for tail < len(a) && tail < len(b) && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	end := a[len(a)-tail:]
	a, b = a[:len(a)-tail], b[:len(b)-tail]
	if len(a)*len(b) > 4_000_000 {
		for _, s := range a {
			out = append(out, diffLine{"-", s})
		}
		a = nil
	}
	long := make([][]int, len(a)+1)
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if long[i][j] = max(long[i+1][j], long[i][j+1]); a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, diffLine{" ", a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && long[i+1][j] >= long[i][j+1]:
			out = append(out, diffLine{"-", a[i]})
			i++
		default:
			out = append(out, diffLine{"+", b[j]})
			j++
		}
	}
	for _, s := range end {
		out = append(out, diffLine{" ", s})
	}
	return out
}
