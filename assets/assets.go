// Package assets holds Postern's pictures, built into the program. They are
// drawn by assets/gen: change them there, then run go generate.
package assets

import (
	"embed"
	"fmt"
)

//go:generate go run ./gen

//go:embed tray app
var files embed.FS

// Door is one of the tray's pictures. All are a round-arched side door, and are
// told apart in one colour at 16 pixels.
type Door string

// The doors.
const (
	Closed Door = "closed" // all well
	Dot    Door = "dot"    // something waits for the person
	Bars   Door = "bars"   // paused
	Ajar   Door = "ajar"   // open to strangers
)

// Ink is the kind of ground that a tray picture is for.
type Ink string

// The inks.
const (
	AnyPanel   Ink = "any"   // ground of unknown colour: light lines on a dark door, with colour in the mark
	LightPanel Ink = "black" // black and transparent, which is also a template image for macOS
	DarkPanel  Ink = "white" // white and transparent
)

// TraySizes are the sizes of tray pictures, in pixels.
func TraySizes() []int { return []int{16, 22, 24, 32, 44, 48, 64} }

// AppSizes are the sizes of the program's own icon, in pixels.
func AppSizes() []int { return []int{16, 22, 24, 32, 44, 48, 64, 128, 256, 512} }

// Tray is a tray picture as PNG. Size is one of TraySizes; asking for another
// is a fault in the program and panics.
func Tray(d Door, i Ink, size int) []byte { return read(fmt.Sprintf("tray/%s-%s-%d.png", d, i, size)) }

// TrayICO is a tray picture for Windows, in the sizes that Windows asks for.
func TrayICO(d Door) []byte { return read(fmt.Sprintf("tray/%s.ico", d)) }

// App is the program's own icon as PNG. Size is one of AppSizes; asking for
// another is a fault in the program and panics.
func App(size int) []byte { return read(fmt.Sprintf("app/%d.png", size)) }

// AppICO is the program's own icon for Windows.
func AppICO() []byte { return read("app/postern.ico") }

func read(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic("assets: " + err.Error())
	}
	return data
}
