package cli_test

import (
	"strings"
	"testing"

	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

func TestAPersonSetsUpRelays(t *testing.T) {
	for _, tt := range []struct{ args, in, call, says string }{
		{"add webhookrelay --name Main --set key=k --secret secret --channel orders=pigeon/in --channel more=owl --public orders=https://x.example", "hush-hush-secret\n",
			"AddRelay webhookrelay Main [{orders pigeon /in https://x.example  0001-01-01 00:00:00 +0000 UTC 0 0 } {more owl    0001-01-01 00:00:00 +0000 UTC 0 0 }]", "Saved as"},
		{"change Main --public orders=https://y.example", "", "ChangeRelay webhookrelay-1  [{orders pigeon /in https://y.example  0001-01-01 00:00:00 +0000 UTC 0 0 Paused.}]", "Saved as webhookrelay-1"},
		{"check Trial", "", "CheckRelay", "It works."},
		{"resume Trial", "", "ResumeRelay smee-1", "Resumed smee-1."},
	} {
		b := controltest.New()
		b.SetComing(relaysComing())
		dir, p := serve(t, b), newTTY(t)
		out, code := person(t, p, dir, tt.in, append([]string{"relays"}, strings.Fields(tt.args)...)...)
		if code != cli.OK || !strings.Contains(out, tt.says) {
			t.Errorf("%s: %d %s%s", tt.args, code, out, p.text())
		}
		if got := strings.Join(b.Calls(), ";"); !strings.HasPrefix(got, tt.call) {
			t.Errorf("%q, want %q", got, tt.call)
		}
		if strings.Contains(out+p.text(), "hush-hush") {
			t.Error("the secret is shown")
		}
	}
}
