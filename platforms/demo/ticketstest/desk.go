// Package ticketstest is a small local service such as a person has: it opens a
// ticket for each message that is posted to it, and answers with its number. It
// knows a repeated message by the id in the header webhook-id, and whose it is
// by the signature that Standard Webhooks describes:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package ticketstest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Ticket is one that was opened.
type Ticket struct {
	Number int
	ID     string // of the message's event
	Who    string
	Text   string
}

// Desk is the service. Its methods may be called from several goroutines.
type Desk struct {
	server *httptest.Server
	key    []byte

	mu      sync.Mutex
	down    int // requests that are still refused; below 0: all
	tickets []Ticket
	refused int // while it was down
	again   int // came once more and got their number once more
	forged  int
}

// New starts a desk on the loopback address.
func New() *Desk {
	d := &Desk{key: make([]byte, 32)}
	_, _ = rand.Read(d.key) // never fails, says its documentation
	d.server = httptest.NewServer(d)
	return d
}

// URL is where messages are posted to.
func (d *Desk) URL() string { return d.server.URL + "/tickets" }

// Secret is by which they are signed: "whsec_…".
func (d *Desk) Secret() string { return "whsec_" + base64.StdEncoding.EncodeToString(d.key) }

// Close ends it.
func (d *Desk) Close() { d.server.Close() }

// Down has the desk answer 503 to so many requests, or, below 0, until Up.
func (d *Desk) Down(requests int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = requests
}

// Up ends Down.
func (d *Desk) Up() { d.Down(0) }

// Tickets is what was opened, in order.
func (d *Desk) Tickets() []Ticket {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.tickets)
}

// Counts is how many requests were refused while it was down, came once more,
// and bore no good signature.
func (d *Desk) Counts() (refused, again, forged int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refused, d.again, d.forged
}

// ServeHTTP takes POST /tickets.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/tickets" {
		http.Error(w, "not here", http.StatusNotFound)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := r.Header.Get("webhook-id")
	if !d.signed(id, r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body) {
		d.forged++
		http.Error(w, "not signed", http.StatusUnauthorized)
		return
	}
	if d.down != 0 {
		d.down = max(d.down-1, -1)
		d.refused++
		http.Error(w, "closed for a moment", http.StatusServiceUnavailable)
		return
	}
	var message struct {
		Text string `json:"text"`
		From struct {
			Name string `json:"name"`
		} `json:"from"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	at := slices.IndexFunc(d.tickets, func(t Ticket) bool { return t.ID == id })
	if at < 0 {
		at = len(d.tickets)
		d.tickets = append(d.tickets, Ticket{Number: 4711 + at, ID: id, Who: message.From.Name, Text: message.Text})
	} else {
		d.again++
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "Ticket #%d is open.", d.tickets[at].Number)
}

// signed reports whether one of the signatures is ours and fresh.
func (d *Desk) signed(id, stamp, signatures string, body []byte) bool {
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false
	}
	m := hmac.New(sha256.New, d.key)
	_, _ = fmt.Fprintf(m, "%s.%s.%s", id, stamp, body)
	want := m.Sum(nil)
	return slices.ContainsFunc(strings.Fields(signatures), func(s string) bool {
		got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "v1,"))
		return strings.HasPrefix(s, "v1,") && err == nil && hmac.Equal(got, want)
	})
}
