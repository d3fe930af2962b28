package line

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

func TestSignInPageParksNobody(t *testing.T) {
	a := api{token: platforms.NewSecret("tokentokentoken"), secret: platforms.NewSecret("secretsecret")}
	err := a.refused(&http.Response{StatusCode: 401, Header: http.Header{}}, []byte("<html>sign in</html>"))
	if k := platforms.KindOf(err); k != platforms.Temporary {
		t.Errorf("%s: %v", k, err)
	}
}

// TestOddFieldCostsNoMessage: what can't be converted is answered with 200 and is gone.
func TestOddFieldCostsNoMessage(t *testing.T) {
	for _, odd := range []string{`"joined":[]`, `"postback":{"params":{"n":1}}`, `"message":{"id":"5","type":"text","text":"hello","keywords":"x"}`, `"message":{"id":"5","type":"text","text":"hello","mention":[]}`} {
		raw := `{"type":"message","webhookEventId":"e","timestamp":1,"source":{"type":"user","userId":"U0123456789abcdef0123456789abcdef"},"message":{"id":"5","type":"text","text":"hello"},` + odd + `}`
		ev, ok := Convert(json.RawMessage(raw), time.Now())
		if !ok || ev.Text != "hello" {
			t.Errorf("%s: %v %q", odd, ok, ev.Text)
		}
	}
}
