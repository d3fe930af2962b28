package app

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// The usual place of a listener: loopback, and a port that nothing else uses by
// custom.
const (
	usualHost = "127.0.0.1"
	usualPort = 47822
)

// maxPrefixes bounds a listener's lists of proxies and of sources.
const maxPrefixes = 200

// listener is an api.Listener, read.
type listener struct {
	bind    netip.AddrPort
	public  *url.URL // nil: there is none
	host    string   // of public, with the port where that is not the usual
	proxies []netip.Prefix
	allow   []netip.Prefix
	tls     *tls.Config
	cert    string // names the files of tls
}

// base is what a path is added to for whoever calls.
func (l listener) base() string {
	if l.public != nil {
		return l.public.Scheme + "://" + l.public.Host
	}
	if l.tls != nil {
		return "https://" + l.bind.String()
	}
	return "http://" + l.bind.String()
}

// rules is a digest of everything about l that decides who gets in and that no
// address names.
func (l listener) rules() string {
	h := sha256.New()
	for _, list := range [][]netip.Prefix{l.proxies, l.allow} {
		for _, p := range list {
			fmt.Fprintf(h, "%s\n", p)
		}
		fmt.Fprintln(h)
	}
	fmt.Fprintf(h, "%q", l.cert)
	return hex.EncodeToString(h.Sum(nil))
}

// names is what the Host header of a caller may be.
func (l listener) names() []string {
	out := []string{l.bind.String()}
	if l.public != nil {
		out = append(out, l.public.Host, l.public.Hostname(), net.JoinHostPort(l.public.Hostname(), port(l.public)))
	}
	if l.bind.Addr().IsLoopback() {
		out = append(out, fmt.Sprintf("localhost:%d", l.bind.Port()))
	}
	return out
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// readListener checks what a person typed. Its error has a text for each field.
func readListener(in api.Listener, reach platforms.Inbound) (l listener, err error) {
	wrong := map[string]string{}
	note := func(field string, err error) {
		if err != nil {
			wrong[field] = err.Error()
		}
	}
	l.bind, err = readBind(in.Bind)
	note("bind", err)
	l.public, err = readPublic(in.Public, reach)
	note("public", err)
	if l.public != nil {
		l.host = strings.ToLower(l.public.Host)
		if p := l.public.Port(); p != "" && p == port(&url.URL{Scheme: l.public.Scheme}) {
			l.host = strings.ToLower(l.public.Hostname())
		}
	}
	if l.host == "" { // known by its address only
		l.host = l.bind.String()
	}
	l.proxies, err = readPrefixes(in.Proxies)
	note("proxies", err)
	for _, p := range l.proxies {
		if p.Bits() == 0 {
			note("proxies", words(fmt.Sprintf("%s is everybody: anyone could then pretend to be anyone. Name the proxy's own address.", p)))
		}
	}
	l.allow, err = readPrefixes(in.Allow)
	note("allow", err)
	l.tls, err = readCertificate(in.Cert, in.Key)
	if l.tls != nil {
		l.cert = in.Cert + "\x00" + in.Key
	}
	note("cert", err)
	if len(wrong) > 0 {
		text := "The listener can't be set like this."
		for _, field := range []string{"bind", "public", "proxies", "allow", "cert"} {
			if t := wrong[field]; t != "" {
				text += " " + t
			}
		}
		return l, &api.Error{Kind: platforms.Rejected, Text: text, Fields: wrong}
	}
	return l, nil
}

// words is an error that a person reads as it is.
type words string

func (s words) Error() string { return string(s) }

func readBind(s string) (netip.AddrPort, error) {
	s = strings.TrimSpace(s)
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, words("Listen on an address with a port, as in 127.0.0.1:47822.")
	}
	switch host {
	case "localhost":
		host = usualHost
	case "", "*":
		return netip.AddrPort{}, words("Say which address to listen on: 127.0.0.1:" + port + " for this computer and tunnels on it. All addresses, 0.0.0.0:" + port + ", is public.")
	}
	a, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil || a.Port() == 0 || a.Addr().Zone() != "" {
		return netip.AddrPort{}, words("Listen on a number address with a port from 1 to 65535, as in 127.0.0.1:47822.")
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}

// readPublic reads the address by which callers know a listener. Without https
// it is for this computer and its network only.
func readPublic(s string, reach platforms.Inbound) (*url.URL, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		if reach == platforms.Webhook {
			return nil, words("The platform needs an address to call, as in https://bot.example.org: your tunnel's.")
		}
		return nil, nil
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" || u.Scheme != "https" && u.Scheme != "http" || len(u.Host) > 253 {
		return nil, words("The public address is a scheme and a host only, as in https://bot.example.org. Postern adds the path.")
	}
	host, port := strings.TrimSuffix(u.Hostname(), "."), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Host = host; port != "" {
		u.Host += ":" + port
	}
	if u.Scheme == "http" && exposure.OfHost(u.Hostname(), nil) == exposure.Anyone {
		return nil, words("Without https everybody on the way reads along. Use https, or an address of your own network.")
	}
	return u, nil
}

// readPrefixes reads addresses and prefixes, as in 192.0.2.7 or 192.0.2.0/24.
func readPrefixes(in []string) (out []netip.Prefix, err error) {
	for _, s := range in {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, bad := netip.ParseAddr(s)
			if bad != nil || a.Zone() != "" {
				return nil, words(fmt.Sprintf("%.64q is neither an address nor a range. Write 192.0.2.7 or 192.0.2.0/24.", s))
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		if out = append(out, p.Masked()); len(out) > maxPrefixes {
			return nil, words(fmt.Sprintf("These are more than %d. Use ranges.", maxPrefixes))
		}
	}
	return out, nil
}

// readCertificate loads the person's own certificate. It is read again for new
// connections once the file has changed, so that a renewed one is used.
func readCertificate(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, words("A certificate needs its key, and the other way round: name both files.")
	}
	if !filepath.IsAbs(cert) || !filepath.IsAbs(key) {
		return nil, words("Name the files of the certificate and of its key with their whole paths.")
	}
	keeper := &certificate{cert: cert, key: key}
	if _, err := keeper.get(nil); err != nil {
		return nil, words("The certificate can't be used: " + err.Error() + ". Check both files.")
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: keeper.get, NextProtos: []string{"http/1.1"}}, nil
}
