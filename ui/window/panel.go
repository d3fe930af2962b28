package window

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/ui/model"
)

// box is a rectangle in colours of the theme.
type box struct {
	widget.BaseWidget
	fill, stroke fyne.ThemeColorName
	radius       float32
	width        float32 // of the stroke
	// mix, if set, decides both colours instead.
	mix func() (fill, stroke color.Color)
}

func newBox(fill, stroke fyne.ThemeColorName, radius float32) *box {
	b := &box{fill: fill, stroke: stroke, radius: radius, width: 1}
	b.ExtendBaseWidget(b)
	return b
}

func (b *box) tint(fill, stroke fyne.ThemeColorName) {
	if b.fill != fill || b.stroke != stroke {
		b.fill, b.stroke = fill, stroke
		b.Refresh()
	}
}

// MinSize implements fyne.CanvasObject.
func (b *box) MinSize() fyne.Size { return fyne.NewSize(0, 0) }

// CreateRenderer implements fyne.Widget.
func (b *box) CreateRenderer() fyne.WidgetRenderer {
	rect := canvas.NewRectangle(color.Transparent)
	r := &drawn{w: b, min: b.MinSize, objs: []fyne.CanvasObject{rect}}
	r.layout = func(s fyne.Size) { rect.Resize(s) }
	r.paint = func() {
		rect.CornerRadius = b.radius
		if b.mix != nil {
			rect.FillColor, rect.StrokeColor = b.mix()
		} else {
			rect.FillColor, rect.StrokeColor = colorOf(b.fill), color.Transparent
			if b.stroke != "" {
				rect.StrokeColor = colorOf(b.stroke)
			}
		}
		rect.StrokeWidth = b.width
		if b.mix == nil && b.stroke == "" {
			rect.StrokeWidth = 0
		}
		rect.Refresh()
	}
	r.paint()
	return r
}

// card is o on a raised surface.
func card(space float32, o fyne.CanvasObject) *fyne.Container {
	return container.NewStack(newBox(colorSurface, colorBorder, 10), padAll(space, o))
}

// strip is o on a sunken ground.
func strip(o fyne.CanvasObject) *fyne.Container {
	return container.NewStack(newBox(colorSunken, "", 8), pad(12, 8, 12, 8, o))
}

// remark is a sentence on a coloured ground, with what may be done about it at
// its right.
func remark(bad bool, s *text, actions ...fyne.CanvasObject) *fyne.Container {
	ground, ink, g := colorWarnSoft, colorWarn, iconInfo
	if bad {
		ground, ink, g = colorBadSoft, colorBad, iconWarn
	}
	row := []fyne.CanvasObject{newIcon(g, ink, 16), fill(s)}
	return container.NewStack(newBox(ground, "", 8), pad(12, 8, 8, 8, hbox(10, append(row, actions...)...)))
}

// rule is a thin line across.
func rule() fyne.CanvasObject { return sized(0, 1, newBox(colorBorder, "", 0)) }

// blend is c over the page at the given strength.
func blend(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// badge shows a level of exposure: symbol, words and colour.
type badge struct {
	widget.BaseWidget
	level exposure.Level
	other *model.BadgeView // shown instead of the level's own
}

// newTag is a badge whose look show decides.
func newTag() *badge { return newBadge("") }

// show shows v instead of a level's own badge.
func (b *badge) show(v model.BadgeView) {
	if b.other == nil || *b.other != v {
		b.other = &v
		b.Refresh()
	}
}

func (b *badge) look() model.BadgeView {
	if b.other != nil {
		return *b.other
	}
	return model.Badge(b.level)
}

func newBadge(l exposure.Level) *badge {
	b := &badge{level: l}
	b.ExtendBaseWidget(b)
	return b
}

func (b *badge) set(l exposure.Level) {
	if b.level != l {
		b.level = l
		b.Refresh()
	}
}

func (b *badge) words() string { return b.look().Words }

// MinSize implements fyne.CanvasObject.
func (b *badge) MinSize() fyne.Size {
	v := b.look()
	w := fyne.MeasureText(v.Words, sizeSmall, fyne.TextStyle{}).Width
	return fyne.NewSize(10+14+5+w+12, 24)
}

// CreateRenderer implements fyne.Widget.
func (b *badge) CreateRenderer() fyne.WidgetRenderer {
	rect := canvas.NewRectangle(color.Transparent)
	rect.CornerRadius = 12
	img, letter, words := &canvas.Image{FillMode: canvas.ImageFillContain}, canvas.NewText("", color.Black), canvas.NewText("", color.Black)
	letter.TextSize, words.TextSize = sizeBody, sizeSmall
	r := &drawn{w: b, min: b.MinSize, objs: []fyne.CanvasObject{rect, img, letter, words}}
	r.layout = func(s fyne.Size) {
		rect.Resize(s)
		lh, wh := letter.MinSize().Height, words.MinSize().Height
		letter.Move(fyne.NewPos(10, (s.Height-lh)/2))
		letter.Resize(fyne.NewSize(14, lh))
		img.Move(fyne.NewPos(9, (s.Height-16)/2))
		img.Resize(fyne.NewSquareSize(16))
		words.Move(fyne.NewPos(29, (s.Height-wh)/2))
		words.Resize(fyne.NewSize(max(0, s.Width-29), wh))
	}
	r.paint = func() {
		v := b.look()
		c := pick(v.Light, v.Dark)
		drawSign(img, letter, v.Symbol, c)
		words.Text, words.Color = v.Words, c
		rect.FillColor, rect.StrokeColor, rect.StrokeWidth = blend(c, 0x14), blend(c, 0x40), 1
		if v.Outline {
			rect.FillColor, rect.StrokeColor, rect.StrokeWidth = color.Transparent, c, 1.5
		}
		rect.Refresh()
		words.Refresh()
	}
	r.paint()
	return r
}

// avatar is a round sign with one or two characters.
type avatar struct {
	widget.BaseWidget
	letters string
	seed    string // what its hue comes from; empty: the accent
	size    float32
	square  bool
}

func newAvatar(letters, seed string, size float32) *avatar {
	a := &avatar{letters: letters, seed: seed, size: size}
	a.ExtendBaseWidget(a)
	return a
}

func (a *avatar) set(letters, seed string) {
	if a.letters != letters || a.seed != seed {
		a.letters, a.seed = letters, seed
		a.Refresh()
	}
}

// hues are calm grounds that the page's text stands on.
func hue(seed string) (ground, ink color.NRGBA) {
	type tone struct{ lightGround, lightInk, darkGround, darkInk uint32 }
	tones := [...]tone{
		{0xD9EEF1, 0x0B5F6F, 0x123640, 0x6FD6E4},
		{0xE3E9FB, 0x35509E, 0x1C2846, 0x9DB4F5},
		{0xE4F2E1, 0x2F6B2B, 0x1A3320, 0x8FD08A},
		{0xF7E9DA, 0x86531A, 0x3A2815, 0xE6B67C},
		{0xF3E3F1, 0x83437D, 0x381F38, 0xDDA3D6},
		{0xE9E6F8, 0x5A489E, 0x2A2447, 0xB9ABF2},
		{0xF8E4E4, 0x97403F, 0x3C2020, 0xECA5A2},
	}
	n := uint32(0)
	for _, r := range seed {
		n = n*31 + uint32(r)
	}
	t := tones[n%uint32(len(tones))]
	if isDark() {
		return hex(t.darkGround), hex(t.darkInk)
	}
	return hex(t.lightGround), hex(t.lightInk)
}

// MinSize implements fyne.CanvasObject.
func (a *avatar) MinSize() fyne.Size { return fyne.NewSquareSize(a.size) }

// CreateRenderer implements fyne.Widget.
func (a *avatar) CreateRenderer() fyne.WidgetRenderer {
	rect := canvas.NewRectangle(color.Transparent)
	letters, img := canvas.NewText("", color.Black), &canvas.Image{FillMode: canvas.ImageFillContain}
	letters.Alignment = fyne.TextAlignCenter
	r := &drawn{w: a, min: a.MinSize, objs: []fyne.CanvasObject{rect, letters, img}}
	r.layout = func(s fyne.Size) {
		rect.Resize(s)
		img.Move(fyne.NewPos(s.Width*0.2, s.Height*0.2))
		img.Resize(fyne.NewSize(s.Width*0.6, s.Height*0.6))
		h := letters.MinSize().Height
		letters.Move(fyne.NewPos(0, (s.Height-h)/2))
		letters.Resize(fyne.NewSize(s.Width, h))
	}
	r.paint = func() {
		rect.CornerRadius = a.size / 2
		if a.square {
			rect.CornerRadius = a.size / 4
		}
		ground, ink := hue(a.seed)
		rect.FillColor = ground
		drawSign(img, letters, a.letters, ink)
		letters.TextSize = a.size * 0.40
		if a.square {
			letters.TextSize = a.size * 0.5
		}
		letters.TextStyle.Bold = !a.square
		rect.Refresh()
		letters.Refresh()
	}
	r.paint()
	return r
}
