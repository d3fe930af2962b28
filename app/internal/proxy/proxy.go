// Package proxy finds the HTTP proxy that the person has chosen: what the
// environment names, else what the system's own settings say.
package proxy

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// fresh is how long an answer of the system is used: a person who changes
	// the setting waits no longer, and a busy account does not ask every time.
	fresh = time.Minute
	// remembered bounds the hosts whose answers are kept.
	remembered = 256
)

// Finder answers http.Transport.Proxy's question. The zero value is ready to
// use; it is safe for several goroutines.
type Finder struct {
	mu    sync.Mutex
	known map[string]answer

	lookup func(*http.Request) (*url.URL, error) // nil: the system's; tests bring their own
	now    func() time.Time
}

type answer struct {
	proxy *url.URL
	at    time.Time
}

// Proxy is the proxy for a request, nil for none. Whoever set HTTPS_PROXY,
// HTTP_PROXY or NO_PROXY (also in lower case) has chosen, and the system is not
// asked. This computer itself is never reached by a proxy. Where the system's
// setting can't be read, there is none.
func (f *Finder) Proxy(req *http.Request) (*url.URL, error) {
	if chosen() {
		return http.ProxyFromEnvironment(req)
	}
	if local(req.URL.Hostname()) {
		return nil, nil
	}
	now := time.Now
	if f.now != nil {
		now = f.now
	}
	key := req.URL.Scheme + "://" + req.URL.Host
	f.mu.Lock()
	a, ok := f.known[key]
	f.mu.Unlock()
	if ok && now().Sub(a.at).Abs() < fresh {
		return a.proxy, nil
	}
	lookup := f.lookup
	if lookup == nil {
		lookup = system
	}
	// The path and the query stay here: they can hold a secret, and a setting
	// by script would see them.
	bare := &http.Request{Method: http.MethodGet, Host: req.URL.Host, URL: &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: "/"}}
	found, err := lookup(bare)
	if err != nil || found == nil || found.Host == "" {
		found = nil
	}
	if found != nil && found.Scheme == "" {
		found.Scheme = "http"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= remembered || f.known == nil {
		f.known = map[string]answer{}
	}
	f.known[key] = answer{found, now()}
	return found, nil
}

// chosen reports whether the environment says which proxy to use.
func chosen() bool {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

func local(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
