package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// handlerFunc answers a request, or returns an error before it began to.
type handlerFunc func(w http.ResponseWriter, r *http.Request) error

// refusal is an error of the interface itself, with its HTTP status.
type refusal struct {
	wire   *api.Error
	status int
	after  time.Duration // when to try again; 0: nothing is said of that
}

func (r refusal) Error() string { return r.wire.Text }
func (r refusal) Unwrap() error { return r.wire }

func refuse(status int, kind platforms.Kind, text string) error {
	return refusal{wire: &api.Error{Kind: kind, Text: text}, status: status}
}

func badRequest(text string) error {
	return refuse(http.StatusBadRequest, platforms.Rejected, text)
}

// statusOf is the HTTP status for what a backend reports.
func statusOf(k platforms.Kind) int {
	switch k {
	case platforms.Temporary:
		return http.StatusServiceUnavailable
	case platforms.RateLimited:
		return http.StatusTooManyRequests
	case platforms.Unauthorized:
		// Not 401: it is the platform that refuses, not this interface.
		return http.StatusFailedDependency
	case platforms.Conflict:
		return http.StatusConflict
	case platforms.Unsupported:
		return http.StatusNotImplemented
	case platforms.NotAcknowledged:
		return http.StatusForbidden
	}
	return http.StatusUnprocessableEntity
}

// fail answers with err. What was not written for a person is logged and told
// as a fault of ours.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var (
		ours  refusal
		wire  *api.Error
		large *http.MaxBytesError
	)
	switch {
	case errors.As(err, &ours):
		if ours.after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(ours.after.Seconds()))))
		}
		_ = answer(w, ours.status, ours.wire)
	case errors.As(err, &wire):
		_ = answer(w, statusOf(wire.Kind), wire)
	case errors.As(err, &large):
		_ = answer(w, http.StatusRequestEntityTooLarge, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("The request is larger than %d bytes. Send less.", large.Limit)})
	case r.Context().Err() != nil:
		_ = answer(w, http.StatusServiceUnavailable, &api.Error{Kind: platforms.Temporary, Text: "Postern is ending. Start it again, then repeat this."})
	default:
		s.log.Error("the local interface met a fault", "method", r.Method, "route", r.Pattern, "err", err)
		_ = answer(w, http.StatusInternalServerError, &api.Error{Kind: platforms.Temporary, Text: "Something went wrong inside Postern. Its log says what; try again."})
	}
}

// answer sends v as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fileWait))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that is gone needs no answer
	return nil
}

// done answers that there is nothing to say.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// give answers with v unless err says otherwise.
func give[T any](w http.ResponseWriter, v T, err error) error {
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, v)
}

// list is give for lists: none is [], not null.
func list[T any](w http.ResponseWriter, v []T, err error) error {
	if v == nil {
		v = []T{}
	}
	return give(w, v, err)
}

// read decodes a JSON body: one value, within bounds and time, and without
// fields that T doesn't have.
func read[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
		return v, refuse(http.StatusUnsupportedMediaType, platforms.Rejected, "This route takes JSON only. Say so with Content-Type: application/json.")
	}
	err := decode(http.MaxBytesReader(w, r.Body, maxJSON), &v)
	return v, err
}

// decode reads one JSON value and nothing else. Its errors repeat names of
// fields, never values.
func decode(body io.Reader, v any) error {
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		var more json.RawMessage
		if err = dec.Decode(&more); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			return badRequest("The body holds more than one JSON value. Send one.")
		}
	}
	var (
		large  *http.MaxBytesError
		typed  *json.UnmarshalTypeError
		syntax *json.SyntaxError
	)
	switch {
	case errors.As(err, &large):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, platforms.Temporary, "The body did not arrive in time. Send it again.")
	case errors.As(err, &typed):
		return badRequest(fmt.Sprintf("The field %q has the wrong type.", typed.Field))
	case errors.As(err, &syntax):
		return badRequest(fmt.Sprintf("The body is not JSON from byte %d on.", syntax.Offset))
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return badRequest("The body has a field that is not known here: " + strings.TrimPrefix(err.Error(), "json: unknown field ") + ". Use a client of the same version.")
	}
	return badRequest("The body is not the JSON that this route takes.")
}

// shell is around every request: it keeps browsers out, survives panics and
// logs. It logs neither bodies nor addresses, which hold ids and searches.
func (s *Server) shell(next http.Handler) http.Handler {
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w := &recorder{ResponseWriter: plain}
		// A deadline of the connection's former request must not end this one.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		// net/http lifts this one at the end of the body. Before that it must
		// stay: what a handler leaves of a body is read before its answer goes.
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(began.Add(jsonWait))
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				s.log.Error("the local interface panicked", "route", r.Pattern, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if w.status == 0 {
					s.fail(w, r, errors.New("panic"))
					p = nil
				}
			}
			s.log.Log(context.WithoutCancel(r.Context()), levelOf(r.Method, w.status), "local interface",
				"method", r.Method, "route", r.Pattern, "status", w.status, "took", time.Since(began).Round(time.Microsecond))
			if p != nil {
				panic(http.ErrAbortHandler) // the client sees a broken answer, not a short one
			}
		}()
		if r.Host != api.Host || r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
			s.fail(w, r, refuse(http.StatusForbidden, platforms.Rejected, "This interface is for Postern's own programs, not for web pages."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// patient writes to a client that takes what it is sent within wait, each time.
type patient struct {
	w    http.ResponseWriter
	wait time.Duration
}

func (p patient) Write(b []byte) (int, error) {
	_ = http.NewResponseController(p.w).SetWriteDeadline(time.Now().Add(p.wait))
	return p.w.Write(b)
}

// flush sends what was written.
func (p patient) flush() error {
	c := http.NewResponseController(p.w)
	_ = c.SetWriteDeadline(time.Now().Add(p.wait))
	return c.Flush()
}

// levelOf keeps what only looks out of the usual log.
func levelOf(method string, status int) slog.Level {
	switch {
	case status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable && status != http.StatusNotImplemented:
		return slog.LevelWarn
	case method == http.MethodGet:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
