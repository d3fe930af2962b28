package tunnel

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// rules is an ingress list, as in cloudflared's configuration file
// (https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/do-more-with-tunnels/local-management/configuration-file/)
// and in its answer to /config (cloudflared 2025.7.0, orchestration/orchestrator.go).
type rules []struct {
	Hostname string `json:"hostname" yaml:"hostname"`
	Service  string `json:"service" yaml:"service"`
}

// tunnels is where the rules lead; outside stands for a rule without a host name.
func (r rules) tunnels(outside string) (list []Tunnel) {
	for _, rule := range r {
		t := Tunnel{Program: Cloudflared, Scope: Internet, Public: outside}
		if rule.Hostname != "" {
			t.Public = public("https://" + rule.Hostname)
		}
		list = leads(list, t, rule.Service)
	}
	return list
}

// started is what a cloudflared's arguments say. Its token is not among it.
type started struct {
	idle    bool // it runs no tunnel: another command
	url     string
	hello   bool
	remote  bool // the tunnel is managed from outside: files do not count
	config  string
	metrics string
}

func parseCloudflared(args []string) (s started) {
	other := false
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if !strings.HasPrefix(arg, "-") {
			first := i == 1 && slices.Contains([]string{"access", "forward", "proxy-dns", "login", "update", "version", "tail", "management", "help"}, arg)
			under := args[i-1] == "tunnel" && slices.Contains([]string{"list", "create", "login", "route", "info", "delete", "cleanup", "token", "ready", "diag", "vnet", "ingress", "help"}, arg)
			other = other || first || under
			continue
		}
		name, value, ok := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		next := func() string { // cloudflared's flags take one dash or two, "=" or a word
			if !ok && i+1 < len(args) {
				return args[i+1]
			}
			return value
		}
		switch name {
		case "url":
			s.url = next()
		case "unix-socket":
			s.url = "unix:"
		case "hello-world":
			s.hello = value != "false"
		case "token", "token-file":
			s.remote = true
		case "config":
			s.config = next()
		case "metrics":
			s.metrics = next()
		}
	}
	s.idle = other && s.url == "" && !s.hello && !s.remote
	return s
}

// config is the part that matters here of a configuration file.
type config struct {
	URL     string `yaml:"url"`
	Hello   bool   `yaml:"hello-world"`
	Metrics string `yaml:"metrics"`
	Ingress rules  `yaml:"ingress"`
}

// parseConfig reads a configuration file. The error carries none of its text.
func parseConfig(b []byte) (c config, err error) {
	if yaml.Unmarshal(b, &c) != nil {
		return config{}, errors.New("cloudflared's configuration file is not the YAML that was expected")
	}
	return c, nil
}

// parseRunning reads what cloudflared answers to /config.
func parseRunning(b []byte) (rules, error) {
	var c struct {
		Config struct {
			Ingress rules `json:"ingress"`
		} `json:"config"`
	}
	if json.Unmarshal(b, &c) != nil {
		return nil, errors.New("cloudflared's configuration is not the JSON that was expected")
	}
	return c.Config.Ingress, nil
}

// cloudflared is where the running ones lead. Each tells in one of three ways:
// its arguments, its file, its metrics server.
func (f *Finder) cloudflared(ctx context.Context, running []Process) (list []Tunnel) {
	type one struct {
		known   bool
		metrics string
	}
	var all []one
	for _, p := range running {
		s := parseCloudflared(p.Args)
		if s.idle {
			continue
		}
		this := one{metrics: s.metrics}
		switch {
		case s.hello: // its own page, none of our ports
			this.known = true
		case s.url != "":
			list = leads(list, Tunnel{Program: Cloudflared, Scope: Internet}, s.url)
			this.known = true
		case s.remote:
		default:
			if c, ok := f.file(s.config, p.Dir); ok {
				if this.metrics == "" {
					this.metrics = c.Metrics
				}
				found := c.Ingress.tunnels("")
				if len(c.Ingress) == 0 && c.URL != "" {
					found = leads(nil, Tunnel{Program: Cloudflared, Scope: Internet}, c.URL)
				}
				list = append(list, found...)
				this.known = len(c.Ingress) > 0 || c.URL != "" || c.Hello
			}
		}
		all = append(all, this)
	}
	if len(all) == 0 {
		return nil
	}

	// Without --metrics it takes the first free port of these (cloudflared
	// 2025.7.0, metrics/metrics.go); which process has which is not told.
	var asked []string
	for _, port := range f.CloudflaredPorts {
		asked = append(asked, net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	}
	for _, o := range all {
		if addr, ok := loopback(o.metrics); ok && !slices.Contains(asked, addr) {
			asked = append(asked, addr)
		}
	}
	told := make([][]Tunnel, len(asked))
	answered := make([]bool, len(asked))
	each(len(asked), func(i int) { told[i], answered[i] = f.metrics(ctx, asked[i]) })
	spare := 0
	for i, addr := range asked {
		list = append(list, told[i]...)
		named := slices.IndexFunc(all, func(o one) bool { a, ok := loopback(o.metrics); return ok && a == addr })
		switch {
		case !answered[i]:
		case named >= 0:
			all[named].known = true
		default:
			spare++
		}
	}
	nameless := 0
	for _, o := range all {
		if o.metrics == "" {
			nameless++
		}
	}
	for _, o := range all {
		if !o.known && (o.metrics != "" || spare < nameless) {
			list = append(list, Tunnel{Program: Cloudflared, Scope: Internet, Unknown: true})
		}
	}
	return list
}

// metrics asks one metrics server; ok is whether it told where it leads.
func (f *Finder) metrics(ctx context.Context, addr string) (list []Tunnel, ok bool) {
	b, err := f.Get(ctx, "http://"+addr+"/config")
	if err != nil {
		return nil, false
	}
	running, err := parseRunning(b)
	if err != nil || len(running) == 0 {
		return nil, false
	}
	name := ""
	if b, err := f.Get(ctx, "http://"+addr+"/quicktunnel"); err == nil {
		var quick struct{ Hostname string }
		if json.Unmarshal(b, &quick) == nil && quick.Hostname != "" {
			name = public("https://" + quick.Hostname)
		}
	}
	return running.tunnels(name), true
}

// file is the configuration file at path, or the first of cloudflared's own
// places for one.
func (f *Finder) file(path, dir string) (config, bool) {
	paths := []string{path}
	if path == "" {
		paths = nil
		for _, d := range []string{filepath.Join(f.Home, ".cloudflared"), "/etc/cloudflared", "/usr/local/etc/cloudflared"} {
			paths = append(paths, filepath.Join(d, "config.yml"), filepath.Join(d, "config.yaml"))
		}
	} else if !filepath.IsAbs(path) {
		if dir == "" {
			return config{}, false
		}
		paths[0] = filepath.Join(dir, path)
	}
	for _, p := range paths {
		b, err := f.Read(p)
		if err != nil {
			continue
		}
		c, err := parseConfig(b)
		return c, err == nil
	}
	return config{}, false
}

// loopback is a listening address as we may ask it, only if it is this
// computer's own.
func loopback(addr string) (string, bool) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", false
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || isLocalhost(host) || err == nil && ip.IsUnspecified():
		return net.JoinHostPort("127.0.0.1", port), true
	case err == nil && ip.IsLoopback():
		return net.JoinHostPort(ip.String(), port), true
	}
	return "", false
}
