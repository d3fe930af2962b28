package main

import (
	"testing"

	"github.com/postern/postern/app/control/cli"
)

func TestFirstPage(t *testing.T) {
	for _, c := range []struct {
		o        cli.StartOptions
		accounts int
		want     string
	}{
		{cli.StartOptions{}, 0, "accounts"}, {cli.StartOptions{Show: "people"}, 0, "people"}, {cli.StartOptions{Show: "people"}, 2, "people"},
		{cli.StartOptions{}, 2, ""}, {cli.StartOptions{Demo: true}, 6, "inbox"}, {cli.StartOptions{Demo: true, Show: "people"}, 6, "people"},
	} {
		if got := firstPage(c.o, c.accounts); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
