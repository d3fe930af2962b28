package assets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"
)

var doors = []Door{Closed, Dot, Bars, Ajar}

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestSizes(t *testing.T) {
	check := func(t *testing.T, data []byte, size int) {
		t.Helper()
		if b := decode(t, data).Bounds(); b.Dx() != size || b.Dy() != size {
			t.Errorf("%v, want %d on each side", b, size)
		}
	}
	for _, size := range TraySizes() {
		for _, d := range doors {
			for _, i := range []Ink{AnyPanel, LightPanel, DarkPanel} {
				t.Run(fmt.Sprintf("tray %s %s %d", d, i, size), func(t *testing.T) { check(t, Tray(d, i, size), size) })
			}
		}
	}
	for _, size := range AppSizes() {
		t.Run(fmt.Sprintf("app %d", size), func(t *testing.T) { check(t, App(size), size) })
	}
}

func TestTemplatesAreBlackAndAlpha(t *testing.T) {
	for _, d := range doors {
		for _, size := range TraySizes() {
			img := decode(t, Tray(d, LightPanel, size))
			for y := range size {
				for x := range size {
					c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
					if c.A > 0 && (c.R|c.G|c.B) != 0 {
						t.Fatalf("%s %d: pixel %d,%d is %v", d, size, x, y, c)
					}
				}
			}
		}
	}
}

// TestSoftEdgesAreBlack: fyne.io/systray sends the low byte of 16-bit
// premultiplied colours over D-Bus, which is right for opaque pixels and for
// black ones only.
func TestSoftEdgesAreBlack(t *testing.T) {
	for _, d := range doors {
		for _, size := range TraySizes() {
			img := decode(t, Tray(d, AnyPanel, size))
			for y := range size {
				for x := range size {
					c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
					if c.A != 0 && c.A != 255 && (c.R|c.G|c.B) != 0 {
						t.Fatalf("%s %d: pixel %d,%d is %v", d, size, x, y, c)
					}
				}
			}
		}
	}
}

// TestToldApart compares the doors as one colour on nothing, which is how a
// template image and a person who sees no colours get them.
func TestToldApart(t *testing.T) {
	const share = 0.25 // of the pixels that either of the two covers
	for _, size := range []int{16, 22, 24} {
		for i, a := range doors {
			for _, b := range doors[i+1:] {
				t.Run(fmt.Sprintf("%s and %s at %d", a, b, size), func(t *testing.T) {
					x, y := decode(t, Tray(a, LightPanel, size)), decode(t, Tray(b, LightPanel, size))
					n, ink := 0, 0
					for py := range size {
						for px := range size {
							_, _, _, p := x.At(px, py).RGBA()
							_, _, _, q := y.At(px, py).RGBA()
							if max(p, q) > 0x8000 {
								ink++
							}
							if math.Abs(float64(p)-float64(q)) > 0x8000 {
								n++
							}
						}
					}
					got := float64(n) / float64(ink)
					if got < share {
						t.Errorf("%.1f %% of the covered pixels differ, want %.0f %%", got*100, share*100)
					}
				})
			}
		}
	}
}

// TestReadableOnAnyPanel puts each picture on grounds from black to white and
// looks for its edges: along every row through the door, some neighbouring
// pixels must contrast by 3 to 1, which WCAG 2.2 asks of graphics (1.4.11),
// between the door and the ground as well as inside the door.
func TestReadableOnAnyPanel(t *testing.T) {
	for _, d := range doors {
		for _, size := range TraySizes() {
			img := decode(t, Tray(d, AnyPanel, size))
			for ground := 0; ground <= 255; ground += 5 {
				g := color.NRGBA{uint8(ground), uint8(ground), uint8(ground), 255}
				worst, row := 21.0, 0
				for y := size / 4; y < size-size/8; y++ {
					best := 1.0
					for x := range size {
						best = max(best, contrast(over(img.At(x, y), g), g))
					}
					if best < worst {
						worst, row = best, y
					}
				}
				if worst < 3 {
					t.Errorf("%s %d on grey %d: row %d has a contrast of %.2f, want 3", d, size, ground, row, worst)
				}
			}
		}
	}
}

func over(c color.Color, ground color.NRGBA) color.NRGBA {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	mix := func(s, d uint8) uint8 { return uint8((int(s)*int(n.A) + int(d)*(255-int(n.A))) / 255) }
	return color.NRGBA{mix(n.R, ground.R), mix(n.G, ground.G), mix(n.B, ground.B), 255}
}

func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
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

func TestICO(t *testing.T) {
	for name, c := range map[string]struct {
		data  []byte
		sizes []int
	}{
		"tray": {TrayICO(Ajar), []int{16, 24, 32, 48, 64}},
		"app":  {AppICO(), []int{16, 24, 32, 48, 64, 128, 256}},
	} {
		t.Run(name, func(t *testing.T) {
			le := binary.LittleEndian
			if le.Uint16(c.data) != 0 || le.Uint16(c.data[2:]) != 1 || int(le.Uint16(c.data[4:])) != len(c.sizes) {
				t.Fatalf("header % x", c.data[:6])
			}
			end := 6 + 16*len(c.sizes)
			for i, size := range c.sizes {
				e := c.data[6+16*i:]
				n, at := int(le.Uint32(e[8:])), int(le.Uint32(e[12:]))
				if at != end {
					t.Errorf("picture %d starts at %d, want %d", i, at, end)
				}
				if e[0] != byte(size) || e[1] != byte(size) { // 256 is written as 0
					t.Errorf("picture %d says %d by %d, want %d", i, e[0], e[1], size)
				}
				if b := decode(t, c.data[at:at+n]).Bounds(); b.Dx() != size {
					t.Errorf("picture %d is %d wide, want %d", i, b.Dx(), size)
				}
				end = at + n
			}
			if end != len(c.data) {
				t.Errorf("%d bytes after the last picture", len(c.data)-end)
			}
		})
	}
}
