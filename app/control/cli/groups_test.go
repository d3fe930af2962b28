package cli_test

import (
	"strings"
	"testing"

	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

func TestGroupsListByThemselves(t *testing.T) {
	s := shell{dir: serve(t, controltest.New())}
	for _, args := range [][]string{{"accounts"}, {"doors"}, {"audit"}, {"platforms"}, {"people"}, {"asks"}, {"settings"}} {
		if out := s.good(t, args...); out == "" || strings.Contains(out, "Usage:") {
			t.Errorf("%v: %q", args, out)
		}
	}
	if _, err, code := s.run(t, "doors", "remove"); code != cli.Usage || !strings.Contains(err, "something is missing") || !strings.Contains(err, "ACCOUNT") {
		t.Errorf("%d %q", code, err)
	}
}

func TestAConversationThatNobodyKnows(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	if _, err, code := s.run(t, "send", "pigeon", "c-typo", "hello"); code != cli.Failed || !strings.Contains(err, "--new") || strings.Contains(strings.Join(b.Calls(), "\n"), "Send ") {
		t.Errorf("%d %q %q", code, err, b.Calls())
	}
	s.good(t, "send", "pigeon", "c-typo", "hello", "--new")
}
