package app

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// witness is an account's way out, and notes the first server that it led to:
// its platform's own, whatever that is. Later ones may be a file's, or named by
// a stranger.
type witness struct {
	*http.Transport

	mu   sync.Mutex
	base string
}

// RoundTrip is http.RoundTripper's.
func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	if w.base == "" && r.URL != nil && r.URL.Host != "" {
		w.base = r.URL.Scheme + "://" + r.URL.Host
	}
	w.mu.Unlock()
	return w.Transport.RoundTrip(r)
}

// first is scheme and host of the first server, empty before there was one.
func (w *witness) first() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.base
}

// base is the server that an account talks to, and the client it does so with;
// empty and nil where neither its requests nor its settings have named one.
func (c *account) base() (string, *http.Client) {
	c.mu.Lock()
	client, settings := c.client, c.rec.Settings
	c.mu.Unlock()
	if client == nil {
		return "", nil
	}
	if w, ok := client.Transport.(*witness); ok {
		if b := w.first(); b != "" {
			return b, client
		}
	}
	for _, f := range c.platform.Fields {
		if u := settingURL(settings[f.Key]); u != nil && !f.Secret {
			return u.Scheme + "://" + u.Host, client
		}
	}
	return "", nil
}

// settingURL is a setting's value as the address of a server, nil if it is none.
func settingURL(v string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(v))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil
	}
	return u
}
