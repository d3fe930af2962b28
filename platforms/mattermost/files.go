package mattermost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// slowest is the pace, in bytes a second, below which a transfer is given up.
const slowest = 32 << 10

// body is a file that is being sent. It ends where its size says.
type body struct {
	file   io.ReadCloser
	name   string
	left   int64 // of its size; less than 0: not known
	once   sync.Once
	closed chan struct{}
}

// Read is io.Reader's. A file that is not as long as it said is not sent.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.file.Read(p)
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 {
			return 0, changed(b.name)
		}
		if err == io.EOF && b.left > 0 {
			return 0, changed(b.name)
		}
	}
	if err != nil && err != io.EOF {
		return n, &platforms.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("The file %q can't be read to its end. Attach it again.", b.name), Err: err}
	}
	return n, err
}

func changed(name string) error {
	return rejected("The file %q is not as long as it was. Attach it again.", name)
}

// Close is io.Closer's, once.
func (b *body) Close() (err error) {
	b.once.Do(func() {
		err = b.file.Close()
		close(b.closed)
	})
	return err
}

// upload sends one file and gives its id.
func (c *connector) upload(ctx context.Context, channel string, f platforms.File) (string, error) {
	name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
	if name == "." || name == "/" {
		name = "file"
	}
	shown := text.Line(name, 100)
	if err := ctx.Err(); err != nil {
		return "", err
	}
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
	b := &body{file: file, name: shown, left: -1, closed: make(chan struct{})}
	length := int64(-1)
	if f.Size > 0 {
		b.left, length = f.Size, f.Size
	}
	defer func() {
		select { // the request's body is closed by who sends it, perhaps a little later
		case <-b.closed:
		case <-ctx.Done():
			_ = b.Close()
		}
	}()
	// A body that is no form is the file itself, says
	// https://developers.mattermost.com/api-documentation/#/operations/UploadFile.
	to := "files?" + url.Values{"channel_id": {channel}, "filename": {shown}}.Encode()
	var got struct {
		Infos []fileInfo `json:"file_infos"`
	}
	within := sendTime + time.Duration(max(f.Size, 0)/slowest)*time.Second
	mediaType := f.MediaType
	if mediaType == "" || strings.HasPrefix(mediaType, "multipart/") {
		mediaType = "application/octet-stream"
	}
	if err := c.api.send(ctx, within, http.MethodPost, to, mediaType, b, length, &got); err != nil {
		return "", err
	}
	if len(got.Infos) == 0 || got.Infos[0].ID == "" {
		return "", misunderstood(http.StatusOK)
	}
	return got.Infos[0].ID, nil
}

// download is the content of a file, with what ends its request.
type download struct {
	io.Reader
	body   io.Closer
	cancel context.CancelFunc
}

// Close is io.Closer's.
func (d *download) Close() error {
	d.cancel()
	return d.body.Close()
}

// Open is platforms.Opener's.
func (c *connector) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	if !isID(a.Ref) {
		return nil, rejected("The file is not one of Mattermost's.")
	}
	if a.Size > limits().Download {
		return nil, rejected("The file is larger than 100 MB. Open it in Mattermost.")
	}
	within := sendTime + time.Duration(limits().Download/slowest)*time.Second
	limited, cancel := context.WithTimeout(ctx, within)
	resp, err := c.api.do(limited, http.MethodGet, "files/"+a.Ref, "", nil, 0)
	if err != nil {
		cancel()
		return nil, c.api.unreachable(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		_ = resp.Body.Close()
		cancel()
		return nil, c.api.refused(resp, b)
	}
	return &download{Reader: &atMost{resp.Body, limits().Download}, body: resp.Body, cancel: cancel}, nil
}

// atMost fails where a file is longer than it may be.
type atMost struct {
	r    io.Reader
	left int64
}

// Read is io.Reader's.
func (a *atMost) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if a.left -= int64(n); a.left < 0 {
		return 0, rejected("The file is larger than 100 MB. Open it in Mattermost.")
	}
	return n, err
}
