package wake

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var discardLog = slog.New(slog.DiscardHandler)

// inNamespace runs this test again in a network of its own, where it may change
// addresses, and reports whether this is that run.
func inNamespace(t *testing.T) bool {
	t.Helper()
	const mark = "POSTERN_TEST_IN_NETNS"
	if os.Getenv(mark) != "" {
		return true
	}
	for _, name := range []string{"unshare", "ip"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed: the kernel's network messages stay untested")
		}
	}
	args := []string{"-rn"}
	if os.Geteuid() == 0 {
		args = []string{"-n"}
	}
	if out, err := exec.Command("unshare", append(args, "ip", "link", "set", "lo", "up")...).CombinedOutput(); err != nil {
		t.Skipf("no network namespace is allowed here, so the kernel's network messages stay untested: %s", out)
	}
	cmd := exec.Command("unshare", append(args, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")...)
	cmd.Env = append(os.Environ(), mark+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a network of its own: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	return false
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v %s", args, err, out)
	}
}

func TestKernelNet(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	ip(t, "link", "set", "lo", "up")
	ip(t, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
	ip(t, "link", "set", "v0", "up")
	ip(t, "link", "set", "v1", "up")

	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan event, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		kernelNet(ctx, discardLog, func(e event) { events <- e })
	}()
	defer func() { cancel(); <-done }()

	expect := func(t *testing.T) {
		t.Helper()
		select {
		case e := <-events:
			if e.kind != network {
				t.Errorf("got %+v", e)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the change was not noticed")
		}
	}
	drain := func() {
		for len(events) > 0 {
			<-events
		}
	}

	t.Run("an address comes", func(t *testing.T) {
		// The socket may not be open yet: add addresses until one is noticed.
		for i := 1; i < 200 && len(events) == 0; i++ {
			ip(t, "addr", "add", "10.9.8."+string(rune('0'+i%10))+"/32", "dev", "v0")
			ip(t, "addr", "del", "10.9.8."+string(rune('0'+i%10))+"/32", "dev", "v0")
		}
		expect(t)
	})
	t.Run("an address goes", func(t *testing.T) {
		ip(t, "addr", "add", "10.9.7.1/24", "dev", "v0")
		expect(t)
		drain()
		ip(t, "addr", "del", "10.9.7.1/24", "dev", "v0")
		expect(t)
	})
	t.Run("an IPv6 address comes", func(t *testing.T) {
		drain()
		ip(t, "addr", "add", "2001:db8::7/64", "dev", "v0", "nodad")
		expect(t)
	})
	t.Run("the cable of an interface with an address is pulled", func(t *testing.T) {
		ip(t, "addr", "add", "10.9.6.1/24", "dev", "v0")
		expect(t)
		drain()
		ip(t, "link", "set", "v1", "down")
		expect(t)
	})
	t.Run("a container's interface means nothing", func(t *testing.T) {
		ip(t, "link", "set", "v1", "up")
		expect(t)
		// What follows is told apart by a marker: the next event must be its.
		before, err := fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		ip(t, "link", "add", "v2", "type", "veth", "peer", "name", "v3")
		ip(t, "link", "set", "v2", "up")
		ip(t, "link", "set", "v3", "up")
		ip(t, "addr", "add", "169.254.9.9/16", "dev", "v2")
		if after, err := fingerprint(); err != nil || after != before {
			t.Errorf("it counts: %q, then %q, %v", before, after, err)
		}
	})
}

func TestRemovedAddress(t *testing.T) {
	message := func(kind uint16, address ...byte) []byte {
		m := make([]byte, unix.NLMSG_HDRLEN+unix.SizeofIfAddrmsg+unix.SizeofRtAttr)
		m = append(m, address...)
		native(m, 0, uint32(len(m)))
		m[4], m[5] = byte(kind), byte(kind>>8)
		attr := unix.NLMSG_HDRLEN + unix.SizeofIfAddrmsg
		m[attr], m[attr+2] = byte(unix.SizeofRtAttr+len(address)), unix.IFA_ADDRESS
		return m
	}
	two := append(message(unix.RTM_NEWADDR, 10, 0, 0, 1), message(unix.RTM_DELADDR, 10, 0, 0, 1)...)
	for _, tt := range []struct {
		name string
		in   []byte
		want bool
	}{
		{"removed", message(unix.RTM_DELADDR, 10, 0, 0, 1), true},
		{"the second message", two, true},
		{"added", message(unix.RTM_NEWADDR, 10, 0, 0, 1), false},
		{"link-local", message(unix.RTM_DELADDR, 169, 254, 1, 1), false},
		{"loopback", message(unix.RTM_DELADDR, 127, 0, 0, 1), false},
		{"an address of no length", message(unix.RTM_DELADDR), false},
		{"nothing", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := removedAddress(tt.in); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("a message cut anywhere is survived", func(t *testing.T) {
		for n := range two {
			removedAddress(two[:n])
			for _, b := range []byte{0, 1, 0xff} {
				bad := append([]byte(nil), two...)
				bad[n] = b
				removedAddress(bad)
			}
		}
	})
}

func native(b []byte, at int, v uint32) {
	b[at], b[at+1], b[at+2], b[at+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}
