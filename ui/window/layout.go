package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// vbox stacks objs with space between them, each as wide as all.
func vbox(space float32, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&stack{space}, objs...)
}

type stack struct{ space float32 }

func (s *stack) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	n := 0
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		m := o.MinSize()
		min.Width = max(min.Width, m.Width)
		min.Height += m.Height
		n++
	}
	if n > 1 {
		min.Height += s.space * float32(n-1)
	}
	return min
}

// Layout gives width first: what wraps knows its height only then.
func (s *stack) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	var y float32
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		if o.Size().Width != size.Width {
			o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
		}
		h := o.MinSize().Height
		o.Resize(fyne.NewSize(size.Width, h))
		o.Move(fyne.NewPos(0, y))
		y += h + s.space
	}
}

// hbox sets objs side by side with space between them, each at its own height
// in the middle. Those from fill share the width that is left.
func hbox(space float32, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&line{space: space}, objs...)
}

// hboxTop is hbox with everything at the top.
func hboxTop(space float32, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&line{space: space, top: true}, objs...)
}

// fill marks an object of an hbox that takes the width that is left.
func fill(o fyne.CanvasObject) *fyne.Container { return container.New(&filler{}, o) }

// gapFill is empty space that grows.
func gapFill() *fyne.Container { return container.New(&filler{}) }

type filler struct{}

func (*filler) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	for _, o := range objs {
		min = min.Max(o.MinSize())
	}
	return min
}

func (*filler) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		o.Move(fyne.Position{})
		o.Resize(size)
	}
}

type line struct {
	space float32
	top   bool
}

func grows(o fyne.CanvasObject) bool {
	c, ok := o.(*fyne.Container)
	if !ok {
		return false
	}
	_, ok = c.Layout.(*filler)
	return ok
}

func (l *line) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	n := 0
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		m := o.MinSize()
		min.Width += m.Width
		min.Height = max(min.Height, m.Height)
		n++
	}
	if n > 1 {
		min.Width += l.space * float32(n-1)
	}
	return min
}

func (l *line) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	var used float32
	growing, n := 0, 0
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		n++
		if grows(o) {
			growing++
			continue
		}
		used += o.MinSize().Width
	}
	if n > 1 {
		used += l.space * float32(n-1)
	}
	var each float32
	if growing > 0 {
		each = max(0, (size.Width-used)/float32(growing))
	}
	var x float32
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		w := o.MinSize().Width
		if grows(o) {
			w = each
			if o.Size().Width != w {
				o.Resize(fyne.NewSize(w, o.MinSize().Height))
			}
		}
		h := o.MinSize().Height
		y := (size.Height - h) / 2
		if l.top {
			y = 0
		}
		o.Resize(fyne.NewSize(w, h))
		o.Move(fyne.NewPos(x, y))
		x += w + l.space
	}
}

// pad surrounds o with space.
func pad(left, top, right, bottom float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(&padding{left, top, right, bottom}, o)
}

// padAll surrounds o with the same space on all sides.
func padAll(n float32, o fyne.CanvasObject) *fyne.Container { return pad(n, n, n, n, o) }

type padding struct{ left, top, right, bottom float32 }

func (p *padding) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	for _, o := range objs {
		min = min.Max(o.MinSize())
	}
	return min.AddWidthHeight(p.left+p.right, p.top+p.bottom)
}

func (p *padding) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		o.Move(fyne.NewPos(p.left, p.top))
		o.Resize(fyne.NewSize(max(0, size.Width-p.left-p.right), max(0, size.Height-p.top-p.bottom)))
	}
}

// sized is o with a least size; zero leaves o's own.
func sized(w, h float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(&atLeast{fyne.NewSize(w, h)}, o)
}

type atLeast struct{ size fyne.Size }

func (a *atLeast) MinSize(objs []fyne.CanvasObject) fyne.Size {
	min := a.size
	for _, o := range objs {
		min = min.Max(o.MinSize())
	}
	return min
}

func (a *atLeast) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		o.Move(fyne.Position{})
		o.Resize(size)
	}
}

// exactWidth gives o this width, whatever o or its parent wants.
func exactWidth(w float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(&exact{w}, o)
}

type exact struct{ width float32 }

func (e *exact) MinSize(objs []fyne.CanvasObject) fyne.Size {
	min := fyne.NewSize(e.width, 0)
	for _, o := range objs {
		min.Height = max(min.Height, o.MinSize().Height)
	}
	return min
}

func (e *exact) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		o.Move(fyne.Position{})
		o.Resize(fyne.NewSize(e.width, size.Height))
	}
}

// narrow keeps o at most w wide, at the left.
func narrow(w float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(&atMost{w}, o)
}

type atMost struct{ width float32 }

func (a *atMost) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	for _, o := range objs {
		min = min.Max(o.MinSize())
	}
	return min
}

func (a *atMost) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		o.Move(fyne.Position{})
		o.Resize(fyne.NewSize(min(size.Width, a.width), size.Height))
	}
}

// flow sets objs side by side and goes on in the next line where they don't fit.
func flow(space float32, objs ...fyne.CanvasObject) *fyne.Container {
	return container.New(&wrapping{space: space}, objs...)
}

type wrapping struct {
	space float32
	width float32
}

func (f *wrapping) place(objs []fyne.CanvasObject, width float32, put func(o fyne.CanvasObject, x, y float32, m fyne.Size)) float32 {
	var x, y, row float32
	for _, o := range objs {
		if !o.Visible() {
			continue
		}
		m := o.MinSize()
		if x > 0 && width > 0 && x+m.Width > width {
			x, y, row = 0, y+row+f.space, 0
		}
		put(o, x, y, m)
		x += m.Width + f.space
		row = max(row, m.Height)
	}
	return y + row
}

func (f *wrapping) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	for _, o := range objs {
		if o.Visible() {
			min.Width = max(min.Width, o.MinSize().Width)
		}
	}
	min.Height = f.place(objs, f.width, func(fyne.CanvasObject, float32, float32, fyne.Size) {})
	return min
}

func (f *wrapping) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	f.width = size.Width
	f.place(objs, size.Width, func(o fyne.CanvasObject, x, y float32, m fyne.Size) {
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(min(m.Width, size.Width), m.Height))
	})
}

// frame puts objects at the edges, without space between, and center into what
// is left; each may be nil. Top and bottom are as wide as all.
func frame(top, bottom, left, right, center fyne.CanvasObject) *fyne.Container {
	f := &framing{top, bottom, left, right, center}
	c := container.New(f)
	for _, o := range []fyne.CanvasObject{top, bottom, left, right, center} {
		if o != nil {
			c.Add(o)
		}
	}
	return c
}

type framing struct{ top, bottom, left, right, center fyne.CanvasObject }

func seen(o fyne.CanvasObject) bool { return o != nil && o.Visible() }

func (f *framing) MinSize([]fyne.CanvasObject) (min fyne.Size) {
	if seen(f.center) {
		min = f.center.MinSize()
	}
	for _, o := range []fyne.CanvasObject{f.left, f.right} {
		if seen(o) {
			min.Width += o.MinSize().Width
			min.Height = max(min.Height, o.MinSize().Height)
		}
	}
	for _, o := range []fyne.CanvasObject{f.top, f.bottom} {
		if seen(o) {
			min.Height += o.MinSize().Height
			min.Width = max(min.Width, o.MinSize().Width)
		}
	}
	return min
}

func (f *framing) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	across := func(o fyne.CanvasObject) float32 {
		if o.Size().Width != size.Width {
			o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
		}
		o.Resize(fyne.NewSize(size.Width, o.MinSize().Height))
		return o.MinSize().Height
	}
	at, space := fyne.Position{}, size
	if seen(f.top) {
		h := across(f.top)
		f.top.Move(fyne.Position{})
		at.Y, space.Height = h, space.Height-h
	}
	if seen(f.bottom) {
		h := across(f.bottom)
		f.bottom.Move(fyne.NewPos(0, size.Height-h))
		space.Height -= h
	}
	space.Height = max(0, space.Height)
	if seen(f.left) {
		w := f.left.MinSize().Width
		f.left.Move(at)
		f.left.Resize(fyne.NewSize(w, space.Height))
		at.X, space.Width = w, space.Width-w
	}
	if seen(f.right) {
		w := f.right.MinSize().Width
		f.right.Move(fyne.NewPos(size.Width-w, at.Y))
		f.right.Resize(fyne.NewSize(w, space.Height))
		space.Width -= w
	}
	if seen(f.center) {
		f.center.Move(at)
		f.center.Resize(fyne.NewSize(max(0, space.Width), space.Height))
	}
}
