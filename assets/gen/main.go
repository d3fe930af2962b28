// Command gen draws Postern's icons: run it with go generate ./assets. The
// pictures are computed, not traced, so that a change of shape is a change of
// a number here.
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log"
	"os"
	"path/filepath"
)

var (
	traySizes = []int{16, 22, 24, 32, 44, 48, 64}
	icoSizes  = []int{16, 24, 32, 48, 64}
	appSizes  = []int{16, 22, 24, 32, 44, 48, 64, 128, 256, 512}
	appICO    = []int{16, 24, 32, 48, 64, 128, 256}
	inks      = []string{"any", "black", "white"}
)

func main() {
	dir := flag.String("out", ".", "the assets folder")
	flag.Parse()
	if err := generate(*dir); err != nil {
		log.Fatal(err)
	}
}

// generate writes every icon below dir.
func generate(dir string) error {
	files, err := draw()
	if err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// draw is every file by its name below assets.
func draw() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, d := range doors {
		for _, ink := range inks {
			for _, size := range traySizes {
				data, err := encode(tray(d, ink, size))
				if err != nil {
					return nil, err
				}
				files[fmt.Sprintf("tray/%s-%s-%d.png", d, ink, size)] = data
			}
		}
		data, err := ico(icoSizes, func(size int) image.Image { return tray(d, "any", size) })
		if err != nil {
			return nil, err
		}
		files[fmt.Sprintf("tray/%s.ico", d)] = data
	}
	for _, size := range appSizes {
		data, err := encode(app(size))
		if err != nil {
			return nil, err
		}
		files[fmt.Sprintf("app/%d.png", size)] = data
	}
	data, err := ico(appICO, func(size int) image.Image { return app(size) })
	if err != nil {
		return nil, err
	}
	files["app/postern.ico"] = data
	return files, nil
}

func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	if err := e.Encode(&b, img); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// ico is a Windows icon with one PNG for each size. Its format is a header of
// six bytes, sixteen bytes for each picture, then the pictures; a side of 256
// is written as 0. Windows has read PNG entries since Vista.
func ico(sizes []int, draw func(size int) image.Image) ([]byte, error) {
	le := binary.LittleEndian
	head := []byte{0, 0, 1, 0}
	head = le.AppendUint16(head, uint16(len(sizes)))
	var body []byte
	offset := len(head) + 16*len(sizes)
	for _, size := range sizes {
		data, err := encode(draw(size))
		if err != nil {
			return nil, err
		}
		head = append(head, byte(size), byte(size), 0, 0)
		head = le.AppendUint16(head, 1)  // planes
		head = le.AppendUint16(head, 32) // bits a pixel
		head = le.AppendUint32(head, uint32(len(data)))
		head = le.AppendUint32(head, uint32(offset+len(body)))
		body = append(body, data...)
	}
	return append(head, body...), nil
}
