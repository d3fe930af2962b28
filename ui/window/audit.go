package window

import (
	"context"
	"io"
	"slices"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// auditLines is how many lines of the record are read at a time.
const auditLines = 12

// auditCard shows the audit record's newest lines, and whether it is whole.
type auditCard struct {
	w      *Window
	view   *fyne.Container
	sign   *icon
	state  *text
	rows   *fyne.Container
	more   *button
	export *button

	lines   []api.Audit
	full    bool // there may be older lines
	loading bool
	again   bool
}

func newAuditCard(w *Window) *auditCard {
	c := &auditCard{w: w, sign: newIcon(iconInfo, colorMuted, 16), state: body(""), rows: vbox(8)}
	c.more = newButton(plain, "Show more", "", func() {
		if n := len(c.lines); n > 0 {
			c.load(c.lines[n-1].Seq)
		}
	})
	c.more.Hide()
	c.export = newButton(plain, "Export…", iconExport, c.save)
	c.view = card(16, vbox(12, hbox(8, fill(vbox(2, heading("Record"), note("Every opening, closing and consent. Lines are only ever added, and each proves the one before."))), c.export),
		hbox(8, c.sign, fill(c.state)), c.rows, hbox(0, c.more, gapFill())))
	return c
}

// refresh reads the newest lines.
func (c *auditCard) refresh() {
	if c.loading {
		c.again = true
		return
	}
	c.load(0)
}

func (c *auditCard) load(before uint64) {
	if c.loading {
		return
	}
	c.loading = true
	c.more.enable(false)
	call(c.w.b, briefly, func(ctx context.Context) (api.AuditPage, error) { return c.w.svc.Audit(ctx, before, auditLines) },
		func(p api.AuditPage, err error) {
			c.loading = false
			c.more.enable(true)
			if err != nil {
				c.sign.set(iconWarn, colorBad)
				c.state.set("The record could not be read. " + explain(err))
				c.state.tint(colorBad)
			} else {
				c.merge(before, p)
			}
			c.view.Refresh()
			if c.again {
				c.again = false
				c.load(0)
			}
		})
}

// merge adds what was read to what is there; each line appears once.
func (c *auditCard) merge(before uint64, p api.AuditPage) {
	words, whole := model.RecordWords(p.State, c.w.now())
	c.state.set(words)
	if whole {
		c.sign.set(iconCheck, colorGood)
		c.state.tint(colorText)
	} else {
		c.sign.set(iconWarn, colorBad)
		c.state.tint(colorBad)
	}
	full := len(p.Lines) >= auditLines
	switch {
	case before != 0:
		c.lines, c.full = append(c.lines, p.Lines...), full
	case len(c.lines) == 0 || len(p.Lines) == 0:
		c.lines, c.full = p.Lines, full
	default:
		n := slices.IndexFunc(p.Lines, func(a api.Audit) bool { return a.Seq <= c.lines[0].Seq })
		switch {
		case n < 0: // more is new than was read
			c.lines, c.full = p.Lines, full
		case n == 0 && slices.EqualFunc(p.Lines, c.lines[:min(len(c.lines), len(p.Lines))], func(a, b api.Audit) bool { return a.Seq == b.Seq && a.Hash == b.Hash }):
			return
		case n == 0: // other lines under the same numbers: nothing that was read counts
			c.lines, c.full = p.Lines, full
		default:
			c.lines = append(slices.Clone(p.Lines[:n]), c.lines...)
		}
	}
	c.draw()
}

func (c *auditCard) draw() {
	setVisible(c.more, c.full)
	now := c.w.now()
	c.rows.Objects = nil
	for _, a := range c.lines {
		who := clean.Line(a.Who, 60)
		if acc, ok := c.w.account(a.Account); ok {
			who = shortName(acc) + " · " + who
		} else if a.Account != "" {
			who = clean.Line(string(a.Account), 40) + " · " + who
		}
		head := hbox(8, newText(model.AuditWords(a.What), look{size: sizeSmall, bold: true, whole: true, color: auditColor(a.What)}),
			fill(newText(who, look{size: sizeSmall, color: colorMuted})))
		c.rows.Add(hboxTop(8, exactWidth(92, newText(model.Clock(a.At, now), look{size: sizeSmall, color: colorMuted})),
			fill(vbox(1, head, newText(clean.Line(a.Text, 400), look{size: sizeSmall, wrap: true})))))
	}
	setVisible(c.rows, len(c.lines) > 0)
}

func auditColor(what string) fyne.ThemeColorName {
	switch what {
	case "alarm", "refused":
		return colorBad
	case "opened", "acknowledged":
		return colorWarn
	case "closed":
		return colorGood
	}
	return colorText
}

// save exports the whole record, as it is stored.
func (c *auditCard) save() {
	c.w.o.Files.Save("postern-audit-"+c.w.now().Format("2006-01-02")+".jsonl", func(out io.WriteCloser, err error) {
		if out == nil {
			c.w.fail(err)
			return
		}
		c.export.enable(false)
		act(c.w.b, transit, func(ctx context.Context) error {
			in, err := c.w.svc.ExportAudit(ctx)
			if err == nil {
				_, err = io.Copy(out, in)
				_ = in.Close()
			}
			if e := out.Close(); err == nil {
				err = e
			}
			return err
		}, func(err error) {
			c.export.enable(true)
			if err != nil {
				c.w.toasts.say("The export is not complete. "+explain(err), true)
				return
			}
			c.w.say("The record was exported.")
		})
	})
}
