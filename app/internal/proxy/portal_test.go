//go:build linux || freebsd || openbsd || netbsd

package proxy

import (
	"net/http"
	"net/url"
	"testing"
)

func TestFirst(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{
		{nil, ""}, {[]string{"direct://"}, ""}, {[]string{"http://p:1"}, "http://p:1"}, {[]string{"socks://p:1", "direct://"}, "socks5://p:1"},
		{[]string{"rtsp://p:1", "http://q:2"}, "http://q:2"}, {[]string{"::", "direct://"}, ""},
	} {
		got, err := first(c.in)
		if err != nil || (got == nil) != (c.want == "") || got != nil && got.String() != c.want {
			t.Errorf("%v: %v, %v", c.in, got, err)
		}
	}
}

func TestNoBusIsNoProxy(t *testing.T) {
	clean(t)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, address := range []string{"", "autolaunch:", "unix:path=" + t.TempDir() + "/none"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		if got, err := new(Finder).Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: "api.test"}}); got != nil || err != nil {
			t.Errorf("%q: %v, %v", address, got, err)
		}
	}
}
