package sse

import (
	"fmt"
	"strings"
	"testing"
)

// TestFieldsWithoutEnd: of an event, and of a query or form in it, no more is read
// than any request has.
func TestFieldsWithoutEnd(t *testing.T) {
	var names strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, `"x-%d":[],`, i)
	}
	many := strings.TrimSuffix(names.String(), ",")
	empty := strings.TrimSuffix(strings.Repeat(`"",`, 100_000), ",")
	for name, data := range map[string]string{
		"names":  `{"bodyB":"",` + many + `}`,
		"values": `{"bodyB":"","a":[` + empty + `]}`,
		"query":  `{"body":"","query":{` + many + `}}`,
	} {
		if _, _, err := parse([]byte(data)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	raw := `{` + many + `}`
	if got := again([]byte(raw), "application/x-www-form-urlencoded"); string(got) != raw {
		t.Errorf("a form became %d bytes", len(got))
	}
	for _, data := range []string{`{"a":1}{}`, `{"a":`, `[]`, `{"a":1]`, `{"a":1,}`, `{"body":"x"} y`} {
		if _, _, err := parse([]byte(data)); err == nil {
			t.Errorf("%s: taken", data)
		}
	}
}
