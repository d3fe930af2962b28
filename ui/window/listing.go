package window

import (
	"context"

	"fyne.io/fyne/v2"
)

// listing is what pages share that show one list, as it was last read. A page
// embeds one, and fills in content once it has it.
type listing struct {
	freshness
	content fyne.CanvasObject
	failed  *fyne.Container
	failure *text
	waiting *text
}

// newListing makes what says that nothing was read yet, or could not be; what is
// of what, and load reads again.
func newListing(what string, load func()) listing {
	l := listing{failure: body(""), waiting: newText("Looking at the "+what+"…", look{color: colorMuted, align: fyne.TextAlignCenter})}
	l.failed = remark(true, l.failure, newButton(plain, "Try again", "", load))
	l.failed.Hide()
	return l
}

// reload reads what a page lists, unless it is being read, and shows it. What was
// read while something changed may be older: it is read again instead.
func reload[T any](l *listing, w *Window, what string, ask func(context.Context) (T, error), show func(T)) {
	if !l.begin(w.now()) {
		return
	}
	call(w.b, briefly, ask, func(got T, err error) {
		l.loading = false
		l.waiting.Hide()
		switch {
		case err != nil:
			l.failure.set("The " + what + " could not be read. " + explain(err))
			l.failed.Show()
			l.content.Refresh()
		case l.again:
		default:
			show(got)
		}
		if l.again {
			reload(l, w, what, ask, show)
		}
	})
}
