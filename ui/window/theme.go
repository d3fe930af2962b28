package window

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/ui/model"
)

// Variant forces the window's appearance.
type Variant int

// The variants.
const (
	FollowSystem Variant = iota
	Light
	Dark
)

// The theme's own colours, beside Fyne's.
const (
	colorSurface  fyne.ThemeColorName = "postern.surface"  // of cards
	colorSunken   fyne.ThemeColorName = "postern.sunken"   // of strips inside cards
	colorSidebar  fyne.ThemeColorName = "postern.sidebar"  // of the navigation
	colorBorder   fyne.ThemeColorName = "postern.border"   // around cards
	colorStrong   fyne.ThemeColorName = "postern.strong"   // around what can be pressed
	colorMuted    fyne.ThemeColorName = "postern.muted"    // secondary text
	colorSoft     fyne.ThemeColorName = "postern.soft"     // what is selected
	colorMine     fyne.ThemeColorName = "postern.mine"     // bubbles of what was sent
	colorTheirs   fyne.ThemeColorName = "postern.theirs"   // bubbles of what came
	colorGood     fyne.ThemeColorName = "postern.good"     // proven
	colorWarn     fyne.ThemeColorName = "postern.warn"     // needs a look
	colorBad      fyne.ThemeColorName = "postern.bad"      // does not work
	colorWarnSoft fyne.ThemeColorName = "postern.warnsoft" // ground of a warning
	colorBadSoft  fyne.ThemeColorName = "postern.badsoft"  // ground of a fault
	colorVeil     fyne.ThemeColorName = "postern.veil"     // over the page, under a dialog
	colorText                         = theme.ColorNameForeground
	colorAccent                       = theme.ColorNamePrimary
	colorClear    fyne.ThemeColorName = "postern.clear" // nothing
)

// Text sizes, in points.
const (
	sizeTiny    = 11
	sizeSmall   = 12
	sizeBody    = 13
	sizeHeading = 15
	sizeTitle   = 20
)

// Theme is the window's look: near-white or near-black, one accent, a 4-pixel
// grid, 13-point text.
type Theme struct {
	variant Variant
	base    fyne.Theme
}

// NewTheme makes the theme; it follows the system's light and dark unless v
// says otherwise.
func NewTheme(v Variant) *Theme { return &Theme{v, theme.DefaultTheme()} }

// Dark reports whether the theme is dark where the system's variant is v.
func (t *Theme) dark(v fyne.ThemeVariant) bool {
	switch t.variant {
	case Light:
		return false
	case Dark:
		return true
	}
	return v == theme.VariantDark
}

// Color implements fyne.Theme.
func (t *Theme) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	dark := t.dark(v)
	if pair, ok := palette(name); ok {
		if dark {
			return pair[1]
		}
		return pair[0]
	}
	if dark {
		return t.base.Color(name, theme.VariantDark)
	}
	return t.base.Color(name, theme.VariantLight)
}

func hex(c uint32) color.NRGBA {
	return color.NRGBA{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 0xFF}
}

func veil(c uint32, alpha uint8) color.NRGBA {
	n := hex(c)
	n.A = alpha
	return n
}

// levelColor names the colour of a level of exposure.
func levelColor(l exposure.Level) fyne.ThemeColorName {
	return levelPrefix + fyne.ThemeColorName(l)
}

const levelPrefix = "postern.level."

// palette is a colour on the light and on the dark page.
func palette(name fyne.ThemeColorName) ([2]color.NRGBA, bool) {
	both := func(light, dark color.NRGBA) ([2]color.NRGBA, bool) { return [2]color.NRGBA{light, dark}, true }
	if l, ok := strings.CutPrefix(string(name), levelPrefix); ok {
		v := model.Badge(exposure.Level(l))
		return both(v.Light, v.Dark)
	}
	switch name {
	case theme.ColorNameBackground:
		return both(model.Page())
	case theme.ColorNamePrimary, theme.ColorNameHyperlink:
		return both(model.Accent())
	case theme.ColorNameForeground:
		return both(hex(0x1B2329), hex(0xE4EAF0))
	case theme.ColorNameForegroundOnPrimary, theme.ColorNameForegroundOnError, theme.ColorNameForegroundOnSuccess, theme.ColorNameForegroundOnWarning:
		return both(hex(0xFFFFFF), hex(0x0A1014))
	case colorMuted, theme.ColorNamePlaceHolder:
		return both(hex(0x59656F), hex(0x8F9BA7))
	case theme.ColorNameDisabled:
		return both(hex(0x98A2AB), hex(0x57626D))
	case theme.ColorNameDisabledButton:
		return both(hex(0xEEF1F4), hex(0x1B2129))
	case colorSurface, theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground:
		return both(hex(0xFFFFFF), hex(0x161B22))
	case theme.ColorNameInputBackground:
		return both(hex(0xFFFFFF), hex(0x0F1319))
	case colorSunken, theme.ColorNameHeaderBackground:
		return both(hex(0xF4F7F9), hex(0x11161C))
	case colorSidebar:
		return both(hex(0xF1F5F7), hex(0x0A0D11))
	case colorBorder, theme.ColorNameSeparator:
		return both(hex(0xE1E7EC), hex(0x262E37))
	case colorStrong, theme.ColorNameInputBorder:
		return both(hex(0xC9D2D9), hex(0x38424D))
	case theme.ColorNameButton:
		return both(hex(0xEEF2F5), hex(0x20272F))
	case theme.ColorNameHover:
		return both(veil(0x0B3A4A, 0x0D), veil(0xFFFFFF, 0x0F))
	case theme.ColorNamePressed:
		return both(veil(0x0B3A4A, 0x1A), veil(0xFFFFFF, 0x1C))
	case theme.ColorNameFocus:
		return both(veil(0x0B7285, 0x38), veil(0x3BC9DB, 0x40))
	case theme.ColorNameSelection:
		return both(veil(0x0B7285, 0x2A), veil(0x3BC9DB, 0x38))
	case colorSoft:
		return both(hex(0xDDEEF1), hex(0x14303A))
	case colorMine:
		return both(hex(0xDFF1F3), hex(0x123640))
	case colorTheirs:
		return both(hex(0xF0F3F6), hex(0x1A2028))
	case theme.ColorNameShadow:
		return both(veil(0x0E1A22, 0x14), veil(0x000000, 0x38))
	case theme.ColorNameScrollBar:
		return both(veil(0x3A4852, 0x60), veil(0xA6B4C0, 0x60))
	case theme.ColorNameScrollBarBackground, colorClear:
		return both(color.NRGBA{}, color.NRGBA{})
	case colorGood, theme.ColorNameSuccess:
		return both(model.Good.Colors())
	case colorWarn, theme.ColorNameWarning:
		return both(model.Stale.Colors())
	case colorBad, theme.ColorNameError:
		return both(model.Bad.Colors())
	case colorVeil:
		return both(veil(0x0E1A22, 0x66), veil(0x000000, 0x8C))
	case colorWarnSoft:
		return both(hex(0xFDF5E3), hex(0x251D0E))
	case colorBadSoft:
		return both(hex(0xFDEEED), hex(0x2A1616))
	}
	return [2]color.NRGBA{}, false
}

// Font implements fyne.Theme.
func (t *Theme) Font(s fyne.TextStyle) fyne.Resource { return t.base.Font(s) }

// Icon implements fyne.Theme.
func (t *Theme) Icon(n fyne.ThemeIconName) fyne.Resource { return t.base.Icon(n) }

// Size implements fyne.Theme.
func (t *Theme) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameText:
		return sizeBody
	case theme.SizeNameCaptionText:
		return sizeTiny
	case theme.SizeNameHeadingText:
		return sizeTitle
	case theme.SizeNameSubHeadingText:
		return sizeHeading
	case theme.SizeNameInlineIcon:
		return 16
	case theme.SizeNameInputRadius, theme.SizeNameButtonRadius:
		return 6
	case theme.SizeNameCardRadius, theme.SizeNameDialogRadius, theme.SizeNamePopupRadius:
		return 10
	case theme.SizeNameMenuRadius:
		return 8
	case theme.SizeNameSelectionRadius:
		return 8
	case theme.SizeNameScrollBar:
		return 10
	case theme.SizeNameScrollBarSmall:
		return 4
	case theme.SizeNameModalBlurRadius:
		return 0
	}
	return t.base.Size(n)
}

// colorOf is a colour of the theme in use, as it is right now.
func colorOf(name fyne.ThemeColorName) color.Color { return theme.Color(name) }

// isDark reports whether the page is dark right now.
func isDark() bool {
	r, g, b, _ := colorOf(theme.ColorNameBackground).RGBA()
	return r+g+b < 3*0x7FFF
}

// pick chooses between the two colours of the model by the page.
func pick(light, dark color.NRGBA) color.NRGBA {
	if isDark() {
		return dark
	}
	return light
}
