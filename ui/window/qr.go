package window

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"rsc.io/qr"
)

// quiet zone around a QR code, in modules, as ISO/IEC 18004 asks for.
const quietZone = 4

// qrPicture is s as a QR code about side high, dark on light in every theme, as
// readers want it; nil where it does not fit into one.
func qrPicture(s string, side float32) fyne.CanvasObject {
	code, err := qr.Encode(s, qr.M)
	if err != nil {
		return nil
	}
	modules := code.Size + 2*quietZone
	zoom := max(3, int(side)/modules) // whole points, so that all modules are equal
	n := modules * zoom
	img := image.NewPaletted(image.Rect(0, 0, n, n), color.Palette{color.White, color.Black})
	for y := range n {
		for x := range n {
			if code.Black(x/zoom-quietZone, y/zoom-quietZone) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	pic := canvas.NewImageFromImage(img)
	pic.FillMode, pic.ScaleMode = canvas.ImageFillContain, canvas.ImageScalePixels
	pic.SetMinSize(fyne.NewSquareSize(float32(n)))
	return container.NewStack(newBox(colorClear, colorStrong, 4), padAll(1, pic))
}
