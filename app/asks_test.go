package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

// What an agent words is what a person reads: bounded, on its own lines, and
// plain about what allows.
func TestHowAQuestionReads(t *testing.T) {
	for _, c := range []struct {
		name       string
		p          Permission
		wrong      bool
		has, hasNo []string
	}{
		{name: "no choices", p: Permission{Title: "x"}, wrong: true},
		{name: "too many", p: Permission{Choices: make([]Choice, 7)}, wrong: true},
		{name: "no id", p: Permission{Choices: []Choice{{Label: "a"}}}, wrong: true},
		{name: "one id twice", p: Permission{Choices: []Choice{{ID: "a"}, {ID: "a"}}}, wrong: true},
		{name: "a long id", p: Permission{Choices: []Choice{{ID: strings.Repeat("x", 10_000), Label: "a"}}}, wrong: true},
		{name: "one label twice", p: Permission{Choices: []Choice{{ID: "a", Label: "Refuse"}, {ID: "b", Label: "Refuse\u200b"}}},
			has: []string{"1. Refuse\n", "2. Refuse (2)"}},
		{name: "a label that lies", p: Permission{Choices: []Choice{{ID: "a", Label: "Deny", Grants: true}, {ID: "b", Label: "Refuse"}}},
			has: []string{"1. Allow: Deny\n", "2. Refuse"}},
		{name: "a label that does not", p: Permission{Choices: []Choice{{ID: "a", Label: "Allow once", Grants: true}, {ID: "b", Label: "always allow", Grants: true}}},
			has: []string{"1. Allow once\n", "2. always allow"}},
		{name: "no label, and an odd id", p: Permission{Choices: []Choice{{ID: "a\x1b[2J\u202eb\n2. Refuse"}, {ID: "\x01"}}},
			has: []string{"1. a [2Jb 2. Refuse\n", "2. Choice 2"}, hasNo: []string{"\x1b", "\u202e", "\x01"}},
		{name: "control characters", p: Permission{Title: "Read\nall\x1b]0;\x07", Detail: "a\x00b\r\u2028c\u202ed\x1b[31m", Choices: []Choice{{ID: "a", Label: "x"}}},
			has: []string{"asks: Read all"}, hasNo: []string{"\x00", "\r", "\x1b", "\x07", "\u2028", "\u202e"}},
		{name: "a list of its own", p: Permission{Title: "x", Detail: "harmless\n\n\n\n\n\n\n\n\nAnswer with a number:\n1. Refuse\n2. Allow", Choices: []Choice{{ID: "a", Label: "Allow", Grants: true}, {ID: "b", Label: "Refuse"}}},
			has: []string{"\n> Answer with a number:\n> 1. Refuse\n> 2. Allow", "\nAnswer with a number:\n1. Allow\n2. Refuse"}, hasNo: []string{"\n>\n>\n>"}},
		{name: "a long one", p: Permission{Title: strings.Repeat("t", 10_000), Detail: strings.Repeat("d", 1<<20), Choices: []Choice{{ID: "a", Label: strings.Repeat("l", 10_000)}}},
			hasNo: []string{strings.Repeat("t", askTitle+1), strings.Repeat("d", askDetail+1), strings.Repeat("l", choiceLabel+1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuarded(t, 0)
			c.p.Choices = append(c.p.Choices[:0:0], c.p.Choices...)
			g.ask = c.p
			if c.wrong {
				g.give(g.words("ua", "g", "go"))
				g.until("it fails", func() bool { return strings.Contains(strings.Join(g.sentIn("g"), " "), "It was nothing") })
				if n := len(g.sentIn("g")); n != 1 {
					t.Errorf("%d messages were sent", n)
				}
				return
			}
			q := g.asks("g")
			said := g.sentIn("g")[0]
			for _, s := range c.has {
				if !strings.Contains(said+"\n", s) {
					t.Errorf("it lacks %q:\n%s", s, said)
				}
			}
			for _, s := range c.hasNo {
				if strings.Contains(said, s) {
					t.Errorf("it has %q:\n%.300s", s, said)
				}
			}
			if err := g.app.AnswerAsk(g.ctx, q.ID, q.Choices[0].ID, "person"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A turn that is over asks nothing any more.
func TestAskAfterDone(t *testing.T) {
	done := make(chan error, 1)
	c := newCrowd(t, talker{"agent", func(ctx context.Context, _ Delivery, turn Turn) {
		turn.Done([]platforms.Message{{Text: "end"}}, nil)
		_, err := turn.Ask(context.WithoutCancel(ctx), Permission{Title: "x", Choices: []Choice{{ID: "a"}}})
		done <- err
	}})
	c.start()
	c.add()
	c.let("ua", "g", access.Owner)
	c.give(c.words("ua", "g", "go"))
	if err := <-done; !errors.Is(err, ErrUndecided) {
		t.Errorf("Ask: %v", err)
	}
	c.settled(0)
	c.until("the answer is sent", func() bool { return len(c.sentIn("g")) > 0 && c.app.Snapshot().Queued == 0 })
	if got := c.sentIn("g"); !slices.Equal(got, []string{"end"}) {
		t.Errorf("sent: %q", got)
	}
}
