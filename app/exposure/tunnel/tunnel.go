// Package tunnel finds programs on this computer that publish one of its ports
// to others: Tailscale (Funnel and Serve), cloudflared and ngrok. It asks the
// programs themselves and reads how they were started; it never stores nor
// returns the tokens that stand there.
package tunnel

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// The programs, in the words a person knows them by.
const (
	Funnel      = "Tailscale Funnel"
	Serve       = "Tailscale Serve"
	Cloudflared = "cloudflared"
	Ngrok       = "ngrok"
)

// Scope is who may come through a tunnel.
type Scope string

// The scopes.
const (
	Internet Scope = "internet"
	Tailnet  Scope = "tailnet" // the members of a Tailscale network
)

// Tunnel is one way from outside to a port.
type Tunnel struct {
	Program string
	Scope   Scope
	Public  string // URL or host outside; "" where it is not known
	Target  string // host:port it leads to; "" where Unknown
	Unknown bool   // it runs, but where it leads cannot be seen
}

// LeadsTo reports whether a listener bound to a is reached through the tunnel.
// In doubt it is: a name other than localhost is taken for any address of this
// computer, and so is every address where a is a wildcard. An Unknown tunnel
// leads to nothing that could be named.
func (t Tunnel) LeadsTo(a netip.AddrPort) bool {
	host, port, err := net.SplitHostPort(t.Target)
	if err != nil || port != strconv.Itoa(int(a.Port())) {
		return false
	}
	bound := a.Addr().Unmap().WithZone("")
	if bound.IsUnspecified() {
		return true
	}
	if isLocalhost(host) {
		return bound.IsLoopback()
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return true
	}
	ip = ip.Unmap().WithZone("")
	if ip.IsUnspecified() { // to connect to it is to connect to this computer
		return bound.IsLoopback()
	}
	return ip == bound
}

func isLocalhost(host string) bool { // RFC 6761 §6.3
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

var (
	errNoPort     = errors.New("leads to no port")
	errUnreadable = errors.New("where it leads cannot be read")
)

// defaultPort is what a target without one means.
func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws", "h2c":
		return "80"
	case "https", "https+insecure", "wss":
		return "443"
	case "ssh":
		return "22"
	case "rdp":
		return "3389"
	case "smb":
		return "445"
	}
	return ""
}

// target reads where a program says it forwards to, as host:port: "8080",
// ":8080", "localhost:8080", "http://127.0.0.1:8080/path". It answers errNoPort
// for what is known to be no port of this computer (files, Unix sockets,
// built-in answers) and errUnreadable for the rest. Only host and port are kept:
// what else an address carries may be a secret.
func target(s string) (string, error) {
	s = strings.TrimSpace(s)
	for _, p := range []string{"unix:", "unix+tls:", "http_status:", "hello_world", "hello-world", "file:", "text:"} {
		if strings.HasPrefix(s, p) {
			return "", errNoPort
		}
	}
	host, port := "", s
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			return "", errUnreadable
		}
		host, port = u.Hostname(), u.Port()
		if port == "" {
			port = defaultPort(strings.ToLower(scheme))
		}
	} else if strings.ContainsAny(s, ":/") {
		s, _, _ = strings.Cut(s, "/")
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", errUnreadable
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !plain(host) {
		return "", errUnreadable
	}
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

// plain reports whether a host is made of what names and addresses are made of:
// these words reach a person's screen.
func plain(host string) bool {
	if len(host) > 253 { // RFC 1035 §2.3.4
		return false
	}
	for _, c := range []byte(host) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(".-_:%*", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// public is an address as people may see it: scheme and host of a URL, or "".
func public(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !plain(u.Host) && !plain(u.Hostname()) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// leads adds what a program says of one forward.
func leads(list []Tunnel, t Tunnel, to string) []Tunnel {
	var err error
	switch t.Target, err = target(to); {
	case errors.Is(err, errNoPort):
		return list
	case err != nil:
		t.Unknown = true
	}
	return append(list, t)
}
