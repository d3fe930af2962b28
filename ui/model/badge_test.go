package model

import (
	"image/color"
	"math"
	"testing"

	"github.com/postern/postern/app/exposure"
)

var levels = []exposure.Level{
	exposure.Outbound, exposure.Relayed, exposure.Local,
	exposure.Private, exposure.Public, exposure.Refused,
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	if x < y {
		x, y = y, x
	}
	return (x + 0.05) / (y + 0.05)
}

func luminance(c color.NRGBA) float64 {
	lin := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
}

func TestContrastFormula(t *testing.T) {
	black, white := color.NRGBA{A: 255}, color.NRGBA{255, 255, 255, 255}
	if got := contrast(black, white); math.Abs(got-21) > 0.001 {
		t.Errorf("black on white = %v, want 21", got)
	}
	// A pair that is known to be just below the limit.
	if got := contrast(color.NRGBA{0x77, 0x77, 0x77, 255}, white); math.Abs(got-4.48) > 0.01 {
		t.Errorf("#777 on white = %v, want 4.48", got)
	}
}

func TestColoursCanBeRead(t *testing.T) {
	pl, pd := Page()
	check := func(t *testing.T, light, dark color.NRGBA) {
		t.Helper()
		if got := contrast(light, pl); got < 4.5 {
			t.Errorf("contrast %.2f on the light page, want 4.5", got)
		}
		if got := contrast(dark, pd); got < 4.5 {
			t.Errorf("contrast %.2f on the dark page, want 4.5", got)
		}
		if light.A != 255 || dark.A != 255 {
			t.Error("colour is not opaque")
		}
	}
	for _, l := range levels {
		t.Run(string(l), func(t *testing.T) { b := Badge(l); check(t, b.Light, b.Dark) })
	}
	for _, s := range []State{Unknown, Good, Stale, Bad, Off} {
		t.Run("state "+s.Symbol(), func(t *testing.T) { l, d := s.Colors(); check(t, l, d) })
	}
	t.Run("webhook", func(t *testing.T) {
		b := WebhookBadge()
		check(t, b.Light, b.Dark)
		// It stands on its own colour, thinned.
		over := func(c, page color.NRGBA) color.NRGBA {
			mix := func(a, b uint8) uint8 { return uint8((int(a)*0x14 + int(b)*(255-0x14)) / 255) }
			return color.NRGBA{mix(c.R, page.R), mix(c.G, page.G), mix(c.B, page.B), 255}
		}
		if got := contrast(b.Light, over(b.Light, pl)); got < 4.5 {
			t.Errorf("contrast %.2f on its light ground, want 4.5", got)
		}
		if got := contrast(b.Dark, over(b.Dark, pd)); got < 4.5 {
			t.Errorf("contrast %.2f on its dark ground, want 4.5", got)
		}
	})
	t.Run("accent", func(t *testing.T) { l, d := Accent(); check(t, l, d) })
}

func TestBadge(t *testing.T) {
	for level, want := range map[exposure.Level]struct {
		symbol, words string
		outline       bool
	}{
		exposure.Outbound: {"↗", "outbound socket", false},
		exposure.Relayed:  {"⇄", "relayed webhook", false},
		exposure.Local:    {"⌂", "local listener", false},
		exposure.Private:  {"◐", "private callback", false},
		exposure.Public:   {"◉", "public webhook", false},
		exposure.Refused:  {"○", "refused: not acknowledged", true},
		"tomorrow's":      {"◉", "unknown exposure", false},
	} {
		t.Run(string(level), func(t *testing.T) {
			b := Badge(level)
			if b.Symbol != want.symbol || b.Words != want.words || b.Outline != want.outline {
				t.Errorf("got %q %q outline %v, want %q %q %v", b.Symbol, b.Words, b.Outline, want.symbol, want.words, want.outline)
			}
		})
	}
	t.Run("colours are those of the design", func(t *testing.T) {
		if got, want := Badge(exposure.Private).Light, (color.NRGBA{0x8A, 0x5A, 0x00, 0xFF}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("symbols differ", func(t *testing.T) {
		seen := map[string]exposure.Level{}
		for _, l := range levels {
			s := Badge(l).Symbol
			if other, ok := seen[s]; ok {
				t.Errorf("%q and %q share %q", l, other, s)
			}
			seen[s] = l
		}
	})
}
