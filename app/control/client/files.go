package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"github.com/postern/postern/app/control/api"
)

// File is a file to send with a message.
type File struct {
	Name      string
	MediaType string
	Body      io.Reader
}

// sendFiles sends a draft and its files as they are read, without holding one
// in memory.
func (c *Client) sendFiles(ctx context.Context, d api.Draft, files []File) (e api.Entry, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	wrote := make(chan error, 1)
	go func() {
		err := writeParcel(form, d, files)
		_ = w.CloseWithError(err) // nil: the end
		wrote <- err
	}()
	resp, err := c.do(ctx, http.MethodPost, "messages", nil, r, form.FormDataContentType())
	_ = r.CloseWithError(errUnread) // the writer may still be at work
	if own := <-wrote; own != nil && !errors.Is(own, errUnread) && !errors.Is(own, io.ErrClosedPipe) {
		err = own // a file that can't be read explains the rest
	}
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		return e, err
	}
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		return e, c.broken(ctx, err)
	}
	return e, nil
}

// errUnread tells the writer that nobody reads on.
var errUnread = errors.New("the request is over")

func writeParcel(form *multipart.Writer, d api.Draft, files []File) error {
	p := api.Parcel{Draft: d, Files: make([]api.File, len(files))}
	for i, f := range files {
		p.Files[i] = api.File{Name: f.Name, MediaType: f.MediaType}
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	if err := writePart(form, "parcel", "application/json", bytes.NewReader(raw)); err != nil {
		return err
	}
	for _, f := range files {
		if err := writePart(form, "file", "application/octet-stream", f.Body); err != nil {
			return fmt.Errorf("send the file %q: %w", f.Name, err)
		}
	}
	return form.Close()
}

func writePart(form *multipart.Writer, name, kind string, body io.Reader) error {
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="` + name + `"`},
		"Content-Type":        {kind},
	})
	if err == nil {
		_, err = io.Copy(part, body)
	}
	return err
}
