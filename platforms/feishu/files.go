package feishu

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // for telling an image's size
	_ "image/jpeg"
	_ "image/png"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// slowest is how fast, in bytes a second, a file must at least come through.
const slowest = 64 << 10

// imageMost is the largest image; above it goes as a file.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/image/create
const imageMost = 10 << 20

// imageTypes is what the platform shows as an image.
var imageTypes = map[string]bool{"image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true, "image/bmp": true}

func tooLarge(f platforms.File) error {
	return rejected("The file %q is larger than the 30 MB that Feishu takes from a bot. Send a smaller one.", text.Line(f.Name, 100))
}

// upload gives a file to the platform, reading it while sending it.
func (c *connector) upload(ctx context.Context, f platforms.File) (*body, error) {
	name := text.Line(path.Base(strings.ReplaceAll(f.Name, `\`, "/")), 100)
	if name == "" || name == "." || name == "/" || name == ".." {
		name = "file"
	}
	if f.Open == nil {
		return nil, rejected("The file %q is not there any more. Attach it again.", name)
	}
	ctx, cancel := bounded(ctx, sendTime+time.Duration(max(f.Size, 0)/slowest)*time.Second)
	defer cancel()
	// Before the file is opened: it can be read only once.
	token, err := c.api.bearer(ctx)
	if err != nil {
		return nil, err
	}
	file, err := f.Open()
	if err != nil {
		kind := platforms.Temporary
		if errors.Is(err, fs.ErrNotExist) {
			kind = platforms.Rejected
		}
		return nil, &platforms.Error{Kind: kind, Text: fmt.Sprintf("The file %q can't be read. Attach it again.", name), Err: err}
	}
	u := &outgoing{file: file, name: name, size: f.Size, closed: make(chan struct{})}
	// The request's body closes u. Waiting for it keeps the promise that nothing
	// is open after Send.
	defer func() {
		select {
		case <-u.closed:
		case <-ctx.Done():
		}
	}()
	content := bufio.NewReaderSize(u, 64<<10)
	if isImage(f, content) {
		var got larkim.CreateImageRespData
		err := c.post(ctx, token, "/open-apis/im/v1/images", [][2]string{{"image_type", "message"}}, "image", name, f, u, content, &got)
		if err == nil && str(got.ImageKey) == "" {
			err = misunderstood(http.StatusOK)
		}
		return &body{kind: larkim.MsgTypeImage, content: map[string]string{"image_key": str(got.ImageKey)}}, err
	}
	var got larkim.CreateFileRespData
	fields := [][2]string{{"file_type", larkim.CreateFileFileTypeStream}, {"file_name", name}}
	err = c.post(ctx, token, "/open-apis/im/v1/files", fields, "file", name, f, u, content, &got)
	if err == nil && str(got.FileKey) == "" {
		err = misunderstood(http.StatusOK)
	}
	return &body{kind: larkim.MsgTypeFile, content: map[string]string{"file_key": str(got.FileKey)}}, err
}

// isImage reports whether the platform takes f as an image, of which r reads the
// content: what it would refuse goes as a file instead.
func isImage(f platforms.File, r *bufio.Reader) bool {
	kind, _, err := mime.ParseMediaType(f.MediaType)
	if err != nil || !imageTypes[kind] || f.Size <= 0 || f.Size > imageMost {
		return false
	}
	start, _ := r.Peek(64 << 10) // an error comes again when the rest is read
	if http.DetectContentType(start) != kind {
		return false
	}
	side := 12000
	switch kind {
	case "image/webp", "image/bmp": // which the standard library does not read
		return true
	case "image/gif":
		side = 2000
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(start))
	return err == nil && size.Width <= side && size.Height <= side
}

// post sends a form with a file, whose content is read from r.
func (c *connector) post(ctx context.Context, token platforms.Secret, where string, fields [][2]string, field, name string, f platforms.File, u *outgoing, r io.Reader, result any) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b) // writing to b can't fail
	for _, f := range fields {
		_ = w.WriteField(f[0], f[1])
	}
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(field, name)},
		"Content-Type":        {"application/octet-stream"},
	})
	n := b.Len()
	_ = w.Close()
	head, tail := b.Bytes()[:n:n], b.Bytes()[n:]
	content := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r, bytes.NewReader(tail)), u}
	req, err := c.api.request(ctx, http.MethodPost, where, nil, content)
	if err != nil {
		_ = u.Close()
		return err
	}
	req.ContentLength = -1
	if f.Size > 0 {
		req.ContentLength = int64(len(head)) + f.Size + int64(len(tail))
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	var got envelope
	if err := c.api.exchange(req, token, &got); err != nil {
		if !stale(err) {
			return err
		}
		// The file is read; the next attempt has a new token, or the reason why
		// there is none.
		c.api.forget(ctx, token)
		if _, refused := c.api.bearer(ctx); refused != nil {
			return refused
		}
		return &platforms.Error{Kind: platforms.Temporary, Text: "Feishu wanted a new token while the file was being sent. The next try follows by itself.", Err: err}
	}
	return data(got.Data, result)
}

// outgoing reads a file and minds its size.
type outgoing struct {
	file   io.ReadCloser
	name   string // for people
	size   int64  // 0: not known
	read   int64
	once   sync.Once
	closed chan struct{}
}

func (u *outgoing) Read(p []byte) (int, error) {
	n, err := u.file.Read(p)
	u.read += int64(n)
	switch {
	case u.read > limits().Upload:
		return 0, tooLarge(platforms.File{Name: u.name})
	case u.size > 0 && (u.read > u.size || err == io.EOF && u.read < u.size):
		return 0, rejected("The file %q changed while it was being sent. Attach it again.", u.name)
	case err != nil && err != io.EOF:
		return n, &platforms.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("The file %q could not be read to its end. The next try follows by itself.", u.name), Err: err}
	}
	return n, err
}

func (u *outgoing) Close() (err error) {
	u.once.Do(func() {
		defer close(u.closed)
		err = u.file.Close()
	})
	return err
}

// Open is platforms.Opener's.
func (c *connector) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	ref := strings.Split(a.Ref, "/")
	if len(ref) != 3 || !isMessage(ref[0]) || ref[1] == "" || ref[2] != "image" && ref[2] != "file" {
		return nil, rejected("%s", advices[234003])
	}
	if a.Size > limits().Download {
		return nil, rejected("%s", advices[234037])
	}
	limited, cancel := bounded(ctx, sendTime+time.Duration(limits().Download/slowest)*time.Second)
	address := "/open-apis/im/v1/messages/" + ref[0] + "/resources/" + url.PathEscape(ref[1])
	body, err := c.fetch(limited, address, url.Values{"type": {ref[2]}})
	if err != nil {
		cancel()
		return nil, err
	}
	return &incoming{body: body, ctx: limited, api: &c.api, cancel: cancel}, nil
}

// fetch asks for a file.
func (c *connector) fetch(ctx context.Context, address string, query url.Values) (io.ReadCloser, error) {
	for again := true; ; again = false {
		token, err := c.api.bearer(ctx)
		if err != nil {
			return nil, err
		}
		req, err := c.api.request(ctx, http.MethodGet, address, query, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
		resp, err := c.api.http.Do(req)
		if err != nil {
			return nil, c.api.unreachable(ctx, err)
		}
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		// A refusal is JSON; so may a file be, which has a name beside it.
		if resp.StatusCode == http.StatusOK && (kind != "application/json" || resp.Header.Get("Content-Disposition") != "") {
			if resp.ContentLength > limits().Download {
				resp.Body.Close()
				return nil, rejected("%s", advices[234037])
			}
			return resp.Body, nil
		}
		var got envelope
		err = c.api.answer(ctx, resp, &got)
		resp.Body.Close()
		switch {
		case again && stale(err):
			c.api.forget(ctx, token)
		case err == nil:
			return nil, misunderstood(resp.StatusCode)
		default:
			return nil, err
		}
	}
}

// incoming reads a file from the platform and minds its size.
type incoming struct {
	body   io.ReadCloser
	ctx    context.Context // for telling a wish from a fault
	api    *api
	read   int64
	cancel context.CancelFunc
}

func (d *incoming) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	d.read += int64(n)
	if d.read > limits().Download {
		return 0, rejected("%s", advices[234037])
	}
	if err != nil && err != io.EOF {
		return n, d.api.unreachable(d.ctx, err)
	}
	return n, err
}

func (d *incoming) Close() error {
	defer d.cancel()
	return d.body.Close()
}
