package window

import (
	"fmt"
	"hash/fnv"
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// glyph is one of the window's line icons, as paths on a 24-pixel grid.
type glyph string

const (
	iconAccounts glyph = `<path d="M4 7a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z"/><path d="M8 10h8M8 14h5"/>`
	iconInbox    glyph = `<path d="M21 12a8 8 0 0 1-8 8H4l1.8-3.2A8 8 0 1 1 21 12z"/>`
	iconExposure glyph = `<path d="M5 20V10a7 7 0 0 1 14 0v10M3 20h18M14.500 13.500v1"/>`
	iconInputs   glyph = `<path d="M12 3v10.500M7.500 9.500L12 14l4.500-4.500M4 14v6h16v-6"/>`
	iconAnswers  glyph = `<path d="M3 12h5l4-6h8M8 12h12M8 12l4 6h8M17.500 3.500L20 6l-2.500 2.500M17.500 9.500L20 12l-2.500 2.500M17.500 15.500L20 18l-2.500 2.500"/>`
	iconPrograms glyph = `<path d="M4 5h16v14H4zM7.500 9.500l3 2.500-3 2.500M12.500 15h4"/>`
	iconHooks    glyph = `<circle cx="15" cy="5.500" r="2.500"/><path d="M15 8v7a5 5 0 0 1-10 0v-3M2.500 14.500L5 12l2.500 2.500"/>`
	iconRelays   glyph = `<path d="M4 8.500h15M15.500 5l3.500 3.500-3.500 3.500M20 15.500H5M8.500 12L5 15.500 8.500 19"/>`
	iconActivity glyph = `<path d="M3 12h4l3-8 4 16 3-8h4"/>`
	iconPeople   glyph = `<circle cx="9" cy="8" r="3.600"/><path d="M2.500 20a6.500 6.500 0 0 1 13 0M15.500 4.800a3.600 3.600 0 0 1 0 6.400M17.500 14a6.500 6.500 0 0 1 4 6"/>`
	iconGeneral  glyph = `<path d="M4 7h9M19 7h1M4 17h3M13 17h7"/><circle cx="16" cy="7" r="2.6"/><circle cx="10" cy="17" r="2.6"/>`
	iconDoctor   glyph = `<path d="M6 4H4.500v5a4.500 4.500 0 0 0 9 0V4H12M9 13.500v2a5 5 0 0 0 10 0v-1.500"/><circle cx="19" cy="11.500" r="2.300"/>`
	iconPlus     glyph = `<path d="M12 5v14M5 12h14"/>`
	iconBack     glyph = `<path d="M15 5l-7 7 7 7"/>`
	iconMore     glyph = `<circle cx="5.5" cy="12" r="0.9"/><circle cx="12" cy="12" r="0.9"/><circle cx="18.5" cy="12" r="0.9"/>`
	iconSend     glyph = `<path d="M5 12h13M12.500 5.500L19 12l-6.500 6.500"/>`
	iconClip     glyph = `<path d="M19.500 11.500l-7.700 7.700a4.600 4.600 0 0 1-6.500-6.500l8-8a3.100 3.100 0 0 1 4.400 4.400l-8 8a1.550 1.550 0 0 1-2.200-2.200l7.200-7.200"/>`
	iconCopy     glyph = `<path d="M9 9h11v11H9zM15 9V4H4v11h5"/>`
	iconOpen     glyph = `<path d="M14 4h6v6M20 4l-9 9M18 14v6H4V6h6"/>`
	iconCheck    glyph = `<path d="M5 12.500l4.500 4.500L19 7.500"/>`
	iconPause    glyph = `<path d="M8.500 5v14M15.500 5v14"/>`
	iconPlay     glyph = `<path d="M7 5l12 7-12 7z"/>`
	iconClose    glyph = `<path d="M6 6l12 12M18 6L6 18"/>`
	iconSearch   glyph = `<circle cx="11" cy="11" r="6.500"/><path d="M16 16l4.500 4.500"/>`
	iconDown     glyph = `<path d="M6 9l6 6 6-6"/>`
	iconUp       glyph = `<path d="M6 15l6-6 6 6"/>`
	iconEdit     glyph = `<path d="M4 20l1-4.500L16 4.500l3.500 3.500L8.500 19zM13.500 7l3.500 3.500"/>`
	iconRight    glyph = `<path d="M9 6l6 6-6 6"/>`
	iconFile     glyph = `<path d="M13 3H6v18h12V8zM13 3v5h5"/>`
	iconWarn     glyph = `<path d="M12 4L2.500 20h19zM12 10v4.500M12 17v0.400"/>`
	iconInfo     glyph = `<circle cx="12" cy="12" r="9"/><path d="M12 11v5.500M12 7.500v0.400"/>`
	iconExport   glyph = `<path d="M12 4v11M7.500 10.500L12 15l4.500-4.500M4 19.500h16"/>`
	iconOffline  glyph = `<path d="M3 9a14 14 0 0 1 18 0M6.500 13a9 9 0 0 1 11 0M10 16.800a3.500 3.500 0 0 1 4 0M4 4l16 16"/>`
)

// sign is the drawing of a symbol that the model and the platforms use in
// words, so that it looks the same whatever fonts there are; empty for a symbol
// that has none, which is then written.
func sign(symbol string) glyph {
	switch symbol {
	case "↗":
		return `<path d="M7 17L17 7M9 7h8v8"/>`
	case "⇄":
		return `<path d="M4 8.500h15M15.500 5l3.500 3.500-3.500 3.500M20 15.500H5M8.500 12L5 15.500 8.500 19"/>`
	case "⌂":
		return `<path d="M4 11.500L12 5l8 6.500M6.500 10v9h11v-9"/>`
	case "◐":
		return `<circle cx="12" cy="12" r="7.500"/><path d="M12 4.500a7.500 7.500 0 0 0 0 15z" fill="INK"/>`
	case "◉":
		return `<circle cx="12" cy="12" r="8"/><circle cx="12" cy="12" r="3.500" fill="INK"/>`
	case "○":
		return `<circle cx="12" cy="12" r="7.500"/>`
	case "●":
		return `<circle cx="12" cy="12" r="6" fill="INK"/>`
	case "◔":
		return `<circle cx="12" cy="12" r="7"/><path d="M12 5a7 7 0 0 1 7 7h-7z" fill="INK"/>`
	case "✓":
		return iconCheck
	case "✕":
		return `<path d="M6.500 6.500l11 11M17.500 6.500l-11 11" stroke-width="2.6"/>`
	case "‖":
		return `<path d="M9 5.500v13M15 5.500v13" stroke-width="2.6"/>`
	case "◌":
		return `<path d="M12 5a7 7 0 0 1 3.500 0.940M18.060 8.500a7 7 0 0 1 0.940 3.500M18.060 15.500a7 7 0 0 1-2.560 2.560M12 19a7 7 0 0 1-3.500-0.940M5.940 15.500a7 7 0 0 1-0.940-3.500M5.940 8.500a7 7 0 0 1 2.560-2.560"/>`
	case "△":
		return iconWarn
	case "✈":
		return `<path d="M20.500 4L3.500 11l5.500 2.500M20.500 4L17 19.500l-8-6M20.500 4L9 13.500V19l3-3.200"/>`
	}
	return ""
}

// resource is the glyph in colour c.
func (g glyph) resource(c color.Color) fyne.Resource {
	r, gr, b, _ := c.RGBA()
	ink := fmt.Sprintf("#%02x%02x%02x", r>>8, gr>>8, b>>8)
	svg := `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24"><g fill="none" stroke="` + ink +
		`" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">` + strings.ReplaceAll(string(g), "INK", ink) + `</g></svg>`
	name := fnv.New64a() // drawings are cached by name
	_, _ = name.Write([]byte(svg))
	return fyne.NewStaticResource(fmt.Sprintf("%x.svg", name.Sum64()), []byte(svg))
}

// icon draws a glyph in a colour of the theme.
type icon struct {
	widget.BaseWidget
	glyph glyph
	color fyne.ThemeColorName
	size  float32
}

func newIcon(g glyph, c fyne.ThemeColorName, size float32) *icon {
	i := &icon{glyph: g, color: c, size: size}
	i.ExtendBaseWidget(i)
	return i
}

func (i *icon) set(g glyph, c fyne.ThemeColorName) {
	if i.glyph != g || i.color != c {
		i.glyph, i.color = g, c
		i.Refresh()
	}
}

// MinSize implements fyne.CanvasObject.
func (i *icon) MinSize() fyne.Size { return fyne.NewSquareSize(i.size) }

// CreateRenderer implements fyne.Widget.
func (i *icon) CreateRenderer() fyne.WidgetRenderer {
	img := &canvas.Image{FillMode: canvas.ImageFillContain}
	r := &drawn{w: i, min: i.MinSize, objs: []fyne.CanvasObject{img}}
	r.layout = func(s fyne.Size) { img.Resize(s) }
	r.paint = func() {
		img.Resource = i.glyph.resource(colorOf(i.color))
		img.Refresh()
	}
	r.paint()
	return r
}

// drawn is a renderer made of functions.
type drawn struct {
	w      fyne.Widget
	objs   []fyne.CanvasObject
	min    func() fyne.Size
	layout func(fyne.Size)
	paint  func()
}

func (d *drawn) Layout(s fyne.Size)           { d.layout(s) }
func (d *drawn) MinSize() fyne.Size           { return d.min() }
func (d *drawn) Objects() []fyne.CanvasObject { return d.objs }
func (d *drawn) Destroy()                     {}
func (d *drawn) Refresh() {
	d.paint()
	d.layout(d.w.Size())
	canvas.Refresh(d.w)
}

// symbol draws one of the model's symbols in a colour of the theme.
type symbol struct {
	widget.BaseWidget
	s     string
	color fyne.ThemeColorName
	size  float32
}

func newSymbol(s string, size float32, c fyne.ThemeColorName) *symbol {
	y := &symbol{s: s, color: c, size: size}
	y.ExtendBaseWidget(y)
	return y
}

func (y *symbol) set(s string, c fyne.ThemeColorName) {
	if y.s != s || y.color != c {
		y.s, y.color = s, c
		y.Refresh()
	}
}

// MinSize implements fyne.CanvasObject.
func (y *symbol) MinSize() fyne.Size { return fyne.NewSquareSize(y.size) }

// CreateRenderer implements fyne.Widget.
func (y *symbol) CreateRenderer() fyne.WidgetRenderer {
	img, words := &canvas.Image{FillMode: canvas.ImageFillContain}, canvas.NewText("", color.Black)
	words.Alignment = fyne.TextAlignCenter
	r := &drawn{w: y, min: y.MinSize, objs: []fyne.CanvasObject{img, words}}
	r.layout = func(s fyne.Size) {
		img.Resize(s)
		h := words.MinSize().Height
		words.Move(fyne.NewPos(0, (s.Height-h)/2))
		words.Resize(fyne.NewSize(s.Width, h))
	}
	r.paint = func() {
		drawSign(img, words, y.s, colorOf(y.color))
		words.TextSize = y.size * 0.8
		words.Refresh()
	}
	r.paint()
	return r
}

// drawSign shows a symbol as the picture that there is of it, or in letters.
func drawSign(img *canvas.Image, words *canvas.Text, s string, c color.Color) {
	g := sign(s)
	img.Hidden, words.Hidden = g == "", g != ""
	words.Text, words.Color = s, c
	if g != "" {
		img.Resource = g.resource(c)
	}
	img.Refresh()
	words.Refresh()
}
