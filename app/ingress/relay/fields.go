package relay

import (
	"bytes"
	"encoding/json"
	"errors"
)

// ErrFields is that an object has more keys than are read.
var ErrFields = errors.New("an object with too many keys")

// Fields reads a JSON object of at most so many keys, its values as they stand:
// a relay may write millions of them into one frame. It fails with ErrFields, or
// another error where there is no such object. The keys are as they stand, and of
// equal ones the last counts.
func Fields(data []byte, most int) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	out := map[string]json.RawMessage{}
	for n := 0; d.More(); n++ {
		if n == most {
			return nil, ErrFields
		}
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, errors.New("not an object")
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, errors.New("not an object")
		}
		out[key] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("not an object")
	}
	if d.More() {
		return nil, errors.New("more than one value")
	}
	return out, nil
}

// Values reads a header's values, one or a list of them, as far as any message
// that a listener takes could have them; ok is false where there are more.
func Values(raw json.RawMessage) (list []string, ok bool) {
	if len(raw) > 8*headerBytes { // an escape makes six bytes of one
		return nil, false
	}
	var one string
	if json.Unmarshal(raw, &list) == nil {
		return list, true
	}
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, true
	}
	return nil, true
}

// FieldsMost is how many keys of headers are read: more than are taken.
const FieldsMost = 4 * headerFields
