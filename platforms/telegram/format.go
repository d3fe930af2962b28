package telegram

import (
	"strconv"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// A text of ours never goes through one of Telegram's parse modes: styles are
// sent as entities, which point into the text, so that no character of it can
// mean anything. See https://core.telegram.org/bots/api#messageentity.

// format is a text as Telegram takes it.
func format(s string, f platforms.Format) (string, []models.MessageEntity) {
	if f != platforms.Markdown {
		return s, nil
	}
	w := &formatter{}
	blocks := markup.Parse(s)
	for i, b := range blocks {
		if i > 0 {
			w.text("\n")
			if b.Kind != markup.Item || blocks[i-1].Kind != markup.Item {
				w.text("\n")
			}
		}
		w.block(b)
	}
	return w.out.String(), w.entities
}

// formatted is how many units of Limits.Text a text takes.
func formatted(s string, f platforms.Format) int {
	out, _ := format(s, f)
	return text.Len(out, platforms.UTF16)
}

// formatter writes blocks.
type formatter struct {
	out      strings.Builder
	at       int // UTF-16 units written
	entities []models.MessageEntity
}

func (w *formatter) text(s string) {
	w.out.WriteString(s)
	w.at += text.Len(s, platforms.UTF16)
}

// entity notes that e covers what was written since from.
func (w *formatter) entity(from int, e models.MessageEntity) {
	if e.Offset, e.Length = from, w.at-from; e.Length > 0 {
		w.entities = append(w.entities, e)
	}
}

func (w *formatter) block(b markup.Block) {
	from := w.at
	switch b.Kind {
	case markup.Code:
		w.text(b.Code)
		w.entity(from, models.MessageEntity{Type: models.MessageEntityTypePre, Language: b.Lang})
		return
	case markup.Item:
		w.text(strings.Repeat("   ", b.Level))
		if b.Label != "" {
			w.text(b.Label + " ")
		}
	}
	for _, s := range b.Spans {
		w.span(s)
	}
	switch b.Kind {
	case markup.Quote:
		w.entity(from, models.MessageEntity{Type: models.MessageEntityTypeBlockquote})
	case markup.Heading:
		w.entity(from, models.MessageEntity{Type: models.MessageEntityTypeBold})
	}
}

func (w *formatter) span(s markup.Span) {
	from := w.at
	w.text(s.Text)
	if s.Code { // Telegram lets code be nothing else beside it
		w.entity(from, models.MessageEntity{Type: models.MessageEntityTypeCode})
		return
	}
	for _, style := range []struct {
		on   bool
		kind models.MessageEntityType
	}{
		{s.Bold, models.MessageEntityTypeBold}, {s.Italic, models.MessageEntityTypeItalic}, {s.Strike, models.MessageEntityTypeStrikethrough},
	} {
		if style.on {
			w.entity(from, models.MessageEntity{Type: style.kind})
		}
	}
	if s.Link != "" {
		w.entity(from, models.MessageEntity{Type: models.MessageEntityTypeTextLink, URL: s.Link})
	}
	if id, err := strconv.ParseInt(string(s.Mention), 10, 64); err == nil {
		w.entity(from, models.MessageEntity{Type: models.MessageEntityTypeTextMention, User: &models.User{ID: id}})
	}
}
