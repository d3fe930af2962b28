package app

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
)

// road is a way on which a sender's requests reach a responder.
type road struct {
	w       *world
	h       *listened
	send    func(id, text, signature string) // takes it at once, as a sender sees it
	cut     func()                           // ends the connection; it comes back by itself
	repeats func()                           // the relay hands out again what it has
	kept    bool                             // what comes while Postern is off is kept
}

func roads() map[string]func(t *testing.T) *road {
	return map[string]func(t *testing.T) *road{
		"a listener": func(t *testing.T) *road {
			w, h := relayWorld(t)
			_, bind := openedIn(t, w)
			client := &http.Client{Transport: &http.Transport{}}
			t.Cleanup(client.CloseIdleConnections)
			return &road{w: w, h: h, send: func(id, text, signature string) {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+bind+"/in", bytes.NewReader([]byte(text)))
				if err != nil {
					t.Fatal(err)
				}
				req.Host = "bot.example.org"
				req.Header.Set("X-Hub-Signature-256", signature)
				req.Header.Set("X-Delivery", id)
				if resp, err := client.Do(req); err == nil {
					_ = resp.Body.Close()
				}
			}}
		},
		"Webhook Relay": func(t *testing.T) *road {
			w, h := relayWorld(t)
			s := webhookrelaytest.New()
			t.Cleanup(s.Close)
			w.start()
			w.add()
			addRelay(t, w, hosted(s, api.RelayChannel{Channel: "main", Account: "fake"}))
			n := 0
			var sent []webhookrelaytest.Event
			publish := func(e webhookrelaytest.Event) {
				n++
				e.ID = fmt.Sprint("relay-", n)
				s.Publish(e)
			}
			return &road{w: w, h: h, cut: s.Drop, kept: true, send: func(id, text, signature string) {
				e := webhook("", "main", text)
				e.Headers["X-Delivery"], e.Headers["X-Hub-Signature-256"] = []string{id}, []string{signature}
				sent = append(sent, e)
				publish(e)
			}, repeats: func() {
				for _, e := range sent { // under new ids, as if they were others
					publish(e)
				}
			}}
		},
		"gosmee with streams": func(t *testing.T) *road {
			w, h := relayWorld(t)
			s := ssetest.New(ssetest.Streams)
			t.Cleanup(s.Close)
			w.start()
			w.add()
			addRelay(t, w, api.RelayDraft{Kind: "gosmee", Channels: []api.RelayChannel{{Account: "fake"}}, Values: map[string]string{"server": s.URL(), "channel": ssetest.Channel}})
			w.until("connected", func() bool { return w.relay().Status == api.Connected })
			var sent []string
			return &road{w: w, h: h, cut: s.Drop, kept: true, send: func(id, text, signature string) {
				data := fmt.Sprintf(`{"x-hub-signature-256":%q,"x-delivery":%q,"content-type":"application/json","timestamp":"1700000000000","bodyB":%q}`, signature, id, base64Of(text))
				sent = append(sent, data)
				s.Publish(data)
			}, repeats: func() {
				for _, data := range sent {
					s.Publish(data)
				}
			}}
		},
	}
}

// habits is what senders and relays do, and what a responder gets of it. The
// README has the same table.
func habits() []struct {
	does, sees string
	relays     bool // only where a relay is between
	do         func(r *road)
	want       string
} {
	ok := func(text string) string { return signed(text, "tok-secret-value-1") }
	settle := func(r *road) { // once the last one has arrived, those before it have
		r.send("last-a", "last", ok("last"))
		r.w.until("the last one", func() bool { return slices.Contains(r.h.all(), "last") })
	}
	return []struct {
		does, sees string
		relays     bool
		do         func(r *road)
		want       string
	}{
		{"sends three events", "each once, in the order in which they came", false, func(r *road) {
			for _, s := range []string{"one", "two", "three"} {
				r.send(s+"-a", s, ok(s))
			}
			settle(r)
		}, "one two three last"},
		{"sends one again, for want of an answer", "one", false, func(r *road) {
			for range 5 {
				r.send("one-a", "one", ok("one"))
			}
			settle(r)
		}, "one last"},
		{"sends two events with the same words", "both", false, func(r *road) {
			r.send("x1-a", "same", ok("same"))
			r.send("x2-a", "same", ok("same"))
			settle(r)
		}, "same same last"},
		{"sends the second event before the first", "the order in which they came; each has its own time", false, func(r *road) {
			r.send("two-a", "two", ok("two"))
			r.send("one-a", "one", ok("one"))
			settle(r)
		}, "two one last"},
		{"forges a signature", "nothing; it is counted", false, func(r *road) {
			r.send("evil-a", "evil", signed("evil", "another secret"))
			settle(r)
		}, "last"},
		{"is cut off in the middle, and the relay sends again", "each once", true, func(r *road) {
			r.send("one-a", "one", ok("one"))
			r.w.until("one", func() bool { return len(r.h.all()) == 1 })
			r.cut()
			r.send("two-a", "two", ok("two"))
			settle(r)
		}, "one two last"},
		{"sends while Postern is off", "each once, if the relay keeps it; otherwise that something is missing is told", true, func(r *road) {
			r.send("one-a", "one", ok("one"))
			r.w.until("one", func() bool { return len(r.h.all()) == 1 })
			r.w.stop()
			r.send("two-a", "two", ok("two"))
			r.w.start()
			settle(r)
		}, "one two last"},
		{"sends, and the relay hands everything over again after a restart, as if it were new", "each once", true, func(r *road) {
			r.send("one-a", "one", ok("one"))
			r.send("two-a", "two", ok("two"))
			r.w.until("two", func() bool { return len(r.h.all()) == 2 })
			r.w.stop()
			r.w.start()
			r.repeats()
			settle(r)
		}, "one two last"},
		{"sends, and whoever recorded it sends it again a week later", "one", true, func(r *road) {
			r.send("one-a", "one", ok("one"))
			r.w.until("one", func() bool { return len(r.h.all()) == 1 })
			r.w.stop()
			later := time.Now().Add(7 * 24 * time.Hour)
			r.w.now = func() time.Time { return later }
			r.w.start()
			r.repeats()
			settle(r)
		}, "one last"},
	}
}

func TestWhatSendersDoAndRespondersSee(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, build := range roads() {
		for _, c := range habits() {
			if row := "| " + c.does + " | " + c.sees + " |"; !strings.Contains(string(readme), row) {
				t.Errorf("the README lacks: %s", row)
			}
			t.Run(name+"/"+c.does, func(t *testing.T) {
				t.Parallel()
				if c.relays && name == "a listener" {
					t.Skip("there is no relay")
				}
				r := build(t)
				c.do(r)
				if got := strings.Join(r.h.all(), " "); got != c.want {
					t.Errorf("the responder saw %q, want %q", got, c.want)
				}
			})
		}
	}
}
