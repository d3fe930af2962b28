package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/exposure"
)

const hookSecret = "a-secret-of-the-sender-0123456789"

// sockets is a process's listening TCP sockets, by the kernel's table.
func sockets(t testing.TB, pid int) (out []netip.AddrPort) {
	t.Helper()
	at := map[string]netip.AddrPort{}
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" { // TCP_LISTEN
				continue
			}
			host, port, _ := strings.Cut(f[1], ":")
			b, err := hex.DecodeString(host)
			p, bad := hex.DecodeString(port)
			if err != nil || bad != nil {
				t.Fatalf("/proc/net/%s: %q", table, line)
			}
			for i := 0; i+4 <= len(b); i += 4 { // each word is in the machine's order
				binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
			}
			a, _ := netip.AddrFromSlice(b)
			at["socket:["+f[9]+"]"] = netip.AddrPortFrom(a, binary.BigEndian.Uint16(p))
		}
	}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("no descriptors of %d: %v", pid, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && at[to].IsValid() {
			out = append(out, at[to])
		}
	}
	return out
}

func freeBind(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// hooked is a running Postern with a webhook account that wants a public
// listener at bind.
func hooked(t testing.TB, bind string) (*house, *client.Client) {
	t.Helper()
	h := newHouse(t)
	c := h.start()
	h.add(c, "webhook", map[string]string{"sender": "github", "secret": hookSecret})
	if _, err := c.SetListener(t.Context(), "webhook", api.Listener{Bind: bind, Public: "https://bot.example.org"}); err != nil {
		t.Fatal(err)
	}
	becomes(t, c, "webhook", api.Blocked)
	return h, c
}

// TestNothingOpensAPublicListener starts the real program with everything that
// might open something, and looks at the kernel's table.
func TestNothingOpensAPublicListener(t *testing.T) {
	_, port, _ := net.SplitHostPort(freeBind(t))
	template, c := hooked(t, "0.0.0.0:"+port)
	if got := sockets(t, template.cmd.Process.Pid); len(got) > 0 {
		t.Fatalf("listening: %v", got)
	}
	if got := sockets(t, os.Getpid()); len(got) > 0 {
		t.Fatalf("this process listens: %v", got)
	}
	probe, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if got := sockets(t, os.Getpid()); len(got) != 1 || got[0].String() != probe.Addr().String() {
		t.Fatalf("this test sees %v and should see %v", got, probe.Addr())
	}
	_ = probe.Close()
	c.Close()
	template.stop()

	help, err := template.command("--help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	_, own, _ := strings.Cut(string(help), "Flags:")
	flags := []string{""}
	for _, m := range regexp.MustCompile(`(?m)^\s+(?:-\w, )?--([a-z-]+)( \S+)?  `).FindAllStringSubmatch(own, -1) {
		switch m[1] {
		case "help", "version", "data", "headless", "passphrase-file", "passphrase-fd":
		case "show":
			flags = append(flags, "--show=exposure")
		case "client":
			flags = append(flags, "--client=ci")
		default:
			if m[2] != "" && m[2] != " " {
				t.Errorf("the flag --%s takes a value that this test does not know", m[1])
			}
			flags = append(flags, "--"+m[1])
		}
	}
	if len(flags) < 3 {
		t.Fatalf("the flags %q: was the help read?", flags)
	}
	at := "0.0.0.0:" + port
	environments := map[string][]string{
		"none": nil,
		"peers' names": {"PORT=" + port, "HOST=0.0.0.0", "ADDR=" + at, "BIND=" + at, "LISTEN=" + at, "LISTEN_ADDR=" + at, "PUBLIC_URL=https://bot.example.org",
			"WEBHOOK_URL=https://bot.example.org", "NGROK_AUTHTOKEN=x", "LISTEN_FDS=1", "LISTEN_PID=1", "GODEBUG=http2server=1", "HTTP_PORT=" + port},
		"our name": {"POSTERN_LISTEN=" + at, "POSTERN_BIND=" + at, "POSTERN_PUBLIC=https://bot.example.org", "POSTERN_ACKNOWLEDGE=yes", "POSTERN_ACCEPT=webhook",
			"POSTERN_UNSAFE=1", "POSTERN_YES=1", "POSTERN_DOORS=open", "POSTERN_TERMINAL=yes", "POSTERN_TOKEN=x"},
	}
	config := "listen: " + at + "\npublic: https://bot.example.org\nacknowledge: true\nyes: true\n"
	files := map[string]map[string]string{
		"none": nil,
		"configuration": {"postern.yaml": config, "config.yaml": config, "config.json": `{"listen":"` + at + `","acknowledged":true}`, ".env": "POSTERN_LISTEN=" + at,
			"acknowledgements.json":       `{"webhook":{"account":"webhook","bind":"` + at + `","host":"bot.example.org","version":1,"ends":"2099-01-01T00:00:00Z"}}`,
			".config/postern/config.yaml": config},
	}
	type start struct {
		flag, env, file string
	}
	var all []start
	for _, flag := range flags {
		for env := range environments {
			for file := range files {
				all = append(all, start{flag, env, file})
			}
		}
	}
	t.Logf("%d starts", len(all))
	room := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			if err := opens(t, template, s.flag, environments[s.env], files[s.file]); err != nil {
				t.Errorf("flag %q, environment %q, files %q: %v", s.flag, s.env, s.file, err)
			}
		})
	}
	wg.Wait()
}

// opens starts a copy of a house and reports what listens in it that strangers
// could reach.
func opens(t testing.TB, of *house, flag string, env []string, files map[string]string) error {
	dir := t.TempDir()
	if err := copyFolder(dir, of.dir); err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	args := []string{"--headless", "--data", dir, "--passphrase-file", of.pass}
	if flag != "" {
		args = append(args, flag)
	}
	cmd := exec.Command(of.bin, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir}, env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	defer func() { _ = cmd.Process.Kill(); <-ended }()
	demo := flag == "--demo"
	settled := func() bool {
		folder := dir
		if demo {
			found, _ := filepath.Glob(filepath.Join(dir, "postern-demo-*"))
			if len(found) == 0 {
				return false
			}
			folder = found[0]
		}
		c := client.New(folder)
		defer c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		s, err := c.Snapshot(ctx)
		if err != nil || len(s.Accounts) == 0 {
			return false
		}
		for _, a := range s.Accounts {
			if a.Status == api.Connecting {
				return false
			}
		}
		return demo && len(s.Accounts) > 5 || !demo
	}
	for deadline := time.Now().Add(40 * time.Second); !settled(); {
		select {
		case <-ended:
			return fmt.Errorf("it ended, so that nothing was tried: %s", said.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it never settled")
		}
	}
	for _, a := range sockets(t, cmd.Process.Pid) {
		if exposure.OfAddress(a.Addr()) != exposure.ThisComputer || !demo {
			return fmt.Errorf("it listens on %v", a)
		}
	}
	return nil
}

// TestForgedAcknowledgements edits the journal as a program could that runs as
// the same user.
func TestForgedAcknowledgements(t *testing.T) {
	bind := freeBind(t)
	h, c := hooked(t, bind)
	v, err := c.Exposure(t.Context())
	if err != nil || len(v.Doors) != 1 || len(v.Doors[0].Paths) != 1 {
		t.Fatalf("%v %+v", err, v)
	}
	forged := map[string]any{"webhook": map[string]any{"account": "webhook", "bind": bind, "paths": v.Doors[0].Paths, "host": "bot.example.org", "version": 1,
		"made": time.Now().UTC(), "ends": time.Now().UTC().Add(24 * time.Hour), "by": "window", "seal": make([]byte, 32)}}
	h.stop()
	raw, err := json.Marshal(forged)
	if err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(h.dir, "journal.db"), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("settings")).Put([]byte("acknowledgements"), raw) })
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	c = h.start()
	becomes(t, c, "webhook", api.Blocked)
	if got := sockets(t, h.cmd.Process.Pid); len(got) > 0 {
		t.Errorf("listening: %v", got)
	}
	out, err := h.command("audit", "list").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("does not bear the seal")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestOnlyAPersonAcknowledges asks as a program would.
func TestOnlyAPersonAcknowledges(t *testing.T) {
	h, c := hooked(t, freeBind(t))
	raw := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", control.SocketPath(h.dir))
	}}}
	defer raw.CloseIdleConnections()
	for _, path := range []string{"open", "question", "acknowledge"} {
		for _, header := range []string{"", api.TerminalHeader, "Authorization", "Postern-Person"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://postern/v1/doors/webhook/"+path, strings.NewReader(`{"nonce":"x","typed":"bot.example.org","items":{},"days":1}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = api.Host
			req.Header.Set("Content-Type", "application/json")
			if header != "" {
				req.Header.Set(header, "yes")
			}
			resp, err := raw.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte("Only a person")) {
				t.Errorf("%s with %q: %d %s", path, header, resp.StatusCode, body)
			}
		}
	}
	if _, err := c.Ask(client.AtTerminal(t.Context()), "webhook"); err == nil {
		t.Error("another program than Postern passed for a terminal")
	}
	for name, set := range map[string]func(*exec.Cmd){
		"no input":     func(*exec.Cmd) {},
		"a pipe":       func(cmd *exec.Cmd) { cmd.Stdin = strings.NewReader(strings.Repeat("y\n", 7) + "1\nbot.example.org\n") },
		"a file":       func(cmd *exec.Cmd) { cmd.Stdin, _ = os.Open("/dev/zero") },
		"an own group": func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} },
	} {
		cmd := h.command("doors", "open", "webhook")
		set(cmd)
		if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("only a person")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	for _, flag := range []string{"--yes", "--force", "--acknowledge", "--days=1", "--typed=bot.example.org"} {
		if out, err := h.command("doors", "open", "webhook", flag).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("unknown flag")) {
			t.Errorf("%s: %v\n%s", flag, err, out)
		}
	}
	if got := sockets(t, h.cmd.Process.Pid); len(got) > 0 {
		t.Errorf("listening: %v", got)
	}
}

// atTerminal runs a command with a terminal of its own, at which somebody types
// an answer to each question.
func atTerminal(t *testing.T, cmd *exec.Cmd, answers [][2]string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	defer master.Close()
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	var seen, fresh strings.Builder
	r := bufio.NewReader(master)
	for {
		b, err := r.ReadByte()
		if err != nil { // the last one to have the terminal is gone
			break
		}
		seen.WriteByte(b)
		fresh.WriteByte(b)
		if len(answers) > 0 && strings.HasSuffix(fresh.String(), answers[0][0]) {
			fresh.Reset()
			if _, err := io.WriteString(master, answers[0][1]+"\n"); err != nil {
				t.Fatal(err)
			}
			answers = answers[1:]
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, seen.String())
	}
	return seen.String()
}

// TestAPersonAtATerminal opens a door as a person does, has it called, and
// closes it.
func TestAPersonAtATerminal(t *testing.T) {
	bind := freeBind(t)
	h, c := hooked(t, bind)
	var answers [][2]string
	for range 7 {
		answers = append(answers, [2]string{"[y/n] ", "n"})
	}
	answers = append(answers, [2]string{"[1/30/90] ", "1"}, [2]string{"to keep it closed: ", "bot.example.org"})
	seen := atTerminal(t, h.command("doors", "open", "webhook"), answers)
	for _, want := range []string{bind, "bot.example.org", "Strangers will be able to send bytes", "Acknowledged until"} {
		if !strings.Contains(seen, want) {
			t.Errorf("%q was not shown:\n%s", want, seen)
		}
	}
	becomes(t, c, "webhook", api.Connected)
	if got := sockets(t, h.cmd.Process.Pid); len(got) != 1 || got[0].String() != bind {
		t.Fatalf("listening: %v", got)
	}
	v, err := c.Exposure(t.Context())
	if err != nil || len(v.Doors) != 1 {
		t.Fatalf("%v %+v", err, v)
	}
	d := v.Doors[0]
	if d.Level != exposure.Public || d.Ack == nil || d.Ack.By != "terminal" || len(d.Ack.NotDone) != 7 {
		t.Errorf("%+v", d)
	}
	push := `{"repository":{"full_name":"octo/door"},"sender":{"login":"octocat"},"ref":"refs/heads/main","commits":[],"pusher":{"name":"octocat"}}`
	post := func(secret string) int {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(push))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+bind+d.Paths[0], strings.NewReader(push))
		if err != nil {
			t.Fatal(err)
		}
		req.Host, req.Close = "bot.example.org", true
		req.Header.Set("X-GitHub-Event", "push")
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := post("another-secret-0123456789"); got != http.StatusNotFound {
		t.Errorf("a forged push got %d", got)
	}
	for range 2 { // the second time it is known already
		if got := post(hookSecret); got != http.StatusOK {
			t.Errorf("a push got %d", got)
		}
	}
	out, err := h.command("inbox", "--json").CombinedOutput()
	if err != nil || bytes.Count(out, []byte(`"octo/door"`)) == 0 || !bytes.Contains(out, []byte(`"unread": 1`)) {
		t.Errorf("inbox: %v\n%s", err, out)
	}

	began := time.Now()
	if out, err := h.command("doors", "close", "--all").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if post(hookSecret) != 0 {
		t.Error("it is open after it was closed")
	}
	t.Logf("closed %s after the command was started", time.Since(began).Round(time.Millisecond))
	h.stop()
	c = h.start()
	becomes(t, c, "webhook", api.Blocked)
	if got := sockets(t, h.cmd.Process.Pid); len(got) > 0 {
		t.Errorf("after a restart it listens on %v", got)
	}
	page, err := c.Audit(t.Context(), 0, 0)
	if err != nil || page.State.Broken != 0 {
		t.Fatalf("%v %+v", err, page.State)
	}
	said := map[string]string{}
	for _, l := range page.Lines {
		said[l.What] = l.Who
		if strings.Contains(l.Text, hookSecret) {
			t.Error("the record holds a secret")
		}
	}
	for what, who := range map[string]string{"acknowledged": "terminal", "opened": "postern", "closed": "", "refused": "postern"} {
		if by, ok := said[what]; !ok || who != "" && by != who {
			t.Errorf("%s by %q", what, by)
		}
	}
	log, err := os.ReadFile(filepath.Join(h.dir, "postern.log"))
	if err != nil || bytes.Contains(log, []byte(hookSecret)) || bytes.Contains(log, []byte(d.Paths[0])) || bytes.Contains(log, []byte("octo/door")) {
		t.Error("the log holds a secret, a path or a body")
	}
}
