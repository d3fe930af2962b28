package ingress

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestForwarded: what a stranger writes into X-Forwarded-For is never believed,
// with or without a proxy.
func TestForwarded(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	long := strings.Repeat("203.0.113.9, ", 2000)
	for _, c := range []struct {
		peer string
		xff  []string
		want string
	}{
		{"198.51.100.7:5", []string{"203.0.113.1"}, "198.51.100.7"}, // no proxy: not believed
		{"192.0.2.1:5", []string{"203.0.113.1"}, "203.0.113.1"},
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{""}, "192.0.2.1"},
		{"192.0.2.1:5", []string{"127.0.0.1, 203.0.113.1"}, "203.0.113.1"}, // forged on the left
		{"192.0.2.1:5", []string{"127.0.0.1", "203.0.113.1"}, "203.0.113.1"},
		{"192.0.2.1:5", []string{"203.0.113.1, 192.0.2.9, [2001:db8::1]:443"}, "203.0.113.1"},
		{"192.0.2.1:5", []string{"203.0.113.1:8080"}, "203.0.113.1"},
		{"192.0.2.1:5", []string{"[2001:4860::1]"}, "2001:4860::1"},
		{"192.0.2.1:5", []string{"::ffff:203.0.113.1"}, "203.0.113.1"},
		{"192.0.2.1:5", []string{"fe80::1%eth0"}, "fe80::1"},
		{"192.0.2.1:5", []string{"127.0.0.1, unknown"}, "192.0.2.1"},
		{"192.0.2.1:5", []string{"127.0.0.1, " + strings.Repeat("9", 5000)}, "192.0.2.1"},
		{"192.0.2.1:5", []string{"127.0.0.1,,"}, "192.0.2.1"},
		{"192.0.2.1:5", []string{"203.0.113.1\x00"}, "192.0.2.1"},
		{"192.0.2.1:5", []string{"0x7f.1"}, "192.0.2.1"},
		{"192.0.2.1:5", []string{"127.0.0.1, " + strings.Repeat("192.0.2.3, ", 40) + "192.0.2.2"}, "192.0.2.1"}, // longer than any real chain
		{"192.0.2.1:5", []string{long + "203.0.113.1"}, "203.0.113.1"},
		{"[2001:db8::7]:5", []string{"203.0.113.1"}, "203.0.113.1"},
		{"[::ffff:192.0.2.1]:5", []string{"203.0.113.1"}, "203.0.113.1"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.xff, "X-Real-Ip": {"127.0.0.1"}, "Forwarded": {"for=127.0.0.1"}}}
		if got := source(r, proxies); got.String() != c.want {
			t.Errorf("%s with %.60q is from %s, want %s", c.peer, c.xff, got, c.want)
		}
	}
}

// oracle says the same as source in other words: from the right, the first of at
// most 16 hops that is no proxy; nothing that can't be read is passed over.
func oracle(peer netip.Addr, header []string, proxies []netip.Prefix) netip.Addr {
	trusted := func(a netip.Addr) bool {
		for _, p := range proxies {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	if !trusted(peer) {
		return peer
	}
	var hops []string
	for _, line := range header {
		hops = append(hops, strings.Split(line, ",")...)
	}
	for n := 1; n <= 16 && n <= len(hops); n++ {
		word := strings.TrimSpace(hops[len(hops)-n])
		var a netip.Addr
		if ap, err := netip.ParseAddrPort(word); err == nil && len(word) <= 64 {
			a = ap.Addr()
		} else if b, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil && len(word) <= 64 {
			a = b
		} else {
			return peer
		}
		if a = a.Unmap().WithZone(""); !trusted(a) {
			return a
		}
	}
	return peer
}

// FuzzSource holds source against the oracle. Whoever sends the header, what a
// proxy added last decides.
func FuzzSource(f *testing.F) {
	for _, s := range []string{"", "203.0.113.1", "127.0.0.1, 203.0.113.1", "[2001:db8::1]:443\n192.0.2.2", "unknown", ",,,", "fe80::1%eth0", "::ffff:192.0.2.1", "[1.2.3.4]", "1.2.3.4:99999", "192.0.2.3,192.0.2.4"} {
		f.Add(s, "192.0.2.1", true)
		f.Add(s, "198.51.100.1", false)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	f.Fuzz(func(t *testing.T, header, added string, known bool) {
		lines := strings.Split(header, "\n")
		for _, peer := range []string{"192.0.2.1", "198.51.100.7", "2001:db8::5"} {
			r := &http.Request{RemoteAddr: netip.AddrPortFrom(netip.MustParseAddr(peer), 443).String(), Header: http.Header{"X-Forwarded-For": lines}}
			got, want := source(r, proxies), oracle(netip.MustParseAddr(peer), lines, proxies)
			if got != want {
				t.Fatalf("from %s with %q: %s, want %s", peer, lines, got, want)
			}
			if !got.IsValid() {
				t.Fatal("nobody sent it")
			}
		}
		// What stands left of a real address changes nothing.
		a, err := netip.ParseAddr(added)
		if err != nil || a.Unmap().Zone() != "" || within(proxies, a.Unmap()) {
			return
		}
		r := &http.Request{RemoteAddr: "192.0.2.1:443", Header: http.Header{"X-Forwarded-For": append(lines, a.String())}}
		if got := source(r, proxies); got != a.Unmap() {
			t.Fatalf("%q before %s made it %s", lines, a, got)
		}
	})
}

// TestSourcesAreBounded, whatever order they come in.
func TestSourcesAreBounded(t *testing.T) {
	l := Usual()
	l.Sources = 100
	s := newSources(l)
	r := rand.New(rand.NewPCG(1, 2))
	now := time.Now()
	for range 20_000 {
		var b [4]byte
		b[0], b[2], b[3] = 10, byte(r.IntN(4)), byte(r.IntN(256))
		a := netip.AddrFrom4(b)
		switch r.IntN(3) {
		case 0:
			s.turnedAway(a, now)
		case 1:
			s.proved(a, now)
		default:
			s.shunned(a, now)
		}
		if s.len() > 100 || len(s.known) != s.order.Len() {
			t.Fatalf("%d sources, %d in order", len(s.known), s.order.Len())
		}
	}
}
