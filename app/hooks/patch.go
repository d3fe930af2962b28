package hooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// readPatch reads the body of a PATCH: name, avatar_url (null clears it) and
// active, each only if it is there. It fails with a *Fault of kind Malformed;
// what the values may be, Book.Change says.
func readPatch(body []byte) (Change, error) {
	var in struct {
		Name   json.RawMessage `json:"name"`
		Avatar json.RawMessage `json:"avatar_url"`
		Active json.RawMessage `json:"active"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Change{}, malformed("", "The body is not a JSON object with name, avatar_url or active. Correct it.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Change{}, malformed("", "The body has more than one JSON value. Send one.")
	}
	var c Change
	if in.Name != nil {
		if c.Name = value[string](in.Name); c.Name == nil {
			return Change{}, malformed("name", "The name is text of 1 to 64 characters. Correct it.")
		}
	}
	if in.Avatar != nil {
		c.Avatar = new(string)
		if string(in.Avatar) != "null" {
			if c.Avatar = value[string](in.Avatar); c.Avatar == nil {
				return Change{}, malformed("avatar_url", "The avatar_url is text or null. Correct it.")
			}
		}
	}
	if in.Active != nil {
		if c.On = value[bool](in.Active); c.On == nil {
			return Change{}, malformed("active", "The field active is true or false. Correct it.")
		}
	}
	return c, nil
}

// value is raw as a T, or nil.
func value[T any](raw json.RawMessage) *T {
	var v *T
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}
