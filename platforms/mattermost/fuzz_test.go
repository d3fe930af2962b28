package mattermost

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// FuzzPress holds verify to accepting presses with our own seal only.
func FuzzPress(f *testing.F) {
	d := newDoor(nil, platforms.NewSecret("a-key-of-the-account-0123456789abcdef"))
	p := pass{Message: "m", Channel: "c", Number: "1", Data: "yes", Expires: "2030-01-01T00:00:00Z"}
	p.Mac = d.seal(p)
	good, err := json.Marshal(pressed{UserID: "person00000000000000000001", ChannelID: "c", PostID: "post0000000000000000000001", Context: p})
	if err != nil {
		f.Fatal(err)
	}
	if err := d.verify(nil, good, time.Now()); err != nil {
		f.Fatal("the good one is refused: ", err)
	}
	f.Add(good)
	f.Add([]byte(`{"user_id":"person00000000000000000001","post_id":"post0000000000000000000001","context":{"mac":""}}`))
	f.Add([]byte("{}"))
	f.Add([]byte(`{"context":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if d.verify(&http.Request{}, body, time.Now()) != nil {
			return
		}
		var got pressed
		if json.Unmarshal(body, &got) == nil {
			got.Context.Mac = strings.ToLower(got.Context.Mac) // hexadecimal either way
		}
		if got.Context != p {
			t.Fatalf("accepted: %q", body)
		}
	})
}
