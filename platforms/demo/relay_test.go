package demo

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/webhookrelay"
	"github.com/postern/postern/platforms"
)

// dialled is the Ingress of an account that hears by the stage's relay.
type dialled struct {
	t *testing.T
	s *Stage
}

// Address is platforms.Ingress's.
func (d dialled) Address(string) (string, error) { return d.s.Relay().Channels[0].Public, nil }

// Serve is platforms.Ingress's.
func (d dialled) Serve(r platforms.Route) (string, func(), error) {
	v := d.s.Relay()
	transport := &http.Transport{}
	src, err := webhookrelay.New(webhookrelay.Options{Server: v.Values["server"], Key: v.Values["key"], Secret: platforms.NewSecret(v.Values["secret"]),
		Buckets: []string{v.Channels[0].Name}, Dial: (&net.Dialer{}).DialContext, Client: &http.Client{Transport: transport}})
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = src.Run(ctx, "", taker{r}) })
	return v.Channels[0].Public, sync.OnceFunc(func() { cancel(); running.Wait(); transport.CloseIdleConnections() }), nil
}

// taker has a route handle what a relay brings.
type taker struct{ platforms.Route }

func (taker) Ready(context.Context, relay.Cursor) error { return nil }
func (taker) Gap(context.Context, relay.Gap) error      { return nil }

func (t taker) Take(ctx context.Context, r relay.Request) (relay.Response, error) {
	req := r.HTTP(ctx, t.Path)
	if err := t.Verify(req, r.Body, time.Now()); err != nil {
		return relay.Response{Status: http.StatusNotFound}, nil
	}
	req.Body = io.NopCloser(bytes.NewReader(r.Body))
	w := httptest.NewRecorder()
	t.Handler.ServeHTTP(w, req)
	return relay.Response{Status: w.Code}, nil
}
