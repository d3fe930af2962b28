package window

import (
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/exposure"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// drawing shows this computer, what leaves it and what may come in. Where there
// is room, it stands in the middle, between those who may call and the
// platforms; else at the left, and arrows tell the directions apart.
type drawing struct {
	view  *fyne.Container
	lanes []model.Lane
	drawn bool
}

func newDrawing() *drawing { return &drawing{view: container.New(&plan{})} }

// The drawing's measures, in points.
const (
	laneHeight = 50
	laneSpace  = 4
	groupSpace = 10
	hereWidth  = 112
	planNarrow = 640 // below it, everything stands at the right
	endWidth   = 196
	farWidth   = 128
	wireHeight = 14
)

// show draws lanes, if they differ from what is drawn.
func (d *drawing) show(lanes []model.Lane) {
	if d.drawn && slices.Equal(lanes, d.lanes) {
		return
	}
	d.lanes, d.drawn = lanes, true
	p := &plan{here: container.NewStack(newBox(colorSoft, colorAccent, 10),
		pad(8, 8, 8, 8, container.New(&middle{}, newText("this computer", look{bold: true, wrap: true, align: fyne.TextAlignCenter}))))}
	objs := []fyne.CanvasObject{p.here}
	for i := 0; i < len(lanes); {
		l := lanes[i]
		if !l.In {
			o := outward(l)
			p.out = append(p.out, o)
			objs = append(objs, o)
			i++
			continue
		}
		g := group{far: farEnd(l)}
		objs = append(objs, g.far)
		for ; i < len(lanes) && lanes[i].In && lanes[i].From == l.From; i++ {
			o := inward(lanes[i])
			g.lanes = append(g.lanes, o)
			objs = append(objs, o)
		}
		p.in = append(p.in, g)
	}
	d.view.Layout, d.view.Objects = p, objs
	d.view.Refresh()
}

// farEnd is who may come in.
func farEnd(l model.Lane) fyne.CanvasObject {
	level := l.Level
	if l.From == model.Caller(exposure.Public) {
		level = exposure.Public
	}
	return container.NewStack(newBox(colorSunken, levelColor(level), 10),
		pad(8, 6, 8, 6, container.New(&middle{}, newText(l.From, look{size: sizeSmall, color: levelColor(level), bold: true, wrap: true, align: fyne.TextAlignCenter}))))
}

// inward is a line that comes in: above it whose door, below it what it reaches.
func inward(l model.Lane) fyne.CanvasObject {
	below := l.Badge.Words
	if l.At != "" {
		below += " · " + l.At
	}
	return container.New(&lane{}, laneName(l), newWire(l.Level, l.Closed, true), newText(below, look{size: sizeTiny, color: levelColor(l.Level)}))
}

// outward is a line that leaves, with the platform at its end.
func outward(l model.Lane) fyne.CanvasObject {
	words := l.Badge.Words
	if l.Closed {
		words += " · paused"
	}
	sign := newAvatar(glyphOf(l.Sign, l.Name), l.Name, 24)
	sign.square = true
	end := container.NewStack(newBox(colorSunken, colorBorder, 8), pad(8, 6, 8, 6, hbox(8, sign, fill(newText(l.Name, look{size: sizeSmall})))))
	how := hbox(5, newSymbol(l.Badge.Symbol, 13, levelColor(l.Level)), fill(newText(words, look{size: sizeTiny, color: levelColor(l.Level)})))
	return container.New(&lane{end: true}, how, newWire(l.Level, l.Closed, false), end)
}

func laneName(l model.Lane) fyne.CanvasObject {
	return hbox(5, newSymbol(l.Badge.Symbol, 14, levelColor(l.Level)), fill(newText(clean.Line(l.Name, 80), look{size: sizeSmall, bold: true})))
}

// lane lays out one line: words above, the wire, and below it more words or,
// at its right, where it ends.
type lane struct{ end bool }

func (*lane) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(0, laneHeight) }

func (l *lane) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	above, along, rest := objs[0], objs[1], objs[2]
	w, mid := size.Width, size.Height/2
	x := float32(8)
	if wr, ok := along.(*wire); ok && wr.left {
		x = 20 // beside the arrow's head
	}
	if l.end {
		e := min(endWidth, size.Width*0.5)
		w -= e
		h := rest.MinSize().Height
		rest.Resize(fyne.NewSize(e, h))
		rest.Move(fyne.NewPos(w, mid-h/2))
	} else {
		h := rest.MinSize().Height
		rest.Resize(fyne.NewSize(max(0, w-16-x), h))
		rest.Move(fyne.NewPos(x, mid+3))
	}
	h := above.MinSize().Height
	above.Resize(fyne.NewSize(max(0, w-16-x), h))
	above.Move(fyne.NewPos(x, mid-3-h))
	along.Resize(fyne.NewSize(w, wireHeight))
	along.Move(fyne.NewPos(0, mid-wireHeight/2))
}

// middle puts its object in the middle of the height, as wide as all.
type middle struct{}

func (middle) MinSize(objs []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, objs[0].MinSize().Height)
}

func (middle) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	o := objs[0]
	if o.Size().Width != size.Width {
		o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
	}
	h := o.MinSize().Height
	o.Resize(fyne.NewSize(size.Width, h))
	o.Move(fyne.NewPos(0, max(0, (size.Height-h)/2)))
}

// group is those who may come in, and their lines.
type group struct {
	far   fyne.CanvasObject
	lanes []fyne.CanvasObject
}

func (g group) height() float32 { return columnHeight(len(g.lanes)) }

func columnHeight(n int) float32 {
	if n == 0 {
		return 0
	}
	return float32(n)*laneHeight + float32(n-1)*laneSpace
}

// plan lays out the whole drawing.
type plan struct {
	here  fyne.CanvasObject // nil: nothing is drawn yet
	in    []group
	out   []fyne.CanvasObject
	width float32
}

func (p *plan) left() (h float32) {
	for i, g := range p.in {
		if i > 0 {
			h += groupSpace
		}
		h += g.height()
	}
	return h
}

func (p *plan) stacked() bool { return p.width < planNarrow }

func (p *plan) MinSize([]fyne.CanvasObject) fyne.Size {
	in, out := p.left(), columnHeight(len(p.out))
	h := max(in, out)
	if p.stacked() {
		h = in + out
		if in > 0 && out > 0 {
			h += groupSpace
		}
	}
	return fyne.NewSize(0, max(h, 2*laneHeight))
}

func (p *plan) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	p.width = size.Width
	if p.here == nil {
		return
	}
	put := func(o fyne.CanvasObject, x, y, w, h float32) {
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(max(0, w), h))
	}
	if p.stacked() {
		put(p.here, 0, 0, hereWidth-16, size.Height)
		x, y := float32(hereWidth-16), float32(0)
		far := min(float32(farWidth-24), size.Width*0.26)
		for _, g := range p.in {
			put(g.far, size.Width-far, y, far, g.height())
			for _, l := range g.lanes {
				flip(l, true)
				put(l, x, y, size.Width-far-x, laneHeight)
				y += laneHeight + laneSpace
			}
			y += groupSpace - laneSpace
		}
		for _, l := range p.out {
			put(l, x, y, size.Width-x, laneHeight)
			y += laneHeight + laneSpace
		}
		return
	}
	here := (size.Width - hereWidth) / 2
	if len(p.in) == 0 {
		here = 0
	}
	put(p.here, here, 0, hereWidth, size.Height)
	y := max(0, (size.Height-p.left())/2)
	for _, g := range p.in {
		put(g.far, 0, y, farWidth, g.height())
		for _, l := range g.lanes {
			flip(l, false)
			put(l, farWidth, y, here-farWidth, laneHeight)
			y += laneHeight + laneSpace
		}
		y += groupSpace - laneSpace
	}
	y = max(0, (size.Height-columnHeight(len(p.out)))/2)
	for _, l := range p.out {
		put(l, here+hereWidth, y, size.Width-here-hereWidth, laneHeight)
		y += laneHeight + laneSpace
	}
}

// flip makes a line that comes in end at its left or at its right.
func flip(o fyne.CanvasObject, left bool) {
	if c, ok := o.(*fyne.Container); ok && len(c.Objects) == 3 {
		if w, ok := c.Objects[1].(*wire); ok && w.left != left {
			w.left = left
			w.Refresh()
		}
	}
}

// wire is a line with an arrow at its end: drawn through where something can
// pass, dashed and barred where nothing can.
type wire struct {
	widget.BaseWidget
	level  exposure.Level
	closed bool
	in     bool
	left   bool // it ends at its left
}

func newWire(l exposure.Level, closed, in bool) *wire {
	w := &wire{level: l, closed: closed, in: in}
	w.ExtendBaseWidget(w)
	return w
}

// MinSize implements fyne.CanvasObject.
func (*wire) MinSize() fyne.Size { return fyne.NewSize(0, wireHeight) }

// dashes is of how many pieces a line that nothing can pass consists.
const dashes = 14

// CreateRenderer implements fyne.Widget.
func (w *wire) CreateRenderer() fyne.WidgetRenderer {
	var objs []fyne.CanvasObject
	n := 1
	if w.closed {
		n = dashes
	}
	var pieces, head []*canvas.Line
	for i := range n + 2 {
		l := canvas.NewLine(color.Transparent)
		l.StrokeWidth = 2
		objs = append(objs, l)
		if i < n {
			pieces = append(pieces, l)
		} else {
			head = append(head, l)
		}
	}
	ring := canvas.NewCircle(color.Transparent)
	ring.StrokeWidth = 2
	ring.Hidden = !w.in || !w.closed
	objs = append(objs, ring)
	r := &drawn{w: w, min: w.MinSize, objs: objs}
	r.layout = func(s fyne.Size) {
		at := func(x, y float32) fyne.Position { // x is how far along the line
			if w.left {
				x = s.Width - x
			}
			return fyne.NewPos(x, y)
		}
		mid, tip := s.Height/2, s.Width-2
		if !ring.Hidden { // a closed door: the line stops before it
			tip = s.Width - 16
			p := at(s.Width-1, 0)
			if !w.left {
				p.X -= 10
			} else {
				p.X += 1
			}
			ring.Move(fyne.NewPos(p.X, mid-5))
			ring.Resize(fyne.NewSquareSize(10))
		}
		step := max(0, tip-2) / float32(len(pieces))
		for i, l := range pieces {
			from := 2 + float32(i)*step
			to := from + step
			if w.closed {
				to = from + step*0.55
			}
			l.Position1, l.Position2 = at(from, mid), at(to, mid)
		}
		if w.closed {
			// No arrow: it would say that something arrives.
			head[0].Position1, head[0].Position2 = at(tip, mid-5), at(tip, mid+5)
			head[1].Position1, head[1].Position2 = at(tip, mid-5), at(tip, mid+5)
			return
		}
		head[0].Position1, head[0].Position2 = at(tip-6, mid-5), at(tip, mid)
		head[1].Position1, head[1].Position2 = at(tip-6, mid+5), at(tip, mid)
	}
	r.paint = func() {
		c := colorOf(levelColor(w.level))
		for _, l := range append(pieces, head...) {
			l.StrokeColor = c
			l.Refresh()
		}
		ring.StrokeColor = c
		ring.Refresh()
	}
	r.paint()
	return r
}
