package slack_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/slack/slacktest"
)

// watched is a transport that notes what was asked for, and may answer files.info
// with another address than the emulator's.
type watched struct {
	next    http.RoundTripper
	address string // in the place of a file's; empty: the emulator's own

	mu    sync.Mutex
	forms map[string]url.Values // the last of each method
	hosts map[string]bool
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	w.mu.Lock()
	w.hosts[r.URL.Host] = true
	w.mu.Unlock()
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(b))
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		w.forms[method] = form
		w.mu.Unlock()
	}
	if w.address == "" || method != "files.info" {
		return w.next.RoundTrip(r)
	}
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(fmt.Sprintf(`{"ok":true,"file":{"id":"F1","size":1,"url_private":%q}}`, w.address)))}, nil
}

func watch(t *testing.T, s *slacktest.Server) (platforms.Connector, *watched) {
	t.Helper()
	c := config(t, s)
	w := &watched{next: c.HTTP.Transport, forms: map[string]url.Values{}, hosts: map[string]bool{}}
	c.HTTP = &http.Client{Transport: w}
	conn, _ := connector(t, s, c)
	return conn, w
}

// TestNothingIsReadIntoAText looks at the arguments that the emulator can't act
// on: previews are fetched by Slack, and marks are read in its clients.
func TestNothingIsReadIntoAText(t *testing.T) {
	s := newServer(t)
	conn, w := watch(t, s)
	m := platforms.Message{Key: "k", Conversation: slacktest.Direct, Text: "https://example.org *x*"}
	id, err := conn.Send(soon(t), m)
	must(t, err)
	must(t, conn.(platforms.Editor).Edit(soon(t), id, m))
	for _, method := range []string{"chat.postMessage", "chat.update"} {
		for key, want := range map[string]string{"unfurl_links": "false", "unfurl_media": "false", "mrkdwn": "false", "link_names": "false", "parse": "none"} {
			if got := w.forms[method].Get(key); got != want {
				t.Errorf("%s: %s is %q, not %q", method, key, got, want)
			}
		}
	}
}

// TestTokenGoesToSlackOnly has Slack name addresses of others for a file: nobody
// is asked for it, since whoever is asked gets the bot's token.
func TestTokenGoesToSlackOnly(t *testing.T) {
	s := newServer(t)
	own, err := url.Parse(s.URL())
	must(t, err)
	conn, w := watch(t, s)
	for _, address := range []string{"https://example.org/a", "https://files.slack.com.example.org/a", "http://files.slack.com/a",
		"https://evilslack.com/a", "https://files.slack.com@example.org/a", "file:///etc/passwd", "//example.org/a"} {
		w.address = address
		body, err := conn.(platforms.Opener).Open(soon(t), platforms.Attachment{Ref: "F1"})
		if err == nil {
			_ = body.Close()
		}
		if platforms.KindOf(err) != platforms.Rejected {
			t.Errorf("%s: %v", address, err)
		}
	}
	if len(w.hosts) != 1 || !w.hosts[own.Host] {
		t.Errorf("asked were %v", w.hosts)
	}
}

// TestAnswerStaysInItsConversation: what came with a command in one conversation
// does not answer in another, where the bot may not write.
func TestAnswerStaysInItsConversation(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	s.Command(slacktest.Group, slacktest.Person, "/postern", "x")
	reply := r.rec.Wait(t, 1)[0].Reply
	s.SetFault("chat.postMessage", slacktest.Fault{Error: "not_in_channel"})
	_, err := r.Send(soon(t), platforms.Message{Key: "k", Conversation: slacktest.Direct, Reply: reply, Text: "private"})
	if platforms.KindOf(err) != platforms.Rejected {
		t.Errorf("%v", err)
	}
	if sent := s.Sent(); len(sent) != 0 {
		t.Errorf("%+v", sent)
	}
	must(t, ignoreCanceled(r.stop(t)))
}

// TestProxyTellsNoTicket has a proxy's refusal name the address that was asked
// for: whoever has the ticket in it opens the socket.
func TestProxyTellsNoTicket(t *testing.T) {
	s := newServer(t)
	c := config(t, s)
	ticket := ""
	c.Proxy = func(r *http.Request) (*url.URL, error) {
		ticket = r.URL.Query().Get("ticket")
		return nil, fmt.Errorf("no way to %s", r.URL)
	}
	conn, told := connector(t, s, c)
	_, err := conn.Check(soon(t))
	if err == nil || ticket == "" {
		t.Fatalf("the socket was opened: %v, ticket %q", err, ticket)
	}
	if said := fmt.Sprintf("%v %+v %s", err, err, told.String()); strings.Contains(said, ticket) {
		t.Errorf("the ticket is told: %s", said)
	}
}
