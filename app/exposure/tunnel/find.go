package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

const (
	wholeTime  = 3 * time.Second        // one Find
	answerTime = 500 * time.Millisecond // one question to a local program
	answerSize = 1 << 20                // bytes
	most       = 256                    // tunnels of one Find
)

// Process is a running program. Args begins with the program itself and is
// empty where the system does not show it; Dir is "" where it does not.
type Process struct {
	Name string
	Args []string
	Dir  string
}

// Finder finds tunnels. The zero Finder asks this computer; a field that is set
// is asked instead.
type Finder struct {
	Home      string                                        // of this user
	Processes func(ctx context.Context) ([]Process, error)  // those whose name is wanted
	Read      func(path string) ([]byte, error)             // a file
	Look      func(program string) (path string, err error) // as exec.LookPath
	Run       func(ctx context.Context, path string, args ...string) ([]byte, error)
	Get       func(ctx context.Context, url string) ([]byte, error) // of this computer only

	CloudflaredPorts []uint16 // of metrics servers, where no argument names one
	NgrokPorts       []uint16 // of agents' pages
}

// ready is f with what asks this computer in its empty places.
func (f Finder) ready() *Finder {
	if f.Home == "" {
		f.Home, _ = os.UserHomeDir() // without one, only the system's files count
	}
	if f.Processes == nil {
		f.Processes = processes
	}
	if f.Read == nil {
		f.Read = read
	}
	if f.Look == nil {
		f.Look = exec.LookPath
	}
	if f.Run == nil {
		f.Run = run
	}
	if f.Get == nil {
		f.Get = get
	}
	if f.CloudflaredPorts == nil {
		f.CloudflaredPorts = []uint16{20241, 20242, 20243, 20244, 20245}
	}
	if f.NgrokPorts == nil {
		f.NgrokPorts = []uint16{4040, 4041, 4042, 4043, 4044, 4045, 4046, 4047, 4048, 4049}
	}
	return &f
}

// Find is the tunnels that run now, sorted, in at most three seconds. With an
// error the list holds what was learnt nonetheless, and is not to be trusted
// to be whole.
func (f *Finder) Find(ctx context.Context) ([]Tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	f = f.ready()
	var tails, others []Tunnel
	var tailsErr, othersErr error
	daemon := false
	var both sync.WaitGroup
	both.Go(func() { tails, tailsErr = f.tailscale(ctx) })
	both.Go(func() {
		running, err := f.Processes(ctx)
		if err != nil {
			othersErr = fmt.Errorf("list programs: %w", err)
		}
		named := make(map[string][]Process)
		for _, p := range running {
			named[wanted(p.Name)] = append(named[wanted(p.Name)], p)
		}
		daemon = len(named["tailscaled"]) > 0
		others = append(f.cloudflared(ctx, named["cloudflared"]), f.ngrok(ctx, named["ngrok"])...)
	})
	both.Wait()
	if tailsErr != nil && othersErr == nil && !daemon && ctx.Err() == nil {
		tailsErr = nil // installed, but its service does not run: nothing is published
	} else if tailsErr != nil {
		tails = append(tails, Tunnel{Program: Funnel, Scope: Internet, Unknown: true})
	}
	list := tidy(append(tails, others...))
	err := errors.Join(tailsErr, othersErr)
	if len(list) > most {
		list, err = list[:most], errors.Join(err, fmt.Errorf("more than %d tunnels", most))
	}
	return list, err
}

// wanted is the program a process name stands for, "" for one of no interest.
func wanted(name string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".exe")
	switch name {
	case "cloudflared", "ngrok", "tailscaled":
		return name
	case "ipnextension": // of the App Store's Tailscale
		return "tailscaled"
	}
	// io.tailscale.ipn.macsys.network-extension; macOS may cut names at 15 bytes.
	// The program we ask is called tailscale too, so that name says nothing.
	if strings.HasPrefix(name, "io.tailscale.ip") {
		return "tailscaled"
	}
	return ""
}

// tidy sorts, and drops what another entry says as well or better: arguments
// name a target without the address that leads there.
func tidy(list []Tunnel) []Tunnel {
	slices.SortFunc(list, func(a, b Tunnel) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Target, b.Target), cmp.Compare(b.Public, a.Public))
	})
	var out []Tunnel
	for _, t := range list {
		if n := len(out); n > 0 && !t.Unknown {
			last := out[n-1]
			if last == t || t.Public == "" && last.Target == t.Target && last.Program == t.Program && last.Scope == t.Scope {
				continue
			}
		}
		out = append(out, t)
	}
	return out
}

// each runs do for 0 to n-1 at the same time, and waits.
func each(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

func processes(ctx context.Context) ([]Process, error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, err
	}
	var list []Process
	for _, pid := range pids {
		if ctx.Err() != nil {
			return list, ctx.Err()
		}
		name, err := nameOf(ctx, pid)
		if err != nil || wanted(name) == "" { // gone meanwhile, or of no interest
			continue
		}
		p := process.Process{Pid: pid}
		found := Process{Name: name}
		// What the system keeps from us stays empty, and the tunnel Unknown.
		found.Args, _ = p.CmdlineSliceWithContext(ctx)
		found.Dir, _ = p.CwdWithContext(ctx)
		list = append(list, found)
	}
	return list, nil
}

func read(path string) ([]byte, error) {
	// To open a pipe would wait for whoever writes to it.
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, cmp.Or(err, errors.New("not a file"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return all(f)
}

var errTooLong = errors.New("the answer is too long")

// all reads to the end, answerSize bytes at most.
func all(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, answerSize+1))
	if err == nil && len(b) > answerSize {
		err = errTooLong
	}
	return b, err
}

// run is a program's output. What it prints as errors is not kept.
func run(ctx context.Context, path string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = answerTime // for children that keep the pipe open
	var out bounded
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return out.b, nil
}

// bounded keeps answerSize bytes; more is an error, which closes the pipe that
// the program writes to.
type bounded struct{ b []byte }

func (w *bounded) Write(p []byte) (int, error) {
	if len(w.b)+len(p) > answerSize {
		return 0, errTooLong
	}
	w.b = append(w.b, p...)
	return len(p), nil
}

// get asks a local program. No proxy, no redirect: the question stays on this
// computer.
func get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, errors.New("not an address")
	}
	if addr, ok := loopback(req.URL.Host); !ok || addr != req.URL.Host {
		return nil, errors.New("not an address of this computer")
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return all(resp.Body)
}
