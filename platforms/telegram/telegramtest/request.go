package telegramtest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// Largest request: an upload of 50 MB and what stands around it.
const (
	uploadMost  = 50_000_000
	requestMost = uploadMost + 1<<20
)

// File is a file with its name.
type File struct {
	Name      string
	MediaType string
	Data      []byte
}

// request is a call's parameters, in whichever of the four documented forms
// they came.
type request struct {
	ctx    context.Context
	method string
	values map[string]string // JSON objects and numbers as their JSON text
	files  map[string]File
}

// parse reads the parameters from the query, a form, JSON or a multipart body.
func parse(r *http.Request) (*request, *refusal) {
	q := &request{ctx: r.Context(), values: map[string]string{}, files: map[string]File{}}
	for k, v := range r.URL.Query() {
		q.values[k] = v[0]
	}
	if r.ContentLength > requestMost {
		return nil, refuse(413, "Request Entity Too Large")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, requestMost)
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var body map[string]json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
			return nil, badRequest("can't parse JSON object")
		}
		for k, raw := range body {
			var text string
			if json.Unmarshal(raw, &text) == nil && string(raw) != "null" {
				q.values[k] = text
			} else if string(raw) != "null" {
				q.values[k] = string(raw)
			}
		}
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, badRequest("can't parse the form")
		}
		for k, v := range r.PostForm {
			q.values[k] = v[0]
		}
	case "multipart/form-data":
		if refused := q.parts(multipart.NewReader(r.Body, params["boundary"])); refused != nil {
			return nil, refused
		}
	}
	// Only a request that is read to its end is watched for its caller's leaving.
	_, _ = io.Copy(io.Discard, r.Body)
	return q, nil
}

// parts reads a multipart body. Some clients send an empty one, without even
// the closing boundary, for a method without parameters.
func (q *request) parts(m *multipart.Reader) *refusal {
	for n := 0; ; n++ {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			if n == 0 && strings.Contains(err.Error(), "EOF") {
				return nil
			}
			return badRequest("can't parse the multipart body")
		}
		data, err := io.ReadAll(p)
		if err != nil {
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				return refuse(413, "Request Entity Too Large")
			}
			return badRequest("can't read the multipart body")
		}
		if p.FileName() == "" {
			q.values[p.FormName()] = string(data)
			continue
		}
		q.files[p.FormName()] = File{Name: p.FileName(), MediaType: p.Header.Get("Content-Type"), Data: data}
	}
}

func (q *request) number(key string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(q.values[key]), 10, 64)
	return n, err == nil
}

func (q *request) truth(key string) bool {
	v := strings.ToLower(q.values[key])
	return v == "true" || v == "1"
}

// object decodes a parameter that is JSON; absent is no error.
func (q *request) object(key string, into any) bool {
	v := q.values[key]
	return v == "" || json.Unmarshal([]byte(v), into) == nil
}
