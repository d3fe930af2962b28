package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
)

// benching skips unless figures are asked for: POSTERN_BENCH=1, as make bench
// sets it.
func benching(t *testing.T) {
	t.Helper()
	if os.Getenv("POSTERN_BENCH") == "" {
		t.Skip("set POSTERN_BENCH=1 to measure")
	}
	model := "unknown processor"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	t.Logf("%s, %d cores, %s/%s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}

func quantile(d []time.Duration, q float64) time.Duration {
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))]
}

// TestBenchStart measures from exec to the first poll, and the stop. A sealed
// vault's key derivation is part of it, and slow on purpose; with the keyring of
// a desktop session, where there is one, it is not.
func TestBenchStart(t *testing.T) {
	benching(t)
	t.Run("sealed file", func(t *testing.T) { benchStart(t, newHouse(t)) })
	t.Run("keyring", func(t *testing.T) {
		if os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
			t.Skip("no desktop session")
		}
		bin, err := built()
		if err != nil {
			t.Fatal(err)
		}
		h := &house{t: t, dir: t.TempDir(), bin: bin}
		t.Cleanup(h.kill)
		benchStart(t, h)
	})
}

func benchStart(t *testing.T, h *house) {
	s := emulate(t, testToken)
	a := h.account(h.start(), s, testToken)
	becomes(t, h.await(), a.ID, api.Connected)
	h.stop()
	polls := func() (n int) {
		for _, c := range s.Calls() {
			if c.Method == "getUpdates" {
				n++
			}
		}
		return n
	}
	var starts, stops []time.Duration
	for range 10 {
		before, began := polls(), time.Now()
		h.launch()
		if err := s.WaitCalls(t.Context(), "getUpdates", before+1); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, time.Since(began))
		h.await()
		began = time.Now()
		h.stop()
		stops = append(stops, time.Since(began))
	}
	t.Logf("start → first poll: median %v, worst %v", quantile(starts, .5), quantile(starts, 1))
	t.Logf("SIGTERM → ended: median %v, worst %v", quantile(stops, .5), quantile(stops, 1))
}

// TestBenchIdle measures what one idle account costs.
func TestBenchIdle(t *testing.T) {
	benching(t)
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	s := emulate(t, testToken)
	h := newHouse(t)
	c := h.start()
	becomes(t, c, h.account(c, s, testToken).ID, api.Connected)
	c.Close()
	time.Sleep(10 * time.Second)
	ticks, switches, _ := usage(t, h.cmd.Process.Pid)
	time.Sleep(20 * time.Second)
	ticks2, switches2, rss := usage(t, h.cmd.Process.Pid)
	t.Logf("resident %.1f MB | CPU %d ms in 20 s (resolution 10 ms) | voluntary switches %.1f/s",
		float64(rss)/1024, (ticks2-ticks)*10, float64(switches2-switches)/20)
}

// usage is a process's CPU time in hundredths of a second, the voluntary
// context switches of its threads, and its resident kilobytes.
func usage(t *testing.T, pid int) (ticks, switches, rss int) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	read := func(path, key string) int {
		data, _ := os.ReadFile(path)
		for _, line := range strings.Split(string(data), "\n") {
			if v, ok := strings.CutPrefix(line, key+":"); ok {
				n, _ := strconv.Atoi(strings.Fields(v)[0])
				return n
			}
		}
		return 0
	}
	for _, path := range tasks {
		switches += read(path, "voluntary_ctxt_switches")
	}
	return user + system, switches, read(fmt.Sprintf("/proc/%d/status", pid), "VmRSS")
}
