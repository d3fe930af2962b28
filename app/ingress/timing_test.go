package ingress

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// TestSameWork: a request to a path where nothing is costs what one to a route
// costs: one verification, of as many bytes. Times are not asserted, see
// TestTiming.
func TestSameWork(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	head := func(path, lines string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: " + g.addr + "\r\n" + lines
	}
	for name, send := range map[string]func(path string) string{
		"unsigned":     func(p string) string { return g.post(p, "", strings.Repeat("x", 6000)) },
		"badly signed": func(p string) string { return g.post(p, signed("{}"), strings.Repeat("x", 6000)) },
		"empty":        func(p string) string { return g.post(p, "", "") },
		"wrong method": func(p string) string { return strings.Replace(g.post(p, signed("{}"), "{}"), "POST", "PUT", 1) },
		"other host": func(p string) string {
			return strings.Replace(g.post(p, signed("{}"), "{}"), g.addr, "evil.example", 1)
		},
		"from a page":         func(p string) string { return g.post(p, signed("{}")+"Origin: null\r\n", "{}") },
		"beyond the route's":  func(p string) string { return g.post(p, "", strings.Repeat("x", 5*cap1)) },
		"declared too large":  func(p string) string { return head(p, "Content-Length: 999999999\r\n\r\n") },
		"chunked":             func(p string) string { return head(p, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") },
		"broken chunks":       func(p string) string { return head(p, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n") },
		"a body that is late": func(p string) string { return head(p, "Content-Length: 100\r\n\r\n{}") },
	} {
		t.Run(name, func(t *testing.T) {
			work := func(path string) string {
				v, h := g.verified.Load(), g.hashed.Load()
				g.raw(send(path))
				return fmt.Sprintf("%d verifications of %d bytes", g.verified.Load()-v, g.hashed.Load()-h)
			}
			there, not := work(here), work(nowhere)
			if there != not || strings.HasPrefix(there, "0") {
				t.Errorf("a route costs %s, an unknown path %s", there, not)
			}
		})
	}
}

// TestTiming prints how well a scanner on this computer, where there is no
// network to blur it, could tell a route from a path where nothing is. The
// samples are taken in turn. It asserts nothing of time: other work on the
// machine is in it.
func TestTiming(t *testing.T) {
	g := newRig(t, Usual(), nil)
	n := some(8000, 400)
	for _, size := range []int{300, 6000} {
		body := strings.Repeat("x", size)
		for name, paths := range map[string][2]string{"a route and an unknown path": {here, nowhere}, "two unknown paths": {nowhere + "1", nowhere}} {
			var took [2][]float64
			for i := range n {
				for _, k := range [][2]int{{0, 1}, {1, 0}}[i%2] {
					took[k] = append(took[k], float64(g.once(g.post(paths[k], signed("{}"), body))))
				}
			}
			d, low, high, z := cliff(took[0], took[1])
			t.Logf("%d bytes, %s: %d samples each, medians %v and %v, Cliff's delta %+.4f (95 %%: %+.4f to %+.4f), Mann-Whitney z %+.2f",
				size, name, n, mid(took[0]), mid(took[1]), d, low, high, z)
			if len(took[0]) != n || len(took[1]) != n {
				t.Error("samples are missing")
			}
		}
	}
}

// once is how long the answer to one request takes, without the dialling.
func (g *rig) once(request string) time.Duration {
	g.t.Helper()
	c, err := net.Dial("tcp4", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer c.Close()
	br := bufio.NewReader(c)
	began := time.Now()
	_, _ = io.WriteString(c, request)
	b, err := io.ReadAll(br)
	took := time.Since(began)
	if err != nil || !strings.HasSuffix(string(b), uniform) {
		g.t.Fatalf("%v %q", err, b)
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	return took
}

func mid(list []float64) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return time.Duration(list[len(list)/2]).Round(100 * time.Nanosecond)
}

// cliff is Cliff's delta of a and b, from -1 to 1, where 0 is that neither tends
// to be larger; its 95 % confidence interval by the Mann-Whitney statistic's
// variance without a difference; and the latter's z.
func cliff(a, b []float64) (d, low, high, z float64) {
	b = slices.Sorted(slices.Values(b))
	n, m := float64(len(a)), float64(len(b))
	u := 0.0
	for _, x := range a {
		less := sort.SearchFloat64s(b, x)
		upTo := sort.Search(len(b), func(i int) bool { return b[i] > x })
		u += float64(less) + float64(upTo-less)/2
	}
	d = 2*u/(n*m) - 1
	sd := math.Sqrt((n + m + 1) / (3 * n * m))
	return d, d - 1.96*sd, d + 1.96*sd, d / sd
}

func TestCliff(t *testing.T) {
	if d, _, _, _ := cliff([]float64{1, 2, 3}, []float64{1, 2, 3}); d != 0 {
		t.Errorf("equal: %v", d)
	}
	if d, low, high, _ := cliff([]float64{4, 5, 6}, []float64{1, 2, 3}); d != 1 || low >= 1 || high <= 1 {
		t.Errorf("larger: %v (%v to %v)", d, low, high)
	}
	if d, _, _, z := cliff([]float64{0, 2}, []float64{1, 3}); d != -.5 || z >= 0 {
		t.Errorf("smaller by half: %v", d)
	}
}

// TestSameWorkAmongRoutes: with several routes at one listener an unknown path
// still costs one of their verifications, whichever it is, always the same.
func TestSameWorkAmongRoutes(t *testing.T) {
	g := newRig(t, quick(), nil)
	var others atomic.Int64
	for i := range 3 {
		defer g.s.Handle(t.Context(), g.bind, Rule{Account: "b", Hosts: []string{g.addr}, Route: platforms.Route{Path: fmt.Sprintf("/other/%d", i), Handler: http.NotFoundHandler(),
			Verify: func(*http.Request, []byte, time.Time) error { others.Add(1); return platforms.ErrSignature }}})()
	}
	for i := range 50 {
		before := g.verified.Load() + others.Load()
		path := fmt.Sprintf("/unknown/%d", i)
		if got, _ := g.raw(g.post(path, signed("{}"), "{}")); len(got) != 1 || got[0].bytes != notFound {
			t.Fatalf("%+v", got)
		}
		if n := g.verified.Load() + others.Load() - before; n != 1 {
			t.Fatalf("%d verifications", n)
		}
	}
	if others.Load() == 0 || g.verified.Load() == 0 {
		t.Errorf("unknown paths cost only some routes' verifications: %d and %d", others.Load(), g.verified.Load())
	}
}
