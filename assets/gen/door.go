package main

import (
	"image"
	"image/color"
	"math"
)

// doors are the four pictures, by the names that the files carry.
var doors = []string{"closed", "dot", "bars", "ajar"}

var (
	black = color.NRGBA{A: 0xFF}
	white = color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}
	teal  = color.NRGBA{0x0B, 0x72, 0x85, 0xFF}
	deep  = color.NRGBA{0x08, 0x5A, 0x69, 0xFF}
	amber = color.NRGBA{0xF0, 0xB4, 0x29, 0xFF}
	red   = color.NRGBA{0xFF, 0x6A, 0x60, 0xFF}
	light = color.NRGBA{0x3B, 0xC9, 0xDB, 0xFF}
)

// grid turns sixteenths of the picture's side into whole pixels, so that
// straight edges stay sharp at every size.
type grid float64

func (g grid) at(v float64) float64 { return math.Round(v * float64(g)) }

// atLeast is at, but never less than one pixel.
func (g grid) atLeast(v float64) float64 { return math.Max(1, g.at(v)) }

// door is one of the doors, size pixels high and wide: its lines, and the mark
// that says what it means, which may have a colour of its own.
func door(name string, size int) (lines, mark region) {
	g, s := grid(float64(size)/16), float64(size)
	l, top := g.at(3), g.at(1)
	r, b := s-l, s-top
	w := g.atLeast(1.25)
	whole := arch(l, top, r, b)
	inner := arch(l+w, top+w, r-w, b-w)
	frame := minus(whole, inner)

	switch name {
	case "closed":
		k := g.at(1.5) / 2
		return frame, disc(r-w-g.at(1)-k, g.at(9), k)
	case "dot":
		rad := float64(g) * 3
		cx, cy := s-g.at(1)-rad, g.at(1)+rad
		return minus(frame, disc(cx, cy, rad+g.atLeast(1))), disc(cx, cy, rad)
	case "bars":
		bw, gap := g.atLeast(2), g.atLeast(1.5)
		if int(s-gap)%2 != 0 { // keep both halves alike
			gap++
		}
		mid := s / 2
		y0, y1 := g.at(5.5), b-w-g.at(1.5)
		return frame, union(
			rect(mid-gap/2-bw, y0, mid-gap/2, y1),
			rect(mid+gap/2, y0, mid+gap/2+bw, y1))
	case "ajar":
		// The leaf hangs on the left and has swung inwards: its free edge
		// is shorter at the top and at the bottom.
		free := l + g.at(5.75)
		k := g.at(1.5) / 2
		leaf := both(both(whole, rect(l, 0, free, s)), under(l, top-g.at(2), free, top+g.at(2)))
		leaf = minus(leaf, under(l, b, free, b-g.at(2)))
		leaf = minus(leaf, disc(free-g.at(1)-k, g.at(9), k))
		return frame, leaf
	}
	panic("no door is called " + name)
}

// silhouette is the doorway, filled.
func silhouette(size int) region {
	g, s := grid(float64(size)/16), float64(size)
	return arch(g.at(3), g.at(1), s-g.at(3), s-g.at(1))
}

// tray is a door for panels. Ink "any" is for panels of unknown colour: light
// lines on a dark door with a dark seam, one of which stands out on any ground.
// The seam is pure black because its edge is half transparent, and the tray's
// library garbles every other colour there.
func tray(name, ink string, size int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	lines, mark := door(name, size)
	switch ink {
	case "black":
		paint(img, union(lines, mark), black)
	case "white":
		paint(img, union(lines, mark), white)
	case "any":
		all := union(lines, mark, silhouette(size))
		paint(img, grown(all, math.Max(1, float64(size)/18)), black)
		paint(img, mark, markColor(name))
		paint(img, lines, white)
		blacken(img)
	}
	return img
}

// blacken makes every pixel that isn't opaque black.
func blacken(img *image.NRGBA) {
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i+3] != 0xFF {
			clear(img.Pix[i : i+3])
		}
	}
}

func markColor(name string) color.NRGBA {
	switch name {
	case "dot":
		return amber
	case "ajar":
		return red
	}
	return white
}

// app is the program's own icon: the closed door on the accent colour.
func app(size int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	g, s := grid(float64(size)/16), float64(size)
	ground := rounded(0, 0, s, s, s*0.22)
	paint(img, ground, teal)

	l, top := g.at(4), g.at(2)
	r, b := s-l, s-g.at(2)
	w := g.atLeast(1.1)
	whole, inner := arch(l, top, r, b), arch(l+w, top+w, r-w, b-w)
	paint(img, inner, deep)
	paint(img, minus(whole, inner), white)
	k := math.Max(0.75, float64(g)*0.8)
	paint(img, disc(r-w-g.at(1)-k, g.at(9), k), light)
	return img
}
