package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// resolver answers every question for an IPv4 address with what next gives, in
// DNS over TCP (RFC 1035 §4.2.2), and all others with nothing.
func resolver(t *testing.T, next func() []netip.Addr) *net.Resolver {
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		wg.Go(func() {
			defer theirs.Close()
			var size [2]byte
			if _, err := io.ReadFull(theirs, size[:]); err != nil {
				return
			}
			q := make([]byte, binary.BigEndian.Uint16(size[:]))
			if _, err := io.ReadFull(theirs, q); err != nil {
				return
			}
			end := 12 // of the question's name
			for q[end] != 0 {
				end += int(q[end]) + 1
			}
			end += 5
			var addrs []netip.Addr
			if binary.BigEndian.Uint16(q[end-4:]) == 1 { // A
				addrs = next()
			}
			out := append([]byte{0, 0}, q[:2]...)
			out = append(out, 0x81, 0x80, 0, 1, 0, byte(len(addrs)), 0, 0, 0, 0)
			out = append(out, q[12:end]...)
			for _, a := range addrs {
				out = append(out, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				out = append(out, a.AsSlice()...)
			}
			binary.BigEndian.PutUint16(out, uint16(len(out)-2))
			_, _ = theirs.Write(out)
		})
		return ours, nil
	}}
}

// named is url with a name instead of its address.
func named(url string) string { return strings.Replace(url, "127.0.0.1", "robot.example", 1) }

func TestNameMayChangeItsAddress(t *testing.T) {
	var came atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		came.Add(1)
		w.Header().Set("Connection", "close") // so that each event dials
	})
	addrs := []string{"127.0.0.1", "93.184.215.14", "10.0.0.1", "169.254.169.254", "0.0.0.0", "127.0.0.1"}
	var asked atomic.Int32
	res := resolver(t, func() []netip.Addr {
		return []netip.Addr{netip.MustParseAddr(addrs[asked.Add(1)-1])}
	})
	r := build(t, named(url), Options{Resolver: res})
	for i, a := range addrs {
		_, err := r.Respond(context.Background(), delivery("x"))
		if a == "127.0.0.1" {
			if err != nil {
				t.Fatalf("event %d, for %s: %v", i, a, err)
			}
			continue
		}
		e := wantKind(t, err, platforms.NotAcknowledged)
		if !strings.Contains(e.Text, a) {
			t.Errorf("the sentence doesn't name the address: %s", e.Text)
		}
	}
	if came.Load() != 2 || int(asked.Load()) != len(addrs) {
		t.Errorf("%d requests came, %d names were looked up", came.Load(), asked.Load())
	}
}

// TestReach asks about addresses before a socket is connected: control is what
// net.Dialer calls between the two.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		url, addr string
		reach     exposure.Reach
		ok        bool
	}{
		{"http://x.example", "127.0.0.1:80", exposure.ThisComputer, true},
		{"http://x.example", "127.8.8.8:80", exposure.ThisComputer, true},
		{"http://x.example", "[::1]:80", exposure.ThisComputer, true},
		{"http://x.example", "[::ffff:127.0.0.1]:80", exposure.ThisComputer, true},
		{"http://x.example", "[::ffff:8.8.8.8]:80", exposure.ThisComputer, false},
		{"http://localhost", "8.8.8.8:80", exposure.ThisComputer, false}, // a lying hosts file
		{"http://x.example", "192.168.1.2:80", exposure.ThisComputer, false},
		{"http://x.example", "192.168.1.2:80", exposure.Network, true},
		{"http://x.example", "[fe80::1%eth0]:80", exposure.Network, true},
		{"http://x.example", "0.0.0.0:80", exposure.Network, false},
		{"https://x.example", "8.8.8.8:443", exposure.Network, false},
		{"https://x.example", "[64:ff9b::808:808]:443", exposure.Network, false},
		{"https://x.example", "8.8.8.8:443", exposure.Anyone, true},
		{"http://x.example", "8.8.8.8:80", exposure.Anyone, false}, // in the clear
		{"http://x.example", "169.254.169.254:80", exposure.Anyone, false},
		{"http://x.example", "[fd00:ec2::254]:80", exposure.Network, false},
		{"http://x.example", "[::ffff:169.254.169.254]:80", exposure.Network, false},
		{"http://169.254.169.254", "169.254.169.254:80", exposure.Network, true}, // written by the person
		{"http://x.example", "nonsense", exposure.Anyone, false},
	} {
		r := build(t, c.url, Options{}, func(k *Config) { k.Reach = c.reach })
		err := r.control(context.Background(), "tcp", c.addr, nil)
		if (err == nil) != c.ok {
			t.Errorf("%s at %s within %d: %v", c.url, c.addr, c.reach, err)
		}
		if err != nil {
			wantKind(t, err, platforms.NotAcknowledged)
		}
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	if r := build(t, "http://127.0.0.1:2", Options{}); r.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("through a proxy, the address is not known")
	}
}

func TestFewAtOnce(t *testing.T) {
	const most = 3
	came, hold := make(chan struct{}, 100), make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		<-hold
	})
	r := build(t, url, Options{}, func(c *Config) { c.Parallel = most })
	r.client.Transport.(*http.Transport).MaxConnsPerHost = 0 // the responder's own bound is meant
	var wg sync.WaitGroup
	for range most {
		wg.Go(func() {
			if _, err := r.Respond(context.Background(), delivery("x")); err != nil {
				t.Error(err)
			}
		})
	}
	for range most {
		<-came
	}
	full := *r
	full.c.Timeout = 20 * time.Millisecond
	_, err := full.Respond(context.Background(), delivery("x"))
	if e := wantKind(t, err, platforms.Temporary); e.RetryAfter == 0 {
		t.Error("it doesn't say when to come back")
	}
	if len(came) > 0 {
		t.Error("one more was let through")
	}
	close(hold)
	wg.Wait()
	if _, err := r.Respond(context.Background(), delivery("x")); err != nil {
		t.Errorf("after all were answered: %v", err)
	}
}

func TestStopping(t *testing.T) {
	came := make(chan struct{})
	url := raw(t, func(c net.Conn) { close(came); drain(c) })
	r := build(t, url, Options{}, func(c *Config) { c.Parallel = 1 })
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error, 2)
	go func() { _, err := r.Respond(ctx, delivery("x")); errs <- err }()
	<-came
	go func() { _, err := r.Respond(ctx, delivery("y")); errs <- err }() // waits for the first
	cancel()
	for range 2 {
		err := <-errs
		var e *platforms.Error // would be told to the person
		if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
			t.Errorf("stopped with %v", err)
		}
	}
}

// TestRefusedAddressIsNotEvenConnected has a server at an address that is too
// far by a bound that only this test can set.
func TestRefusedAddressIsNotEvenConnected(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{}, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			came <- struct{}{}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	res := resolver(t, func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	r := build(t, named("http://"+l.Addr().String()+"/path-token"), Options{Resolver: res})
	r.c.Reach = exposure.ThisComputer - 1
	_, err = r.Respond(context.Background(), delivery("x"))
	wantKind(t, err, platforms.NotAcknowledged)
	// Allowed, it comes; and as connections are accepted in order, none came before.
	r.c.Reach = exposure.ThisComputer
	_, err = r.Respond(context.Background(), delivery("x"))
	wantKind(t, err, platforms.Temporary)
	<-came
	if len(came) > 0 {
		t.Error("a connection came that was not allowed")
	}
}
