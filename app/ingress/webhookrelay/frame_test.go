package webhookrelay

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHeadersWithoutEnd: of more names or values than any request has, few are
// read, also where each is empty.
func TestHeadersWithoutEnd(t *testing.T) {
	var names strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, `"x-%d":[],`, i)
	}
	for name, headers := range map[string]string{
		"names":  "{" + strings.TrimSuffix(names.String(), ",") + "}",
		"values": `{"a":[` + strings.TrimSuffix(strings.Repeat(`"",`, 100_000), ",") + `]}`,
	} {
		f, err := parse([]byte(`{"type":"webhook","meta":{"bucket_name":"a"},"headers":` + headers + `,"body":"b"}`))
		if err != nil || f.Type != "webhook" || len(f.Headers.of) > 1000 {
			t.Errorf("%s: %v, %d headers", name, err, len(f.Headers.of))
		}
		if _, err := f.arrival([]string{"a"}, time.Now()); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, headers := range []string{`null`, `5`, `[]`, `{"a":5}`, `{"a":null}`} {
		f, err := parse([]byte(`{"type":"webhook","meta":{"bucket_name":"a"},"headers":` + headers + `}`))
		if err != nil {
			t.Errorf("%s: %v", headers, err)
			continue
		}
		if a, err := f.arrival([]string{"a"}, time.Now()); err != nil || len(a.request.Header) > 0 {
			t.Errorf("%s: %v %v", headers, a.request.Header, err)
		}
	}
}
