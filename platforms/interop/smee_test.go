//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/sse"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/platforms"
)

// odd is bodies that JSON may write in more than one way.
var odd = []string{
	`{}`, `{ }`, `{"a": 1}`, "{\n\t\"a\": [1, 2,\r\n 3]\n}", `{"b":1,"a":2}`, `{"10":"x","2":"y","a":"z","01":"w","-1":"v","4294967294":"u","4294967295":"t"}`,
	`{"a":1,"b":2,"a":3}`, `{"n":[1.0,1.50,-0,0.0,1e3,1E+2,1e21,1e20,123456789012345678901234567890,0.000001,0.0000001,1.5e-9,5e-324,1e400,-1e400,9007199254740993]}`,
	`{"s":"<b> & \u003cb\u003e \u00e9 é \ud83d\ude00 😀 \u2028 \" \\ \/ / \b\f\n\r\t \u0000 \u001f \u007f"}`,
	`{"deep":{"deep":{"deep":[[[]],{},null,true,false]}}}`, `{"":"","__proto_":{"x":1}}`, `{"bodyB":"x","body":"y","query":{"z":"1"},"timestamp":"w"}`,
}

// recorder keeps what our client brings.
type recorder struct{ got chan relay.Request }

func (*recorder) Ready(context.Context, relay.Cursor) error { return nil }
func (*recorder) Gap(context.Context, relay.Gap) error      { return nil }
func (r *recorder) Take(_ context.Context, q relay.Request) (relay.Response, error) {
	r.got <- q
	return relay.Response{}, nil
}

func next[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

// plain is the headers of the sender, without what is about a connection and what
// smee's client adds of its own.
func plain(h http.Header) map[string]string {
	out := map[string]string{}
	for name, v := range h {
		if !slices.Contains([]string{"Connection", "Content-Length", "Host", "Accept", "Accept-Encoding", "Accept-Language", "Sec-Fetch-Mode", "Timestamp"}, name) {
			out[name] = strings.Join(v, ", ")
		}
	}
	return out
}

// TestSmeeClient has smee's own client and ours listen to one channel of our
// stand-in: they hand on the same requests, and both come back after a cut.
func TestSmeeClient(t *testing.T) {
	server := ssetest.New(ssetest.Smee)
	defer server.Close()
	type request struct {
		*http.Request
		body string
	}
	theirs := make(chan request, 100)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		theirs <- request{r, string(body)}
	}))
	defer target.Close()

	out := talk(t, []string{"SOURCE=" + server.Hook(), "TARGET=" + target.URL}, "smee.mjs")
	defer out.kill()
	source, err := sse.New(sse.Options{Kind: sse.Smee, Server: server.URL(), Channel: platforms.NewSecret(ssetest.Channel), Name: "orders", Client: client(t)})
	must(t, err)
	ours := &recorder{got: make(chan relay.Request, 100)}
	ctx, stop := context.WithCancel(soon(t))
	ended := make(chan error, 1)
	run := func() { go func() { ended <- source.Run(ctx, "", ours) }() }
	run()
	defer func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("our client ended with %v", err)
		}
	}()
	if !server.Subscribed(2, patience) {
		t.Fatalf("not both subscribed: %s", out)
	}
	post := func(body string) (a relay.Request, b request) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.Hook()+"?room=7&name=a%20b", strings.NewReader(body))
		must(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Hub-Signature-256", "sha256=00")
		req.Header.Set("X-GitHub-Event", "push")
		resp, err := client(t).Do(req)
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s is answered with %d", body, resp.StatusCode)
		}
		return next(t, ours.got), next(t, theirs)
	}
	for _, body := range odd {
		a, b := post(body)
		if string(a.Body) != b.body {
			t.Errorf("of %s\nwe make    %s\nthey make  %s", body, a.Body, b.body)
		}
		if x, y := plain(a.Header), plain(b.Header); !maps.Equal(x, y) {
			t.Errorf("we have the headers\n%q, they\n%q", x, y)
		}
		q, err := url.ParseQuery(a.Query)
		must(t, err)
		if a.Method != b.Method || q.Encode() != b.URL.Query().Encode() || len(q) != 2 || a.Exact {
			t.Errorf("we have %s %q, they %s %q", a.Method, a.Query, b.Method, b.URL.RawQuery)
		}
	}

	server.KeepAlive() // goes to nobody
	server.Drop()
	if err := <-ended; platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("cut: %v", err)
	}
	run()
	if !server.Subscribed(4, patience) {
		t.Fatalf("not both are back: %s", out)
	}
	if a, b := post(`{"after":"the cut"}`); string(a.Body) != b.body {
		t.Errorf("%s, %s", a.Body, b.body)
	}
	if len(ours.got) != 0 || len(theirs) != 0 {
		t.Error("something came twice")
	}
}

// TestSmeeWritesAsJavaScript holds what our stand-in writes against JavaScript
// itself: which signatures verify hangs on it.
func TestSmeeWritesAsJavaScript(t *testing.T) {
	server := ssetest.New(ssetest.Smee)
	defer server.Close()
	source, err := sse.New(sse.Options{Kind: sse.Smee, Server: server.URL(), Channel: platforms.NewSecret(ssetest.Channel), Name: "orders", Client: client(t)})
	must(t, err)
	ours := &recorder{got: make(chan relay.Request, 100)}
	ctx, stop := context.WithCancel(soon(t))
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx, "", ours) }()
	defer func() { stop(); <-ended }()
	if !server.Subscribed(1, patience) {
		t.Fatal("not subscribed")
	}
	task, err := json.Marshal(odd)
	must(t, err)
	raw, err := node(t, []string{"TASK=" + string(task)}, "--eval",
		`console.log(JSON.stringify(JSON.parse(process.env.TASK).map((body) => JSON.stringify(JSON.parse(body)))))`).Output()
	must(t, err)
	var want []string
	must(t, json.Unmarshal(raw, &want))
	for i, body := range odd {
		resp, err := client(t).Post(server.Hook(), "application/json", strings.NewReader(body))
		must(t, err)
		must(t, resp.Body.Close())
		if got := next(t, ours.got); string(got.Body) != want[i] {
			t.Errorf("of %s\nwe make          %s\nJavaScript makes %s", body, got.Body, want[i])
		}
	}
}
