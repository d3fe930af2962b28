package webhookrelay

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/app/ingress/relay"
)

// frame is what the relay says:
// https://docs.webhookrelay.com/products/webhooks/websocket-server.
type frame struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Message string `json:"message"`

	Meta    meta            `json:"meta"`
	Headers headers         `json:"headers"`
	Query   string          `json:"query"`
	Body    json.RawMessage `json:"body"`
	Method  string          `json:"method"`
}

// headers is a list of values, as agreed, or a single one, by name.
type headers struct {
	of  map[string][]string
	bad bool // more than a listener would take
}

// UnmarshalJSON is json.Unmarshaler's. What is no object has no headers.
func (h *headers) UnmarshalJSON(b []byte) error {
	*h = headers{}
	fields, err := relay.Fields(b, relay.FieldsMost)
	h.bad = errors.Is(err, relay.ErrFields)
	h.of = make(map[string][]string, len(fields))
	for k, raw := range fields {
		list, ok := relay.Values(raw)
		h.of[k], h.bad = list, h.bad || !ok
	}
	return nil
}

// meta has no output_destination on purpose: nobody here may follow it.
type meta struct {
	ID         string `json:"id"`
	BuckedID   string `json:"bucked_id"` // as it is spelt on the wire
	BucketID   string `json:"bucket_id"`
	BucketName string `json:"bucket_name"`
	InputID    string `json:"input_id"`
}

func (m meta) bucket() string {
	if m.BuckedID != "" {
		return m.BuckedID
	}
	return m.BucketID
}

// arrival is what is handed on: a request, or a gap.
type arrival struct {
	request  relay.Request
	bucket   string // its id, for the report
	received time.Time
	gap      string
}

// errForeign: a request of a bucket that we did not subscribe to.
var errForeign = errors.New("a request of another bucket")

// parse reads a frame. With an error, its type is known as far as it was told.
func parse(b []byte) (f frame, err error) {
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(b, &f); errors.As(err, &other) {
		return f, errors.New("not as agreed") // its own words may hold parts of the body
	} else if err != nil {
		return frame{}, errors.New("not JSON")
	}
	if f.Type == "" {
		return frame{}, errors.New("a frame without a type")
	}
	return f, nil
}

// arrival is a webhook frame as a request for one of buckets.
func (f frame) arrival(buckets []string, now time.Time) (arrival, error) {
	a := arrival{bucket: f.Meta.bucket(), received: now}
	i := slices.IndexFunc(buckets, func(b string) bool { return b == a.bucket || b == f.Meta.BucketName })
	if i < 0 {
		return arrival{}, errForeign
	}
	body, exact := f.body()
	h, ok := relay.Headers(f.Headers.of)
	a.request = relay.Request{ID: f.Meta.ID, Channel: buckets[i], Input: f.Meta.InputID,
		Method: f.Method, Query: strings.TrimPrefix(f.Query, "?"), Header: h, Body: body, Exact: exact, Received: now}
	if f.Method == "" {
		a.request.Method = http.MethodPost
	}
	switch {
	case !ok, f.Headers.bad:
		return arrival{}, errors.New("a request with too many headers")
	case !relay.ValidMethod(a.request.Method):
		return arrival{}, errors.New("a request with no method that there is")
	case !relay.ValidQuery(a.request.Query):
		return arrival{}, errors.New("a request with a query that can't be")
	case len(f.Meta.ID) > 512 || strings.ContainsFunc(f.Meta.ID, func(r rune) bool { return r <= ' ' || r > '~' }):
		return arrival{}, errors.New("a request with an id that can't be")
	}
	return a, nil
}

// body is the request's. JSON can't hold bytes that are no UTF-8: where some were
// replaced, or might have been, it is not exact.
func (f frame) body() (b []byte, exact bool) {
	if len(f.Body) == 0 || bytes.Equal(f.Body, []byte("null")) {
		return nil, true
	}
	var s string
	if json.Unmarshal(f.Body, &s) != nil {
		return f.Body, false // an object instead of its text
	}
	return []byte(s), !strings.ContainsRune(s, utf8.RuneError)
}
