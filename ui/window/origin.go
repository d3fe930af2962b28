package window

import (
	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

// byWebhook reports whether a message came by an HTTP request.
func (w *Window) byWebhook(e api.Entry) bool {
	a, _ := w.account(e.Account)
	return model.ByWebhook(e, a)
}

// sender is who wrote the message, and whether it came by a webhook; nil for what
// the person sent.
func (b *bubble) sender() fyne.CanvasObject {
	e := b.e
	who, via := model.PostedBy(e)
	if !e.Outgoing {
		who, via = userName(e.From)+botMark(e.From), ""
	}
	if who == "" {
		return nil
	}
	bold := look{size: sizeSmall, bold: true, color: colorMuted}
	if !b.p.w.byWebhook(e) {
		return newText(who, bold)
	}
	if via != "" {
		who += " · " + via
	}
	mark := newTag()
	mark.show(model.WebhookBadge())
	if !e.Outgoing {
		return hbox(8, mark, fill(newText(who, bold)))
	}
	bold.align = fyne.TextAlignTrailing
	return hbox(8, fill(newText(who, bold)), mark)
}

// replay says what the message repeats.
func (b *bubble) replay() string {
	for i := range b.p.thread.entries {
		if of := b.p.thread.entries[i]; of.Seq == b.e.Replay && of.Account == b.e.Account {
			return model.ReplayWords(b.e, &of)
		}
	}
	return model.ReplayWords(b.e, nil)
}
