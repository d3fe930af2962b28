package telegram

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // for telling a photo's size
	_ "image/png"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// slowest is how fast, in bytes a second, a file must at least come through.
const slowest = 64 << 10

// photoMost is the largest photo; above it goes as a document.
const photoMost = 10_000_000

// sendFile sends one file with a caption. It reads the file while sending it.
func (c *connector) sendFile(ctx context.Context, t target, words caption, f platforms.File) (platforms.MessageID, error) {
	name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
	if name == "." || name == "/" {
		name = "file"
	}
	shown := text.Line(name, 100)
	if f.Open == nil {
		return "", rejected("The file %q is not there any more. Attach it again.", shown)
	}
	file, err := f.Open()
	if err != nil {
		kind := platforms.Temporary
		if errors.Is(err, fs.ErrNotExist) {
			kind = platforms.Rejected
		}
		return "", &platforms.Error{Kind: kind, Text: fmt.Sprintf("The file %q can't be read. Attach it again.", shown), Err: err}
	}
	u := &upload{file: file, name: shown, size: f.Size, closed: make(chan struct{})}
	// The request's body closes u. Close after an early return does no harm,
	// and waiting for it keeps the promise that nothing is open after Send.
	defer func() {
		select {
		case <-u.closed:
		case <-ctx.Done():
		}
	}()
	method, field, mediaType, content := kindOf(f, u)

	fields := [][2]string{{"chat_id", fmt.Sprint(t.chat)}}
	if t.thread != 0 {
		fields = append(fields, [2]string{"message_thread_id", strconv.Itoa(t.thread)})
	}
	if strings.TrimSpace(words.text) != "" {
		fields = append(fields, [2]string{"caption", words.text})
	}
	for _, o := range []struct {
		name  string
		value any
		set   bool
	}{{"reply_parameters", t.reply, t.reply != nil}, {"reply_markup", t.keys, t.keys != nil},
		{"caption_entities", words.entities, len(words.entities) > 0}} {
		if !o.set {
			continue
		}
		b, err := json.Marshal(o.value)
		if err != nil {
			_ = u.Close()
			return "", rejected("The buttons can't be put into Telegram's form. Change them.")
		}
		fields = append(fields, [2]string{o.name, string(b)})
	}
	head, tail, contentType := form(fields, field, name, mediaType)
	length := int64(-1)
	if f.Size > 0 {
		length = int64(len(head)) + f.Size + int64(len(tail))
	}
	body := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), content, bytes.NewReader(tail)), u}
	within := sendTime + time.Duration(max(f.Size, 0)/slowest)*time.Second
	var got models.MessageID
	err = c.api.post(ctx, within, method, contentType, body, length, &got)
	return sent(got, err)
}

// kindOf decides how Telegram shows a file: as a photo only what it accepts as
// one, everything else as a document, unchanged. content is all of r.
func kindOf(f platforms.File, r io.Reader) (method, field, mediaType string, content io.Reader) {
	mediaType = "application/octet-stream"
	if m, params, err := mime.ParseMediaType(f.MediaType); err == nil && strings.Contains(m, "/") {
		mediaType = mime.FormatMediaType(m, params)
	}
	if f.Size <= 0 || f.Size > photoMost || mediaType != "image/jpeg" && mediaType != "image/png" {
		return "sendDocument", "document", mediaType, r
	}
	// "The photo's width and height must not exceed 10000 in total. Width and
	// height ratio must be at most 20."
	b := bufio.NewReaderSize(r, 64<<10)
	start, _ := b.Peek(64 << 10) // an error comes again when the rest is read
	size, _, err := image.DecodeConfig(bytes.NewReader(start))
	if err != nil || size.Width+size.Height > 10000 || size.Width > 20*size.Height || size.Height > 20*size.Width {
		return "sendDocument", "document", mediaType, b
	}
	return "sendPhoto", "photo", mediaType, b
}

// form is what stands around a file in a multipart body.
func form(fields [][2]string, field, name, mediaType string) (head, tail []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b) // writing to b can't fail
	for _, f := range fields {
		_ = w.WriteField(f[0], f[1])
	}
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(field, name)},
		"Content-Type":        {mediaType},
	})
	n := b.Len()
	_ = w.Close()
	return b.Bytes()[:n:n], b.Bytes()[n:], w.FormDataContentType()
}

// upload reads a file and minds its size.
type upload struct {
	file   io.ReadCloser
	name   string // for people
	size   int64  // 0: not known
	read   int64
	once   sync.Once
	closed chan struct{}
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.file.Read(p)
	u.read += int64(n)
	switch {
	case u.read > limits().Upload:
		return 0, rejected("The file %q is larger than the 50 MB that Telegram takes from a bot. Send a smaller one.", u.name)
	case u.size > 0 && (u.read > u.size || err == io.EOF && u.read < u.size):
		return 0, rejected("The file %q changed while it was being sent. Attach it again.", u.name)
	case err != nil && err != io.EOF:
		return n, &platforms.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("The file %q could not be read to its end. The next try follows by itself.", u.name), Err: err}
	}
	return n, err
}

func (u *upload) Close() (err error) {
	u.once.Do(func() {
		defer close(u.closed)
		err = u.file.Close()
	})
	return err
}

// Open is platforms.Opener's.
func (c *connector) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	if a.Size > limits().Download {
		return nil, rejected("%s", advice("file is too big"))
	}
	var f models.File
	if err := c.api.call(ctx, callTime, "getFile", &bot.GetFileParams{FileID: a.Ref}, &f); err != nil {
		return nil, err
	}
	switch {
	case f.FileSize > limits().Download:
		return nil, rejected("%s", advice("file is too big"))
	case f.FilePath == "":
		return nil, rejected("%s", advice("file is temporarily unavailable"))
	case strings.HasPrefix(f.FilePath, "/"):
		// A server with --local names a path on its own disk.
		return nil, &platforms.Error{Kind: platforms.Unsupported, Text: "The Bot API server keeps files on its own disk, where Postern does not look. Start it without --local."}
	}
	limited, cancel := context.WithTimeout(ctx, sendTime+time.Duration(limits().Download/slowest)*time.Second)
	address := c.api.server + "/file/bot" + c.api.token.Reveal() + "/" + (&url.URL{Path: f.FilePath}).EscapedPath()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, misunderstood(http.StatusOK)
	}
	resp, err := c.api.http.Do(req)
	if err != nil {
		cancel()
		return nil, c.api.unreachable(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer cancel()
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusNotFound {
			return nil, rejected("%s", advice("wrong file_id"))
		}
		return nil, foreign(resp)
	}
	return &download{body: resp.Body, ctx: ctx, api: &c.api, cancel: cancel}, nil
}

// download reads a file from Telegram and minds its size.
type download struct {
	body   io.ReadCloser
	ctx    context.Context // the caller's, for telling a wish from a fault
	api    *api
	read   int64
	cancel context.CancelFunc
}

func (d *download) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	d.read += int64(n)
	if d.read > limits().Download {
		return 0, rejected("%s", advice("file is too big"))
	}
	if err != nil && err != io.EOF {
		return n, d.api.unreachable(d.ctx, err)
	}
	return n, err
}

func (d *download) Close() error {
	defer d.cancel()
	return d.body.Close()
}
