package ingress

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
)

// Serve answers what comes in at l with h until Accept fails, within the bounds
// of lim that are of connections and heads: h bounds bodies. No proxy is believed.
func Serve(l net.Listener, lim Limits, log *slog.Logger, h http.Handler) {
	serve(l, lim, log, func(netip.Addr) bool { return false }, h)
}

func serve(l net.Listener, lim Limits, log *slog.Logger, proxy func(netip.Addr) bool, h http.Handler) {
	srv := &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            lim.Header,
		ReadTimeout:                  lim.Read,
		WriteTimeout:                 lim.Write,
		IdleTimeout:                  lim.Idle,
		MaxHeaderBytes:               lim.HeaderBytes,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(quiet{log.Handler()}, slog.LevelDebug),
		ConnContext:                  func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, visitKey{}, c) },
		// HTTP/1 only: one protocol's parser less, and a proxy speaks it.
		Protocols: new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)
	err := srv.Serve(newCrowd(l, lim, proxy))
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		log.Warn("a listener ended", "address", l.Addr().String(), "err", err)
	}
	_ = srv.Close()
}

// visitKey is the *visit by which a request came, in its context.
type visitKey struct{}

// Proved says that a request, whose context it is, brought something genuine: its
// connection makes no room for others.
func Proved(ctx context.Context) {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		v.proved()
	}
}
