package model

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
)

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour:                      "just now",
		0:                               "just now",
		4999 * time.Millisecond:         "just now",
		5 * time.Second:                 "5 s ago",
		59 * time.Second:                "59 s ago",
		time.Minute:                     "1 min ago",
		59*time.Minute + 59*time.Second: "59 min ago",
		time.Hour:                       "1 h ago",
		23*time.Hour + 59*time.Minute:   "23 h ago",
		24 * time.Hour:                  "1 day ago",
		48 * time.Hour:                  "2 days ago",
		400 * 24 * time.Hour:            "400 days ago",
	} {
		if got := Ago(ago(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := Ago(time.Time{}, now); got != "never" {
		t.Errorf("zero time: %q, want never", got)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		-1: "size unknown", 0: "size unknown", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB",
		999_949: "999.9 kB", 999_950: "1.0 MB", 12_400_000: "12.4 MB", 2_000_000_000: "2.0 GB",
		math.MaxInt64: "9.2 EB",
	} {
		if got := Size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestEntryNote(t *testing.T) {
	for name, c := range map[string]struct {
		entry api.Entry
		want  string
	}{
		"ordinary":     {api.Entry{Status: api.Delivered}, ""},
		"sent":         {api.Entry{Status: api.Sent}, ""},
		"queued":       {api.Entry{Status: api.Queued}, "waiting to be sent"},
		"maybe twice":  {api.Entry{Status: api.Queued, MayDuplicate: true}, "waiting to be sent · may be a duplicate"},
		"dead and why": {api.Entry{Status: api.DeadEnd, Why: "too long\n(4096)"}, "could not be sent (too long (4096))"},
		"away":         {api.Entry{Status: api.Delivered, Away: true}, "while you were away"},
		"all marks": {
			api.Entry{Status: api.Sent, MayDuplicate: true, Stranger: true, Away: true, Edited: true, Erased: true},
			"may be a duplicate · from a stranger · while you were away · edited · text not kept",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := EntryNote(c.entry); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWordsAreDistinct(t *testing.T) {
	var words []string
	for _, s := range []api.EntryStatus{
		api.Received, api.Delivered, api.HeldBack, api.Dismissed, api.Failed, api.Queued, api.Sent,
		api.DeadEnd, api.Discarded, "new",
	} {
		words = append(words, EntryWords(s))
	}
	for _, w := range []api.What{
		api.Routed, api.Rejected, api.Ignored, api.SentOut, api.Retried, api.DiedOut, api.Resumed,
		api.Stopped, api.Changed, api.Alarm, api.Permission, api.GaveUp, api.ToldAgain, "new",
	} {
		words = append(words, ActivityWords(w))
	}
	slices.Sort(words)
	for i, w := range words {
		if w == "" || i > 0 && w == words[i-1] {
			t.Errorf("%q is empty or stands for two things", w)
		}
	}
}
