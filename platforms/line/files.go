package line

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/postern/postern/platforms"
)

const (
	openTime      = 30 * time.Second // for the first byte
	slowest       = 64 << 10         // bytes a second that a file must at least come with
	transcodeTime = 2 * time.Minute  // how long LINE may prepare a video
	transcodeStep = time.Second
)

const goneText = "LINE does not have this file any more: it deletes what people send after some time, or when they take it back. Ask for it to be sent again."

// Open is platforms.Opener's. LINE prepares videos and sounds before it gives
// them out: Open waits for that.
// https://developers.line.biz/en/reference/messaging-api/#get-content
func (c *connector) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	if !numbers.MatchString(a.Ref) {
		return nil, rejected(goneText)
	}
	if a.Size > limits().Download {
		return nil, rejected("The file is larger than is fetched from LINE, which is 1 GB. Open it in LINE instead.")
	}
	path := "/v2/bot/message/" + a.Ref + "/content"
	waiting, stop := context.WithTimeout(ctx, transcodeTime)
	defer stop()
	for {
		body, again, err := c.fetch(ctx, path)
		if err != nil || !again {
			return body, err
		}
		if err := c.prepared(ctx, waiting, path+"/transcoding"); err != nil {
			return nil, err
		}
	}
}

// fetch opens a file; again says that LINE is still preparing it.
func (c *connector) fetch(ctx context.Context, path string) (body io.ReadCloser, again bool, err error) {
	limited, cancel := context.WithTimeout(ctx, openTime+time.Duration(limits().Download/slowest)*time.Second)
	first := time.AfterFunc(openTime, cancel)
	resp, err := c.api.send(limited, http.MethodGet, c.api.data+path, nil, nil)
	first.Stop()
	if err != nil {
		cancel()
		return nil, false, c.api.unreachable(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return &download{body: resp.Body, ctx: ctx, api: &c.api, cancel: cancel}, false, nil
	}
	defer cancel()
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusAccepted {
		return nil, true, nil
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	if err = c.api.refused(resp, b); gone(err) {
		err = &platforms.Error{Kind: platforms.Rejected, Text: goneText, Err: err}
	}
	return nil, false, err
}

// prepared waits until LINE has prepared a file.
// https://developers.line.biz/en/reference/messaging-api/#verify-video-or-audio-preparation-status
func (c *connector) prepared(ctx, waiting context.Context, path string) error {
	data := c.api
	data.server = data.data
	for {
		var got messaging_api.GetMessageContentTranscodingResponse
		if err := data.do(ctx, call{method: http.MethodGet, path: path}, &got); err != nil {
			return err
		}
		switch got.Status {
		case "succeeded":
			return nil
		case "failed":
			return rejected("LINE could not prepare this file. Open it in LINE instead, or ask for it to be sent again.")
		}
		t := time.NewTimer(transcodeStep)
		select {
		case <-t.C:
		case <-waiting.Done():
			t.Stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &platforms.Error{Kind: platforms.Temporary, Text: "LINE is still preparing this file. Try again in a few minutes."}
		}
	}
}

// download reads a file and minds its size.
type download struct {
	body   io.ReadCloser
	ctx    context.Context // the caller's, for telling a wish from a fault
	api    *api
	read   int64
	cancel context.CancelFunc
}

func (d *download) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	if d.read += int64(n); d.read > limits().Download {
		return 0, rejected("The file is larger than is fetched from LINE, which is 1 GB. Open it in LINE instead.")
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
