package discord

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

	"github.com/postern/postern/platforms"
)

// slowest is how fast, in bytes a second, a file must at least come through.
const slowest = 64 << 10

// attachedAs is what a message says of a file that comes with it.
type attachedAs struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
}

func tooLarge(name string) error {
	return rejected("The file %q is larger than the 10 MB that Discord takes from a bot. Send a smaller one.", line(name))
}

func fileName(f platforms.File) string {
	name := line(path.Base(strings.ReplaceAll(f.Name, `\`, "/")))
	if name == "" || name == "." || name == "/" || name == ".." {
		return "file"
	}
	return name
}

// upload sends a message with files, reading them while sending.
// https://discord.com/developers/docs/reference#uploading-files
func (c *connector) upload(ctx context.Context, to call, out outgoing, files []platforms.File, result any) error {
	var size int64
	known := true
	for i, f := range files {
		if f.Open == nil {
			return rejected("The file %q is not there any more. Attach it again.", fileName(f))
		}
		size += max(f.Size, 0)
		known = known && f.Size > 0
		out.Attachments = append(out.Attachments, attachedAs{strconv.Itoa(i), fileName(f)})
	}
	ctx, cancel := limited(ctx, sendTime+time.Duration(size/slowest)*time.Second)
	defer cancel()
	payload, err := encode(out)
	if err != nil {
		return rejected("This can't be put into Discord's form. Change the message.")
	}
	// The parts around the files are written first, so that the length is known.
	var b bytes.Buffer
	w := multipart.NewWriter(&b) // writing to b can't fail
	head, _ := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="payload_json"`}, "Content-Type": {"application/json"}})
	_, _ = head.Write(payload)
	var ends []int
	for i, f := range files {
		_, _ = w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition("files["+strconv.Itoa(i)+"]", fileName(f))},
			"Content-Type":        {mediaType(f)},
		})
		ends = append(ends, b.Len())
	}
	_ = w.Close()
	body := &streamed{closed: make(chan struct{})}
	at := 0
	for i, end := range ends {
		body.parts = append(body.parts, bytes.NewReader(b.Bytes()[at:end]), &reading{file: files[i], name: fileName(files[i])})
		at = end
	}
	body.parts = append(body.parts, bytes.NewReader(b.Bytes()[at:]))
	req, err := c.api.request(ctx, to, body)
	if err != nil {
		return err
	}
	// The request closes body. Waiting for it keeps the promise that nothing is
	// open after Send.
	defer func() {
		select {
		case <-body.closed:
		case <-ctx.Done():
		}
	}()
	req.ContentLength = -1
	if known {
		req.ContentLength = int64(b.Len()) + size
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	_, err = c.api.exchange(req, result)
	return err
}

func mediaType(f platforms.File) string {
	if m, params, err := mime.ParseMediaType(f.MediaType); err == nil {
		if s := mime.FormatMediaType(m, params); s != "" {
			return s
		}
	}
	return "application/octet-stream"
}

// streamed is a request's body of several parts; files are opened one after the
// other.
type streamed struct {
	parts  []io.Reader
	once   sync.Once
	closed chan struct{}
}

func (s *streamed) Read(p []byte) (int, error) {
	for len(s.parts) > 0 {
		n, err := s.parts[0].Read(p)
		if err == io.EOF {
			if c, ok := s.parts[0].(io.Closer); ok {
				_ = c.Close()
			}
			s.parts = s.parts[1:]
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

func (s *streamed) Close() error {
	s.once.Do(func() {
		defer close(s.closed)
		for _, part := range s.parts {
			if c, ok := part.(io.Closer); ok {
				_ = c.Close()
			}
		}
	})
	return nil
}

// reading reads a file and minds its size.
type reading struct {
	file platforms.File
	name string // for people
	open io.ReadCloser
	read int64
}

func (r *reading) Read(p []byte) (int, error) {
	if r.open == nil {
		f, err := r.file.Open()
		if err != nil {
			kind := platforms.Temporary
			if errors.Is(err, fs.ErrNotExist) {
				kind = platforms.Rejected
			}
			return 0, &platforms.Error{Kind: kind, Text: fmt.Sprintf("The file %q can't be read. Attach it again.", r.name), Err: err}
		}
		r.open = f
	}
	n, err := r.open.Read(p)
	r.read += int64(n)
	size := r.file.Size
	switch {
	case r.read > limits().Upload:
		return 0, tooLarge(r.name)
	case size > 0 && (r.read > size || err == io.EOF && r.read < size):
		return 0, rejected("The file %q changed while it was being sent. Attach it again.", r.name)
	case err != nil && err != io.EOF:
		return n, &platforms.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("The file %q could not be read to its end. The next try follows by itself.", r.name), Err: err}
	}
	return n, err
}

func (r *reading) Close() error {
	if r.open == nil {
		return nil
	}
	f := r.open
	r.open = io.NopCloser(strings.NewReader(""))
	return f.Close()
}

var errGone = rejected("The file is not there any more. Ask for it to be sent again.")

func tooMuch() error {
	return rejected("The file is larger than %d MB. Open it in Discord instead.", limits().Download>>20)
}

// Open is platforms.Opener's. An attachment's address is good for a day, so it
// is asked for anew.
// https://discord.com/developers/docs/reference#signed-attachment-cdn-urls
func (c *connector) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	ref := strings.Split(a.Ref, "/")
	if len(ref) != 3 || snowflake(ref[0]) == 0 || snowflake(ref[1]) == 0 || snowflake(ref[2]) == 0 {
		return nil, errGone
	}
	if a.Size > limits().Download {
		return nil, tooMuch()
	}
	var m message
	err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/channels/" + ref[0] + "/messages/" + ref[1]}, &m)
	if err != nil {
		return nil, err
	}
	all := m.Attachments
	for _, s := range m.Snapshots {
		if s.Message != nil {
			all = append(all, s.Message.Attachments...)
		}
	}
	for _, f := range all {
		if f.ID == snowflake(ref[2]) {
			return c.fetch(ctx, f.URL)
		}
	}
	return nil, errGone
}

// fetch asks for a file. It is public to who knows its address, so the token
// stays here.
func (c *connector) fetch(ctx context.Context, address string) (io.ReadCloser, error) {
	if !c.ownFile(address) {
		return nil, misunderstood(http.StatusOK)
	}
	bounded, cancel := limited(ctx, sendTime+time.Duration(limits().Download/slowest)*time.Second)
	req, err := http.NewRequestWithContext(bounded, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, misunderstood(http.StatusOK)
	}
	req.Header.Set("User-Agent", userAgent)
	resp, err := c.api.http.Do(req)
	if err != nil {
		defer cancel()
		return nil, c.api.unreachable(bounded, err)
	}
	switch {
	case resp.StatusCode == http.StatusOK && resp.ContentLength <= limits().Download:
		return &incoming{body: resp.Body, ctx: bounded, api: &c.api, cancel: cancel}, nil
	case resp.StatusCode == http.StatusOK:
		err = tooMuch()
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusForbidden:
		err = errGone
	case resp.StatusCode == http.StatusTooManyRequests:
		err = c.api.refused(resp, nil)
	default:
		err = foreign(resp.StatusCode)
	}
	_ = resp.Body.Close()
	cancel()
	return nil, err
}

// ownFile reports whether a file's address is one of Discord's, or of the server
// that the person entered: no message may make this program ask elsewhere.
func (c *connector) ownFile(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	if c.api.elsewhere {
		own, err := url.Parse(c.api.server)
		return err == nil && u.Host == own.Host && (u.Scheme == own.Scheme || u.Scheme == "https")
	}
	return u.Scheme == "https" && (u.Host == "cdn.discordapp.com" || u.Host == "media.discordapp.net")
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
		return 0, tooMuch()
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
