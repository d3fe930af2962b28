// Package ingress answers HTTP requests from outside. It takes listeners from
// package guard and never listens itself.
//
// Who calls is a stranger until the route's own Verify says otherwise: until
// then every request costs the same bounded work and gets the same bytes,
// whether or not there is a route. What is verified gets honest answers, so that
// its sender's retries work.
package ingress

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern/postern/platforms"
)

// Bounds of every listener. They are variables of a Limits so that tests can
// meet them.
type Limits struct {
	Conns          int           // connections of one listener
	ConnsPerSource int           // of them, from one source that is no proxy
	Header         time.Duration // for the request's head
	Read           time.Duration // for head and body
	Write          time.Duration // from the head's end to the answer's
	Idle           time.Duration // between requests
	HeaderBytes    int
	Bodies         int64 // bytes of bodies in memory at once
	Handlers       int   // requests of one route at once
	Handle         time.Duration

	// A source may be turned away this often before it is no longer listened to
	// for a while: Burst at once, and one more every Every.
	Burst int
	Every time.Duration
	// Sources is how many sources are remembered.
	Sources int
	// Rate is how many verified requests a second one route takes, Surge at once.
	Rate  float64
	Surge int
	// Alarm is how many forged requests within a minute are told.
	Alarm int
}

// Usual is the bounds in use.
func Usual() Limits {
	return Limits{
		Conns: 512, ConnsPerSource: 32, Header: 5 * time.Second, Read: 10 * time.Second, Write: 20 * time.Second, Idle: 30 * time.Second,
		HeaderBytes: 16 << 10, Bodies: 64 << 20, Handlers: 64, Handle: 9 * time.Second,
		Burst: 60, Every: 500 * time.Millisecond, Sources: 4096, Rate: 50_000, Surge: 10_000, Alarm: 30,
	}
}

// Options configure a Server. The zero value is usable.
type Options struct {
	Limits Limits // zero: Usual
	Log    *slog.Logger
	Now    func() time.Time
	// Alarm is told of a burst of forged requests to an account, at most every
	// ten minutes; it must not block.
	Alarm func(id platforms.AccountID, text string)
	// Observe is told of each request that came to a route, after it was answered;
	// it must not block. Nil: nobody watches.
	Observe func(Seen)
	// Changed is called when Counts would differ, at most once a second; it must
	// not block.
	Changed func()
}

// Server serves routes on listeners. Its methods may be called from several
// goroutines.
type Server struct {
	o     Options
	log   *slog.Logger
	decoy [sha256.Size]byte // names the route whose work an unknown path costs

	mu     sync.Mutex
	doors  map[netip.AddrPort]*door
	counts map[platforms.AccountID]*Counts

	relayed []*rule       // that a relay leads to
	arrived chan struct{} // closed at the next of them; nil: nobody waits

	bodies  room
	sources *sources
	names   names
	changed atomic.Int64 // second of the last Changed
}

// New makes a Server.
func New(o Options) *Server {
	if o.Limits == (Limits{}) {
		o.Limits = Usual()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Alarm == nil {
		o.Alarm = func(platforms.AccountID, string) {}
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	s := &Server{o: o, log: o.Log, doors: map[netip.AddrPort]*door{}, counts: map[platforms.AccountID]*Counts{},
		bodies: room{free: o.Limits.Bodies}, sources: newSources(o.Limits)}
	_, _ = rand.Read(s.decoy[:])
	s.names.begun = rand.Text()[:8] + "."
	return s
}

// Rule is a route of an account and who may come to it.
type Rule struct {
	Account platforms.AccountID
	Route   platforms.Route
	Hosts   []string       // what the Host header may say
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
	Allow   []netip.Prefix // sources that are let in; none: all

	// Answer, if set, is asked what to tell the sender of a request that was
	// stored, and whose handler answered with nothing but success. The request's
	// Body is read already: body is it.
	Answer func(r *http.Request, body []byte) (Reply, bool)
}

// door is one listener and its routes. The table is replaced, never changed.
type door struct {
	routes  atomic.Pointer[table]
	serving int // calls of Serve; under Server.mu
}

type table struct {
	rules []*rule // in the order of their names
	most  int64   // the largest body that any of them takes
}

// Handle adds a rule to the listener at bind, which may come later, until
// release; release waits for the rule's requests. While it waits, the platform is
// told to come again later, not that nothing is here. The end of ctx takes back
// the leave to be reached, at once.
func (s *Server) Handle(ctx context.Context, bind netip.AddrPort, r Rule) (release func()) {
	it := newRule(ctx, s, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.doorLocked(bind)
	d.add(it)
	return sync.OnceFunc(func() {
		it.end()
		s.mu.Lock()
		defer s.mu.Unlock()
		d.remove(it)
		s.dropLocked(bind, d)
	})
}

// dropLocked forgets a door that has neither routes nor a listener. One that is
// still listened at stays: the next route is added to it.
func (s *Server) dropLocked(bind netip.AddrPort, d *door) {
	if d.serving == 0 && len(d.routes.Load().rules) == 0 && s.doors[bind] == d {
		delete(s.doors, bind)
	}
}

func (s *Server) doorLocked(bind netip.AddrPort) *door {
	d := s.doors[bind]
	if d == nil {
		d = &door{}
		d.routes.Store(&table{})
		s.doors[bind] = d
	}
	return d
}

func (d *door) add(r *rule) { d.set(append(slices.Clone(d.routes.Load().rules), r)) }

func (d *door) remove(r *rule) {
	d.set(slices.DeleteFunc(slices.Clone(d.routes.Load().rules), func(o *rule) bool { return o == r }))
}

func (d *door) set(rules []*rule) {
	slices.SortFunc(rules, func(a, b *rule) int { return slices.Compare(a.name[:], b.name[:]) })
	t := &table{rules: rules, most: platforms.DefaultBody}
	for _, r := range rules {
		t.most = max(t.most, r.most)
	}
	d.routes.Store(t)
}

// find is the rule for a path, or one that stands for it: everybody's request
// costs what some rule's costs. All names are compared. A rule whose leave was
// taken back is no more, even while its connector has not yet let go: the
// listener may be open for others.
func (t *table) find(path string, decoy [sha256.Size]byte) (r *rule, known bool) {
	if len(t.rules) == 0 {
		return nil, false
	}
	name := sha256.Sum256([]byte(path))
	at := int(name[0]^decoy[0]) % len(t.rules)
	for i, o := range t.rules {
		left := o.leave.Err() != nil
		if same(o.name, name) && !left {
			at, known = i, true
		}
	}
	return t.rules[at], known
}

// Serve answers what comes in at l, the listener at bind, until Accept fails.
func (s *Server) Serve(bind netip.AddrPort, l net.Listener) {
	s.mu.Lock()
	d := s.doorLocked(bind)
	d.serving++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		d.serving--
		s.dropLocked(bind, d)
	}()
	serve(l, s.o.Limits, s.log, d.proxy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(d, w, r) }))
}

// serve answers one request.
func (s *Server) serve(d *door, w http.ResponseWriter, r *http.Request) {
	began := s.o.Now()
	if len(r.TransferEncoding) > 0 {
		// net/http hides whether there was a Content-Length too, by which a proxy
		// may have read another request: nothing behind this one is read, as
		// RFC 9112, section 6.1, demands.
		w.Header().Set("Connection", "close")
	}
	t := d.routes.Load()
	rule, known := t.find(r.URL.Path, s.decoy)
	if rule == nil {
		turnAway(w)
		return
	}
	from := source(r, rule.Proxies)
	if s.sources.shunned(from, began) {
		s.reject(rule, known, Flood, from, began, r)
		turnAway(w)
		s.seeStranger(rule, known, Flood, r, nil, from, began, http.StatusNotFound)
		return
	}
	body, release, why := s.read(r, t.most)
	defer release()
	if why == Full {
		s.reject(rule, known, Full, from, began, r)
		busy(w)
		s.seeStranger(rule, known, Full, r, nil, from, began, http.StatusServiceUnavailable)
		return
	}
	// Everything is looked at, whatever the first thing says: how long it takes
	// must not tell what was wrong.
	reason := rule.judge(r, body, from, began)
	switch {
	case !known:
		reason = UnknownPath
	case why != "":
		reason = why
	}
	if reason != "" {
		s.sources.turnedAway(from, began)
		s.reject(rule, known, reason, from, began, r)
		turnAway(w)
		s.seeStranger(rule, known, reason, r, body, from, began, http.StatusNotFound)
		return
	}
	s.sources.proved(from, began)
	Proved(r.Context())
	s.handle(rule, w, r, body, from, began)
}

// uniform is the answer to everything that is not verified.
const uniform = "not found\n"

func turnAway(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", "10")
	h.Set("Connection", "close")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, uniform)
}

// busy is the answer when there is no room, to whoever asks.
func busy(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Retry-After", "2")
	h.Set("Connection", "close")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusServiceUnavailable)
}
