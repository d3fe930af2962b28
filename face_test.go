package main

import "testing"

func TestFirstPage(t *testing.T) {
	for _, c := range []struct {
		show     string
		accounts int
		want     string
	}{{"", 0, "accounts"}, {"people", 0, "people"}, {"people", 2, "people"}, {"", 2, ""}} {
		if got := firstPage(c.show, c.accounts); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
