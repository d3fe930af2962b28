package routes

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Bounds of a body that is read as JSON.
const (
	bodyMost   = 1 << 20 // bytes
	depthMost  = 64      // of lists and objects in each other
	valuesMost = 100_000 // of all sorts
)

// readBody is a body's JSON. What is no JSON is nil; what is beyond the bounds is
// not read, which problem says as a sentence without its end.
func readBody(body []byte) (v any, problem string) {
	if len(body) > bodyMost {
		return nil, fmt.Sprintf("the body is larger than %d MiB, so it was not read as JSON", bodyMost>>20)
	}
	depth, values, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth, values = depth+1, values+1
		case c == ']' || c == '}':
			depth--
		case c == ',' || c == ':':
			values++
		}
		if depth > depthMost {
			return nil, fmt.Sprintf("the body's JSON is nested deeper than %d levels, so it was not read", depthMost)
		}
		if values > valuesMost {
			return nil, fmt.Sprintf("the body's JSON has more than %d values, so it was not read", valuesMost)
		}
	}
	if len(bytes.TrimSpace(body)) == 0 || json.Unmarshal(body, &v) != nil {
		return nil, ""
	}
	return v, ""
}
