package ssetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// member is one of an object's.
type member struct {
	name  string
	value string
}

// again is a body of JSON as smee passes it on: JSON.stringify(JSON.parse(body)).
// Members keep their order, but for names that are numbers, which come first;
// of two of one name the later counts. A lone half of a surrogate pair comes out
// as U+FFFD, which JavaScript would keep.
// https://tc39.es/ecma262/#sec-json.stringify
func again(body []byte) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	out, err := element(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands after the value")
	}
	return json.RawMessage(out), nil
}

func element(d *json.Decoder) (string, error) {
	t, err := d.Token()
	if err != nil {
		return "", err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			return list(d)
		}
		return object(d)
	case string:
		return quoted(t), nil
	case json.Number:
		return number64(t), nil
	case nil:
		return "null", nil
	}
	return fmt.Sprint(t), nil
}

func list(d *json.Decoder) (string, error) {
	var parts []string
	for d.More() {
		v, err := element(d)
		if err != nil {
			return "", err
		}
		parts = append(parts, v)
	}
	_, err := d.Token()
	return "[" + strings.Join(parts, ",") + "]", err
}

func object(d *json.Decoder) (string, error) {
	var all []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return "", err
		}
		v, err := element(d)
		if err != nil {
			return "", err
		}
		m := member{name.(string), v}
		if i := slices.IndexFunc(all, func(o member) bool { return o.name == m.name }); i >= 0 {
			all[i] = m
		} else {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b member) int {
		i, first := index(a.name)
		j, second := index(b.name)
		switch {
		case first && second:
			return int(i - j)
		case first:
			return -1
		case second:
			return 1
		}
		return 0
	})
	var parts []string
	for _, m := range all {
		parts = append(parts, quoted(m.name)+":"+m.value)
	}
	_, err := d.Token()
	return "{" + strings.Join(parts, ",") + "}", err
}

// index is a name that JavaScript takes for one of an array's elements.
func index(name string) (int64, bool) {
	n, err := strconv.ParseUint(name, 10, 32)
	return int64(n), err == nil && n < math.MaxUint32 && strconv.FormatUint(n, 10) == name
}

// quoted is a text as JSON.stringify writes it: what could stay, stays.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch short := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case short >= 0:
			b.WriteByte('\\')
			b.WriteByte(`"\bfnrt`[short])
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// number64 is a number as JavaScript writes what fits in 64 bits of it.
// https://tc39.es/ecma262/#sec-numeric-types-number-tostring
func number64(n json.Number) string {
	f, err := n.Float64()
	switch size := math.Abs(f); {
	case err != nil: // too large
		return "null"
	case f == 0:
		return "0"
	case size >= 1e-6 && size < 1e21:
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	return digits + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}
