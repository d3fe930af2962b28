//go:build interop

package interop

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/postern/postern/platforms/line/linetest"
)

// sender is one service as senders.mjs plays it.
type sender struct {
	name   string // as the account's sender
	secret string
	shape  string // of what senders.mjs knows, one that doesn't survive being written again
}

var senders = []sender{
	{"github", "It's a Secret to Everybody", "lines"},
	{"stripe", "whsec_0123456789abcdefghijklmnopqrstuv", "ascii"},
	{"standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ascii"},
	{"line", lineSecret, "ascii"},
}

// sent is one request of a service's.
type sent struct {
	Event  string
	Status int
	Body   []byte
	Same   bool // the body is what JavaScript writes again of it
}

// send has a service send all it has to an address.
func (s sender) send(t *testing.T, address, shape string) (all []sent) {
	t.Helper()
	task, err := json.Marshal(map[string]any{"service": s.name, "url": address, "secret": s.secret, "shape": shape, "from": linetest.Person, "to": linetest.Bot})
	must(t, err)
	cmd := node(t, []string{"TASK=" + string(task)}, "senders.mjs")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	for line := range strings.Lines(string(raw)) {
		var one sent
		must(t, json.Unmarshal([]byte(line), &one))
		all = append(all, one)
	}
	if least := map[bool]int{true: 700, false: 12}[s.name == "github"]; len(all) < least {
		t.Fatalf("%s sent %d requests only", s.name, len(all))
	}
	return all
}

// distinct is the requests without those whose body was sent before: that is how
// a service that signs no id is heard once.
func distinct(t *testing.T, all []sent) (once []sent, events map[string]int) {
	t.Helper()
	known := map[[sha256.Size]byte]string{}
	events = map[string]int{}
	for _, s := range all {
		sum := sha256.Sum256(s.Body)
		if before, again := known[sum]; again {
			if before != s.Event {
				t.Errorf("one body is a %s and a %s", before, s.Event)
			}
			continue
		}
		known[sum] = s.Event
		once = append(once, s)
		events[s.Event]++
	}
	return once, events
}

// got checks that the responder was handed each of these exactly once, and
// nothing else.
func (w *world) got(s sender, want []sent, events map[string]int) {
	w.t.Helper()
	w.until("all is handed on", func() bool { return w.seen.count() >= len(want) })
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	if len(w.seen.texts) != len(want) {
		w.t.Errorf("%s: %d handed on, want %d", s.name, len(w.seen.texts), len(want))
	}
	if s.name == "line" { // its messages are taken apart, and only their text is kept
		for _, text := range w.seen.texts {
			if !strings.HasPrefix(text, "hello ") || !strings.HasSuffix(text, " é😀") {
				w.t.Errorf("%q", text)
			}
		}
		return
	}
	for _, one := range want {
		if n := w.seen.bodies[sha256.Sum256(one.Body)]; n != 1 {
			w.t.Errorf("%s: a %s was handed on %d times", s.name, one.Event, n)
		}
	}
	if s.name == "github" && !maps.Equal(w.seen.events, events) {
		w.t.Errorf("by name %v, want %v", w.seen.events, events)
	}
}

// account sets up what a sender's requests go to.
func (w *world) account(s sender) (values map[string]string, platform string) {
	if s.name != "line" {
		return map[string]string{"sender": s.name, "secret": s.secret}, "webhook"
	}
	server, err := linetest.New(lineToken, lineSecret)
	must(w.t, err)
	w.t.Cleanup(server.Close)
	return map[string]string{"token": lineToken, "secret": lineSecret, "server": server.URL()}, "line"
}

// TestSendersAtTheDoor has what the services' own libraries signed come to our
// own listener: every request is taken, and each body handed to a responder
// once.
func TestSendersAtTheDoor(t *testing.T) {
	for _, s := range senders {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t)
			values, platform := w.account(s)
			all := s.send(t, w.open(w.add(platform, values)), s.shape)
			for _, one := range all {
				if one.Status != http.StatusOK {
					t.Errorf("a %s is answered with %d", one.Event, one.Status)
				}
			}
			once, events := distinct(t, all)
			w.got(s, once, events)
			t.Logf("%d requests, %d bodies, %d names of events", len(all), len(once), len(events))
		})
	}
}
