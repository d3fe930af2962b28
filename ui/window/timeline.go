package window

import (
	"sort"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// row is one line of a timeline.
type row struct {
	id    string  // stays the same when the row changes
	ver   int     // grows when it does
	guess float32 // its height until it is measured
	fixed bool    // it keeps its neighbours: what is in view is held by such rows
	build func() fyne.CanvasObject
}

// timeline scrolls through rows of any height, the newest at the bottom. Only
// the rows in view exist as objects; the others have a height that was
// measured, or is guessed until it is. What is in view stays where it is while
// rows come or grow above it.
type timeline struct {
	widget.BaseWidget
	scroll *container.Scroll
	body   *fyne.Container
	onTop  func() // the first row came into view

	rows    []row
	heights []float32
	ends    []float32 // the lower edge of each row
	known   map[string]float32
	live    map[string]liveRow
	width   float32
	busy    bool
}

type liveRow struct {
	ver int
	o   fyne.CanvasObject
}

const overscan = 240 // pixels beyond the edges that are drawn too

func newTimeline() *timeline {
	t := &timeline{known: map[string]float32{}, live: map[string]liveRow{}}
	t.body = container.New(&timelineBody{t})
	t.scroll = container.NewVScroll(t.body)
	t.scroll.OnScrolled = func(fyne.Position) { t.place() }
	t.ExtendBaseWidget(t)
	return t
}

// CreateRenderer implements fyne.Widget.
func (t *timeline) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(t.scroll) }

// Resize implements fyne.CanvasObject.
func (t *timeline) Resize(s fyne.Size) {
	old := t.Size()
	if s == old {
		return
	}
	bottom := t.atBottom()
	t.BaseWidget.Resize(s)
	if s.Width != t.width {
		t.width = s.Width
		t.forget()
		t.measure()
	}
	if bottom {
		t.toBottom()
	} else {
		t.place()
	}
}

// forget drops what was measured and drawn, before other rows are set.
func (t *timeline) forget() { t.known, t.live = map[string]float32{}, map[string]liveRow{} }

// timelineBody is as high as all rows.
type timelineBody struct{ t *timeline }

func (b *timelineBody) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(0, b.t.total()) }
func (b *timelineBody) Layout([]fyne.CanvasObject, fyne.Size) {}

func (t *timeline) total() float32 {
	if len(t.ends) == 0 {
		return 0
	}
	return t.ends[len(t.ends)-1]
}

func (t *timeline) atBottom() bool {
	return t.scroll.Offset.Y >= t.total()-t.scroll.Size().Height-24
}

// set replaces the rows. If the end was in view, or if stick is set, the new
// end is; else what was in view stays.
func (t *timeline) set(rows []row, stick bool) {
	stick = stick || t.atBottom()
	anchor, at := t.anchor()
	for _, r := range rows {
		if l, ok := t.live[r.id]; ok && l.ver != r.ver {
			delete(t.live, r.id)
			delete(t.known, r.id)
		}
	}
	t.rows = rows
	t.measure()
	if stick {
		t.toBottom()
		return
	}
	for i, r := range t.rows {
		if r.id == anchor {
			for range 3 { // measuring what is above moves it
				t.scrollTo(t.top(i) + at)
			}
			return
		}
	}
	t.place()
}

// anchor is the first row in view, and how far it is scrolled out.
func (t *timeline) anchor() (id string, at float32) {
	for i := t.at(t.scroll.Offset.Y); i < len(t.rows); i++ {
		if t.rows[i].fixed {
			return t.rows[i].id, t.scroll.Offset.Y - t.top(i)
		}
	}
	return "", 0
}

func (t *timeline) top(i int) float32 {
	if i == 0 {
		return 0
	}
	return t.ends[i-1]
}

// at is the row at height y.
func (t *timeline) at(y float32) int {
	return sort.Search(len(t.ends), func(i int) bool { return t.ends[i] > y })
}

func (t *timeline) measure() {
	t.heights = make([]float32, len(t.rows))
	for i, r := range t.rows {
		h, ok := t.known[r.id]
		if !ok {
			h = max(r.guess, 32)
		}
		t.heights[i] = h
	}
	t.sum(0)
}

func (t *timeline) sum(from int) {
	if len(t.ends) != len(t.heights) {
		t.ends, from = make([]float32, len(t.heights)), 0
	}
	y := float32(0)
	if from > 0 {
		y = t.ends[from-1]
	}
	for i := from; i < len(t.heights); i++ {
		y += t.heights[i]
		t.ends[i] = y
	}
}

func (t *timeline) toBottom() {
	for range 4 { // measuring the last rows moves the bottom
		t.scrollTo(t.total() - t.scroll.Size().Height)
	}
}

func (t *timeline) scrollTo(y float32) {
	t.busy = true
	t.body.Resize(fyne.NewSize(t.width, max(t.total(), t.scroll.Size().Height)))
	t.scroll.Offset.Y = min(max(0, y), max(0, t.total()-t.scroll.Size().Height))
	t.scroll.Refresh()
	t.busy = false
	t.place()
}

// show brings the row with this id into the middle and reports whether there
// is one.
func (t *timeline) show(id string) bool {
	for range 3 {
		for i, r := range t.rows {
			if r.id == id {
				t.scrollTo(t.top(i) - t.scroll.Size().Height/3)
			}
		}
	}
	_, ok := t.live[id]
	return ok
}

// place makes objects of the rows in view, and measures them.
func (t *timeline) place() {
	if t.busy || t.width <= 0 {
		return
	}
	t.busy = true
	defer func() { t.busy = false }()
	view := t.scroll.Size().Height
	var objs []fyne.CanvasObject
	live := map[string]liveRow{}
	for range 6 {
		off := t.scroll.Offset.Y
		first := t.at(max(0, off-overscan))
		changed, moved := len(t.rows), float32(0)
		objs = objs[:0]
		for i := first; i < len(t.rows) && t.top(i) < off+moved+view+overscan; i++ {
			r := t.rows[i]
			l, ok := live[r.id]
			if !ok {
				if l, ok = t.live[r.id]; !ok {
					l = liveRow{r.ver, r.build()}
				}
				live[r.id] = l
			}
			h := t.heights[i]
			if m, ok := t.known[r.id]; !ok || m != h {
				l.o.Resize(fyne.NewSize(t.width, h))
				h = l.o.MinSize().Height
				t.known[r.id] = h
			}
			if h != t.heights[i] {
				if t.ends[i] <= off { // it is above: what is in view must not move
					moved += h - t.heights[i]
				}
				t.heights[i] = h
				changed = min(changed, i)
			}
			l.o.Resize(fyne.NewSize(t.width, h))
			objs = append(objs, l.o)
		}
		if changed == len(t.rows) {
			for j, o := range objs {
				o.Move(fyne.NewPos(0, t.top(first+j)))
			}
			break
		}
		t.sum(changed)
		t.scroll.Offset.Y = max(0, off+moved)
	}
	t.live = live
	t.body.Objects = objs
	t.body.Resize(fyne.NewSize(t.width, max(t.total(), view)))
	t.scroll.Refresh()
	if t.onTop != nil && t.scroll.Offset.Y < 80 && len(t.rows) > 0 {
		t.onTop()
	}
}
