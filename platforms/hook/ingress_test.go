package hook_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/hook"
	"github.com/postern/postern/platforms/ingresstest"
)

func TestServe(t *testing.T) {
	route := platforms.Route{Path: "/in", Handler: http.NotFoundHandler(), Verify: func(*http.Request, []byte, time.Time) error { return nil }}
	own := &platforms.Error{Kind: platforms.Temporary, Text: "Its own words."}
	for name, c := range map[string]struct {
		refusal error
		kind    platforms.Kind
		words   string
	}{
		"open":                {nil, "", ""},
		"refused with words":  {own, platforms.Temporary, "Its own words."},
		"refused without any": {errors.New("closed"), platforms.NotAcknowledged, "Nothing is open."},
	} {
		t.Run(name, func(t *testing.T) {
			in := ingresstest.New()
			in.Refuse(c.refusal)
			public, release, err := hook.Serve(in, route, "Nothing is open.")
			address, wrong := hook.Address(in, "/in", "Nothing is open.")
			for _, err := range []error{err, wrong} {
				if platforms.KindOf(err) != c.kind || err != nil && platforms.Explain(err) != c.words {
					t.Errorf("%v", err)
				}
			}
			if err == nil {
				release()
				if public == "" || address != public || in.Open() != 0 {
					t.Errorf("%q %q, %d open", public, address, in.Open())
				}
			}
		})
	}
	if _, _, err := hook.Serve(nil, route, "Nothing is open."); platforms.KindOf(err) != platforms.NotAcknowledged || platforms.Explain(err) != "Nothing is open." {
		t.Errorf("without an Ingress: %v", err)
	}
	if _, err := hook.Address(nil, "/in", "Nothing is open."); platforms.KindOf(err) != platforms.NotAcknowledged {
		t.Errorf("without an Ingress: %v", err)
	}
}
