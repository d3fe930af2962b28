package chathook

import (
	"strings"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// This file writes Adaptive Cards for Teams. A text run is literal, "Markdown is
// not supported"; whether it keeps line breaks is not said, so that each line is
// a block of its own. https://adaptivecards.io/explorer/RichTextBlock.html

// cardMost is how many bytes a text may take in a card, beside the card itself.
const cardMost = 20 << 10

type (
	cardMessage struct {
		Type        string           `json:"type"`
		Attachments []cardAttachment `json:"attachments"`
	}
	cardAttachment struct {
		ContentType string      `json:"contentType"`
		Content     cardContent `json:"content"`
	}
	cardContent struct {
		Schema  string      `json:"$schema"`
		Type    string      `json:"type"`
		Version string      `json:"version"`
		Body    []cardBlock `json:"body"`
		Teams   cardTeams   `json:"msteams"`
	}
	cardTeams struct {
		Width string `json:"width"`
	}
	cardBlock struct {
		Type    string    `json:"type"`
		Spacing string    `json:"spacing,omitempty"`
		Inlines []cardRun `json:"inlines"`
	}
	cardRun struct {
		Type   string      `json:"type"`
		Text   string      `json:"text"`
		Weight string      `json:"weight,omitempty"`
		Size   string      `json:"size,omitempty"`
		Font   string      `json:"fontType,omitempty"`
		Italic bool        `json:"italic,omitempty"`
		Strike bool        `json:"strikethrough,omitempty"`
		Subtle bool        `json:"isSubtle,omitempty"`
		Action *cardAction `json:"selectAction,omitempty"`
	}
	cardAction struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	}
)

// card is a text as a message with one card.
func card(s string, f platforms.Format) cardMessage {
	var w cardWriter
	if f == platforms.Markdown {
		blocks := markup.Parse(s)
		for i, b := range blocks {
			w.gap = i > 0 && (b.Kind != markup.Item || blocks[i-1].Kind != markup.Item)
			w.block(b)
		}
	} else {
		w.lines(s, cardRun{})
		w.end()
	}
	return cardMessage{Type: "message", Attachments: []cardAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive",
		Content: cardContent{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
			Body: w.out, Teams: cardTeams{"Full"}},
	}}}
}

// cardLength is how many bytes a text takes in a card, without those that an
// empty one has.
func cardLength(s string, f platforms.Format) int {
	full, _ := encode(card(s, f))
	empty, _ := encode(card("", platforms.Plain))
	return len(full) - len(empty)
}

// cardWriter writes blocks, one a line.
type cardWriter struct {
	out  []cardBlock
	line []cardRun
	gap  bool // before the next line
}

func (w *cardWriter) block(b markup.Block) {
	var all cardRun // what all of the block has
	lead := ""
	switch b.Kind {
	case markup.Code:
		w.lines(b.Code, cardRun{Font: "Monospace"})
		w.end()
		return
	case markup.Heading:
		all.Weight = "Bolder"
		if b.Level <= 2 {
			all.Size = "Medium"
		}
	case markup.Item:
		// Spaces at a line's start might not be shown; those that don't break are.
		lead = strings.Repeat("\u00a0\u00a0", max(0, min(b.Level, 8))) + b.Label + " "
	case markup.Quote:
		all.Subtle = true
		lead = "│ "
	}
	if lead != "" {
		w.lines(lead, all)
	}
	for _, s := range b.Spans {
		run := all
		if s.Bold {
			run.Weight = "Bolder"
		}
		run.Italic, run.Strike = s.Italic, s.Strike
		if s.Code {
			run.Font = "Monospace"
		}
		if s.Link != "" {
			run.Action = &cardAction{"Action.OpenUrl", s.Link}
		}
		w.lines(s.Text, run)
	}
	w.end()
}

// lines adds a text in one style, with its line breaks.
func (w *cardWriter) lines(s string, run cardRun) {
	for i, l := range strings.Split(s, "\n") {
		if i > 0 {
			w.end()
		}
		if l != "" {
			run.Type, run.Text = "TextRun", l
			w.line = append(w.line, run)
		}
	}
}

// end ends a line.
func (w *cardWriter) end() {
	if len(w.line) == 0 { // a block must hold something
		w.line = []cardRun{{Type: "TextRun", Text: " "}}
	}
	b := cardBlock{Type: "RichTextBlock", Inlines: w.line}
	if len(w.out) > 0 && !w.gap {
		b.Spacing = "None"
	}
	w.out, w.line, w.gap = append(w.out, b), nil, false
}
