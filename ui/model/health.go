package model

import (
	"cmp"
	"slices"
	"strings"

	"github.com/postern/postern/app/control/api"
)

// Health is what a check of the doctor found, at a glance. An empty one was not
// looked at yet.
func Health(h api.Health) StatusView {
	view := func(s State, words string) StatusView { return StatusView{s, s.Symbol(), words} }
	switch h {
	case api.Healthy:
		return view(Good, "fine")
	case api.Warned:
		return view(Stale, "warning")
	case api.Sick:
		return view(Bad, "problem")
	case api.Skipped:
		return view(Off, "not looked at")
	case "":
		return view(Unknown, "looking…")
	}
	return view(Unknown, "unknown")
}

// ward is where a finding belongs: what needs the person first.
func ward(h api.Health) int {
	switch h {
	case api.Sick:
		return 0
	case api.Warned:
		return 1
	case "":
		return 3
	case api.Healthy:
		return 4
	case api.Skipped:
		return 5
	}
	return 2 // unknown, also to this version
}

// ByUrgency is fs with what needs the person first, else in their order.
func ByUrgency(fs []api.Finding) []api.Finding {
	out := slices.Clone(fs)
	slices.SortStableFunc(out, func(a, b api.Finding) int { return cmp.Compare(ward(a.State), ward(b.State)) })
	return out
}

// Diagnosis is fs in one line: "2 problems, 1 warning, 18 fine".
func Diagnosis(fs []api.Finding) string {
	n := map[int]int{}
	for _, f := range fs {
		n[ward(f.State)]++
	}
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, Count(n, one, many))
		}
	}
	add(n[0], "problem", "problems")
	add(n[1], "warning", "warnings")
	add(n[2], "unknown", "unknown")
	add(n[4], "fine", "fine")
	add(n[5], "not looked at", "not looked at")
	return strings.Join(parts, ", ")
}

// Taken is what was taken out of a bundle, in one sentence.
func Taken(ms []api.Masked) string {
	var parts []string
	for _, m := range ms {
		if m.Count > 0 {
			parts = append(parts, Count(m.Count, "× "+m.What, "× "+m.What))
		}
	}
	if len(parts) == 0 {
		return "Nothing had to be taken out."
	}
	return "Taken out: " + strings.Join(parts, ", ") + "."
}
