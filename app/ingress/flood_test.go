package ingress

import (
	"bufio"
	"container/list"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSlowloris: who is slow is cut off, and keeps nobody out meanwhile.
func TestSlowloris(t *testing.T) {
	t.Parallel()
	l := quick()
	l.Conns, l.Idle = 40, 30*time.Second
	g := newRig(t, l, nil)
	head := "POST " + here + " HTTP/1.1\r\nHost: " + g.addr + "\r\n"
	kept := g.dial()
	ask := func() {
		t.Helper()
		_, _ = io.WriteString(kept, g.genuine("{}"))
		if resp, err := http.ReadResponse(bufio.NewReader(kept), nil); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("a genuine connection that was kept: %v %+v", err, resp)
		}
	}
	ask()
	var slow []net.Conn
	for i := range 4 * l.Conns {
		c := g.dial()
		slow = append(slow, c)
		_, _ = io.WriteString(c, []string{"", "P", head, head + "Content-Length: 100\r\n\r\n{"}[i%4])
	}
	g.alive()
	ask()
	for i, c := range slow { // each ends: its read deadline, or room for another
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatalf("slow connection %d is still open", i)
		}
	}
	g.alive()
	if n := free(g.s); n != l.Bodies {
		t.Errorf("%d bytes for bodies are still lent", l.Bodies-n)
	}
}

// TestDrip: a byte now and then does not prolong a request.
func TestDrip(t *testing.T) {
	t.Parallel()
	heads, bodies := quick(), quick()
	heads.Read = time.Minute // a head has a bound of its own
	for name, c := range map[string]struct {
		bounds Limits
		first  string
	}{
		"head": {heads, "POST " + here + " HTTP/1.1\r\nHost: bot.example\r\nX: "},
		"body": {bodies, "POST " + here + " HTTP/1.1\r\nHost: bot.example\r\nContent-Length: 60000\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, c.bounds, nil)
			conn := g.dial()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = io.Copy(io.Discard, conn)
			}()
			_, err := io.WriteString(conn, c.first)
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for n := 0; err == nil && n < 600; n++ {
				select {
				case <-ended:
					g.alive()
					return
				case <-tick.C:
					_, err = io.WriteString(conn, "a")
				}
			}
			if err == nil {
				t.Fatal("it went on for six seconds")
			}
			g.alive()
		})
	}
}

func free(s *Server) int64 {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	return s.bodies.free
}

// TestRoomForBodies: bodies that fill the memory that is lent out are turned
// away, and give it back.
func TestRoomForBodies(t *testing.T) {
	t.Parallel()
	l := quick()
	l.Bodies = 128 << 10
	g := newRig(t, l, nil)
	var slow []net.Conn
	for range 16 {
		c := g.dial()
		_, _ = io.WriteString(c, "POST "+here+" HTTP/1.1\r\nHost: "+g.addr+"\r\nContent-Length: 60000\r\n\r\n"+strings.Repeat("x", 50_000))
		slow = append(slow, c)
	}
	busy := 0
	for _, c := range slow {
		got, _ := g.answers(c)
		if len(got) == 1 && got[0].status == 503 {
			busy++
			if !strings.Contains(got[0].bytes, "\r\nRetry-After: ") {
				t.Errorf("%q", got[0].bytes)
			}
		}
	}
	if busy == 0 {
		t.Error("all of 800 kB fitted into 128")
	}
	if n := free(g.s); n != l.Bodies {
		t.Errorf("%d bytes are still lent", l.Bodies-n)
	}
	g.alive()
}

// TestLittleIsHeard: while all room for bodies is lent out, small requests are
// taken, and large ones are told to come again.
func TestLittleIsHeard(t *testing.T) {
	l := quick()
	l.Bodies, l.Read = 96<<10, 30*time.Second
	g := newRig(t, l, nil)
	var slow []net.Conn
	for range 2 {
		c := g.dial()
		_, _ = io.WriteString(c, "POST "+here+" HTTP/1.1\r\nHost: "+g.addr+"\r\nContent-Length: 60000\r\n\r\n"+strings.Repeat("x", 50_000))
		slow = append(slow, c)
	}
	for end := time.Now().Add(5 * time.Second); free(g.s) != 0; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%d bytes are left", free(g.s))
		}
	}
	g.alive()
	large := strings.Repeat("x", 20_000)
	if got, _ := g.raw(g.post(here, signed(large), large)); len(got) != 1 || got[0].status != http.StatusServiceUnavailable {
		t.Errorf("a large one: %+v", got)
	}
	for _, c := range slow {
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
	if got, _ := g.raw(g.post(here, "Connection: close\r\n"+signed(large), large)); len(got) != 1 || got[0].status != http.StatusOK {
		t.Errorf("a large one, later: %+v", got)
	}
}

// TestCrowd: connections are bounded, in all and from each source, and those
// that brought something genuine keep their place.
func TestCrowd(t *testing.T) {
	c := &crowd{most: 6, each: 2, proxy: func(netip.Addr) bool { return false }, from: map[netip.Prefix]int{}, unknown: list.New()}
	from := func(addr string) net.Conn { return c.enter(&stub{addr: addr}) }
	a1, a2 := from("192.0.2.1:1"), from("192.0.2.1:2")
	if a1 == nil || a2 == nil || from("192.0.2.1:3") != nil {
		t.Fatal("not two from one source")
	}
	if from("[2001:db8::1]:1") == nil || from("[2001:db8::2]:1") == nil || from("[2001:db8::3]:1") != nil {
		t.Fatal("not two from one /64")
	}
	a1.(*visit).proved()
	l1, l2 := from("127.0.0.1:1"), from("127.0.0.1:2")
	if l1 == nil || l2 == nil {
		t.Fatal("loopback is bounded as others are")
	}
	l3 := from("127.0.0.1:3") // full: the oldest that is not genuine goes
	if l3 == nil || !a2.(*visit).left || a1.(*visit).left || c.all != 6 {
		t.Fatalf("%d are in; genuine left: %v, silent left: %v", c.all, a1.(*visit).left, a2.(*visit).left)
	}
	for i := range 20 {
		if v := from(fmt.Sprintf("127.0.0.1:%d", 10+i)); v == nil {
			t.Fatal("no room was made")
		}
	}
	if c.all != 6 || a1.(*visit).left {
		t.Fatalf("%d are in; genuine left: %v", c.all, a1.(*visit).left)
	}
	for range 2 {
		_ = a1.Close()
		_ = a2.Close()
	}
	if c.all != 5 {
		t.Errorf("%d are in", c.all)
	}
	for e := c.unknown.Front(); e != nil; e = c.unknown.Front() {
		e.Value.(*visit).proved()
	}
	if from("127.0.0.1:99") == nil || from("127.0.0.1:100") == nil {
		t.Error("there was room, and somebody to go")
	}
	if c.unknown.Front().Value.(*visit).proved(); from("127.0.0.1:101") != nil {
		t.Error("somebody genuine had to go")
	}
}

type stub struct {
	net.Conn
	addr string
}

func (s *stub) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s.addr))
}
func (s *stub) Close() error { return nil }

// through is a Rule whose peers on this computer are believed as a proxy is.
func through(r *Rule) { r.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// knock sends one request from each of many addresses, several at a time, and
// counts what is answered how.
func knock(g *rig, n int, request func(i int) string) map[int]int {
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	next := make(chan int)
	for range 32 {
		wg.Go(func() {
			for i := range next {
				c, err := net.Dial("tcp4", g.addr)
				if err != nil {
					continue
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				_, _ = io.WriteString(c, request(i))
				b, _ := io.ReadAll(c)
				status := 0
				_, _ = fmt.Sscanf(string(b), "HTTP/1.1 %d", &status)
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
				mu.Lock()
				got[status]++
				mu.Unlock()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return got
}

// TestFloodOfOne: a source that only sends rubbish is no longer listened to, one
// that proved itself is, and what comes from this computer always is.
func TestFloodOfOne(t *testing.T) {
	l := quick()
	l.Every = time.Hour // patience comes back after the test
	g := newRig(t, l, through)
	by := func(who, lines, body string) string { return g.post(here, "X-Forwarded-For: "+who+"\r\n"+lines, body) }
	closing := "Connection: close\r\n"
	if got, _ := g.raw(by("198.51.100.2", closing+signed("{}"), "{}")); got[0].status != 200 {
		t.Fatalf("%+v", got)
	}
	verified := g.verified.Load()
	n := some(5000, 600)
	for _, who := range []string{"198.51.100.1", "198.51.100.2", "127.0.0.1"} {
		if got := knock(g, n, func(int) string { return by(who, "", "{}") }); got[404] != n {
			t.Errorf("%s: %v", who, got)
		}
	}
	// Neighbours in a /64 are one source.
	if got := knock(g, n, func(i int) string { return by(fmt.Sprintf("2001:db8::%x", i+1), "", "{}") }); got[404] != n {
		t.Errorf("%v", got)
	}
	if done := g.verified.Load() - verified; done > int64(2*n)+int64(n)*3/2 {
		t.Errorf("%d verifications for two sources that count and two that do not", done)
	}
	for who, want := range map[string]int{"198.51.100.1": 404, "198.51.100.2": 200, "127.0.0.1": 200, "2001:db8::ffff": 404, "2001:db8:0:1::1": 200, "198.51.100.3": 200} {
		if got, _ := g.raw(by(who, closing+signed("{}"), "{}")); len(got) != 1 || got[0].status != want {
			t.Errorf("genuine from %s: %+v, want %d", who, got, want)
		}
	}
	if g.s.Counts("a").Rejected[Flood] == 0 {
		t.Error("no flood was counted")
	}
}

// TestFloodOfMany: 10,000 sources fill nothing, and the genuine sender is heard
// in the midst of it.
func TestFloodOfMany(t *testing.T) {
	l := Usual()
	g := newRig(t, l, through)
	n := some(100_000, 1500)
	many := some(10_000, 1500)
	if !full() {
		l.Sources = 256
		g = newRig(t, l, through)
	}
	genuine := func() {
		t.Helper()
		got, _ := g.raw(g.post(here, "X-Forwarded-For: 198.51.100.2\r\nConnection: close\r\n"+signed("{}"), "{}"))
		if len(got) != 1 || got[0].status != 200 {
			t.Errorf("a genuine request was not taken: %+v", got)
		}
	}
	genuine()
	before := heap()
	over := make(chan map[int]int)
	go func() {
		over <- knock(g, n, func(i int) string {
			i %= many
			return g.post([]string{here, nowhere}[i%2], fmt.Sprintf("X-Forwarded-For: 10.%d.%d.%d\r\n", i>>16, i>>8&255, i&255), "{}")
		})
	}()
	sent, missing := 0, 0
	for running := true; running; {
		select {
		case got := <-over:
			missing = n - got[404]
			running = false
		default:
			genuine()
			sent++
		}
	}
	if missing != 0 {
		t.Errorf("%d of %d were not answered in the usual way", missing, n)
	}
	if known := g.s.sources.len(); known > l.Sources {
		t.Errorf("%d sources are remembered, %d at most", known, l.Sources)
	}
	t.Logf("%d bad requests from %d sources, %d genuine ones between them; %d sources remembered; heap %d kB before, %d kB after",
		n, many, sent, g.s.sources.len(), before>>10, heap()>>10)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // pools keep things over one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
