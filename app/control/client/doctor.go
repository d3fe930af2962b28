package client

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/postern/postern/app/control/api"
)

// Doctor has Postern look at everything, and calls tell with each line as it
// comes. It returns nil once the last line has come; cancelling ctx ends the
// examination.
func (c *Client) Doctor(ctx context.Context, tell func(api.Examination)) error {
	resp, err := c.do(ctx, http.MethodPost, "doctor", nil, nil, "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); ; {
		var x api.Examination
		if err := dec.Decode(&x); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // it did not say that it was done
			}
			return c.broken(ctx, err)
		}
		tell(x)
		if x.Done {
			return nil
		}
	}
}

// Support is what a bundle for whoever helps would hold.
func (c *Client) Support(ctx context.Context) (s api.Support, err error) {
	err = c.call(ctx, http.MethodPost, "support", nil, nil, &s)
	return s, err
}

// WriteSupport writes a bundle as a zip file: the texts as they were shown, and
// nothing else.
func WriteSupport(w io.Writer, s api.Support, at time.Time) error {
	z := zip.NewWriter(w)
	for _, f := range s.Files {
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: at.UTC()}
		h.SetMode(0o600)
		part, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(part, f.Text)
		}
		if err != nil {
			return fmt.Errorf("write the bundle: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	return nil
}
