package main

import (
	"image"
	"image/color"
	"math"
)

// A region is a set of points, in pixels from the top left corner.
type region func(x, y float64) bool

func union(rs ...region) region {
	return func(x, y float64) bool {
		for _, r := range rs {
			if r(x, y) {
				return true
			}
		}
		return false
	}
}

func minus(a, b region) region {
	return func(x, y float64) bool { return a(x, y) && !b(x, y) }
}

func both(a, b region) region {
	return func(x, y float64) bool { return a(x, y) && b(x, y) }
}

func rect(x0, y0, x1, y1 float64) region {
	return func(x, y float64) bool { return x >= x0 && x < x1 && y >= y0 && y < y1 }
}

func disc(cx, cy, r float64) region {
	return func(x, y float64) bool { return (x-cx)*(x-cx)+(y-cy)*(y-cy) < r*r }
}

// rounded is a rectangle with round corners.
func rounded(x0, y0, x1, y1, r float64) region {
	return func(x, y float64) bool {
		if x < x0 || x >= x1 || y < y0 || y >= y1 {
			return false
		}
		dx := math.Max(math.Max(x0+r-x, x-(x1-r)), 0)
		dy := math.Max(math.Max(y0+r-y, y-(y1-r)), 0)
		return dx*dx+dy*dy < r*r
	}
}

// arch is a doorway: straight sides, a half circle on top.
func arch(l, top, r, b float64) region {
	radius, cx := (r-l)/2, (l+r)/2
	cy := top + radius
	return func(x, y float64) bool {
		if x < l || x >= r || y >= b {
			return false
		}
		return y >= cy || (x-cx)*(x-cx)+(y-cy)*(y-cy) < radius*radius
	}
}

// under is everything on or below the line from (x0, y0) to (x1, y1), x0 < x1.
func under(x0, y0, x1, y1 float64) region {
	return func(x, y float64) bool { return y >= y0+(x-x0)*(y1-y0)/(x1-x0) }
}

// grown is r and everything within d pixels of it, to the accuracy of the
// sixteen directions that are tried.
func grown(r region, d float64) region {
	var probes [][2]float64
	for _, q := range []float64{d, d * 0.6} {
		for i := range 16 {
			s, c := math.Sincos(float64(i) * math.Pi / 8)
			probes = append(probes, [2]float64{q * c, q * s})
		}
	}
	return func(x, y float64) bool {
		if r(x, y) {
			return true
		}
		for _, p := range probes {
			if r(x+p[0], y+p[1]) {
				return true
			}
		}
		return false
	}
}

// paint covers img with c wherever r is, over what is there. It probes each
// pixel at 8 by 8 places, large pictures at 4 by 4.
func paint(img *image.NRGBA, r region, c color.NRGBA) {
	b := img.Bounds()
	k := 8
	if b.Dx() > 64 {
		k = 4
	}
	for py := b.Min.Y; py < b.Max.Y; py++ {
		for px := b.Min.X; px < b.Max.X; px++ {
			n := 0
			for i := range k * k {
				x := float64(px) + (float64(i%k)+0.5)/float64(k)
				y := float64(py) + (float64(i/k)+0.5)/float64(k)
				if r(x, y) {
					n++
				}
			}
			if n > 0 {
				over(img, px, py, c, n, k*k)
			}
		}
	}
}

// over blends c, covering n of full probes of the pixel, with integers only:
// the same on every machine.
func over(img *image.NRGBA, x, y int, c color.NRGBA, n, full int) {
	old := img.NRGBAAt(x, y)
	sa := int(c.A) * n // in 1/(255*full)
	da := int(old.A) * (255*full - sa) / 255
	oa := sa + da
	if oa == 0 {
		return
	}
	mix := func(s, d uint8) uint8 { return uint8((int(s)*sa + int(d)*da + oa/2) / oa) }
	img.SetNRGBA(x, y, color.NRGBA{
		R: mix(c.R, old.R), G: mix(c.G, old.G), B: mix(c.B, old.B),
		A: uint8((oa + full/2) / full),
	})
}
