package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"
)

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func clean(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
}

func TestProxy(t *testing.T) {
	clean(t)
	asked := 0
	now := time.Unix(0, 0)
	f := &Finder{now: func() time.Time { return now }, lookup: func(r *http.Request) (*url.URL, error) {
		asked++
		if r.URL.Path != "/" || r.URL.RawQuery != "" || r.URL.User != nil {
			t.Errorf("the system is shown %s", r.URL)
		}
		switch r.URL.Host {
		case "direct.test":
			return nil, nil
		case "broken.test":
			return nil, errors.New("no")
		}
		return &url.URL{Host: "proxy.test:3128"}, nil
	}}
	for _, c := range []struct{ address, want string }{
		{"https://api.test/botSECRET/getMe?x=y", "http://proxy.test:3128"},
		{"https://direct.test/", ""}, {"https://broken.test/", ""},
		{"http://127.0.0.1:8081/", ""}, {"http://[::1]:1/", ""}, {"http://localhost/", ""},
	} {
		got, err := f.Proxy(request(t, c.address))
		if err != nil || (got == nil) != (c.want == "") || got != nil && got.String() != c.want {
			t.Errorf("%s: %v, %v", c.address, got, err)
		}
	}
	before := asked
	if _, _ = f.Proxy(request(t, "https://api.test/again")); asked != before {
		t.Error("a fresh answer is asked for again")
	}
	now = now.Add(fresh)
	if _, _ = f.Proxy(request(t, "https://api.test/again")); asked != before+1 {
		t.Error("an old answer is not asked for again")
	}
}

func TestProxyRemembersNoMoreThanItMust(t *testing.T) {
	clean(t)
	f := &Finder{lookup: func(*http.Request) (*url.URL, error) { return nil, nil }}
	for i := range 3 * remembered {
		_, _ = f.Proxy(request(t, fmt.Sprintf("https://h%d.test/", i)))
		if len(f.known) > remembered {
			t.Fatalf("%d hosts", len(f.known))
		}
	}
}

func TestTheEnvironmentDecides(t *testing.T) {
	clean(t)
	t.Setenv("NO_PROXY", "*")
	f := &Finder{lookup: func(*http.Request) (*url.URL, error) {
		t.Error("the system was asked")
		return nil, nil
	}}
	if got, err := f.Proxy(request(t, "https://api.test/")); got != nil || err != nil {
		t.Error(got, err)
	}
}
