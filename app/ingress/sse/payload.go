package sse

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/ingress/relay"
)

// arrival is what an event means; ok is false where it means nothing to hand on.
// With an error that is because it makes no sense.
func (s *Source) arrival(e event) (a arrival, ok bool, err error) {
	id, cursor := s.place(e.id), relay.Cursor(s.place(e.last))
	gap := func(certain bool, text string) arrival {
		return arrival{gap: &relay.Gap{Certain: certain, Since: s.o.Now(), Cursor: cursor, Text: text}}
	}
	switch {
	case e.large:
		return gap(true, "A request was too large and was left out."), true, nil
	case e.kind == "gosmee-gap":
		// It comes before what is still kept: from where we were on.
		g := gap(true, "The relay did not keep all that came while nothing was connected: the oldest requests are lost.")
		g.gap.Since, g.gap.Cursor = s.left, ""
		return g, true, nil
	case e.kind != "" && e.kind != "message": // ready, ping, and what a later version may say
		return arrival{}, false, nil
	}
	q, control, err := parse(e.data)
	switch {
	case control:
		return arrival{}, false, nil
	case err != nil && id != "":
		return gap(true, "A request that makes no sense came through the relay and was left out."), true, err
	case err != nil:
		return arrival{}, false, err
	}
	q.ID, q.Cursor, q.Channel, q.Received = id, cursor, s.o.Name, s.o.Now()
	return arrival{request: q}, true, nil
}

// place is id where it is one to go on from and to know a request by: those of
// Redis streams, milliseconds and a number. Others may count from the beginning
// of each connection, and would make two requests one.
// https://redis.io/docs/latest/develop/data-types/streams/#entry-ids
func (s *Source) place(id string) string {
	ms, n, ok := strings.Cut(id, "-")
	_, err := strconv.ParseUint(ms, 10, 64)
	_, also := strconv.ParseUint(n, 10, 64)
	if s.o.Kind != Gosmee || !ok || err != nil || also != nil {
		return ""
	}
	return id
}

// parse reads a message's data. control: it is about the connection.
//
// The keys are compared as they stand: encoding/json would take a sender's
// header Bodyb for bodyB.
func parse(data []byte) (q relay.Request, control bool, err error) {
	if t := string(bytes.TrimSpace(data)); t == "ready" || t == "connected" || t == "" {
		return q, true, nil
	}
	o, err := relay.Fields(data, relay.FieldsMost)
	if errors.Is(err, relay.ErrFields) {
		return q, false, errHeaders
	}
	if err != nil {
		return q, false, errNotObject
	}
	exactBody, exact := o["bodyB"]
	if len(o) == 0 || len(o) == 1 && o["message"] != nil {
		return q, true, nil
	}
	if _, some := o["body"]; !some && !exact {
		return q, false, errors.New("an event without a body")
	}
	q.Method, q.Exact = http.MethodPost, exact // both servers take nothing else
	own := []string{"timestamp", "bodyB"}
	if !exact {
		own = []string{"timestamp", "body", "query"}
		if q.Query, err = query(o["query"]); err != nil {
			return q, false, err
		}
	}
	fields := map[string][]string{}
	for k, raw := range o {
		if slices.Contains(own, k) {
			continue
		}
		list, ok := relay.Values(raw)
		if !ok {
			return q, false, errHeaders
		}
		fields[k] = list
	}
	var ok bool
	if q.Header, ok = relay.Headers(fields); !ok {
		return q, false, errHeaders
	}
	q.Sent = sent(o["timestamp"])
	if !exact {
		q.Body = again(o["body"], q.Header.Get("Content-Type"))
		return q, false, nil
	}
	var text string
	if json.Unmarshal(exactBody, &text) != nil {
		return q, false, errors.New("a body that is not text")
	}
	if q.Body, err = base64.StdEncoding.DecodeString(text); err != nil {
		return q, false, errors.New("a body that is not base64")
	}
	return q, false, nil
}

// sent is milliseconds since 1970, as a number, or as text as newer gosmee says it.
func sent(raw json.RawMessage) time.Time {
	ms, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || ms <= 0 || ms > 1<<46 { // about the year 4200
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// again is the body as the sender probably wrote it, of what smee read out of it:
// JSON as JavaScript writes it, text as it is, and a form.
func again(raw json.RawMessage, contentType string) []byte {
	kind, _, _ := mime.ParseMediaType(contentType)
	var text string
	isText := json.Unmarshal(raw, &text) == nil
	switch {
	case bytes.Equal(raw, []byte("null")) || len(raw) == 0:
		return nil
	case isText && kind != "application/json":
		return []byte(text)
	case kind == "application/x-www-form-urlencoded":
		if form, err := encode(raw); err == nil {
			return []byte(form)
		}
	}
	return raw
}

// query is what smee read out of one, as a query again.
func query(raw json.RawMessage) (string, error) {
	q, err := encode(raw)
	if err == nil && !relay.ValidQuery(q) {
		err = errors.New("a query that is too long")
	}
	return q, err
}

// The bounds of a query or form that smee read, in bytes of JSON and in parts.
const (
	encodedMost = 4 << 20
	partsMost   = 10_000
)

var errHeaders = errors.New("a request with too many headers")

// encode writes an object of texts, or of lists of texts, as a query or a form.
// Their order was lost at the relay.
func encode(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return "", nil
	}
	if len(raw) > encodedMost {
		return "", errors.New("a query or form that is too long")
	}
	o, err := relay.Fields(raw, partsMost)
	if err != nil {
		return "", errors.New("a query that is not an object")
	}
	values := url.Values{}
	for k, v := range o {
		var one string
		var list []string
		if json.Unmarshal(v, &one) == nil {
			values.Add(k, one)
		} else if json.Unmarshal(v, &list) == nil {
			values[k] = list
		}
	}
	return values.Encode(), nil
}
