package exposure

import (
	"testing"

	"github.com/postern/postern/platforms"
)

func TestOf(t *testing.T) {
	tests := map[platforms.Inbound]Level{
		platforms.Dials:    Outbound,
		platforms.Callback: Outbound, // its callbacks need a listener, which nothing opens yet
		platforms.Webhook:  Refused,
		99:                 Refused, // unknown: never better than it is
	}
	for in, want := range tests {
		if got := Of(in); got != want {
			t.Errorf("Of(%d) = %q, want %q", in, got, want)
		}
	}
}
