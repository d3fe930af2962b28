package hooks

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// payload is a JSON value whose shape is not certain: what is not there, or is
// something else, is empty.
type payload struct{ v any }

// readPayload reads a JSON object.
func readPayload(body []byte) (payload, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v map[string]any
	if d.Decode(&v) != nil || v == nil {
		return payload{}, false
	}
	_, err := d.Token()
	return payload{v}, err == io.EOF
}

// at goes down by keys.
func (p payload) at(keys ...string) payload {
	for _, k := range keys {
		m, _ := p.v.(map[string]any)
		p = payload{m[k]}
	}
	return p
}

// text is the string, number or truth at keys.
func (p payload) text(keys ...string) string {
	switch v := p.at(keys...).v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

// list is the first values of a list at keys.
func (p payload) list(keys ...string) []payload {
	vs, _ := p.at(keys...).v.([]any)
	out := make([]payload, 0, min(len(vs), mostItems))
	for _, v := range vs[:min(len(vs), mostItems)] {
		out = append(out, payload{v})
	}
	return out
}

// count is how many values a list at keys has.
func (p payload) count(keys ...string) int {
	vs, _ := p.at(keys...).v.([]any)
	return len(vs)
}

// formPayload is the JSON in a body that may be a form with it in the field
// name, as senders of old do. One form without a Content-Type is known by how it
// begins (https://developers.mattermost.com/integrate/webhooks/incoming/).
func formPayload(header http.Header, body []byte, name string) []byte {
	kind, params, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case kind == "multipart/form-data":
		r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for range mostItems {
			part, err := r.NextPart()
			if err != nil {
				return nil
			}
			if part.FormName() == name && part.FileName() == "" {
				in, err := io.ReadAll(io.LimitReader(part, MostBody))
				if err != nil {
					return nil
				}
				return in
			}
		}
		return nil
	case kind == "application/x-www-form-urlencoded" && !strings.HasPrefix(string(bytes.TrimSpace(body)), "{"),
		kind == "" && bytes.HasPrefix(body, []byte(name+"=")):
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		return []byte(form.Get(name))
	}
	return body
}
