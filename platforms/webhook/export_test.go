package webhook

import (
	"net/http"
	"time"

	"github.com/postern/postern/platforms"
)

// Verify is what the connector's route does with a request.
func Verify(c platforms.Connector, h http.Header, body []byte, now time.Time) error {
	return c.(*connector).verify(&http.Request{Header: h}, body, now)
}

// Convert is what the connector makes of a verified request.
func Convert(c platforms.Connector, h http.Header, body []byte, now time.Time) platforms.Event {
	return convert(c.(*connector).scheme, h, body, now)
}

// TextMost is the longest text, in characters.
const TextMost = textMost
