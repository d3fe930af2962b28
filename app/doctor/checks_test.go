package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor"
	"github.com/postern/postern/platforms"
)

var at = time.Date(2026, 3, 4, 12, 6, 7, 0, time.UTC)

// expect is what one probe finds, whose state and words are given.
func expect(t *testing.T, name string, p doctor.Probe, state api.Health, words ...string) doctor.Result {
	t.Helper()
	r := p.Run(t.Context())
	if r.State != state || r.Text == "" {
		t.Errorf("%s: %+v, want %s", name, r, state)
	}
	for _, w := range words {
		if !strings.Contains(r.Text+" "+r.Do, w) {
			t.Errorf("%s: %q is not in %+v", name, w, r)
		}
	}
	if (state == api.Sick || state == api.Warned || state == api.Unclear) && r.Do == "" {
		t.Errorf("%s: nothing says what to do: %+v", name, r)
	}
	return r
}

// serve answers HEAD over loopback until the test ends.
func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: answer}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return "http://" + l.Addr().String()
}

func TestClock(t *testing.T) {
	now := func() time.Time { return at }
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	site := func(off time.Duration, age string) doctor.Site {
		return doctor.Site{Client: client, Base: serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodHead || r.URL.Path != "/" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			w.Header().Set("Date", at.Add(off).Format(http.TimeFormat))
			if age != "" {
				w.Header().Set("Age", age)
			}
			w.WriteHeader(http.StatusNotFound)
		})}
	}
	silent := doctor.Site{Client: client, Base: serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil })}
	elsewhere := serve(t, func(w http.ResponseWriter, _ *http.Request) { t.Error("a redirect was followed") })
	leads := doctor.Site{Client: client, Base: serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", at.Add(time.Hour).Format(http.TimeFormat))
		http.Redirect(w, r, elsewhere, http.StatusFound)
	})}
	for name, c := range map[string]struct {
		sites []doctor.Site
		state api.Health
		words string
	}{
		"none":                  {nil, api.Unclear, "Add an account"},
		"right":                 {[]doctor.Site{site(0, "")}, api.Healthy, "agrees"},
		"a little":              {[]doctor.Site{site(20*time.Second, "")}, api.Healthy, "agrees"},
		"behind":                {[]doctor.Site{site(45*time.Second, "")}, api.Warned, "behind"},
		"ahead":                 {[]doctor.Site{site(-45*time.Second, "")}, api.Warned, "ahead"},
		"far":                   {[]doctor.Site{site(6*time.Minute, "")}, api.Sick, "6m0s behind"},
		"very far":              {[]doctor.Site{site(-400*24*time.Hour, "")}, api.Sick, "ahead"},
		"an old answer":         {[]doctor.Site{site(-10*time.Minute, "600")}, api.Healthy, "agrees"},
		"one of them is wrong":  {[]doctor.Site{site(time.Hour, ""), site(0, "")}, api.Healthy, "agrees"},
		"no date":               {[]doctor.Site{silent}, api.Unclear, "network"},
		"no answer":             {[]doctor.Site{{Client: client, Base: "http://127.0.0.1:1"}}, api.Unclear, "network"},
		"it leads elsewhere":    {[]doctor.Site{leads}, api.Sick, "behind"},
		"an address that isn't": {[]doctor.Site{{Client: client, Base: "::"}}, api.Unclear, ""},
	} {
		expect(t, name, doctor.Clock(func(context.Context) []doctor.Site { return c.sites }, now), c.state, c.words)
	}
}

func addrs(list ...string) func() ([]net.Addr, error) {
	return func() (out []net.Addr, err error) {
		for _, a := range list {
			ip, n, err := net.ParseCIDR(a)
			if err != nil {
				return nil, err
			}
			out = append(out, &net.IPNet{IP: ip, Mask: n.Mask})
		}
		return out, nil
	}
}

func TestNetworkAndProxy(t *testing.T) {
	up := addrs("127.0.0.1/8", "192.168.1.2/24")
	lookup := func(_ context.Context, host string) ([]string, error) {
		if strings.HasPrefix(host, "lost") {
			return nil, errors.New("no such host")
		}
		return []string{"192.0.2.1"}, nil
	}
	bases := func(list ...string) func(context.Context) []string {
		return func(context.Context) []string { return list }
	}
	n := doctor.Net{Addrs: up, Lookup: lookup}
	expect(t, "down", doctor.Network(bases(), doctor.Net{Addrs: addrs("127.0.0.1/8", "fe80::1/64")}), api.Sick, "Connect")
	expect(t, "unreadable", doctor.Network(bases(), doctor.Net{Addrs: func() ([]net.Addr, error) { return nil, errors.New("no") }}), api.Unclear)
	expect(t, "no accounts", doctor.Network(bases(), n), api.Healthy)
	expect(t, "found", doctor.Network(bases("https://api.example.org", "http://127.0.0.1:1"), n), api.Healthy, "api.example.org")
	expect(t, "some lost", doctor.Network(bases("https://api.example.org", "https://lost.example.org"), n), api.Warned, "lost.example.org")
	expect(t, "all lost", doctor.Network(bases("https://lost.example.org"), n), api.Sick, "DNS")

	p, err := url.Parse("http://ann:hunter2@proxy.example:3128")
	if err != nil {
		t.Fatal(err)
	}
	dialled := ""
	n.Proxy = func(r *http.Request) (*url.URL, error) {
		if r.URL.Hostname() == "api.example.org" {
			return nil, nil
		}
		return p, nil
	}
	n.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = address
		a, b := net.Pipe()
		_ = b.Close()
		return a, nil
	}
	expect(t, "the proxy looks up", doctor.Network(bases("https://lost.example.org"), n), api.Healthy)
	expect(t, "direct", doctor.Proxy(bases("https://api.example.org"), n), api.Healthy, "directly")
	r := expect(t, "by proxy", doctor.Proxy(bases("https://api.example.org", "https://lost.example.org"), n), api.Healthy, "proxy.example:3128", "lost.example.org")
	expect(t, "by proxy, no accounts", doctor.Proxy(bases(), n), api.Healthy, "proxy.example:3128")
	n.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
	r2 := expect(t, "dead proxy", doctor.Proxy(bases("https://lost.example.org"), n), api.Sick, "proxy.example:3128")
	n.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New(`invalid proxy "ann:hunter2"`) }
	r3 := expect(t, "bad setting", doctor.Proxy(bases("https://lost.example.org"), n), api.Sick, "HTTPS_PROXY")
	for _, r := range []doctor.Result{r, r2, r3} {
		if strings.Contains(r.Text+r.Do, "hunter2") || strings.Contains(r.Text+r.Do, "ann:") {
			t.Errorf("it tells how to sign in: %+v", r)
		}
	}
	if dialled != "proxy.example:3128" {
		t.Errorf("dialled %q", dialled)
	}
}

func TestDisk(t *testing.T) {
	free := func(n uint64, err error) func(string) (uint64, error) {
		return func(string) (uint64, error) { return n, err }
	}
	expect(t, "plenty", doctor.Disk("x", free(5e9, nil)), api.Healthy, "5.0 GB")
	expect(t, "little", doctor.Disk("x", free(999e6, nil)), api.Warned, "999.0 MB")
	expect(t, "none", doctor.Disk("x", free(99e6, nil)), api.Sick)
	expect(t, "unknown", doctor.Disk("x", free(0, errors.New("no"))), api.Unclear)
	if r := doctor.Disk(t.TempDir(), nil).Run(t.Context()); r.State == api.Unclear {
		t.Errorf("this system's: %+v", r)
	}
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	dir := filepath.Join(t.TempDir(), "data")
	expect(t, "none", doctor.Permissions(dir), api.Skipped)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "a"), nil, 0o600), os.Symlink("/etc/passwd", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	expect(t, "closed", doctor.Permissions(dir), api.Healthy, "1 files")
	if err := os.Chmod(filepath.Join(dir, "a"), 0o640); err != nil {
		t.Fatal(err)
	}
	expect(t, "a file is open", doctor.Permissions(dir), api.Warned, "chmod -R go-rwx "+dir)
	if err := os.Chmod(dir, 0o750); err != nil { //nolint:gosec // that is what is tested
		t.Fatal(err)
	}
	expect(t, "open", doctor.Permissions(dir), api.Sick, "0750", "chmod")
	expect(t, "a file", doctor.Permissions(filepath.Join(dir, "a")), api.Sick)
	odd := filepath.Join(t.TempDir(), "Ann's data; rm")
	if err := errors.Join(os.Mkdir(odd, 0o700), os.Chmod(odd, 0o755)); err != nil { //nolint:gosec // that is what is tested
		t.Fatal(err)
	}
	expect(t, "an odd name", doctor.Permissions(odd), api.Sick, `Ann'\''s data; rm'`)
}

func TestKeyring(t *testing.T) {
	kept := false
	v := doctor.Vault{Where: "the keyring",
		Put: func(context.Context) error { kept = true; return nil },
		Get: func(context.Context) (bool, error) { return true, nil },
		Del: func(ctx context.Context) error { kept = false; return ctx.Err() }}
	expect(t, "works", doctor.Keyring(v), api.Healthy, "the keyring")
	bad := v
	bad.Put = func(context.Context) error { return errors.New("it is locked") }
	expect(t, "locked", doctor.Keyring(bad), api.Sick, "It is locked.")
	bad = v
	bad.Put = func(context.Context) error { return context.DeadlineExceeded }
	expect(t, "slow", doctor.Keyring(bad), api.Unclear, "unlocked")
	bad = v
	bad.Get = func(context.Context) (bool, error) { return false, nil }
	expect(t, "forgetful", doctor.Keyring(bad), api.Sick, "another value")
	if kept {
		t.Error("the value stayed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	bad.Get = func(context.Context) (bool, error) { cancel(); return false, ctx.Err() }
	if doctor.Keyring(bad).Run(ctx); kept {
		t.Error("the value stayed after there was no time left")
	}
	bad = v
	bad.Del = func(context.Context) error { return errors.New("no") }
	expect(t, "sticky", doctor.Keyring(bad), api.Sick, "removed")
}

func TestAccount(t *testing.T) {
	up := api.Account{ID: "a", Title: "Pigeon", Name: "Homer", Status: api.Connected}
	with := func(change func(*api.Account)) api.Account { a := up; change(&a); return a }
	check := func(c api.Check, err error) func(context.Context) (api.Check, error) {
		return func(context.Context) (api.Check, error) { return c, err }
	}
	good := check(api.Check{}, nil)
	problem := func(bad bool) func(context.Context) (api.Check, error) {
		return check(api.Check{Identity: platforms.Identity{Problems: []platforms.Problem{{Text: "A webhook is set.", Fix: "Remove it", Bad: bad}}}}, nil)
	}
	failed := func(k platforms.Kind) func(context.Context) (api.Check, error) {
		return check(api.Check{Error: &api.Error{Kind: k, Text: "Refused (401)."}}, nil)
	}
	for name, c := range map[string]struct {
		a     api.Account
		check func(context.Context) (api.Check, error)
		state api.Health
		words string
	}{
		"good":         {up, good, api.Healthy, "connected"},
		"paused":       {with(func(a *api.Account) { a.Paused = true }), func(context.Context) (api.Check, error) { t.Error("asked"); return api.Check{}, nil }, api.Skipped, "Resume"},
		"unauthorized": {up, failed(platforms.Unauthorized), api.Sick, "Edit"},
		"temporary":    {up, failed(platforms.Temporary), api.Warned, "by itself"},
		"bad problem":  {up, problem(true), api.Sick, "Remove it"},
		"problem":      {up, problem(false), api.Warned, "A webhook is set."},
		"conflict":     {with(func(a *api.Account) { a.Status, a.Note = api.Conflict, "Another program." }), good, api.Sick, "Another program."},
		"reconnecting": {with(func(a *api.Account) { a.Status = api.TransientDisconnect }), good, api.Warned, "network"},
		"dead":         {with(func(a *api.Account) { a.Dead = 3 }), good, api.Warned, "3 messages"},
		"gone":         {up, check(api.Check{}, errors.New("there is no account")), api.Unclear, "again"},
	} {
		p := doctor.Account(c.a, c.check)
		expect(t, name, p, c.state, c.words)
		if !p.Remote || p.ID != "account/a" || p.Title != "Pigeon “Homer”" {
			t.Errorf("%+v", p)
		}
	}
}

func TestDoorsAndSockets(t *testing.T) {
	ack := func(d time.Duration) *api.Acknowledgement { return &api.Acknowledgement{Ends: at.Add(d)} }
	for name, c := range map[string]struct {
		d     api.Door
		state api.Health
		words string
	}{
		"relayed":    {api.Door{Relayed: true}, api.Healthy, "relay"},
		"not set":    {api.Door{Why: "No listener is set up."}, api.Skipped, "No listener"},
		"closed":     {api.Door{Set: true, Closed: true}, api.Skipped, "by hand"},
		"needs":      {api.Door{Set: true, Needs: true, Why: "It asks."}, api.Warned, "acknowledgement"},
		"shut":       {api.Door{Set: true, Why: "The port is taken."}, api.Warned, "port is taken"},
		"ends soon":  {api.Door{Set: true, Open: true, Ack: ack(6 * 24 * time.Hour)}, api.Warned, "10 March 2026"},
		"open":       {api.Door{Set: true, Open: true, Ack: ack(8 * 24 * time.Hour), Callers: "anyone"}, api.Healthy, "anyone"},
		"open, used": {api.Door{Set: true, Open: true, Last: at, Callers: "your network"}, api.Healthy, "your network"},
	} {
		c.d.Account = "a"
		expect(t, name, doctor.Door(c.d, at), c.state, c.words)
	}
	expect(t, "sockets", doctor.Sockets(api.View{Sockets: []api.Socket{{Addr: "127.0.0.1:1"}}}), api.Healthy, "1 sockets")
	expect(t, "strange", doctor.Sockets(api.View{Sockets: []api.Socket{{Addr: "0.0.0.0:99", Strange: true}}}), api.Sick, "0.0.0.0:99")
	expect(t, "blind", doctor.Sockets(api.View{Note: "The system does not tell."}), api.Unclear, "does not tell")
	expect(t, "tunnel", doctor.Sockets(api.View{Tunnels: []api.Tunnel{{Program: "ngrok", Ours: []string{"x"}}}}), api.Healthy, "ngrok")
}

func TestCertificate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cert.pem")
	d := api.Door{Account: "a", Set: true, Open: true, Listener: api.Listener{Cert: path}}
	expect(t, "gone", doctor.Door(d, at), api.Warned, "can't be read")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: at.Add(-time.Hour), NotAfter: at}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{1}}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "good", doctor.Door(d, at.Add(-15*24*time.Hour)), api.Healthy)
	expect(t, "ends soon", doctor.Door(d, at.Add(-13*24*time.Hour)), api.Warned, "4 March 2026", "Renew")
	expect(t, "ended", doctor.Door(d, at.Add(time.Second)), api.Sick, "4 March 2026")
	d.Open, d.Closed = false, true
	expect(t, "closed", doctor.Door(d, at.Add(time.Second)), api.Skipped)
}

func TestJournal(t *testing.T) {
	now := func() time.Time { return at }
	write := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	f := doctor.Figures{Bytes: 5e6, Free: 1e6, Entries: 7, Opened: at.Add(-72 * time.Hour), Copied: at.Add(-time.Hour)}
	with := func(change func(*doctor.Figures)) func() (doctor.Figures, error) {
		g := f
		change(&g)
		return func() (doctor.Figures, error) { return g, nil }
	}
	expect(t, "good", doctor.Journal(with(func(*doctor.Figures) {}), write(nil), now), api.Healthy, "7 messages", "5.0 MB")
	expect(t, "full", doctor.Journal(with(func(*doctor.Figures) {}), write(errors.New("the disk is full")), now), api.Sick, "The disk is full.")
	expect(t, "unreadable", doctor.Journal(func() (doctor.Figures, error) { return f, errors.New("no") }, write(nil), now), api.Sick)
	expect(t, "old copy", doctor.Journal(with(func(f *doctor.Figures) { f.Copied = at.Add(-49 * time.Hour) }), write(nil), now), api.Warned, "newest copy")
	expect(t, "no copy", doctor.Journal(with(func(f *doctor.Figures) { f.Copied = time.Time{} }), write(nil), now), api.Warned, "no copy")
	expect(t, "no copy yet", doctor.Journal(with(func(f *doctor.Figures) { f.Copied, f.Opened = time.Time{}, at }), write(nil), now), api.Healthy, "soon")
	expect(t, "too big", doctor.Journal(with(func(f *doctor.Figures) { f.Most = 1e6 }), write(nil), now), api.Warned, "bound")
}

func TestNoticesAndTheRest(t *testing.T) {
	expect(t, "none", doctor.Notices(nil), api.Healthy)
	expect(t, "some", doctor.Notices([]api.Notice{{Text: "old"}, {Bad: true, Text: "A gap."}}), api.Warned, "A gap.")
	expect(t, "slept", doctor.Wake(at.Add(-3*time.Hour), "the network changed", at.Add(-9*time.Hour), at), api.Healthy, "3 h", "network changed")
	expect(t, "never slept", doctor.Wake(time.Time{}, "", at.Add(-5*time.Minute), at), api.Healthy, "5 min")
}

func TestRelays(t *testing.T) {
	led := []api.RelayChannel{{Channel: "orders", Account: "a"}}
	on := func(change func(*api.Relay)) api.Relay {
		r := api.Relay{ID: "r", Name: "Main", Status: api.Connected, Channels: led}
		if change != nil {
			change(&r)
		}
		return r
	}
	refused := &api.Error{Kind: platforms.Unauthorized, Text: "The key is refused."}
	for name, c := range map[string]struct {
		r     api.Relay
		check api.RelayCheck
		fails error
		state api.Health
		words string
	}{
		"idle":        {r: on(nil), state: api.Healthy, words: "nothing has come"},
		"busy":        {r: on(func(r *api.Relay) { r.Last = at }), state: api.Healthy, words: "4 March 2026"},
		"paused":      {r: on(func(r *api.Relay) { r.Paused = true }), state: api.Skipped, words: "Resume it"},
		"nowhere":     {r: on(func(r *api.Relay) { r.Channels = nil }), state: api.Warned, words: "leads nowhere"},
		"a problem":   {r: on(func(r *api.Relay) { r.Channels = []api.RelayChannel{{Problem: "It is gone."}} }), state: api.Warned, words: "It is gone."},
		"refused":     {r: on(func(r *api.Relay) { r.Status = api.BadCredentials }), check: api.RelayCheck{Error: refused}, state: api.Sick, words: "The key is refused."},
		"unreachable": {r: on(func(r *api.Relay) { r.Status = api.TransientDisconnect }), fails: errors.New("no route"), state: api.Sick, words: "Check the server"},
		"between":     {r: on(func(r *api.Relay) { r.Status = api.TransientDisconnect }), state: api.Warned, words: "tried again"},
		"a gap":       {r: on(func(r *api.Relay) { r.Gaps = []api.RelayGap{{At: at, Certain: true, Text: "Too old."}} }), state: api.Warned, words: "Too old."},
		"an old gap":  {r: on(func(r *api.Relay) { r.Gaps = []api.RelayGap{{At: at.AddDate(0, -1, 0), Certain: true}} }), state: api.Healthy},
		"inexact":     {r: on(func(r *api.Relay) { r.Warning = "It writes bodies anew." }), state: api.Warned, words: "It writes bodies anew."},
	} {
		expect(t, name, doctor.Relay(c.r, at, func(context.Context) (api.RelayCheck, error) { return c.check, c.fails }), c.state, c.words)
	}
}

func TestResponders(t *testing.T) {
	for name, c := range map[string]struct {
		r     api.Responder
		state api.Health
		words string
	}{
		"idle":    {api.Responder{}, api.Healthy, "nothing to do"},
		"busy":    {api.Responder{Last: at}, api.Healthy, "4 March 2026"},
		"off":     {api.Responder{Off: true, Problem: "x"}, api.Skipped, "Switch it on"},
		"broken":  {api.Responder{Problem: "The program is gone."}, api.Sick, "The program is gone."},
		"failed":  {api.Responder{Error: "exit status 2"}, api.Warned, "Exit status 2."},
		"waiting": {api.Responder{Waiting: 3}, api.Warned, "3 messages"},
	} {
		c.r.ID = "r1"
		expect(t, name, doctor.Responder(c.r), c.state, c.words)
	}
	all := []api.Responder{{ID: "r1"}, {ID: "r2", Off: true}}
	route := func(off bool, to ...string) api.Route { return api.Route{ID: "x", Name: "Mine", To: to, Off: off} }
	expect(t, "none, and a default", doctor.Routes(api.Routes{Default: []string{"notify"}}, all), api.Healthy, "notify")
	expect(t, "none", doctor.Routes(api.Routes{}, all), api.Warned)
	expect(t, "on", doctor.Routes(api.Routes{Routes: []api.Route{route(false, "r1")}}, all), api.Healthy, "One route")
	expect(t, "to one that is off", doctor.Routes(api.Routes{Routes: []api.Route{route(false, "r1", "r2")}}, all), api.Warned, "“Mine” goes to a responder that is off")
	expect(t, "to one that is gone", doctor.Routes(api.Routes{Routes: []api.Route{route(false, "r3")}}, all), api.Warned, "gone")
	expect(t, "a route that is off", doctor.Routes(api.Routes{Routes: []api.Route{route(true, "r3")}, Default: []string{"notify"}}, all), api.Healthy)
}

func TestOutside(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		t.Fatal(err)
	}
	found, err := run(t, t.Context(), doctor.Outside(dir, nil)...)
	if err != nil || found["running"].State != api.Sick || !strings.Contains(found["running"].Do, "postern") || found["journal"].State != api.Skipped || found["keyring"].State != api.Skipped {
		t.Errorf("%v: %+v", err, found)
	}
	snaps := filepath.Join(dir, "snapshots")
	if err := errors.Join(os.Mkdir(snaps, 0o700), os.WriteFile(filepath.Join(snaps, "journal-1.db"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	found, _ = run(t, t.Context(), doctor.Outside(filepath.Join(dir), errors.New("the folder is another user's"))...)
	if found["journal"].State != api.Warned || !strings.Contains(found["running"].Text, "another user") {
		t.Errorf("%+v", found)
	}
	gone, _ := run(t, t.Context(), doctor.Outside(filepath.Join(dir, "not", "there"), nil)...)
	if gone["disk"].State == api.Unclear {
		t.Errorf("%+v", gone["disk"])
	}
}
