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
		"too many buttons": {m: platforms.Message{Text: "Ok?", Buttons: [][]platforms.Button{{{Label: "*A*"}, {Label: "B"}, {Label: "C"}, {Label: "D", URL: "https://d"}}}},
			l: platforms.Limits{Text: 100, Unit: platforms.Runes, Buttons: 3}, texts: []string{"Ok?\n1. *A*\n2. B\n3. C\n4. D: https://d"}, files: []int{0}, button: -1},
		"too many buttons, in Markdown": {m: platforms.Message{Text: "Ok?", Format: platforms.Markdown, Buttons: [][]platforms.Button{{{Label: "*A*"}}}},
			l: platforms.Limits{}, texts: []string{"Ok?\n\n1. \\*A\\*"}, files: []int{0}, button: -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.m.Key, tt.m.ReplyTo = "k", "r"
			got, err := parts(tt.m, platforms.Platform{Limits: tt.l})
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
		a, _ := parts(m, platforms.Platform{Limits: limits})
		b, _ := parts(m, platforms.Platform{Limits: limits})
		for i := range a {
			if a[i].Key != b[i].Key || a[i].Text != b[i].Text {
				t.Fatal("they differ")
			}
		}
	})
}

func TestPartsAreCutByTheirLengthInThePlatformsForm(t *testing.T) {
	p := platforms.Platform{
		Limits: platforms.Limits{Text: 20, Unit: platforms.Runes},
		Length: func(s string, f platforms.Format) int { return len(s) + strings.Count(s, "*") },
	}
	got, err := parts(platforms.Message{Key: "k", Text: strings.Repeat("**** ", 8)}, p)
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, m := range got {
		if n := p.Length(m.Text, ""); n > 20 {
			t.Errorf("%q takes %d", m.Text, n)
		}
		all += m.Text
	}
	if strings.Count(all, "*") != 32 {
		t.Errorf("%q", all)
	}
}

func TestButtonsAreFitted(t *testing.T) {
	row := []platforms.Button{{Label: "one"}, {Label: "a long label"}, {Label: "three"}}
	got := fitButtons(platforms.Message{Buttons: [][]platforms.Button{row}}, platforms.Limits{Buttons: 5, ButtonsPerRow: 2, Label: 6})
	if len(got.Buttons) != 2 || len(got.Buttons[0]) != 2 || got.Buttons[0][1].Label != "a lon…" || got.Buttons[1][0].Label != "three" {
		t.Errorf("%+v", got.Buttons)
	}
	if row[1].Label != "a long label" {
		t.Error("the caller's buttons were changed")
	}
}
