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

// qrPicture is s as a QR code, dark on light in every theme, as readers want it;
// nil where it does not fit into one.
func qrPicture(s string, side float32) fyne.CanvasObject {
	code, err := qr.Encode(s, qr.M)
	if err != nil {
		return nil
	}
	const zoom = 4 // pixels of a module, so that scaling bends no edge much
	n := (code.Size + 2*quietZone) * zoom
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
	pic.SetMinSize(fyne.NewSquareSize(side))
	return container.NewStack(newBox(colorClear, colorStrong, 4), padAll(1, pic))
}
