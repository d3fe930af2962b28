package main

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommitted: what is committed is what the program draws. Pixels are
// compared, not bytes, since compression may change with Go's release.
func TestCommitted(t *testing.T) {
	files, err := draw()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
		if err != nil {
			t.Errorf("%s: %v; run go generate ./assets", name, err)
			continue
		}
		if strings.HasSuffix(name, ".png") && !samePixels(t, got, want) {
			t.Errorf("%s is out of date; run go generate ./assets", name)
		}
	}
	for _, dir := range []string{"tray", "app"} {
		entries, err := os.ReadDir(filepath.Join("..", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if _, ok := files[dir+"/"+e.Name()]; !ok {
				t.Errorf("%s/%s is not drawn by this program", dir, e.Name())
			}
		}
	}
}

func samePixels(t *testing.T, a, b []byte) bool {
	t.Helper()
	x, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	y, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if x.Bounds() != y.Bounds() {
		return false
	}
	for py := range x.Bounds().Dy() {
		for px := range x.Bounds().Dx() {
			if x.At(px, py) != y.At(px, py) {
				return false
			}
		}
	}
	return true
}

func TestDrawingIsDeterministic(t *testing.T) {
	a, b := tray("dot", "any", 24), tray("dot", "any", 24)
	if !bytes.Equal(a.Pix, b.Pix) {
		t.Error("two drawings differ")
	}
}

func TestOver(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	over(img, 0, 0, black, 64, 64)
	over(img, 0, 0, white, 32, 64)
	if c := img.NRGBAAt(0, 0); c.A != 255 || c.R < 126 || c.R > 129 {
		t.Errorf("half white over black is %v", c)
	}
}
