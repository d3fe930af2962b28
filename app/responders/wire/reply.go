package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of one answer. What a platform itself allows is applied by the outbox.
const (
	mostButtons = 100
	mostFiles   = 10
	longLabel   = 200     // runes
	longData    = 4 << 10 // bytes
	longURL     = 2 << 10 // bytes
	// MaxFile is the largest file that an answer may name, in bytes.
	MaxFile = 50 << 20
)

// Reply is one answer in JSON. Every member may be missing.
//
//	{"text":"Choose:", "format":"markdown",
//	 "buttons":[[{"label":"Yes","data":"y"},{"label":"More","url":"https://…"}]],
//	 "files":[{"name":"plan.txt","data":"<base64>"},{"path":"chart.png"}]}
//
// What is wrong in it is left out, and a line in the answer says so: whoever
// wrote the program finds it, and whoever waits for the text still gets it.
type Reply struct {
	Text    string          `json:"text"`
	Format  string          `json:"format"`  // "markdown" or "plain"; else Rules.Format
	Buttons json.RawMessage `json:"buttons"` // rows of buttons
	Files   json.RawMessage `json:"files"`
}

// file is one of Reply.Files: its content, or where it is.
type file struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Data      string `json:"data"` // base64
	Path      string `json:"path"` // inside Rules.Folder
}

// Rules is how an answer is read.
type Rules struct {
	Format platforms.Format // of text that doesn't say
	// Folder is from where files may be sent by path, absolute. Empty: none may.
	// What an answer says may come from a stranger in the end, so a path never
	// leads out of it, nor does a symbolic link.
	Folder string
}

// ErrNotReply says that bytes are no Reply.
var ErrNotReply = errors.New("not an answer in JSON")

// Parse reads one Reply. The message is empty, and has no text, buttons or
// files, if the reply had nothing to say. An error is an ErrNotReply.
func (r Rules) Parse(b []byte) (platforms.Message, error) {
	var in Reply
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] != '{' {
		return platforms.Message{}, ErrNotReply
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return platforms.Message{}, fmt.Errorf("%w: %w", ErrNotReply, err)
	}
	m := platforms.Message{Text: Text([]byte(in.Text)), Format: r.Format}
	switch in.Format {
	case "markdown":
		m.Format = platforms.Markdown
	case "plain":
		m.Format = platforms.Plain
	}
	var notes []string
	note := func(format string, args ...any) {
		if len(notes) < 5 {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	m.Buttons = buttons(in.Buttons, note)
	m.Files = r.files(in.Files, note)
	for _, n := range notes {
		if m.Text != "" {
			m.Text += "\n"
		}
		m.Text += "(" + n + ")"
	}
	return m, nil
}

// Message is a message of text alone; ok is false where nothing can be seen.
func (r Rules) Message(b []byte) (m platforms.Message, ok bool) {
	m = platforms.Message{Text: Text(b), Format: r.Format}
	return m, m.Text != ""
}

// Empty reports whether there is nothing to send.
func Empty(m platforms.Message) bool {
	return m.Text == "" && len(m.Buttons) == 0 && len(m.Files) == 0
}

func buttons(raw json.RawMessage, note func(string, ...any)) (rows [][]platforms.Button) {
	if absent(raw) {
		return nil
	}
	var in [][]platforms.Button
	if json.Unmarshal(raw, &in) != nil {
		note("The buttons were left out: they are not rows of buttons.")
		return nil
	}
	n := 0
	for _, row := range in {
		var out []platforms.Button
		for _, b := range row {
			b.Label = text.Line(b.Label, longLabel)
			switch {
			case n >= mostButtons:
				note("Buttons were left out: more than %d.", mostButtons)
				continue
			case b.Label == "":
				note("A button was left out: it has no label.")
				continue
			case (b.Data == "") == (b.URL == ""):
				note("The button %q was left out: it needs data or a url, one of the two.", b.Label)
				continue
			case len(b.Data) > longData:
				note("The button %q was left out: its data is too long.", b.Label)
				continue
			case b.URL != "" && !web(b.URL):
				note("The button %q was left out: its address is not one of http or https.", b.Label)
				continue
			}
			out = append(out, b)
			n++
		}
		if len(out) > 0 {
			rows = append(rows, out)
		}
	}
	return rows
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// web reports whether an address opens a web page, and nothing else: a button
// must not start a program on the phone of whoever presses it.
func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= longURL && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

func (r Rules) files(raw json.RawMessage, note func(string, ...any)) (out []platforms.File) {
	if absent(raw) {
		return nil
	}
	var in []file
	if json.Unmarshal(raw, &in) != nil {
		note("The files were left out: they are not a list of files.")
		return nil
	}
	for _, f := range in {
		if len(out) == mostFiles {
			note("Files were left out: more than %d.", mostFiles)
			break
		}
		name := text.Line(base(f.Name), 100)
		if name == "" {
			name = text.Line(base(f.Path), 100)
		}
		if name == "" {
			name = "file"
		}
		got, err := r.open(f)
		if err != nil {
			note("The file %q was left out: %v.", name, err)
			continue
		}
		got.Name = name
		if t, _, err := mime.ParseMediaType(f.MediaType); err == nil {
			got.MediaType = t
		}
		out = append(out, got)
	}
	return out
}

// base is the last part of a path of any system.
func base(p string) string {
	p = p[strings.LastIndexAny(p, `/\`)+1:]
	if p == "." || p == ".." {
		return ""
	}
	return p
}

func (r Rules) open(f file) (platforms.File, error) {
	switch {
	case f.Path == "":
		b, err := base64.StdEncoding.DecodeString(f.Data)
		if err != nil {
			return platforms.File{}, errors.New("its data is not base64")
		}
		return platforms.File{Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(b)), nil
		}}, nil
	case f.Data != "":
		return platforms.File{}, errors.New("it has data and a path")
	case r.Folder == "":
		return platforms.File{}, errors.New("no folder was chosen from which files may be sent")
	}
	path := f.Path
	if filepath.IsAbs(path) {
		rel, err := filepath.Rel(r.Folder, path)
		if err != nil {
			return platforms.File{}, errors.New("it is not in the folder from which files may be sent")
		}
		path = rel
	}
	size, err := r.regular(path)
	if err != nil {
		return platforms.File{}, err
	}
	return platforms.File{Size: size, Open: func() (io.ReadCloser, error) {
		if _, err := r.regular(path); err != nil {
			return nil, err
		}
		return os.OpenInRoot(r.Folder, path)
	}}, nil
}

// regular is the size of a file in r.Folder. Anything but a regular file could
// keep whoever opens it waiting for ever.
func (r Rules) regular(path string) (int64, error) {
	root, err := os.OpenRoot(r.Folder)
	if err != nil {
		return 0, errors.New("the folder from which files may be sent can't be read")
	}
	defer root.Close()
	info, err := root.Stat(path)
	switch {
	case err != nil:
		return 0, errors.New("it is not in the folder from which files may be sent")
	case !info.Mode().IsRegular():
		return 0, errors.New("it is not a file")
	case info.Size() > MaxFile:
		return 0, fmt.Errorf("it has more than %d MiB", MaxFile>>20)
	}
	return info.Size(), nil
}

// escapes are what terminals take for colours and titles: ECMA-48's control
// sequences, and the strings that end with BEL or ST.
var escapes = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`)

// Text makes bytes from a program or server fit to be sent: valid UTF-8, no
// control characters but line breaks and tabs, no terminal's colours, nothing
// invisible, no blank end.
func Text(b []byte) string {
	s := text.Block(escapes.ReplaceAllString(string(b), ""))
	return strings.Trim(strings.TrimRight(s, " \t\n"), "\n")
}
