package line

import (
	"fmt"
	"strings"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// LINE's texts have no markup: Markdown becomes plain text. Only mentions have a
// form of their own, in which braces must be doubled; a text without mentions is
// sent in the form in which no character means anything.
// https://developers.line.biz/en/reference/messaging-api/#text-message-v2

// mentionsMost is how many people one text can mention.
const mentionsMost = 20

// written is a text as LINE takes it. who is empty where it mentions nobody.
type written struct {
	text string             // with {m0}… for mentions and doubled braces, if who is not empty
	who  []platforms.UserID // by the number of their placeholder
}

// format writes a text. mentions says whether people can be mentioned where it
// goes; else their names are shown.
func format(s string, f platforms.Format, mentions bool) written {
	if f != platforms.Markdown {
		return written{text: s}
	}
	blocks := markup.Parse(s)
	var w written
	if mentions {
		w.who = mentioned(blocks)
	}
	if len(w.who) == 0 {
		w.text = markup.Plain(blocks)
		return w
	}
	braces := strings.NewReplacer("{", "{{", "}", "}}")
	n := 0
	for k := range blocks {
		b := &blocks[k]
		b.Code = braces.Replace(b.Code)
		for i := range b.Spans {
			p := &b.Spans[i]
			p.Text, p.Link = braces.Replace(p.Text), braces.Replace(p.Link)
			if n < len(w.who) && p.Mention == w.who[n] {
				p.Text = fmt.Sprintf("{m%d}", n)
				n++
			}
		}
	}
	w.text = markup.Plain(blocks)
	return w
}

// mentioned is who is addressed, in the text's order.
func mentioned(blocks []markup.Block) (who []platforms.UserID) {
	for _, b := range blocks {
		for _, p := range b.Spans {
			if ids.MatchString(string(p.Mention)) && p.Mention[0] == 'U' && len(who) < mentionsMost {
				who = append(who, p.Mention)
			}
		}
	}
	return who
}

// formatted is how many units of Limits.Text a text takes at most.
func formatted(s string, f platforms.Format) int {
	return text.Len(format(s, f, true).text, platforms.UTF16)
}

// message is the text as a message of LINE's.
func (w written) message(quote string) messaging_api.MessageInterface {
	if len(w.who) == 0 {
		return &messaging_api.TextMessage{Text: w.text, QuoteToken: quote}
	}
	m := &messaging_api.TextMessageV2{Text: w.text, QuoteToken: quote, Substitution: map[string]messaging_api.SubstitutionObjectInterface{}}
	for i, id := range w.who {
		m.Substitution[fmt.Sprintf("m%d", i)] = &messaging_api.MentionSubstitutionObject{
			Mentionee: &messaging_api.UserMentionTarget{UserId: string(id)}}
	}
	return m
}
