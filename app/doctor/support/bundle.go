package support

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/postern/postern/app/control/api"
)

// LogName is the file in the data folder that Postern logs into. Older ones are
// beside it, with a time in their names.
const LogName = "postern.log"

// How much of the log goes into a bundle, and how much is read for it at most,
// in bytes of each file.
const (
	logLines = 2000
	logRead  = 6 << 20
)

// File is a text to put into a bundle, as it is before anything is taken out.
// Name is ours, never one from outside.
type File struct {
	Name string
	Text string
	Log  bool // what stands in it was not written by us alone
}

// JSON is a file with v as indented JSON.
func JSON(name string, v any) (File, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return File{}, fmt.Errorf("write %s: %w", name, err)
	}
	return File{Name: name, Text: string(raw) + "\n"}, nil
}

// saidByResponder is the end of a line that tells why a responder failed: what
// a program said, which may be what it was told.
var saidByResponder = regexp.MustCompile(`(?m)^(.*\bresponder=.*?\b(?:err|error)=).*$`)

// Make takes out of the files what is private. It fails rather than give out
// anything of which it can't prove that no secret is in it.
func Make(m *Mask, files ...File) (api.Support, error) {
	out := api.Support{}
	for _, f := range files {
		text := ""
		if f.Log {
			text = lastLines(m.Log(saidByResponder.ReplaceAllString(lastLines(f.Text, 2*logLines), "${1}[left out]")), logLines)
		} else {
			text = m.Text(f.Text)
		}
		if err := m.Prove(f.Name + "\n" + text); err != nil {
			return api.Support{}, err
		}
		out.Files = append(out.Files, api.SupportFile{Name: f.Name, Text: text})
	}
	out.Masked = m.Counts()
	return out, nil
}

// lastLines is the last n lines of s.
func lastLines(s string, n int) string {
	rest := strings.TrimSuffix(s, "\n")
	for range n {
		i := strings.LastIndexByte(rest, '\n')
		if i < 0 {
			return s
		}
		rest = rest[:i]
	}
	return s[len(rest)+1:]
}

// Logs is the end of what is in the log files of the data folder.
func Logs(dir string) (File, error) {
	older, err := filepath.Glob(filepath.Join(escapeGlob(dir), "postern-*.log"))
	if err != nil {
		older = nil
	}
	slices.Sort(older) // by their times
	var texts []string
	lines := 0
	for _, path := range slices.Backward(append(older, filepath.Join(dir, LogName))) {
		text, err := tail(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return File{}, fmt.Errorf("the log could not be read: %w", err)
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		texts = append(texts, text)
		if lines += strings.Count(text, "\n"); lines >= 2*logLines {
			break
		}
	}
	slices.Reverse(texts)
	return File{Name: LogName, Text: strings.Join(texts, ""), Log: true}, nil
}

// escapeGlob keeps a folder's name from being read as a pattern.
func escapeGlob(dir string) string {
	if filepath.Separator == '\\' {
		return dir // no escapes there; [ is rare in a user folder
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// tail is the end of a file, from the beginning of a line.
func tail(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	from := info.Size() - logRead
	if from > 0 {
		if _, err := f.Seek(from, io.SeekStart); err != nil {
			return "", err
		}
	}
	raw, err := io.ReadAll(io.LimitReader(f, logRead))
	if err != nil {
		return "", err
	}
	text := string(raw)
	if from > 0 {
		_, text, _ = strings.Cut(text, "\n") // half a line could hold half a secret
	}
	return text, nil
}
