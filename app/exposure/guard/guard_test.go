package guard

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a guard with a real journal and a vault in memory.
type world struct {
	t     *testing.T
	guard *Guard
	store *store.Store
	vault *vault.Vault
	o     Options

	mu      sync.Mutex
	events  []Event
	tunnels []Tunnel
	real    []netip.AddrPort
	names   map[string][]netip.Addr
	now     time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, vault: vault.Memory(), names: map[string][]netip.Addr{}, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	var err error
	w.store, _, err = store.Open(t.TempDir(), [32]byte{1}, store.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, w.store.Close()) })
	w.o = Options{
		Keys: w.vault, Records: w.store,
		Serve: func(_ netip.AddrPort, l net.Listener) {
			_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") })) //nolint:gosec // a test
		},
		Tell: func(ev Event) { w.mu.Lock(); w.events = append(w.events, ev); w.mu.Unlock() },
		Tunnels: func(context.Context) ([]Tunnel, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.tunnels), nil
		},
		Sockets: func() ([]netip.AddrPort, error) { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.real), nil },
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if a := w.names[host]; a != nil {
				return a, nil
			}
			return nil, &net.DNSError{IsNotFound: true}
		},
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
	}
	w.restart()
	t.Cleanup(func() { w.guard.Close() })
	return w
}

func (w *world) restart() {
	w.t.Helper()
	if w.guard != nil {
		w.guard.Close()
	}
	var err error
	w.guard, err = New(w.t.Context(), w.o)
	must(w.t, err)
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
}

func (w *world) told(what What) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ev := range w.events {
		if ev.What == what {
			out = append(out, ev.Text)
		}
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// free is a loopback address with a port that nothing uses.
func free(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

func reaches(a netip.AddrPort) bool {
	c, err := net.DialTimeout("tcp", a.String(), time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func webhook(id platforms.AccountID, bind netip.AddrPort) Claim {
	return Claim{Tuple: Tuple{Account: id, Bind: bind, Path: "/in", Host: "bot.example.org"}, Title: `LINE "shop"`,
		Facts: exposure.Facts{Inbound: platforms.Webhook}}
}

func (w *world) acknowledge(c Claim, d time.Duration) {
	w.t.Helper()
	must(w.t, w.guard.Acknowledge(w.t.Context(), Consent{Account: c.Account, Bind: c.Bind, Paths: []string{c.Path}, Host: c.Host, By: "window", Ends: w.o.Now().Add(d)}))
}

func (w *world) admit(c Claim) *Pass {
	w.t.Helper()
	p, err := w.guard.Admit(w.t.Context(), c)
	must(w.t, err)
	if !reaches(c.Bind) {
		w.t.Fatal("nothing listens")
	}
	return p
}

func (w *world) refused(c Claim) error {
	w.t.Helper()
	_, err := w.guard.Admit(w.t.Context(), c)
	if !errors.Is(err, ErrNotAcknowledged) || platforms.KindOf(err) != platforms.NotAcknowledged {
		w.t.Fatalf("admitted, or refused otherwise: %v", err)
	}
	if reaches(c.Bind) {
		w.t.Fatal("refused, and something listens")
	}
	return err
}

func TestNothingPublicWithoutAcknowledgement(t *testing.T) {
	w := newWorld(t)
	c := webhook("line", free(t))
	w.refused(c)
	w.acknowledge(c, 24*time.Hour)
	w.admit(c).Release()
	if reaches(c.Bind) {
		t.Error("it listens after its release")
	}
	for name, change := range map[string]func(*Claim){
		"another account": func(c *Claim) { c.Account = "line-2" },
		"another port":    func(c *Claim) { c.Bind = free(t) },
		"another path":    func(c *Claim) { c.Path = "/other" },
		"another host":    func(c *Claim) { c.Host = "bot.example.com" },
		"every address":   func(c *Claim) { c.Bind = netip.AddrPortFrom(netip.IPv4Unspecified(), c.Bind.Port()) },
		"IPv6":            func(c *Claim) { c.Bind = netip.AddrPortFrom(netip.IPv6Loopback(), c.Bind.Port()) },
	} {
		t.Run(name, func(t *testing.T) {
			other := c
			change(&other)
			w.refused(other)
		})
	}
}

func TestAnAcknowledgementEnds(t *testing.T) {
	for name, end := range map[string]func(w *world, c Claim){
		"at its end":        func(w *world, _ Claim) { w.advance(24 * time.Hour); w.guard.expire() },
		"revoked":           func(w *world, c Claim) { must(w.t, w.guard.Revoke(w.t.Context(), c.Account, "revoked")) },
		"all closed":        func(w *world, _ Claim) { _, err := w.guard.CloseAll(w.t.Context(), "by hand"); must(w.t, err) },
		"for another tuple": func(w *world, c Claim) { c.Host = "other.example.org"; w.acknowledge(c, time.Hour) },
		"the clock goes back": func(w *world, _ Claim) {
			w.advance(-48 * time.Hour)
			w.guard.expire()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := webhook("line", free(t))
			shut := make(chan string, 1)
			c.Closed = func(why string) { shut <- why }
			w.acknowledge(c, 24*time.Hour)
			p := w.admit(c)
			conn, err := net.Dial("tcp", c.Bind.String())
			must(t, err)
			defer conn.Close()
			end(w, c)
			if reaches(c.Bind) {
				t.Error("it still listens")
			}
			if why := <-shut; why == "" {
				t.Error("closed without a reason")
			}
			if p.Context().Err() == nil {
				t.Error("its requests go on")
			}
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := conn.Read(make([]byte, 1)); errors.Is(err, context.DeadlineExceeded) || err == nil {
				t.Errorf("an open connection stays: %v", err)
			}
			if len(w.told(Closed)) == 0 {
				t.Error("nobody was told")
			}
			w.refused(c)
			w.restart()
			w.refused(c)
		})
	}
}

// TestTheTimer has an acknowledgement end at its moment, without Run.
func TestTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Guard{o: Options{Tell: func(Event) {}, Changed: func() {}, Now: time.Now, Keys: vault.Memory(), Records: inMemory{}, Log: nil},
			consents: map[platforms.AccountID]Consent{}, sockets: map[netip.AddrPort]*socket{}}
		must(t, g.Acknowledge(t.Context(), Consent{Account: "a", Bind: netip.MustParseAddrPort("127.0.0.1:1"), Paths: []string{"/"}, Host: "h", Ends: time.Now().Add(time.Hour)}))
		time.Sleep(time.Hour - time.Nanosecond)
		synctest.Wait()
		if _, ok := g.Consent("a"); !ok {
			t.Fatal("it ended early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.consents) != 0 {
			t.Fatal("it is still there")
		}
	})
}

type inMemory struct{}

func (inMemory) Setting(string, any) (bool, error)             { return false, nil }
func (inMemory) PutSetting(context.Context, string, any) error { return nil }

func TestAnAcknowledgementSurvivesARestart(t *testing.T) {
	w := newWorld(t)
	c := webhook("line", free(t))
	w.acknowledge(c, 24*time.Hour)
	w.restart()
	w.admit(c)
}

// TestEditingTheJournalForgesNone tries what somebody can who writes into the
// database, with and without having read it before.
func TestEditingTheJournalForgesNone(t *testing.T) {
	c := webhook("line", free(t))
	for name, forge := range map[string]func(w *world, m map[platforms.AccountID]Consent){
		"a later end": func(_ *world, m map[platforms.AccountID]Consent) {
			k := m["line"]
			k.Ends = k.Ends.Add(time.Hour)
			m["line"] = k
		},
		"another port": func(_ *world, m map[platforms.AccountID]Consent) { k := m["line"]; k.Bind = free(t); m["line"] = k },
		"another host": func(_ *world, m map[platforms.AccountID]Consent) {
			k := m["line"]
			k.Host = "evil.example"
			m["line"] = k
		},
		"another path": func(_ *world, m map[platforms.AccountID]Consent) {
			k := m["line"]
			k.Paths = append(k.Paths, "/x")
			m["line"] = k
		},
		"no seal": func(_ *world, m map[platforms.AccountID]Consent) { k := m["line"]; k.Seal = nil; m["line"] = k },
		"another's": func(_ *world, m map[platforms.AccountID]Consent) {
			k := m["line"]
			k.Account = "other"
			m["other"] = k
			delete(m, "line")
		},
		"moved": func(_ *world, m map[platforms.AccountID]Consent) { m["other"] = m["line"]; delete(m, "line") },
		"the checklist": func(_ *world, m map[platforms.AccountID]Consent) {
			k := m["line"]
			k.Done = []string{"tunnel"}
			m["line"] = k
		},
		"from nothing": func(w *world, m map[platforms.AccountID]Consent) {
			k := Consent{Account: "line", Bind: c.Bind, Paths: []string{"/in"}, Host: c.Host, Version: Version, Made: w.o.Now(), Ends: w.o.Now().Add(time.Hour)}
			k.Seal = k.sign(platforms.NewSecret(""))
			clear(m)
			m["line"] = k
			must(w.t, w.vault.Delete(w.t.Context(), keyName("line")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.acknowledge(c, 24*time.Hour)
			w.guard.Close()
			var m map[platforms.AccountID]Consent
			_, err := w.store.Setting(recordName, &m)
			must(t, err)
			forge(w, m)
			must(t, w.store.PutSetting(t.Context(), recordName, m))
			w.restart()
			for _, id := range []platforms.AccountID{"line", "other"} {
				if _, ok := w.guard.Consent(id); ok {
					t.Errorf("%s has an acknowledgement", id)
				}
			}
			w.refused(c)
			if len(w.told(Alarm)) == 0 {
				t.Error("nobody was told")
			}
		})
	}
}

// TestAnOldJournalRevivesNone puts a copy of the journal back that was made
// before an acknowledgement was taken back.
func TestAnOldJournalRevivesNone(t *testing.T) {
	w := newWorld(t)
	c := webhook("line", free(t))
	w.acknowledge(c, 24*time.Hour)
	var before map[platforms.AccountID]Consent
	_, err := w.store.Setting(recordName, &before)
	must(t, err)
	must(t, w.guard.Revoke(t.Context(), "line", "revoked"))
	must(t, w.store.PutSetting(t.Context(), recordName, before))
	w.restart()
	w.refused(c)
}

func TestANewerTextEndsIt(t *testing.T) {
	k := Consent{Version: Version - 1, Made: time.Unix(0, 0), Ends: time.Unix(100, 0)}
	if k.standing(time.Unix(1, 0)) == "" {
		t.Error("an older text still counts")
	}
}

func TestPrivateNeedsNone(t *testing.T) {
	w := newWorld(t)
	w.names["chat.lan"] = []netip.Addr{netip.MustParseAddr("192.168.1.5")}
	c := webhook("mm", free(t))
	c.Host, c.Facts = c.Bind.String(), exposure.Facts{Inbound: platforms.Callback, Server: exposure.Host{Name: "chat.lan"}}
	p := w.admit(c)
	if st := w.guard.State(); st.Open["mm"].Level != exposure.Private {
		t.Errorf("it stands at %q", st.Open["mm"].Level)
	}
	t.Run("nobody can be asked for a moment", func(t *testing.T) {
		lookup := w.guard.o.Lookup
		w.guard.o.Lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, &net.DNSError{IsTimeout: true} }
		w.guard.lookUp(t.Context())
		w.guard.judgeQuietly()
		w.guard.o.Lookup = lookup
		if !reaches(c.Bind) {
			t.Error("it was closed")
		}
	})
	t.Run("its server moves to a public address", func(t *testing.T) {
		w.mu.Lock()
		w.names["chat.lan"] = []netip.Addr{netip.MustParseAddr("198.51.100.7")}
		w.mu.Unlock()
		w.guard.lookUp(t.Context())
		w.guard.judgeQuietly()
		if reaches(c.Bind) || p.Context().Err() == nil {
			t.Error("it stays open")
		}
		w.refused(c)
	})
}

func TestATunnelMakesItPublic(t *testing.T) {
	w := newWorld(t)
	c := webhook("mm", free(t))
	c.Host, c.Facts = c.Bind.String(), exposure.Facts{Inbound: platforms.Callback, Server: exposure.Host{Name: "127.0.0.1"}}
	w.admit(c)
	w.mu.Lock()
	w.tunnels = []Tunnel{{Program: "ngrok", Public: "https://x.ngrok.app", LeadsTo: func(a netip.AddrPort) bool { return a == c.Bind }}}
	w.mu.Unlock()
	w.advance(time.Minute)
	must(t, w.guard.lookForTunnels(t.Context(), time.Second))
	w.guard.judgeQuietly()
	if reaches(c.Bind) {
		t.Fatal("it stays open behind a tunnel")
	}
	if told := w.told(Closed); len(told) == 0 || !strings.Contains(told[0], "ngrok publishes its port at https://x.ngrok.app") {
		t.Errorf("told: %q", told)
	}
	w.refused(c)
	w.acknowledge(c, time.Hour)
	w.admit(c)
	if st := w.guard.State(); st.Open["mm"].Level != exposure.Public {
		t.Errorf("it stands at %q", st.Open["mm"].Level)
	}
}

func TestNeighboursOfOnePort(t *testing.T) {
	w := newWorld(t)
	public := webhook("line", free(t))
	w.acknowledge(public, time.Hour)
	w.admit(public)
	private := public
	private.Account, private.Path, private.Facts = "mm", "/mm", exposure.Facts{Inbound: platforms.Callback, Server: exposure.Host{Name: "127.0.0.1"}}
	if _, err := w.guard.Admit(t.Context(), private); err == nil {
		t.Error("a private listener shares a public one's port")
	}
	second := public
	second.Account, second.Path = "line-2", "/two"
	if _, err := w.guard.Admit(t.Context(), second); !errors.Is(err, ErrNotAcknowledged) {
		t.Errorf("another account of the same port: %v", err)
	}
	w.acknowledge(second, time.Hour)
	other := second
	other.TLS, other.Cert = &tls.Config{}, "a certificate" //nolint:gosec // never used
	if _, err := w.guard.Admit(t.Context(), other); platforms.KindOf(err) != platforms.Rejected {
		t.Errorf("a certificate where the neighbour has none: %v", err)
	}
	w.admit(second)
	must(t, w.guard.Revoke(t.Context(), "line", "revoked"))
	if !reaches(second.Bind) {
		t.Error("the neighbour was closed too")
	}
}

// TestPanicButton closes sockets before anything slow is asked.
func TestPanicButton(t *testing.T) {
	w := newWorld(t)
	var claims []Claim
	for _, id := range []platforms.AccountID{"a", "b", "c"} {
		c := webhook(id, free(t))
		w.acknowledge(c, time.Hour)
		w.admit(c)
		claims = append(claims, c)
	}
	near := webhook("near", free(t))
	near.Host, near.Facts = near.Bind.String(), exposure.Facts{Inbound: platforms.Callback, Server: exposure.Host{Name: "127.0.0.1"}}
	w.admit(near)
	slow := slowKeys{Keys: w.vault, asked: make(chan struct{}), goOn: make(chan struct{})}
	w.guard.o.Keys = slow
	ended := make(chan error, 1)
	go func() { _, err := w.guard.CloseAll(t.Context(), "by hand"); ended <- err }()
	<-slow.asked // the vault hangs
	for _, c := range claims {
		if reaches(c.Bind) {
			t.Errorf("%s still listens", c.Account)
		}
	}
	if !reaches(near.Bind) {
		t.Error("a private listener was closed")
	}
	close(slow.goOn)
	must(t, <-ended)
	w.guard.o.Keys = w.vault
	w.restart()
	for _, c := range claims {
		w.refused(c)
	}
}

type slowKeys struct {
	Keys
	asked, goOn chan struct{}
}

func (s slowKeys) Delete(ctx context.Context, name string) error {
	select {
	case <-s.asked:
	default:
		close(s.asked)
	}
	<-s.goOn
	return s.Keys.Delete(ctx, name)
}

func TestAStrangersSocket(t *testing.T) {
	w := newWorld(t)
	c := webhook("line", free(t))
	w.acknowledge(c, time.Hour)
	w.admit(c)
	w.mu.Lock()
	w.real = []netip.AddrPort{c.Bind}
	w.mu.Unlock()
	w.guard.lookAtSockets()
	if told := w.told(Alarm); len(told) > 0 {
		t.Fatalf("our own socket is an alarm: %q", told)
	}
	stray := netip.MustParseAddrPort("0.0.0.0:6060")
	w.mu.Lock()
	w.real = append(w.real, stray)
	w.mu.Unlock()
	w.guard.lookAtSockets()
	w.guard.lookAtSockets()
	if told := w.told(Alarm); len(told) != 1 || !strings.Contains(told[0], "0.0.0.0:6060") {
		t.Errorf("told: %q", told)
	}
	if st := w.guard.State(); !slices.Equal(st.Strange, []string{"0.0.0.0:6060"}) {
		t.Errorf("strange: %q", st.Strange)
	}
}

// TestSealsDiffer makes sure that a seal is over every field.
func TestSealsDiffer(t *testing.T) {
	key := platforms.NewSecret("key")
	k := Consent{Account: "a", Bind: netip.MustParseAddrPort("127.0.0.1:1"), Paths: []string{"/"}, Host: "h", Rules: "r", Version: 1, Made: time.Unix(1, 0), Ends: time.Unix(2, 0), By: "w", Done: []string{"x"}, NotDone: []string{"y"}}
	b, err := json.Marshal(k)
	must(t, err)
	var fields map[string]json.RawMessage
	must(t, json.Unmarshal(b, &fields))
	for name := range maps.Keys(fields) {
		if name == "seal" {
			continue
		}
		less := maps.Clone(fields)
		delete(less, name)
		b, err := json.Marshal(less)
		must(t, err)
		var other Consent
		must(t, json.Unmarshal(b, &other))
		if slices.Equal(other.sign(key), k.sign(key)) {
			t.Errorf("the seal is the same without %s", name)
		}
	}
}
