package app

import (
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

func TestParts(t *testing.T) {
	limits := platforms.Limits{Text: 10, Caption: 5, Unit: platforms.UTF16, Buttons: 3, Upload: 100}
	file := platforms.File{Name: "f", Size: 1}
	rows := [][]platforms.Button{{{Label: "Yes", Data: "y"}}}
	tests := map[string]struct {
		m      platforms.Message
		l      platforms.Limits
		texts  []string
		files  []int
		button int // the part that has the buttons; -1: none
		kind   platforms.Kind
	}{
		"short":                {m: platforms.Message{Text: "hi"}, l: limits, texts: []string{"hi"}, files: []int{0}, button: -1},
		"long, buttons last":   {m: platforms.Message{Text: "aaaa bbbb cccc", Buttons: rows}, l: limits, texts: []string{"aaaa bbbb", "cccc"}, files: []int{0, 0}, button: 1},
		"file with caption":    {m: platforms.Message{Text: "cap", Files: []platforms.File{file}}, l: limits, texts: []string{"cap"}, files: []int{1}, button: -1},
		"file, long caption":   {m: platforms.Message{Text: "caption", Files: []platforms.File{file}}, l: limits, texts: []string{"caption", ""}, files: []int{0, 1}, button: -1},
		"two files":            {m: platforms.Message{Text: "cap", Files: []platforms.File{file, file}}, l: limits, texts: []string{"cap", "", ""}, files: []int{0, 1, 1}, button: -1},
		"file only":            {m: platforms.Message{Files: []platforms.File{file}}, l: limits, texts: []string{""}, files: []int{1}, button: -1},
		"empty":                {m: platforms.Message{}, l: limits, kind: platforms.Rejected},
		"file too large":       {m: platforms.Message{Files: []platforms.File{{Size: 101}}}, l: limits, kind: platforms.Rejected},
		"no files here":        {m: platforms.Message{Files: []platforms.File{file}}, l: platforms.Limits{}, kind: platforms.Unsupported},
		"no buttons: numbered": {m: platforms.Message{Text: "Ok?", Buttons: rows}, l: platforms.Limits{Unit: platforms.Runes}, texts: []string{"Ok?\n1. Yes"}, files: []int{0}, button: -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.m.Key, tt.m.ReplyTo = "k", "r"
			got, err := parts(tt.m, tt.l)
			if k := platforms.KindOf(err); k != tt.kind {
				t.Fatalf("kind %q (%v), want %q", k, err, tt.kind)
			}
			keys := map[string]bool{}
			for i, p := range got {
				keys[p.Key] = true
				if i >= len(tt.texts) || p.Text != tt.texts[i] || len(p.Files) != tt.files[i] {
					t.Errorf("part %d: %+v", i, p)
				}
				if (len(p.Buttons) > 0) != (i == tt.button) {
					t.Errorf("buttons on part %d: %v", i, p.Buttons)
				}
				if (p.ReplyTo != "") != (i == 0) {
					t.Errorf("part %d replies to %q", i, p.ReplyTo)
				}
			}
			if len(keys) != len(got) || len(got) != len(tt.texts) {
				t.Errorf("%d parts with %d keys, want %d", len(got), len(keys), len(tt.texts))
			}
		})
	}
	t.Run("the same parts in every attempt", func(t *testing.T) {
		m := platforms.Message{Key: "k", Text: strings.Repeat("word ", 50)}
		a, _ := parts(m, limits)
		b, _ := parts(m, limits)
		for i := range a {
			if a[i].Key != b[i].Key || a[i].Text != b[i].Text {
				t.Fatal("they differ")
			}
		}
	})
}
