package sockets

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func open(t *testing.T, network, addr string) (net.Listener, Socket) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		if network == "tcp6" {
			t.Skipf("no IPv6 here: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ap := l.Addr().(*net.TCPAddr).AddrPort()
	return l, Socket{Addr: netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())}
}

func listening(t *testing.T) []Socket {
	t.Helper()
	list, err := Listening()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(list, sorted(slices.Clone(list))) {
		t.Errorf("not sorted or not unique: %v", list)
	}
	return list
}

func TestListeningShowsWhatIsOpenAndNothingElse(t *testing.T) {
	for _, c := range []struct{ network, addr string }{
		{"tcp4", "127.0.0.1:0"}, {"tcp4", "0.0.0.0:0"}, {"tcp6", "[::1]:0"}, {"tcp6", "[::]:0"}, {"tcp", ":0"},
	} {
		t.Run(c.network+" "+c.addr, func(t *testing.T) {
			l, want := open(t, c.network, c.addr)
			list := listening(t)
			if !slices.ContainsFunc(list, func(s Socket) bool {
				// Not every system tells the two wildcards apart.
				return s == want || s.Addr.Port() == want.Addr.Port() && s.Addr.Addr().IsUnspecified() && want.Addr.Addr().IsUnspecified()
			}) {
				t.Errorf("%v is not in %v", want, list)
			}
			l.Close()
			for _, s := range listening(t) {
				if s.Addr.Port() == want.Addr.Port() {
					t.Errorf("%v shows after it was closed", s)
				}
			}
		})
	}
}

func TestConnectedSocketIsNotListening(t *testing.T) {
	l, want := open(t, "tcp4", "127.0.0.1:0")
	near, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept() // has the listener's own address
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	port := uint16(near.LocalAddr().(*net.TCPAddr).Port)
	if list := listening(t); !slices.Contains(list, want) || slices.ContainsFunc(list, func(s Socket) bool { return s.Addr.Port() == port }) {
		t.Errorf("want %v and nothing on %d in %v", want, port, list)
	}
	l.Close()
	if list := listening(t); slices.Contains(list, want) {
		t.Errorf("an accepted connection shows as listening: %v", list)
	}
}

func TestSortedDropsDuplicates(t *testing.T) {
	s := func(a string) Socket { return Socket{Addr: netip.MustParseAddrPort(a)} }
	got := sorted([]Socket{s("[::1]:1"), s("127.0.0.1:9"), s("127.0.0.1:2"), s("127.0.0.1:9")})
	if want := []Socket{s("127.0.0.1:2"), s("127.0.0.1:9"), s("[::1]:1")}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func fiveListeners(b *testing.B) func() {
	b.Helper()
	var list []net.Listener
	for range 5 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, l)
	}
	return func() {
		for _, l := range list {
			l.Close()
		}
	}
}

func BenchmarkListening(b *testing.B) {
	l := fiveListeners(b)
	defer l()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Listening(); err != nil {
			b.Fatal(err)
		}
	}
}
