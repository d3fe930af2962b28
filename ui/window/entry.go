package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// entry is a text field that leaves the window's own keys to the window.
type entry struct {
	widget.Entry
	w        *Window
	submit   func() // Enter
	newlines bool   // Enter with a modifier breaks the line; without, it submits
	keyMod   fyne.KeyModifier
}

func newEntry(w *Window, placeholder string) *entry {
	e := &entry{w: w}
	e.ExtendBaseWidget(e)
	e.SetPlaceHolder(placeholder)
	e.Scroll = fyne.ScrollHorizontalOnly
	return e
}

func newSecretEntry(w *Window, placeholder string) *entry {
	e := newEntry(w, placeholder)
	e.Password = true
	return e
}

func newAreaEntry(w *Window, placeholder string) *entry {
	e := newEntry(w, placeholder)
	e.MultiLine, e.Wrapping, e.Scroll, e.newlines = true, fyne.TextWrapWord, fyne.ScrollVerticalOnly, true
	return e
}

// KeyDown implements desktop.Keyable.
func (e *entry) KeyDown(ev *fyne.KeyEvent) {
	e.keyMod |= modifierOf(ev.Name)
	e.Entry.KeyDown(ev)
}

// KeyUp implements desktop.Keyable.
func (e *entry) KeyUp(ev *fyne.KeyEvent) {
	e.keyMod &^= modifierOf(ev.Name)
	e.Entry.KeyUp(ev)
}

// FocusLost implements fyne.Focusable.
func (e *entry) FocusLost() {
	e.keyMod = 0
	e.Entry.FocusLost()
}

func modifierOf(k fyne.KeyName) fyne.KeyModifier {
	switch k {
	case desktop.KeyShiftLeft, desktop.KeyShiftRight:
		return fyne.KeyModifierShift
	case desktop.KeyAltLeft, desktop.KeyAltRight:
		return fyne.KeyModifierAlt
	}
	return 0
}

// TypedKey implements fyne.Focusable.
func (e *entry) TypedKey(ev *fyne.KeyEvent) {
	switch ev.Name {
	case fyne.KeyEscape:
		passKey(e, ev)
		return
	case fyne.KeyReturn, fyne.KeyEnter:
		if e.newlines && e.keyMod != 0 {
			e.insertLine()
			return
		}
		if e.submit != nil {
			e.submit()
			return
		}
	}
	e.Entry.TypedKey(ev)
}

// insertLine breaks the line. Fyne's own entry does not while Shift is held.
func (e *entry) insertLine() { e.TypedRune('\n') }

// TypedShortcut implements fyne.Shortcutable.
func (e *entry) TypedShortcut(s fyne.Shortcut) {
	if c, ok := s.(*desktop.CustomShortcut); ok {
		if (c.KeyName == fyne.KeyReturn || c.KeyName == fyne.KeyEnter) && e.submit != nil {
			e.submit()
			return
		}
		if e.w.shortcut(s) {
			return
		}
	}
	e.Entry.TypedShortcut(s)
}
