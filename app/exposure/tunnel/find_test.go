package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// bare is a Finder on a computer with these processes, files and local pages.
func bare(ps []Process, files, pages map[string]string) *Finder {
	return &Finder{
		Home:      filepath.FromSlash("/home/u"),
		Processes: func(context.Context) ([]Process, error) { return ps, nil },
		Read: func(path string) ([]byte, error) {
			if s, ok := files[filepath.ToSlash(path)]; ok {
				return []byte(s), nil
			}
			return nil, fs.ErrNotExist
		},
		Look: func(string) (string, error) { return "", exec.ErrNotFound },
		Run: func(context.Context, string, ...string) ([]byte, error) {
			return nil, errors.New("nothing to run")
		},
		Get: func(_ context.Context, url string) ([]byte, error) {
			if s, ok := pages[url]; ok {
				return []byte(s), nil
			}
			return nil, errors.New("refused")
		},
		CloudflaredPorts: []uint16{20241, 20242},
		NgrokPorts:       []uint16{4040, 4041},
	}
}

func proc(line string) Process {
	args := strings.Fields(line)
	return Process{Name: args[0], Args: args, Dir: "/work"}
}

func TestFind(t *testing.T) {
	const running = `{"config":{"ingress":[{"service":"http://localhost:8080"}]}}`
	const ingress = "ingress:\n- hostname: a.example.com\n  service: http://localhost:8000\n"
	cf := func(public, target string) Tunnel { return Tunnel{Cloudflared, Internet, public, target, false} }
	unknown := func(program string) Tunnel { return Tunnel{Program: program, Scope: Internet, Unknown: true} }
	for name, c := range map[string]struct {
		ps           []Process
		files, pages map[string]string
		want         []Tunnel
	}{
		"nothing runs": {
			ps:    []Process{proc("sshd")},
			pages: map[string]string{"http://127.0.0.1:4040/api/tunnels": string(`{"tunnels":[{"config":{"addr":"1"}}]}`)},
		},
		"arguments": {
			ps:   []Process{proc("cloudflared tunnel --url http://localhost:8080")},
			want: []Tunnel{cf("", "localhost:8080")},
		},
		"arguments and the public name": {
			ps:    []Process{proc("cloudflared.exe tunnel --url http://localhost:8080")},
			pages: map[string]string{"http://127.0.0.1:20242/config": running, "http://127.0.0.1:20242/quicktunnel": `{"hostname":"x.trycloudflare.com"}`},
			want:  []Tunnel{cf("https://x.trycloudflare.com", "localhost:8080")},
		},
		"home file": {
			ps:    []Process{proc("cloudflared tunnel run home")},
			files: map[string]string{"/home/u/.cloudflared/config.yml": ingress},
			want:  []Tunnel{cf("https://a.example.com", "localhost:8000")},
		},
		"system file": {
			ps:    []Process{proc("cloudflared tunnel run")},
			files: map[string]string{"/etc/cloudflared/config.yml": ingress},
			want:  []Tunnel{cf("https://a.example.com", "localhost:8000")},
		},
		"broken file": {
			ps:    []Process{proc("cloudflared tunnel run")},
			files: map[string]string{"/home/u/.cloudflared/config.yml": "\t"},
			want:  []Tunnel{unknown(Cloudflared)},
		},
		"token, nothing answers, and the file does not count": {
			ps:    []Process{proc("cloudflared tunnel run --token SECRET")},
			files: map[string]string{"/home/u/.cloudflared/config.yml": ingress},
			want:  []Tunnel{unknown(Cloudflared)},
		},
		"token, answered": {
			ps:    []Process{proc("cloudflared tunnel run --token SECRET")},
			pages: map[string]string{"http://127.0.0.1:20241/config": running},
			want:  []Tunnel{cf("", "localhost:8080")},
		},
		"two, one answers": {
			ps:    []Process{proc("cloudflared tunnel run --token A"), proc("cloudflared tunnel run --token B")},
			pages: map[string]string{"http://127.0.0.1:20241/config": running},
			want:  []Tunnel{unknown(Cloudflared), unknown(Cloudflared), cf("", "localhost:8080")},
		},
		"metrics elsewhere": {
			ps:    []Process{proc("cloudflared tunnel --metrics 0.0.0.0:2000 run --token SECRET")},
			pages: map[string]string{"http://127.0.0.1:2000/config": running},
			want:  []Tunnel{cf("", "localhost:8080")},
		},
		"metrics on another computer are not asked": {
			ps:    []Process{proc("cloudflared tunnel --metrics 192.168.1.9:2000 run --token SECRET")},
			pages: map[string]string{"http://192.168.1.9:2000/config": running},
			want:  []Tunnel{unknown(Cloudflared)},
		},
		"arguments hidden": {
			ps:   []Process{{Name: "cloudflared"}, {Name: "ngrok"}},
			want: []Tunnel{unknown(Cloudflared), unknown(Ngrok)},
		},
		"no tunnel": {ps: []Process{proc("cloudflared access tcp --hostname x"), proc("ngrok config check"), proc("cloudflared tunnel --hello-world")}},
		"ngrok": {
			ps:    []Process{proc("ngrok http 8000")},
			pages: map[string]string{"http://127.0.0.1:4041/api/tunnels": string(data(t, "ngrok.json"))},
			want: []Tunnel{
				{Ngrok, Internet, "tcp://0.tcp.ngrok.io:53476", "localhost:22", false},
				{Ngrok, Internet, "https://d95211d2.ngrok.app", "localhost:8000", false},
			},
		},
		"ngrok without its page": {
			ps:   []Process{proc("ngrok http 8000"), proc("ngrok start --all")},
			want: []Tunnel{unknown(Ngrok), {Ngrok, Internet, "", "localhost:8000", false}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := bare(c.ps, c.files, c.pages).Find(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, c.want)
			if s := fmt.Sprintf("%+v", got); strings.Contains(s, "SECRET") {
				t.Errorf("a token shows: %s", s)
			}
		})
	}
}

func TestRelativeConfigIsReadWhereItRuns(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.yml"), []byte("url: localhost:9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := proc("cloudflared tunnel --config c.yml run")
	p.Dir = dir
	f := bare([]Process{p}, nil, nil)
	f.Read = read
	got, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []Tunnel{{Cloudflared, Internet, "", "localhost:9", false}})
}

func TestTailscaleFails(t *testing.T) {
	installed := func(string) (string, error) { return "/usr/bin/tailscale", nil }
	f := bare(nil, nil, nil)
	f.Look = installed
	if got, err := f.Find(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("without its service: %v, %v", got, err)
	}
	f = bare([]Process{{Name: "tailscaled"}}, nil, nil)
	f.Look = installed
	got, err := f.Find(t.Context())
	if err == nil {
		t.Error("no error")
	}
	same(t, got, []Tunnel{{Program: Funnel, Scope: Internet, Unknown: true}})
}

func TestProcessListFails(t *testing.T) {
	f := bare(nil, nil, nil)
	f.Processes = func(context.Context) ([]Process, error) { return nil, errors.New("refused") }
	if _, err := f.Find(t.Context()); err == nil {
		t.Error("no error")
	}
}

func TestTooManyTunnels(t *testing.T) {
	var many strings.Builder
	for i := range most + 1 {
		fmt.Fprintf(&many, "- service: localhost:%d\n", 1000+i)
	}
	got, err := bare([]Process{proc("cloudflared")}, map[string]string{"/home/u/.cloudflared/config.yml": "ingress:\n" + many.String()}, nil).Find(t.Context())
	if err == nil || len(got) != most {
		t.Errorf("%d tunnels, %v", len(got), err)
	}
}

// serve is a page on loopback.
func serve(t *testing.T, h http.HandlerFunc) (at string, port uint16) {
	t.Helper()
	l := listen(t)
	s := &http.Server{Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String(), portOf(l)
}

func TestGetStaysHere(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	reached := false
	at, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/there":
			reached = true
		case "/long":
			w.Write(make([]byte, answerSize+1))
		case "/ok":
			w.Write([]byte("ok"))
		default:
			http.Redirect(w, r, "/there", http.StatusFound)
		}
	})
	if b, err := get(t.Context(), at+"/ok"); err != nil || string(b) != "ok" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := get(t.Context(), at+"/long"); err == nil {
		t.Error("a long answer passed")
	}
	if _, err := get(t.Context(), at+"/redirect"); err == nil || reached {
		t.Errorf("a redirect was followed: %v", err)
	}
	u, _ := url.Parse(at)
	for _, other := range []string{"http://192.0.2.1/", "http://localhost:" + u.Port() + "/ok", "http://example.com:80/"} {
		if _, err := get(t.Context(), other); err == nil || err.Error() != "not an address of this computer" {
			t.Errorf("%s: %v", other, err)
		}
	}
}

func TestRunIsBounded(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a shell script")
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "tailscale")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec yes\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if b, err := run(t.Context(), script); err == nil {
		t.Errorf("%d bytes passed", len(b))
	}
}

// TestFindForReal asks this computer: a program on the PATH, processes that
// carry the names, and a page on loopback.
func TestFindForReal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a shell script stands for tailscale")
	}
	dir := t.TempDir()
	answer, err := filepath.Abs("testdata/tailscale.json")
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n[ \"$*\" = 'funnel status --json' ] && exec cat '%s'\nexit 1\n", answer)
	if err := os.WriteFile(filepath.Join(dir, "tailscale"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	l := listen(t)
	_, api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/tunnels" {
			w.Write(data(t, "ngrok.json"))
		}
	})
	start(t, dir, "cloudflared", "tunnel", "--url", "http://"+l.Addr().String(), "--token", "SECRET")
	start(t, dir, "ngrok", "start", "--all")

	f := &Finder{NgrokPorts: []uint16{api}, CloudflaredPorts: []uint16{}}
	got, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Tunnel{
		{Funnel, Internet, "https://desk.example.ts.net", "127.0.0.1:3000", false},
		{Cloudflared, Internet, "", l.Addr().String(), false},
		{Ngrok, Internet, "https://d95211d2.ngrok.app", "localhost:8000", false},
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%+v is not in %+v", want, got)
		}
	}
	if strings.Contains(fmt.Sprint(got), "SECRET") {
		t.Errorf("a token shows: %v", got)
	}
}

func BenchmarkFindAtRest(b *testing.B) {
	f := &Finder{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Find(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
