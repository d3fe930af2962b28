package cli_test

import (
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

// relaysComing is a backend's relays.
func relaysComing() controltest.Coming {
	return controltest.Coming{
		Kinds: []api.RelayKind{
			{Name: "smee", Title: "smee", Summary: "For trying things out.", Word: "channel", Warning: "It writes bodies anew.",
				Fields: []api.Field{{Key: "channel", Label: "Channel", Secret: true, Required: true}}},
			{Name: "webhookrelay", Title: "Webhook Relay", Summary: "A service.", Word: "bucket", Many: true, Exact: true,
				Fields: []api.Field{{Key: "key", Label: "Token key"}, {Key: "secret", Label: "Token secret", Secret: true, Required: true}}}},
		Relays: []api.Relay{
			{ID: "smee-1", Kind: "smee", Title: "smee", Name: "Trial", Status: api.Connected, Warning: "It writes bodies anew.", Taken: 3, Last: controltest.At(),
				Channels: []api.RelayChannel{{Account: "pigeon", Taken: 3}}},
			{ID: "webhookrelay-1", Kind: "webhookrelay", Title: "Webhook Relay", Name: "Main", Status: api.BadCredentials, Note: "Refused \x1b[2J.",
				Channels: []api.RelayChannel{{Channel: "orders", Account: "pigeon", Path: "/in", Public: "https://x.example", Problem: "Paused."}},
				Gaps:     []api.RelayGap{{At: controltest.At(), Certain: true, Text: "Too old."}}}},
		Checked: api.RelayCheck{Text: "It works."},
	}
}

func TestRelaysAreListed(t *testing.T) {
	b := controltest.New()
	b.SetComing(relaysComing())
	s := shell{dir: serve(t, b)}
	for _, tt := range []struct{ args, want string }{
		{"relays", `
RELAY           NAME   KIND           STATUS           LEADS TO  TAKEN  REFUSED  LAST              NOTE
smee-1          Trial  smee           CONNECTED        pigeon    3               2026-03-04 05:06
webhookrelay-1  Main   Webhook Relay  BAD_CREDENTIALS  pigeon                                      Refused [2J.
`},
		{"relays show Main", `
Main (webhookrelay-1, Webhook Relay): BAD_CREDENTIALS
Refused [2J.
CHANNEL  LEADS TO    PUBLIC             TAKEN  REFUSED  LAST  PROBLEM
orders   pigeon/in  https://x.example                        Paused.

NOTICED           SINCE  MISSING  WHAT
2026-03-04 05:06         yes      Too old.
`},
		{"relays kinds", `
To add: postern relays add smee
smee: For trying things out.
FIELD             LABEL    NEEDED  HELP
--secret channel  Channel  yes
It writes bodies anew.

To add: postern relays add webhookrelay
Webhook Relay: A service.
FIELD            LABEL         NEEDED  HELP
--set key=…      Token key
--secret secret  Token secret  yes
`},
	} {
		if got := s.good(t, strings.Fields(tt.args)...); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(tt.want), " ") {
			t.Errorf("%s:\n%s", tt.args, got)
		}
	}
}

func TestRelaysAreManaged(t *testing.T) {
	for _, tt := range []struct {
		args, call, says string
		code             int
	}{
		{"pause Trial", "PauseRelay smee-1", "Paused smee-1.", cli.OK},
		{"remove smee-1 --yes", "RemoveRelay smee-1", "Removed smee-1.", cli.OK},
		{"remove smee-1", "", "--yes", cli.Usage},
		{"show nobody", "", "no relay", cli.Usage},
		{"add pigeon", "", "no such kind", cli.Usage},
		{"add smee --channel a=pigeon --secret channel", "", "the account alone", cli.Usage},
		{"add webhookrelay --channel pigeon --secret secret", "", "BUCKET=ACCOUNT", cli.Usage},
		{"add webhookrelay --channel orders= --secret secret", "", "names no account", cli.Usage},
		{"add webhookrelay --channel orders=pigeon --public other=https://x --secret secret", "", "of a channel that there is", cli.Usage},
		{"add webhookrelay --set secret=s", "", "is a secret", cli.Usage},
	} {
		b := controltest.New()
		b.SetComing(relaysComing())
		s := shell{dir: serve(t, b)}
		out, errs, code := s.run(t, append([]string{"relays"}, strings.Fields(tt.args)...)...)
		if code != tt.code || !strings.Contains(out+errs, tt.says) || strings.Join(b.Calls(), ";") != tt.call {
			t.Errorf("%s: %d %s%s, called %q", tt.args, code, out, errs, b.Calls())
		}
	}
	s := shell{dir: serve(t, func() *controltest.Backend { b := controltest.New(); b.SetComing(relaysComing()); return b }())}
	if out, _, _ := s.run(t, "__complete", "relays", "show", ""); !strings.HasPrefix(out, "smee-1\tTrial\n") {
		t.Error(out)
	}
	if out, _, _ := s.run(t, "__complete", "relays", "add", ""); !strings.HasPrefix(out, "smee\tsmee\n") {
		t.Error(out)
	}
}
