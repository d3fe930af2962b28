package model

import (
	"image/color"
	"slices"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
)

func TestRoles(t *testing.T) {
	seen := map[string]access.Role{}
	for _, r := range append(Roles(), "queen") {
		v := RoleBadge(r)
		if other, ok := seen[v.Symbol]; ok {
			t.Errorf("%q and %q have the same symbol", r, other)
		}
		seen[v.Symbol] = r
		if v.Words == "" || RoleHelp(r) == "" {
			t.Errorf("%q: %+v", r, v)
		}
		light, dark := Page()
		for _, c := range [][2]color.NRGBA{{v.Light, light}, {v.Dark, dark}} {
			if got := contrast(c[0], c[1]); got < 4.5 {
				t.Errorf("%q has a contrast of %.2f", r, got)
			}
		}
	}
}

func TestVerdictWords(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range []access.Verdict{access.Allowed, access.Ignored, access.NeedsMention, access.Listens, access.Insufficient, access.Elsewhere,
		access.Stranger, access.Robot, access.Faceless, access.Detached, access.Own, access.Unsaid, "of tomorrow"} {
		w := VerdictWords(v)
		if w == "" || seen[w] {
			t.Errorf("%q: %q", v, w)
		}
		seen[w] = true
		if (w == "Let in") != (v == access.Allowed) {
			t.Errorf("%q is %q", v, w)
		}
	}
}

func TestDecisionWords(t *testing.T) {
	for _, c := range []struct {
		d    access.Decision
		want string
	}{
		{access.Decision{Verdict: access.Allowed, Role: access.Owner, Rule: 3}, "Let in as an owner, by rule 3"},
		{access.Decision{Verdict: access.Allowed, Role: access.Member, Rule: 1}, "Let in as a member, by rule 1"},
		{access.Decision{Verdict: access.Stranger}, "Not let in: a stranger"},
		{access.Decision{}, "Not let in"},
	} {
		if got := DecisionWords(c.d); got != c.want {
			t.Errorf("%+v: %q", c.d, got)
		}
	}
}

func TestEndsAndCountdowns(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{time.Time{}, "for ever"},
		{now.Add(time.Hour), "until 15:00"},
		{now.Add(13 * 24 * time.Hour), "until 3 Dec 14:00"},
		{now, "ended 14:00"},
	} {
		if got := EndWords(c.t, now); got != c.want {
			t.Errorf("%v: %q", c.t, got)
		}
	}
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0 s"}, {0, "0 s"}, {time.Millisecond, "1 s"}, {59 * time.Second, "59 s"}, {59*time.Second + 1, "1 min 0 s"},
		{5 * time.Minute, "5 min 0 s"}, {272 * time.Second, "4 min 32 s"}, {125 * time.Minute, "2 h 5 min"}, {72 * time.Hour, "3 days"},
	} {
		if got := Left(now.Add(c.d), now); got != c.want {
			t.Errorf("%v: %q, want %q", c.d, got, c.want)
		}
	}
}

func TestMenuTellsWhatOnlyAPersonCanAnswer(t *testing.T) {
	s := office()
	for _, it := range Menu(s, now) {
		if it.ID == "asks" || it.ID == "claims" {
			t.Errorf("nothing waits, but %q", it.Label)
		}
	}
	s.Asks, s.Claims = 2, 1
	items := Menu(s, now)
	lines := draw(items)
	for _, want := range []string{"2 permissions wait for you…", "1 person waits to be let in…"} {
		if !slices.Contains(lines, want) {
			t.Errorf("no %q in %q", want, lines)
		}
	}
	for _, it := range items {
		if page, ok := map[string]string{"asks": "inbox", "claims": "people"}[it.ID]; ok && it.Do != show(page) {
			t.Errorf("%s leads to %+v", it.ID, it.Do)
		}
	}
	if icon, why := IconOf(s, now); icon != Attention || why != "2 permissions wait for you" {
		t.Errorf("%v %q", icon, why)
	}
	s.Asks = 0
	if icon, why := IconOf(s, now); icon != Attention || why != "1 person waits to be let in" {
		t.Errorf("%v %q", icon, why)
	}
}
