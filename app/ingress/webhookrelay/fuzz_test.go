package webhookrelay

import (
	"net/http"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress/relay"
)

func FuzzFrame(f *testing.F) {
	for _, s := range []string{`{"type":"status","status":"ping"}`, `{"type":"webhook","meta":{"id":"1","bucked_id":"b","bucket_name":"n"},"headers":{"A":["b"],"c":"d"},"query":"a=1","body":"{}","method":"PUT"}`,
		`{"type":"webhook","meta":{"bucket_id":"b"},"headers":{"A\r\n":["b\n"]},"query":"#","body":{},"method":"G T"}`, "[", "null"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := parse(b)
		if err != nil {
			return
		}
		a, err := fr.arrival([]string{"b"}, time.Unix(1, 0))
		if err != nil {
			return
		}
		q := a.request
		if q.Channel != "b" || !relay.ValidMethod(q.Method) || !relay.ValidQuery(q.Query) {
			t.Errorf("%+v", q)
		}
		if r := q.HTTP(t.Context(), "/hook"); r.URL.Path != "/hook" || r.Host != "relayed.invalid" || r.Header.Get("Host") != "" {
			t.Errorf("%+v", r)
		} else if _, err := http.NewRequest(q.Method, "http://x/?"+q.Query, nil); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	})
}
