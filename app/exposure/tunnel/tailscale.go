package tunnel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"runtime"
	"slices"
	"strconv"
)

// appPath is where the macOS app keeps its command line program
// (https://tailscale.com/kb/1080/cli).
const appPath = "/Applications/Tailscale.app/Contents/MacOS/Tailscale"

// serveConfig is the part that matters here of Tailscale's ipn.ServeConfig
// (https://pkg.go.dev/tailscale.com/ipn#ServeConfig), which
// `tailscale funnel status --json` prints.
type serveConfig struct {
	TCP         map[uint16]*tcpHandler
	Web         map[string]*webConfig
	AllowFunnel map[string]bool
	Services    map[string]*serveConfig // reached in the tailnet only
	Foreground  map[string]*serveConfig
	Tun         bool // of a service: all its ports
}

type tcpHandler struct {
	HTTP         bool
	TCPForward   string
	TerminateTLS string
}

type webConfig struct {
	Handlers map[string]*struct{ Proxy string }
}

func (f *Finder) tailscale(ctx context.Context) ([]Tunnel, error) {
	path, err := f.Look("tailscale")
	if err != nil {
		if runtime.GOOS != "darwin" {
			return nil, nil
		}
		if path, err = f.Look(appPath); err != nil {
			return nil, nil
		}
	}
	out, err := f.Run(ctx, path, "funnel", "status", "--json")
	if err != nil {
		return nil, fmt.Errorf("ask tailscale what it publishes: %w", err)
	}
	return parseServe(out)
}

// parseServe reads a ServeConfig. Errors carry none of the text.
func parseServe(b []byte) ([]Tunnel, error) {
	var c *serveConfig
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, errors.New("tailscale's status is not the JSON that was expected")
	}
	if c == nil {
		return nil, nil
	}
	configs := []*serveConfig{c}
	for _, k := range slices.Sorted(maps.Keys(c.Foreground)) {
		configs = append(configs, c.Foreground[k])
	}
	// What is let in anywhere counts everywhere: which configuration answers for
	// a port is Tailscale's business.
	open := make(map[string]bool)
	for _, c := range configs {
		if c == nil {
			continue
		}
		for hostPort, on := range c.AllowFunnel {
			if on {
				open[hostPort] = true
			}
		}
	}
	var list []Tunnel
	for _, c := range configs {
		if c != nil {
			list = c.tunnels(list, open)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		if s := c.Services[name]; s != nil {
			list = s.tunnels(list, nil)
		}
	}
	return list, nil
}

func (c *serveConfig) tunnels(list []Tunnel, open map[string]bool) []Tunnel {
	of := func(on bool) Tunnel {
		if on {
			return Tunnel{Program: Funnel, Scope: Internet}
		}
		return Tunnel{Program: Serve, Scope: Tailnet}
	}
	for _, hostPort := range slices.Sorted(maps.Keys(c.Web)) {
		web := c.Web[hostPort]
		if web == nil {
			continue
		}
		t := of(open[hostPort])
		t.Public = c.url(hostPort)
		for _, mount := range slices.Sorted(maps.Keys(web.Handlers)) {
			// Without a proxy a handler serves a file or a text of its own.
			if h := web.Handlers[mount]; h != nil && h.Proxy != "" {
				list = leads(list, t, h.Proxy)
			}
		}
	}
	for _, port := range slices.Sorted(maps.Keys(c.TCP)) {
		h := c.TCP[port]
		if h == nil || h.TCPForward == "" {
			continue
		}
		var hosts []string
		for hostPort := range open {
			if _, p, err := net.SplitHostPort(hostPort); err == nil && p == strconv.Itoa(int(port)) {
				hosts = append(hosts, hostPort)
			}
		}
		t := of(len(hosts) > 0)
		if len(hosts) > 0 {
			t.Public = public("tcp://" + slices.Min(hosts))
		} else if h.TerminateTLS != "" {
			t.Public = public("tcp://" + net.JoinHostPort(h.TerminateTLS, strconv.Itoa(int(port))))
		}
		list = leads(list, t, h.TCPForward)
	}
	if c.Tun {
		t := of(false)
		t.Unknown = true
		list = append(list, t)
	}
	return list
}

func (c *serveConfig) url(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return ""
	}
	scheme := "https"
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		if h := c.TCP[uint16(n)]; h != nil && h.HTTP {
			scheme = "http"
		}
	}
	if port == defaultPort(scheme) {
		return public(scheme + "://" + host)
	}
	return public(scheme + "://" + hostPort)
}
