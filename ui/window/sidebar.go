package window

import (
	"image/color"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/assets"
	"github.com/postern/postern/ui/model"
)

// sidebar is the navigation at the left.
type sidebar struct {
	view  fyne.CanvasObject
	items map[string]*navItem
	dots  map[exposure.Level]*text
	state *text

	scroll *container.Scroll
}

func newSidebar(open func(string)) *sidebar {
	s := &sidebar{items: map[string]*navItem{}, dots: map[exposure.Level]*text{}}
	logo := canvas.NewImageFromResource(fyne.NewStaticResource("postern.png", assets.App(64)))
	logo.FillMode = canvas.ImageFillContain
	logo.SetMinSize(fyne.NewSquareSize(28))
	name := newText("Postern", look{size: sizeHeading + 1, bold: true})

	list := vbox(0)
	for _, it := range []struct {
		page, label string
		glyph       glyph
	}{
		{PageAccounts, "Accounts", iconAccounts},
		{PageInbox, "Inbox", iconInbox},
		{PageExposure, "Exposure", iconExposure},
		{PageInputs, "Inputs", iconInputs},
		{PagePeople, "People", iconPeople},
		{PageAnswers, "Answers", iconAnswers},
		{PagePrograms, "Programs", iconPrograms},
		{PageHooks, "Hooks", iconHooks},
		{PageRelays, "Relays", iconRelays},
		{PageActivity, "Activity", iconActivity},
		{PageGeneral, "General", iconGeneral},
		{PageDoctor, "Doctor", iconDoctor},
	} {
		n := newNavItem(it.label, it.glyph, func() { open(it.page) })
		s.items[it.page] = n
		list.Add(n)
	}
	legend := vbox(6, newText("REACHABLE", look{size: sizeTiny, color: colorMuted, bold: true}))
	for _, l := range []exposure.Level{exposure.Outbound, exposure.Relayed, exposure.Private, exposure.Public} {
		t := newText("–", look{size: sizeSmall, bold: true, align: fyne.TextAlignTrailing})
		s.dots[l] = t
		legend.Add(hbox(8, newSymbol(model.Badge(l).Symbol, 16, levelColor(l)), fill(small(legendWords(l))), sized(20, 0, t)))
	}
	s.state = small("")
	top := pad(8, 4, 0, 20, hbox(10, logo, fill(name)))
	s.scroll = container.NewVScroll(list) // a low window has no room for all pages
	bottom := vbox(12, pad(10, 0, 10, 0, legend), rule(), pad(10, 0, 10, 0, s.state))
	s.view = container.NewStack(newBox(colorSidebar, "", 0),
		sized(204, 0, frame(pad(12, 16, 12, 0, top), pad(12, 8, 12, 14, bottom), nil, nil, pad(12, 0, 12, 0, s.scroll))))
	return s
}

func legendWords(l exposure.Level) string {
	switch l {
	case exposure.Outbound:
		return "outbound"
	case exposure.Relayed:
		return "relayed"
	case exposure.Private:
		return "private"
	}
	return "public"
}

func (s *sidebar) choose(page string) {
	for name, it := range s.items {
		it.setOn(name == page)
		if name == page {
			s.reveal(it)
		}
	}
}

// reveal scrolls to an item that is out of view.
func (s *sidebar) reveal(it *navItem) {
	top, have := s.scroll.Offset.Y, s.scroll.Size().Height
	y, h := it.Position().Y, it.Size().Height
	switch {
	case have <= 0 || h <= 0: // not in a window yet
	case y < top:
		s.scroll.ScrollToOffset(fyne.NewPos(0, y))
	case y+h > top+have:
		s.scroll.ScrollToOffset(fyne.NewPos(0, y+h-have))
	}
}

func (s *sidebar) update(snap api.Snapshot) {
	s.items[PageInbox].setCount(snap.Unread+snap.Asks, snap.Dead+snap.Held+snap.Asks > 0)
	s.items[PagePeople].setCount(snap.Claims, snap.Claims > 0)
	for l, t := range s.dots {
		n := snap.Exposure[l]
		t.set(strconv.Itoa(n))
		t.tint(colorText)
		if n == 0 {
			t.tint(colorMuted)
		}
	}
	switch {
	case snap.Program.Paused:
		s.state.set("Everything is paused")
	case snap.Queued > 0:
		s.state.set(model.Count(snap.Queued, "message waits", "messages wait") + " to be sent")
	default:
		s.state.set("Version " + snap.Program.Version)
	}
}

// navItem is one line of the navigation.
type navItem struct {
	button
	count  int
	urgent bool
}

func newNavItem(label string, g glyph, tap func()) *navItem {
	n := &navItem{button: button{label: label, glyph: g, tap: tap}}
	n.ExtendBaseWidget(n)
	return n
}

func (n *navItem) setCount(c int, urgent bool) {
	if n.count != c || n.urgent != urgent {
		n.count, n.urgent = c, urgent
		n.Refresh()
	}
}

// MinSize implements fyne.CanvasObject.
func (n *navItem) MinSize() fyne.Size { return fyne.NewSize(120, 36) }

// CreateRenderer implements fyne.Widget.
func (n *navItem) CreateRenderer() fyne.WidgetRenderer {
	back, dot := canvas.NewRectangle(color.Transparent), canvas.NewRectangle(color.Transparent)
	back.CornerRadius, dot.CornerRadius = 8, 9
	words, count := canvas.NewText("", color.Black), canvas.NewText("", color.Black)
	words.TextSize, count.TextSize = sizeBody, sizeTiny
	count.Alignment, count.TextStyle.Bold = fyne.TextAlignCenter, true
	img := &canvas.Image{FillMode: canvas.ImageFillContain}
	r := &drawn{w: n, min: n.MinSize, objs: []fyne.CanvasObject{back, img, words, dot, count}}
	r.layout = func(s fyne.Size) {
		back.Resize(s)
		img.Move(fyne.NewPos(10, (s.Height-18)/2))
		img.Resize(fyne.NewSquareSize(18))
		h := words.MinSize().Height
		words.Move(fyne.NewPos(38, (s.Height-h)/2))
		words.Resize(fyne.NewSize(s.Width-38, h))
		cm := count.MinSize()
		cw := max(18, cm.Width+10)
		dot.Resize(fyne.NewSize(cw, 18))
		dot.Move(fyne.NewPos(s.Width-cw-8, (s.Height-18)/2))
		count.Resize(fyne.NewSize(cw, cm.Height))
		count.Move(fyne.NewPos(s.Width-cw-8, (s.Height-cm.Height)/2))
	}
	r.paint = func() {
		ink := colorOf(colorMuted)
		back.FillColor, back.StrokeWidth = color.Transparent, 0
		switch {
		case n.on:
			back.FillColor, ink = colorOf(colorSoft), colorOf(colorText)
		case n.hovered:
			back.FillColor, ink = colorOf("hover"), colorOf(colorText)
		}
		if n.focused {
			back.StrokeColor, back.StrokeWidth = colorOf(colorAccent), 2
		}
		words.Text, words.Color, words.TextStyle.Bold = n.label, ink, n.on
		img.Resource = n.glyph.resource(ink)
		if n.on {
			img.Resource = n.glyph.resource(colorOf(colorAccent))
		}
		dot.Hidden, count.Hidden = n.count == 0 && !n.urgent, n.count == 0 && !n.urgent
		dot.FillColor, count.Color = colorOf(colorAccent), colorOf("foregroundOnPrimary")
		count.Text = strconv.Itoa(n.count)
		if n.count > 999 {
			count.Text = "999+"
		}
		if n.urgent {
			dot.FillColor = colorOf(colorWarn)
			if n.count == 0 {
				count.Text = "!"
			}
		}
		for _, o := range r.objs {
			o.Refresh()
		}
	}
	r.paint()
	return r
}
