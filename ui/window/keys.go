package window

import (
	"maps"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// keys binds the window's own keys.
func (w *Window) keys() {
	c := w.win.Canvas()
	for _, k := range append(slices.Collect(maps.Keys(pageKeys())), fyne.KeyF) {
		c.AddShortcut(&desktop.CustomShortcut{KeyName: k, Modifier: fyne.KeyModifierShortcutDefault},
			func(s fyne.Shortcut) { w.shortcut(s) })
	}
	c.SetOnTypedKey(func(ev *fyne.KeyEvent) {
		if ev.Name == fyne.KeyEscape {
			w.escape()
		}
	})
}

// pageKeys are the keys that lead to pages.
func pageKeys() map[fyne.KeyName]string {
	return map[fyne.KeyName]string{fyne.Key1: PageAccounts, fyne.Key2: PageInbox, fyne.Key3: PageExposure, fyne.Key4: PagePeople,
		fyne.Key5: PageAnswers, fyne.Key6: PagePrograms, fyne.Key7: PageActivity, fyne.Key8: PageGeneral,
		fyne.Key9: PageDoctor, fyne.KeyN: PageAdd, fyne.KeyH: PageHooks, fyne.KeyI: PageInputs, fyne.KeyR: PageRelays}
}

// shortcut does what one of the window's own keys means, and reports whether s
// is one. They work while a field has the focus too.
func (w *Window) shortcut(s fyne.Shortcut) bool {
	c, ok := s.(*desktop.CustomShortcut)
	if !ok || c.Modifier != fyne.KeyModifierShortcutDefault {
		return false
	}
	switch name := pageKeys()[c.KeyName]; {
	case name != "":
		w.closeModals()
		w.Go(name)
	case c.KeyName != fyne.KeyF:
		return false
	case w.setup != nil || len(w.modals) > 0:
	case w.page == PageActivity:
		w.win.Canvas().Focus(w.activity.search)
	case w.page == PageInputs:
		w.inputs.arrivedAt(w.inputs.arrived.q.Account)
		w.win.Canvas().Focus(w.inputs.arrived.search)
	case w.page == PagePeople:
		w.win.Canvas().Focus(w.people.search)
	default:
		if w.page != PageInbox {
			w.Go(PageInbox)
		}
		w.win.Canvas().Focus(w.inbox.search)
	}
	return true
}

// escape closes what is on top.
func (w *Window) escape() {
	switch {
	case len(w.modals) > 0:
		w.modals[len(w.modals)-1].dismiss()
	case w.toasts.visible():
		w.toasts.hide()
	case w.setup != nil:
		w.Go(PageAccounts)
	case w.page == PageInbox:
		w.inbox.clearSearch()
	case w.page == PageInputs:
		w.inputs.arrived.shut()
	}
}
