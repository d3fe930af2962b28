package window

import (
	"strings"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// condition is a condition that is picked from lists: rows that all hold, or of
// which any does.
type condition struct {
	w       *Window
	names   []api.RouteName
	changed func()
	view    *fyne.Container

	all    bool
	rows   []model.Row
	joins  [2]*radio
	join   *fyne.Container
	list   *fyne.Container
	always *text
}

func newCondition(w *Window, names []api.RouteName, changed func()) *condition {
	c := &condition{w: w, names: names, changed: changed, all: true}
	c.joins = [2]*radio{newRadio("All of these hold", nil), newRadio("Any of these holds", nil)}
	c.joins[0].tap = func() { c.joinBy(true) }
	c.joins[1].tap = func() { c.joinBy(false) }
	c.join = flow(4, c.joins[0], c.joins[1])
	c.list = vbox(8)
	c.always = note("Always: nothing is asked for.")
	c.view = vbox(8, c.join, c.list, c.always, hbox(0, newButton(plain, "Add a condition", iconPlus, c.add), gapFill()))
	c.draw()
	return c
}

// set shows a condition.
func (c *condition) set(all bool, rows []model.Row) {
	c.all, c.rows = all, rows
	c.draw()
}

func (c *condition) cond() api.Cond { return model.Condition(c.all, c.rows) }

func (c *condition) joinBy(all bool) {
	c.all = all
	c.draw()
	c.changed()
}

func (c *condition) add() {
	r := model.Row{Field: "text", Op: "has"}
	if fs := model.Pickable(c.names); len(fs) > 0 {
		r = c.begin(fs[0].Value)
	}
	c.rows = append(c.rows, r)
	c.draw()
	c.changed()
}

// begin is a new row about a field.
func (c *condition) begin(field string) model.Row {
	r := model.Row{Field: field, Op: model.Comparisons(field, c.names)[0].Op}
	if vs := model.Choices(field, c.w.snap, c.names); len(vs) > 0 {
		r.Op, r.Value = "is", vs[0].Value
	}
	return r
}

func (c *condition) draw() {
	c.list.Objects = nil
	for i := range c.rows {
		c.list.Add(c.row(i))
	}
	c.joins[0].setOn(c.all)
	c.joins[1].setOn(!c.all)
	setVisible(c.join, len(c.rows) > 1)
	setVisible(c.always, len(c.rows) == 0)
	c.view.Refresh()
}

// alter changes a row, and draws it anew.
func (c *condition) alter(i int, change func(r *model.Row)) {
	change(&c.rows[i])
	c.draw()
	c.changed()
}

func (c *condition) row(i int) fyne.CanvasObject {
	r := c.rows[i]
	field := newButton(plain, fieldLabel(r.Field), iconDown, nil)
	field.after = true
	field.tap = func() {
		var items []*fyne.MenuItem
		for _, f := range model.Pickable(c.names) {
			items = append(items, fyne.NewMenuItem(f.Words, func() { c.alter(i, func(r *model.Row) { *r = c.begin(f.Value) }) }))
		}
		c.w.menu(field, false, items...)
	}
	not := newButton(chip, "not", "", func() { c.alter(i, func(r *model.Row) { r.Not = !r.Not }) })
	not.on = r.Not
	gone := newButton(quiet, "", iconClose, func() {
		c.rows = append(c.rows[:i:i], c.rows[i+1:]...)
		c.draw()
		c.changed()
	})
	rows := vbox(6, hbox(6, not, fill(field), gone))
	if prefix, part := split(r.Field); prefix != "" {
		hint := "issue.title"
		if prefix == model.HeaderPart {
			hint = "X-GitHub-Event"
		}
		e := newEntry(c.w, hint)
		e.SetText(part)
		e.OnChanged = func(s string) {
			c.rows[i].Field = prefix + strings.TrimSpace(s)
			c.changed()
		}
		rows.Add(e)
	}
	rows.Add(c.compared(i))
	return strip(rows)
}

// compared is the lower half of a row: how its field is compared, and with what.
func (c *condition) compared(i int) fyne.CanvasObject {
	r := c.rows[i]
	line := hbox(6)
	if r.Op == model.HasFile {
		line.Add(newText("of type", look{size: sizeSmall, color: colorMuted, whole: true}))
	} else {
		op := newButton(plain, model.OpWords(r.Op), iconDown, nil)
		op.after = true
		op.tap = func() {
			var items []*fyne.MenuItem
			for _, k := range model.Comparisons(r.Field, c.names) {
				items = append(items, fyne.NewMenuItem(k.Words, func() { c.alter(i, func(r *model.Row) { r.Op = k.Op }) }))
			}
			c.w.menu(op, false, items...)
		}
		line.Add(op)
	}
	vs := model.Choices(r.Field, c.w.snap, c.names)
	switch {
	case !model.TakesValue(r.Op):
		line.Add(gapFill())
	case len(vs) > 0 && (r.Op == "is" || r.Op == "is not"):
		label := r.Value
		for _, v := range vs {
			if v.Value == r.Value {
				label = v.Words
			}
		}
		b := newButton(plain, clean.Line(label, 40), iconDown, nil)
		b.after = true
		b.tap = func() {
			var items []*fyne.MenuItem
			for _, v := range vs {
				items = append(items, fyne.NewMenuItem(v.Words, func() { c.alter(i, func(r *model.Row) { r.Value = v.Value }) }))
			}
			c.w.menu(b, false, items...)
		}
		line.Add(fill(b))
	default:
		e := newEntry(c.w, valueHint(r))
		e.SetText(r.Value)
		e.OnChanged = func(s string) { c.rows[i].Value = s; c.changed() }
		line.Add(fill(e))
	}
	return line
}

func valueHint(r model.Row) string {
	switch r.Op {
	case model.HasFile:
		return "any, or the start of a type: image/"
	case "matches":
		return "a regular expression"
	}
	return "this text"
}

// split takes a field apart that wants more typed.
func split(field string) (prefix, part string) {
	for _, p := range []string{model.JSONPart, model.HeaderPart} {
		if rest, ok := strings.CutPrefix(field, p); ok {
			return p, rest
		}
	}
	return "", ""
}

func fieldLabel(field string) string {
	if prefix, _ := split(field); prefix != "" {
		return strings.TrimSuffix(model.FieldWords(prefix), "…")
	}
	return model.FieldWords(field)
}
