package mcp

import (
	"context"
	"errors"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

type sendIn struct {
	where
	Text     string `json:"text" jsonschema:"what to send; long texts are sent in parts"`
	Markdown bool   `json:"markdown,omitempty" jsonschema:"the text is Markdown; left out: it is plain text"`
	ReplyTo  string `json:"reply_to,omitempty" jsonschema:"answer the message with this message_id"`
	Thread   string `json:"thread,omitempty" jsonschema:"send into this thread"`
	Key      string `json:"key,omitempty" jsonschema:"a text of your choice, up to 150 bytes: what has the same key is sent only once, however often this is called"`
}

type sentOut struct {
	Cursor uint64 `json:"cursor" jsonschema:"the message's place in the journal"`
	Status string `json:"status" jsonschema:"queued: it is on disk and will be sent; sent; dead: it could not be sent"`
	Why    string `json:"why,omitempty"`
}

func (t *tools) send(ctx context.Context, _ *sdk.CallToolRequest, in sendIn) (*sdk.CallToolResult, sentOut, error) {
	if strings.TrimSpace(in.Text) == "" {
		return nil, sentOut{}, sentence("The message is empty. Give a text.")
	}
	d := api.Draft{Key: in.Key, Text: in.Text, ReplyTo: platforms.MessageID(in.ReplyTo), Thread: platforms.ThreadID(in.Thread)}
	d.Account, d.Conversation = in.ids()
	if in.Markdown {
		d.Format = platforms.Markdown
	}
	e, err := t.c.Send(ctx, d)
	return nil, queued(e), told(err)
}

func queued(e api.Entry) sentOut {
	return sentOut{Cursor: e.Seq, Status: string(e.Status), Why: text.Line(e.Why, 500)}
}

type fileIn struct {
	where
	Path string `json:"path" jsonschema:"the file on this computer, absolute or inside the folder that the server was started for"`
	Text string `json:"text,omitempty" jsonschema:"what to say beside it"`
	Key  string `json:"key,omitempty" jsonschema:"a text of your choice, up to 150 bytes: what has the same key is sent only once, however often this is called"`
}

func (t *tools) sendFile(ctx context.Context, _ *sdk.CallToolRequest, in fileIn) (*sdk.CallToolResult, sentOut, error) {
	f, err := t.open(in.Path)
	if err != nil {
		return nil, sentOut{}, err
	}
	defer f.Close()
	d := api.Draft{Key: in.Key, Text: in.Text}
	d.Account, d.Conversation = in.ids()
	e, err := t.c.Send(ctx, d, client.File{Name: cleanName(in.Path), MediaType: mime.TypeByExtension(filepath.Ext(in.Path)), Body: &capped{f, mostFile}})
	return nil, queued(e), told(err)
}

// open opens a file that may be sent: a regular one inside the folder, not
// hidden, and not too large. Links may not lead out of the folder.
func (t *tools) open(path string) (*os.File, error) {
	refuse := func(format string, a ...any) (*os.File, error) { return nil, sentence(format, a...) }
	if t.files == "" {
		return refuse("No files can be sent: the server was started without a folder for them. Start it with --files DIR.")
	}
	inside := path
	if filepath.IsAbs(path) {
		var err error
		if inside, err = filepath.Rel(t.files, path); err != nil {
			inside = ".."
		}
	}
	inside = filepath.Clean(inside)
	if !filepath.IsLocal(inside) {
		return refuse("The file is outside the folder %s, from which files can be sent. Copy it there, or start the server with another --files DIR.", t.files)
	}
	for part := range strings.SplitSeq(filepath.ToSlash(inside), "/") {
		if strings.HasPrefix(part, ".") {
			return refuse("Hidden files are not sent: they hold settings and secrets. Copy it under another name if it is meant to be sent.")
		}
	}
	root, err := os.OpenRoot(t.files)
	if err != nil {
		return refuse("The folder of files that can be sent can't be opened. Start the server with another --files DIR.")
	}
	defer root.Close()
	info, err := root.Stat(inside) // before it is opened: a pipe would wait for its other end
	if err != nil {
		return refuse("There is no such file in %s, or it can't be read, or a link leads out of there. Check the path.", t.files)
	}
	if err := sendable(info); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(inside, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return refuse("The file can't be opened. Check whether your user may read it.")
	}
	if info, err = f.Stat(); err == nil { // it may be another one by now
		err = sendable(info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func sendable(info os.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return sentence("This is no regular file. Only files can be sent, not folders, pipes or devices.")
	case info.Size() > mostFile:
		return sentence("The file is larger than %d MiB, which is the most. Send a smaller one.", mostFile>>20)
	case info.Size() == 0:
		return sentence("The file is empty. Send another one.")
	}
	return nil
}

// cleanName is what a file is called where it goes.
func cleanName(path string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, text.Line(filepath.Base(path), 120))
	if name = strings.TrimLeft(name, ". "); name == "" {
		return "file"
	}
	return name
}

// capped fails where a file turns out to be larger than it was.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if c.left -= int64(n); c.left < 0 {
		return 0, errors.New("it grew while it was sent")
	}
	return n, err
}
