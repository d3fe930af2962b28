package webhookrelay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// answerMost bounds the body of a report, in bytes.
const answerMost = 64 << 10

// report is what became of a request.
type report struct {
	arrival  arrival
	response relay.Response
	failed   bool
}

// reportBody is PUT /v1/logs/{id}: https://docs.webhookrelay.com/api-reference.
type reportBody struct {
	ID              string              `json:"id"`
	BucketID        string              `json:"bucket_id"`
	StatusCode      int                 `json:"status_code"`
	ResponseBody    []byte              `json:"response_body"` // base64
	ResponseHeaders map[string][]string `json:"response_headers"`
	Status          string              `json:"status"`
	Retries         int                 `json:"retries"`
	DurationMS      int64               `json:"duration_ms"`
}

// reports sends reports beside the taking, a few at a time. One that is late or
// fails is lost: what it is about is stored all the same.
type reports struct {
	s     *Source
	slots chan struct{}
	stop  context.CancelFunc
	ctx   context.Context
	wg    sync.WaitGroup
}

func (s *Source) reports(ctx context.Context) *reports {
	r := &reports{s: s, slots: make(chan struct{}, max(1, s.o.Limits.Reports))}
	r.ctx, r.stop = context.WithCancel(ctx)
	return r
}

// end waits for the reports under way, each of which is bounded in time.
func (r *reports) end() {
	r.wg.Wait()
	r.stop()
}

// plain reports whether id can stand in a path as it is. The relay's are UUIDs.
func plain(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool {
		return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// send waits for a free slot only. Where the relay gave no id, or one that could
// lead elsewhere, there is nothing to report on.
func (r *reports) send(ctx context.Context, it report) {
	if !r.s.o.Report || !plain(it.arrival.request.ID) {
		return
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	took := r.s.o.Now().Sub(it.arrival.received)
	r.wg.Go(func() {
		defer func() { <-r.slots }()
		ctx, cancel := context.WithTimeout(r.ctx, r.s.o.Limits.Report)
		defer cancel()
		body := reportBody{ID: it.arrival.request.ID, BucketID: it.arrival.bucket, StatusCode: it.response.Status, Status: "sent", DurationMS: took.Milliseconds()}
		if it.failed {
			body.Status = "failed"
		}
		if r.s.o.Answers {
			body.ResponseHeaders = it.response.Header
			body.ResponseBody = it.response.Body[:min(len(it.response.Body), answerMost)]
		}
		if err := r.s.put(ctx, body); err != nil {
			r.s.o.Log.Warn("an answer could not be reported to Webhook Relay", "err", err)
		}
	})
}

func (s *Source) put(ctx context.Context, body reportBody) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	address := s.server.JoinPath("v1", "logs", body.ID).String()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(b))
	if err != nil {
		return platforms.Network(err, service)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.o.Key == keyName {
		req.Header.Set("Authorization", "Bearer "+s.o.Secret.Reveal())
	} else {
		req.SetBasicAuth(s.o.Key, s.o.Secret.Reveal())
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return platforms.RedactError(platforms.Network(err, service), s.o.Secret)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
