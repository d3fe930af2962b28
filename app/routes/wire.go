package routes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// SizeMost is the longest encoded form of routes, in bytes.
const SizeMost = 2 << 20

const version = 1

type wire struct {
	Version int     `json:"version"`
	Routes  []Route `json:"routes,omitempty"`
}

// Encode is routes as one setting, as JSON. It refuses what Decode would. It does
// not read the expressions: see [Compile].
func Encode(rs []Route) ([]byte, error) {
	if err := validate(rs); err != nil {
		return nil, err
	}
	for _, r := range rs {
		if !utf8.ValidString(r.When) {
			return nil, fmt.Errorf("route “%s”: the expression has bytes that are no text. Type it anew", r.called())
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(wire{version, rs}); err != nil {
		return nil, err
	}
	if b.Len() > SizeMost {
		return nil, fmt.Errorf("the routes are larger than %d MiB. Shorten their expressions", SizeMost>>20)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// Decode reads what Encode wrote. Where anything in it is not known it fails: a
// route that is half understood would send events to the wrong place.
func Decode(b []byte) ([]Route, error) {
	if len(b) > SizeMost {
		return nil, fmt.Errorf("the routes are larger than %d MiB, so they were not read", SizeMost>>20)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var w wire
	if err := d.Decode(&w); err != nil {
		return nil, fmt.Errorf("the routes can't be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the routes can't be read: something comes after them")
	}
	if w.Version != version {
		return nil, fmt.Errorf("the routes are of version %d, and this program knows version %d only. Update the program", w.Version, version)
	}
	if err := validate(w.Routes); err != nil {
		return nil, err
	}
	return w.Routes, nil
}
