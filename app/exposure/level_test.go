package exposure

import (
	"testing"

	"github.com/postern/postern/platforms"
)

func TestOf(t *testing.T) {
	tests := map[platforms.Inbound]Level{
		platforms.Dials:    Outbound,
		platforms.Callback: Outbound, // its callbacks need a listener, and there is none
		platforms.Webhook:  Refused,
		99:                 Refused, // unknown: never better than it is
	}
	for in, want := range tests {
		if got := (Facts{Inbound: in}).Level(); got != want {
			t.Errorf("Facts{%d} = %q, want %q", in, got, want)
		}
	}
}
