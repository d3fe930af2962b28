package tray

import (
	"context"
	"strings"
	"sync"

	"fyne.io/systray"

	"github.com/postern/postern/assets"
	"github.com/postern/postern/ui/model"
)

// menu carries a menu of the model to the desktop. It makes a line for
// everything that may ever be shown, in order, and from then on only hides,
// shows and renames: lines of the library can't be moved, its separators can't
// be removed, and removing a line while it is being clicked ends the program
// with a send on a closed channel. It is used by one goroutine at a time.
type menu struct {
	ctx   context.Context // ends the waiting for clicks
	group *sync.WaitGroup
	click func(model.Command)

	lines    map[string]*row // by the model's id
	accounts []*row          // in order; those of the model begin with "account:"
}

const (
	accountRows = 12 // as many as the model ever shows
	account     = "account:"
)

// order is every line of the menu but those behind an account; "" stands for
// the accounts.
var order = [...]string{
	"header", "separator:top", "add", "", "more", "separator:accounts",
	"inbox", "held", "dead", "resume", "pause", "close", "settings", "quit",
}

// roles are the lines behind an account, in order.
var roles = [...]string{"status", "note", "show", "resume", "pause"}

// row is one line on the desktop, and what it was last told.
type row struct {
	item     *systray.MenuItem
	visible  bool
	label    string
	enabled  bool
	children map[string]*row

	mu sync.Mutex
	do model.Command
}

func newMenu(ctx context.Context, group *sync.WaitGroup, click func(model.Command)) *menu {
	return &menu{ctx: ctx, group: group, click: click, lines: map[string]*row{}}
}

// build makes the lines, all hidden.
func (m *menu) build() {
	for _, id := range order {
		switch {
		case id == "":
			for range accountRows {
				m.accounts = append(m.accounts, m.row(systray.AddMenuItem("", ""), false))
			}
		case strings.HasPrefix(id, "separator:"):
			systray.AddSeparator()
		default:
			m.lines[id] = m.row(systray.AddMenuItem("", ""), true)
		}
	}
}

func (m *menu) row(item *systray.MenuItem, clickable bool) *row {
	item.Hide()
	r := &row{item: item, enabled: true}
	if clickable {
		m.group.Go(func() {
			for {
				select {
				case <-m.ctx.Done():
					return
				case <-item.ClickedCh:
					r.mu.Lock()
					do := r.do
					r.mu.Unlock()
					m.click(do)
				}
			}
		})
	}
	return r
}

// fill makes the desktop show items, touching only what differs.
func (m *menu) fill(items []model.Item) {
	used := map[*row]bool{}
	n := 0
	for _, it := range items {
		if it.Separator {
			continue
		}
		r := m.lines[it.ID]
		if strings.HasPrefix(it.ID, account) && n < len(m.accounts) {
			r = m.accounts[n]
			n++
			m.behind(r, it)
		}
		if r != nil {
			r.set(it)
			used[r] = true
		}
	}
	for _, r := range m.lines {
		if !used[r] {
			r.hide()
		}
	}
	for _, r := range m.accounts {
		if !used[r] {
			r.hide()
		}
	}
}

// behind fills the lines behind an account. They are made when first needed:
// most people have fewer accounts than there is room for.
func (m *menu) behind(r *row, it model.Item) {
	if r.children == nil {
		r.children = map[string]*row{}
		for _, role := range roles {
			r.children[role] = m.row(r.item.AddSubMenuItem("", ""), true)
		}
	}
	used := map[*row]bool{}
	for _, c := range it.Children {
		if child := r.children[strings.TrimPrefix(c.ID, it.ID+":")]; child != nil {
			child.set(c)
			used[child] = true
		}
	}
	for _, child := range r.children {
		if !used[child] {
			child.hide()
		}
	}
}

func (r *row) set(it model.Item) {
	r.mu.Lock()
	r.do = it.Do
	r.mu.Unlock()
	if r.label != it.Label {
		r.label = it.Label
		r.item.SetTitle(plain(it.Label))
	}
	if r.enabled != it.Enabled {
		r.enabled = it.Enabled
		if it.Enabled {
			r.item.Enable()
		} else {
			r.item.Disable()
		}
	}
	if !r.visible {
		r.visible = true
		r.item.Show()
	}
}

func (r *row) hide() {
	if !r.visible {
		return
	}
	r.visible = false
	r.item.Hide()
	r.forget()
}

// forget makes clicks that are still on their way do nothing, here and behind.
func (r *row) forget() {
	r.mu.Lock()
	r.do = model.Command{}
	r.mu.Unlock()
	for _, child := range r.children {
		child.forget()
	}
}

// door is the picture for an icon.
func door(i model.Icon) assets.Door {
	switch i {
	case model.Attention:
		return assets.Dot
	case model.Paused:
		return assets.Bars
	case model.PublicOpen:
		return assets.Ajar
	}
	return assets.Closed
}
