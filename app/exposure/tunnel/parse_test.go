package tunnel

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func data(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func same(t *testing.T, got, want []Tunnel) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestParseServe(t *testing.T) {
	got, err := parseServe(data(t, "tailscale.json"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []Tunnel{
		{Funnel, Internet, "https://desk.example.ts.net", "127.0.0.1:3000", false},
		{Funnel, Internet, "https://desk.example.ts.net", "[::1]:9000", false},
		{Serve, Tailnet, "http://desk.example.ts.net", "localhost:3001", false},
		{Serve, Tailnet, "", "127.0.0.1:5432", false},
		{Funnel, Internet, "tcp://desk.example.ts.net:10000", "127.0.0.1:5000", false},
		{Funnel, Internet, "https://desk.example.ts.net:8444", "127.0.0.1:7000", false},
	})
	for _, empty := range []string{"{}", "null"} {
		if got, err := parseServe([]byte(empty)); err != nil || got != nil {
			t.Errorf("%s: %v, %v", empty, got, err)
		}
	}
}

func TestParseConfig(t *testing.T) {
	c, err := parseConfig(data(t, "cloudflared.yml"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, c.Ingress.tunnels(""), []Tunnel{
		{Cloudflared, Internet, "https://*.example.com", "localhost:8001", false},
		{Cloudflared, Internet, "https://ssh.example.com", "localhost:22", false},
		{Cloudflared, Internet, "", "", true}, // bastion: wherever the visitor says
	})
}

func TestParseRunning(t *testing.T) {
	r, err := parseRunning(data(t, "cloudflared-config.json"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, r.tunnels(""), []Tunnel{{Cloudflared, Internet, "https://app.example.com", "localhost:8000", false}})
}

func TestParseNgrok(t *testing.T) {
	got, err := parseNgrok(data(t, "ngrok.json"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []Tunnel{
		{Ngrok, Internet, "https://d95211d2.ngrok.app", "localhost:8000", false},
		{Ngrok, Internet, "tcp://0.tcp.ngrok.io:53476", "localhost:22", false},
	})
}

func TestErrorsKeepSecrets(t *testing.T) {
	const secret = "eyJhIjoic2VjcmV0In0"
	_, a := parseServe([]byte(`{"TCP": "` + secret + `"`))
	_, b := parseConfig([]byte("ingress: " + secret))
	_, c := parseRunning([]byte(`{"config": "` + secret + `"}`))
	_, d := parseNgrok([]byte(`{"tunnels": "` + secret + `"}`))
	for i, err := range []error{a, b, c, d} {
		if err == nil || strings.Contains(err.Error(), secret[:4]) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestTarget(t *testing.T) {
	for in, want := range map[string]string{
		"8080":                               "localhost:8080",
		":8080":                              "localhost:8080",
		"localhost:8080":                     "localhost:8080",
		"localhost:8080/path":                "localhost:8080",
		"http://localhost:3000":              "localhost:3000",
		"http://127.0.0.1":                   "127.0.0.1:80",
		"https://box.lan/x?token=1":          "box.lan:443",
		"https+insecure://[::1]:9000":        "[::1]:9000",
		"http://user:password@localhost:300": "localhost:300",
		"tcp://10.0.0.2:2222":                "10.0.0.2:2222",
	} {
		if got, err := target(in); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]error{
		"unix:/run/x.sock": errNoPort, "http_status:404": errNoPort, "hello_world": errNoPort, "file:///tmp": errNoPort,
		"bastion": errUnreadable, "": errUnreadable, "0": errUnreadable, "65536": errUnreadable, "foo://host": errUnreadable,
		"http://a\x1b[2J:80": errUnreadable, "http://:x": errUnreadable, "+80": errUnreadable,
	} {
		if got, err := target(in); err != want {
			t.Errorf("%q: %q, %v, want %v", in, got, err, want)
		}
	}
}

func TestLeadsTo(t *testing.T) {
	for _, c := range []struct {
		target, bound string
		want          bool
	}{
		{"localhost:80", "127.0.0.1:80", true},
		{"localhost:80", "[::1]:80", true},
		{"LOCALHOST.:80", "[::1]:80", true},
		{"localhost:80", "0.0.0.0:80", true},
		{"localhost:80", "[::]:80", true},
		{"localhost:80", "127.0.0.1:81", false},
		{"localhost:80", "192.168.1.2:80", false},
		{"0.0.0.0:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "[::1]:80", false},
		{"[::ffff:127.0.0.1]:80", "127.0.0.1:80", true},
		{"192.168.1.2:80", "0.0.0.0:80", true},
		{"192.168.1.2:80", "192.168.1.2:80", true},
		{"192.168.1.2:80", "127.0.0.1:80", false},
		{"box.lan:80", "127.0.0.1:80", true}, // resolves who knows where
		{"box.lan:80", "127.0.0.1:8", false},
		{"", "127.0.0.1:80", false},
	} {
		if got := (Tunnel{Target: c.target}).LeadsTo(netip.MustParseAddrPort(c.bound)); got != c.want {
			t.Errorf("%s leads to %s: %t", c.target, c.bound, got)
		}
	}
}

func TestParseCloudflaredArgs(t *testing.T) {
	for line, want := range map[string]started{
		"tunnel --url http://localhost:8080":         {url: "http://localhost:8080"},
		"tunnel -url=http://localhost:8080":          {url: "http://localhost:8080"},
		"--url localhost:1 --metrics 127.0.0.1:2000": {url: "localhost:1", metrics: "127.0.0.1:2000"},
		"tunnel --hello-world":                       {hello: true},
		"tunnel --unix-socket /run/x":                {url: "unix:"},
		"--config /etc/c.yml tunnel run home":        {config: "/etc/c.yml"},
		"tunnel run list":                            {},
		"tunnel --loglevel info run home":            {},
		"tunnel run --token SECRET":                  {remote: true},
		"tunnel --no-autoupdate run --token=SECRET":  {remote: true},
		"tunnel list":                                {idle: true},
		"tunnel info home":                           {idle: true},
		"access tcp --hostname a.example.com":        {idle: true},
		"":                                           {},
	} {
		if got := parseCloudflared(append([]string{"cloudflared"}, strings.Fields(line)...)); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
}

func TestParseNgrokArgs(t *testing.T) {
	type answer struct {
		to   string
		idle bool
	}
	for line, want := range map[string]answer{
		"":                                    {"", true},
		"http 8080":                           {"8080", false},
		"http 8080 --basic-auth user:1234":    {"8080", false},
		"http --basic-auth user:1234":         {"", false},
		"http --basic-auth user:1234 8080":    {"8080", false},
		"http --url=https://a.ngrok.app 8080": {"8080", false},
		"tcp 22":                              {"22", false},
		"start --all":                         {"", false},
		"config check":                        {"", true},
	} {
		to, idle := parseNgrokArgs(append([]string{"ngrok"}, strings.Fields(line)...))
		if got := (answer{to, idle}); got != want {
			t.Errorf("%q: %+v, want %+v", line, got, want)
		}
	}
	if to, idle := parseNgrokArgs(nil); to != "" || idle {
		t.Error("arguments that cannot be seen say nothing")
	}
}

// check holds for whatever a program says.
func check(t *testing.T, list []Tunnel) {
	for _, x := range list {
		if x.Unknown == (x.Target != "") {
			t.Errorf("%+v: a target or Unknown, one of them", x)
		}
		if x.Target != "" {
			if host, _, err := net.SplitHostPort(x.Target); err != nil || !plain(host) {
				t.Errorf("target %q: %v", x.Target, err)
			}
		}
		if strings.ContainsAny(x.Public, "@?# \x1b\n") {
			t.Errorf("public %q", x.Public)
		}
	}
}

func FuzzServe(f *testing.F) {
	f.Add(data(f, "tailscale.json"))
	f.Add([]byte(`{"Web":{"":null,"x":{"Handlers":{"":null}}},"TCP":{"1":null},"Foreground":{"a":null},"Services":{"svc:a":{"Tun":true}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _ := parseServe(b)
		check(t, list)
	})
}

func FuzzConfig(f *testing.F) {
	f.Add(data(f, "cloudflared.yml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _ := parseConfig(b)
		check(t, c.Ingress.tunnels(""))
	})
}

func FuzzRunning(f *testing.F) {
	f.Add(data(f, "cloudflared-config.json"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, _ := parseRunning(b)
		check(t, r.tunnels(""))
	})
}

func FuzzNgrok(f *testing.F) {
	f.Add(data(f, "ngrok.json"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _ := parseNgrok(b)
		check(t, list)
	})
}

func FuzzArgs(f *testing.F) {
	f.Add("tunnel --url http://localhost:8080")
	f.Add("http --basic-auth user:1234 8080")
	f.Add("tunnel --url")
	f.Fuzz(func(t *testing.T, line string) {
		args := append([]string{"x"}, strings.Fields(line)...)
		if s := parseCloudflared(args); s.url != "" {
			check(t, leads(nil, Tunnel{}, s.url))
		}
		if to, idle := parseNgrokArgs(args); to != "" && !idle {
			check(t, leads(nil, Tunnel{}, to))
		}
	})
}
