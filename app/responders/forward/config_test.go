package forward

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// fields are those that an error of Check finds fault with.
func fields(err error) (out []string) {
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) {
		return nil
	}
	for _, e := range all.Unwrap() {
		var i Invalid
		if errors.As(e, &i) && i.Text != "" {
			out = append(out, i.Field)
		}
	}
	return out
}

func TestCheckNamesTheField(t *testing.T) {
	hidden := "sesame-open-7171"
	header := func(name, value string) func(*Config) {
		return func(c *Config) { c.Headers = []Header{{name, platforms.NewSecret(value)}} }
	}
	for _, c := range []struct {
		name  string
		set   func(*Config)
		field string // "" for fine
	}{
		{"as it is", func(*Config) {}, ""},
		{"no address", func(c *Config) { c.URL = " " }, "URL"},
		{"other scheme", func(c *Config) { c.URL = "file:///etc/passwd" }, "URL"},
		{"no host", func(c *Config) { c.URL = "http:///x" }, "URL"},
		{"opaque", func(c *Config) { c.URL = "http:x" }, "URL"},
		{"unreadable", func(c *Config) { c.URL = "http://[::1" }, "URL"},
		{"password", func(c *Config) { c.URL = "http://me:" + hidden + "@localhost/" }, "URL"},
		{"fragment", func(c *Config) { c.URL = "http://localhost/#x" }, "URL"},
		{"port 0", func(c *Config) { c.URL = "http://localhost:0/" }, "URL"},
		{"port too big", func(c *Config) { c.URL = "http://localhost:70000/" }, "URL"},
		{"private", func(c *Config) { c.URL = "http://10.1.1.1/" }, "URL"},
		{"private, allowed", func(c *Config) { c.URL, c.Reach = "http://10.1.1.1/", exposure.Network }, ""},
		{"public in the clear", func(c *Config) { c.URL, c.Reach = "http://8.8.8.8/", exposure.Anyone }, "URL"},
		{"public", func(c *Config) { c.URL, c.Reach = "https://8.8.8.8/", exposure.Anyone }, ""},
		{"reach", func(c *Config) { c.Reach = 9 }, "Reach"},
		{"no secret", func(c *Config) { c.Secret = platforms.Secret{} }, "Secret"},
		{"no prefix", func(c *Config) { c.Secret = platforms.NewSecret(hidden) }, "Secret"},
		{"23 bytes", func(c *Config) { c.Secret = ofLength(23) }, "Secret"},
		{"24 bytes", func(c *Config) { c.Secret = ofLength(24) }, ""},
		{"64 bytes", func(c *Config) { c.Secret = ofLength(64) }, ""},
		{"65 bytes", func(c *Config) { c.Secret = ofLength(65) }, "Secret"},
		{"former", func(c *Config) { c.Former = platforms.NewSecret(hidden) }, "Former"},
		{"header", header("X-Key", hidden), ""},
		{"header's name", header("X Key", hidden), "Headers"},
		{"a second host", header("host", hidden), "Headers"},
		{"length", header("content-length", "3"), "Headers"},
		{"signature", header("webhook-signature", hidden), "Headers"},
		{"injection", header("X-Key", hidden+"\r\nHost: x"), "Headers"},
		{"twice", func(c *Config) {
			c.Headers = []Header{{"X-A", platforms.NewSecret("1")}, {"x-a", platforms.NewSecret("2")}}
		}, "Headers"},
		{"mode", func(c *Config) { c.Mode = "both" }, "Mode"},
		{"nothing to say", func(c *Config) { c.Mode = Static }, "Reply"},
		{"time", func(c *Config) { c.Timeout = time.Millisecond }, "Timeout"},
		{"answer", func(c *Config) { c.Answer = 2 << 20 }, "Answer"},
		{"parallel", func(c *Config) { c.Parallel = -1 }, "Parallel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := Config{URL: "http://localhost:8080/x", Secret: MakeSecret()}
			c.set(&k)
			err := k.Check()
			if got := strings.Join(fields(err), " "); got != c.field || (err == nil) != (c.field == "") {
				t.Errorf("fault is found with %q (%v), want %q", got, err, c.field)
			}
			if strings.Contains(fmt.Sprint(err), hidden) {
				t.Errorf("the error repeats the secret: %v", err)
			}
			if _, err := New(k, Options{}); (err == nil) != (c.field == "") {
				t.Errorf("New says %v", err)
			}
		})
	}
}

func ofLength(n int) platforms.Secret {
	return platforms.NewSecret("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)))
}
