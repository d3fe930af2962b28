package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/postern/postern/app/control/api"
)

// Net is what the checks of the network ask. Nil fields mean this computer.
type Net struct {
	Addrs  func() ([]net.Addr, error)
	Lookup func(ctx context.Context, host string) ([]string, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy answers http.Transport.Proxy's question; nil: there is none.
	Proxy func(*http.Request) (*url.URL, error)
}

func (n Net) complete() Net {
	if n.Addrs == nil {
		n.Addrs = net.InterfaceAddrs
	}
	if n.Lookup == nil {
		n.Lookup = net.DefaultResolver.LookupHost
	}
	if n.Dial == nil {
		n.Dial = (&net.Dialer{}).DialContext
	}
	if n.Proxy == nil {
		n.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	}
	return n
}

// Network looks for an address that reaches anybody, and for the names of the
// servers that the accounts talk to. Names that a proxy looks up are its
// business.
func Network(bases func(context.Context) []string, n Net) Probe {
	n = n.complete()
	return Probe{ID: "network", Title: "Network", Run: func(ctx context.Context) Result {
		addrs, err := n.Addrs()
		if err != nil {
			return Result{api.Unclear, "The network's addresses could not be read.", "Look at this computer's network settings."}
		}
		if !slices.ContainsFunc(addrs, reaches) {
			return Result{api.Sick, "No network is up: this computer has no address but its own.", "Connect this computer to a network. The accounts reconnect by themselves."}
		}
		hosts := n.named(bases(ctx))
		if len(hosts) == 0 {
			return ok("A network is up. There is no server's name to look up.")
		}
		lost := n.unknown(ctx, hosts)
		switch {
		case len(lost) == 0:
			return ok("A network is up, and the names of the accounts' servers are found: %s.", strings.Join(hosts, ", "))
		case len(lost) == len(hosts):
			return Result{api.Sick, fmt.Sprintf("A network is up, but no server's name could be looked up: %s.", strings.Join(lost, ", ")),
				"Look at this computer's DNS settings, and whether the network asks you to sign in first."}
		}
		return Result{api.Warned, fmt.Sprintf("These servers' names could not be looked up: %s.", strings.Join(lost, ", ")),
			"Look whether the names are right in the accounts' settings, and whether the network blocks them."}
	}}
}

// reaches reports whether an address is good for more than this computer and
// the wire it is on.
func reaches(a net.Addr) bool {
	p, err := netip.ParsePrefix(a.String())
	return err == nil && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast()
}

// named is the hosts of bases whose names this computer looks up itself.
func (n Net) named(bases []string) (hosts []string) {
	for _, b := range bases {
		req, err := http.NewRequest(http.MethodGet, b+"/", nil)
		if err != nil {
			continue
		}
		host := req.URL.Hostname()
		if _, err := netip.ParseAddr(host); err == nil || host == "" || slices.Contains(hosts, host) {
			continue
		}
		if p, err := n.Proxy(req); err == nil && p != nil {
			continue
		}
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	return hosts
}

// unknown is which hosts have no address.
func (n Net) unknown(ctx context.Context, hosts []string) (lost []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Go(func() {
			if found, err := n.Lookup(ctx, h); err != nil || len(found) == 0 {
				mu.Lock()
				defer mu.Unlock()
				lost = append(lost, h)
			}
		})
	}
	wg.Wait()
	slices.Sort(lost)
	return lost
}

// Proxy says by which proxy the accounts' servers are reached, and whether it
// answers. What it is told to sign in with is never said.
func Proxy(bases func(context.Context) []string, n Net) Probe {
	n = n.complete()
	return Probe{ID: "proxy", Title: "Proxy", Run: func(ctx context.Context) Result {
		all := bases(ctx)
		if len(all) == 0 {
			all = []string{"https://example.invalid"} // a proxy for everything would show
		}
		by := map[string][]string{} // proxy → hosts
		var order []string
		for _, b := range all {
			req, err := http.NewRequest(http.MethodGet, b+"/", nil)
			if err != nil {
				continue
			}
			p, err := n.Proxy(req)
			if err != nil { // its text would repeat what the setting holds
				return Result{api.Sick, "The setting of the proxy can't be read.", "Correct HTTPS_PROXY and HTTP_PROXY where they are set: http://host:port. Then start Postern again."}
			}
			if p == nil {
				continue
			}
			name := proxyName(p)
			if by[name] == nil {
				order = append(order, name)
				if err := n.answers(ctx, p); err != nil {
					return Result{api.Sick, fmt.Sprintf("The proxy %s does not answer.", name), "Look whether the proxy runs, or change the proxy in the system's settings or in HTTPS_PROXY."}
				}
			}
			by[name] = append(by[name], req.URL.Hostname())
		}
		if len(order) == 0 {
			return ok("No proxy is set; the accounts' servers are reached directly.")
		}
		var parts []string
		for _, name := range order {
			parts = append(parts, strings.Join(slices.Compact(by[name]), ", ")+" by "+name)
		}
		if len(bases(ctx)) == 0 {
			return ok("A proxy is set: %s. It answers.", strings.Join(order, ", "))
		}
		return ok("A proxy is set, and answers: %s.", strings.Join(parts, "; "))
	}}
}

// proxyName is a proxy without what it is told to sign in with.
func proxyName(p *url.URL) string {
	name := p.Scheme + "://" + p.Host
	if p.User != nil {
		name += " (with a sign-in)"
	}
	return name
}

func (n Net) answers(ctx context.Context, p *url.URL) error {
	port := p.Port()
	if port == "" {
		switch p.Scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		case "socks5", "socks5h":
			port = "1080"
		default:
			return errors.New("unknown kind of proxy")
		}
	}
	c, err := n.Dial(ctx, "tcp", net.JoinHostPort(p.Hostname(), port))
	if err != nil {
		return err
	}
	return c.Close()
}
