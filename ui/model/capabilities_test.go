package model

import (
	"slices"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

func TestCapabilities(t *testing.T) {
	got := Capabilities([]api.Platform{
		{Minutes: 2, Exposure: exposure.Outbound, Away: "Kept for a day.", Limits: platforms.Limits{
			Text: 4096, Unit: platforms.UTF16, Edit: true, Threads: true, Buttons: 100, ButtonsPerRow: 8, Upload: 50_000_000, Download: 1_500_000,
			Typing: time.Second, Pace: platforms.Pace{Account: platforms.Rate{N: 30, Per: time.Second}, Conversation: platforms.Rate{N: 20, Per: time.Minute}}}},
		{Exposure: exposure.Refused, Limits: platforms.Limits{Text: 1_234_567, Unit: platforms.Runes, Buttons: 4, ButtonsPerRow: 4, Upload: 10 << 20, Download: 1 << 30,
			Pace: platforms.Pace{Account: platforms.Rate{N: 2000, Per: 90 * time.Second}}}},
		{Exposure: exposure.Refused, Minutes: 10, Limits: platforms.Limits{Mute: true}},
		{Exposure: exposure.Outbound, Minutes: 3, Varies: true, Limits: platforms.Limits{Deaf: true, Text: 4000, Unit: platforms.Runes}},
	})
	want := map[string][4]string{
		"Reached by":         {"outbound socket", "public webhook", "public webhook", "outbound socket"},
		"First setup":        {"2 min", "–", "10 min", "3 min"},
		"Hears and speaks":   {"both", "both", "only hears", "only speaks"},
		"Longest text":       {"4,096 UTF-16 units", "1,234,567 characters", "sends nothing", "depends on the chat"},
		"Edits its messages": {"yes", "no", "no", "no"},
		"Threads":            {"yes", "no", "no", "no"},
		"Buttons":            {"up to 100, 8 a row", "up to 4", "no", "as a numbered list"},
		"Sends files":        {"up to 50 MB", "up to 10 MiB", "no", "no"},
		"Fetches files":      {"up to 1.5 MB", "up to 1 GiB", "no", "no"},
		"Typing sign":        {"yes", "no", "no", "no"},
		"To one chat":        {"20 a minute", "no limit known", "–", "depends on the chat"},
		"All together":       {"30 a second", "2,000 in 90 s", "–", "no limit known"},
		"While this is off":  {"Kept for a day.", "", "", ""},
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for _, c := range got {
		if w, ok := want[c.Name]; !ok || !slices.Equal(c.Values, w[:]) {
			t.Errorf("%q: %q, want %q", c.Name, c.Values, w)
		}
	}
}
