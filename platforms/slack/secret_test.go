package slack_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/slack/slacktest"
)

func text(name, content string) platforms.File {
	return platforms.File{Name: name, MediaType: "text/plain", Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

// TestAddressesAreSecrets makes calls to addresses that are secrets fail, and
// looks for them in what is said about it: the ticket of a socket, where a file
// is sent, and where a click is answered.
func TestAddressesAreSecrets(t *testing.T) {
	s := newServer(t)
	r := start(t, s, "")
	s.Command(slacktest.Direct, slacktest.Person, "/postern", "x")
	token := r.rec.Wait(t, 1)[0].Reply
	var said strings.Builder
	note := func(err error) {
		if err == nil {
			t.Error("it did not fail")
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			fmt.Fprintf(&said, "%v %+v\n", e, e)
		}
	}
	s.SetFault("upload", slacktest.Fault{Kind: slacktest.Lost})
	_, err := r.Send(soon(t), platforms.Message{Key: "k", Conversation: slacktest.Direct, Files: []platforms.File{text("a.txt", "x")}})
	note(err)
	if _, err := r.Check(soon(t)); err != nil {
		t.Error(err)
	}
	if n := s.Calls("apps.connections.open"); n != 1 {
		t.Errorf("%d sockets were asked for, beside Run's", n)
	}
	must(t, ignoreCanceled(r.stop(t)))
	s.SetFault("link", slacktest.Fault{Kind: slacktest.Lost})
	_, err = r.Check(soon(t))
	note(err)
	s.Down()
	note(r.Connector.(platforms.Clicker).Clicked(soon(t), token, "noted"))
	for _, secret := range []string{"ticket=", "/upload/", "/response/", botToken, appToken} {
		if strings.Contains(said.String()+r.told.String(), secret) {
			t.Errorf("%q is told: %s", secret, said.String())
		}
	}
}
