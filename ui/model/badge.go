package model

import (
	"image/color"

	"github.com/postern/postern/app/exposure"
)

// BadgeView is how a level of exposure is shown.
type BadgeView struct {
	Symbol string
	Words  string
	// Light and Dark are for text and outlines on the page's light and dark
	// background; both keep a contrast of at least 4.5 to 1 there.
	Light, Dark color.NRGBA
	// Outline: draw the badge hollow. It says "wanted, but closed".
	Outline bool
}

// The palette, as 0xRRGGBB. Each pair is for the light and the dark page.
const (
	pageLight, pageDark   rgb = 0xFBFCFD, 0x0E1116
	greenLight, greenDark rgb = 0x1A7F37, 0x3FB950
	blueLight, blueDark   rgb = 0x0969DA, 0x58A6FF
	greyLight, greyDark   rgb = 0x57606A, 0x8B949E
	amberLight, amberDark rgb = 0x8A5A00, 0xD29922
	redLight, redDark     rgb = 0xC4261D, 0xFF6A60
	tealLight, tealDark   rgb = 0x0B7285, 0x3BC9DB
)

type rgb uint32

func (c rgb) color() color.NRGBA {
	return color.NRGBA{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 0xFF}
}

// Page is the page's light and dark background, for which the colours of this
// package are made.
func Page() (light, dark color.NRGBA) { return pageLight.color(), pageDark.color() }

// Accent is the one colour that marks what can be acted upon.
func Accent() (light, dark color.NRGBA) { return tealLight.color(), tealDark.color() }

// Badge is the badge of a level. A level that this program does not know looks
// like a public one, and says so: the unknown is never shown as safe.
func Badge(l exposure.Level) BadgeView {
	switch l {
	case exposure.Outbound:
		return BadgeView{Symbol: "↗", Words: "outbound socket", Light: greenLight.color(), Dark: greenDark.color()}
	case exposure.Relayed:
		return BadgeView{Symbol: "⇄", Words: "relayed webhook", Light: blueLight.color(), Dark: blueDark.color()}
	case exposure.Local:
		return BadgeView{Symbol: "⌂", Words: "local listener", Light: greyLight.color(), Dark: greyDark.color()}
	case exposure.Private:
		return BadgeView{Symbol: "◐", Words: "private callback", Light: amberLight.color(), Dark: amberDark.color()}
	case exposure.Public:
		return BadgeView{Symbol: "◉", Words: "public webhook", Light: redLight.color(), Dark: redDark.color()}
	case exposure.Refused:
		return BadgeView{Symbol: "○", Words: "refused: not acknowledged", Light: redLight.color(), Dark: redDark.color(), Outline: true}
	}
	return BadgeView{Symbol: "◉", Words: "unknown exposure", Light: redLight.color(), Dark: redDark.color()}
}
