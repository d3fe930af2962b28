package control

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// exportPage is how many lines an export reads at once.
const exportPage = 1000

// watch streams the state and its changes, one JSON value a line, until the
// client goes or Postern ends. Each stream has its own goroutine and takes the
// newest state when its client is ready for it, so a slow client delays nobody;
// one that doesn't take a line in time is dropped.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) error {
	select {
	case s.watching <- struct{}{}:
		defer func() { <-s.watching }()
	default:
		return refuse(http.StatusServiceUnavailable, platforms.Temporary, "Too many programs watch this Postern already. Close one.")
	}
	ctx := r.Context()
	var shows chan api.Request
	if r.URL.Query().Get("window") != "" && lensOf(ctx).client == nil {
		shows = s.windows.join()
		defer s.windows.leave(shows)
	}
	changes := s.b.Watch(ctx)
	beat := time.NewTicker(s.beat)
	defer beat.Stop()

	w.Header().Set("Content-Type", "application/x-ndjson")
	out := patient{w, s.writeWait}
	tell := func(ev api.Event) bool {
		err := json.NewEncoder(out).Encode(ev)
		if err == nil {
			err = out.flush()
		}
		return err == nil
	}
	snapshot := func() bool {
		see, ok := s.still(ctx)
		if !ok {
			return false
		}
		now := see.snapshot(s.b.Snapshot())
		return tell(api.Event{Snapshot: &now})
	}

	for ok := snapshot(); ok; {
		select {
		case <-ctx.Done():
			ok = false
		case <-s.quitting:
			tell(api.Event{Quit: true})
			ok = false
		case _, more := <-changes:
			if !more { // the backend ends
				tell(api.Event{Quit: true})
				ok = false
				break
			}
			ok = snapshot()
		case show := <-shows:
			ok = tell(api.Event{Show: &show})
		case <-beat.C:
			_, ok = s.still(ctx)
			ok = ok && tell(api.Event{})
		}
	}
	return nil
}

// export streams all activity that the query selects, newest first, page by
// page.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	see := lensOf(r.Context())
	left := q.Limit // 0: everything
	out := patient{w, s.writeWait}
	enc := json.NewEncoder(out)
	for first := true; ; first = false {
		q.Limit = exportPage
		if left > 0 && see.client == nil { // else some of the lines are not seen
			q.Limit = min(left, exportPage)
		}
		page, err := s.b.Activity(r.Context(), q)
		if err != nil && first {
			return err
		}
		if err != nil {
			s.log.Error("an export was broken off", "err", err)
			panic(http.ErrAbortHandler) // so that it doesn't pass for complete
		}
		if first {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.WriteHeader(http.StatusOK)
		}
		for _, line := range page {
			if !see.line(line) {
				continue
			}
			if err := enc.Encode(line); err != nil {
				return nil // the client is gone
			}
			if left--; left == 0 {
				return nil
			}
		}
		if len(page) == 0 {
			return nil
		}
		last := page[len(page)-1].Seq
		if last == 0 || (q.Before != 0 && last >= q.Before) {
			return nil // no way forward
		}
		q.Before = last
	}
}

// doctor streams what the doctor finds, one JSON value a line. The examination
// ends with its client, and with Postern.
func (s *Server) doctor(w http.ResponseWriter, r *http.Request) error {
	ctx, stop := s.unlessQuitting(r.Context())
	defer stop()
	out := patient{w, s.writeWait}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc, told := json.NewEncoder(out), false
	err := s.b.Doctor(ctx, func(x api.Examination) {
		told = true
		if enc.Encode(x) != nil || out.flush() != nil {
			stop()
		}
	})
	if err != nil && !told {
		return err
	}
	return nil // without its Done it does not pass for complete
}

// unlessQuitting is ctx, which ends with Postern too.
func (s *Server) unlessQuitting(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.quitting:
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, stop
}

// attachment streams one file. Its name and type are a stranger's words: the
// answer asks to be kept as a file, whatever it is.
func (s *Server) attachment(w http.ResponseWriter, r *http.Request) error {
	seq, err := number(r.PathValue("seq"), 64)
	if err != nil {
		return err
	}
	index, err := number(r.PathValue("index"), 16)
	if err != nil {
		return err
	}
	if _, err := s.entry(r.Context(), seq); err != nil {
		return err
	}
	a, body, err := s.b.Attachment(r.Context(), seq, int(index))
	if err != nil {
		return err
	}
	defer body.Close()
	h := w.Header()
	h.Set("Content-Type", mediaType(a.MediaType))
	h.Set("Content-Disposition", disposition(a.Name))
	if a.Size > 0 {
		h.Set(api.SizeHeader, strconv.FormatInt(a.Size, 10))
	}
	w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(patient{w, s.writeWait}, body); err != nil {
		s.log.Warn("an attachment was broken off", "err", err)
		panic(http.ErrAbortHandler) // so that it doesn't pass for complete
	}
	return nil
}

// mediaType is a type that is safe to name: without parameters, and only of
// kinds that nothing runs.
func mediaType(claimed string) string {
	t, _, err := mime.ParseMediaType(claimed)
	kind, sub, _ := strings.Cut(t, "/")
	if err == nil && sub != "" && sub != "svg+xml" {
		switch kind {
		case "image", "audio", "video":
			return t
		}
		if t == "text/plain" || t == "application/pdf" {
			return t
		}
	}
	return "application/octet-stream"
}

// disposition names a file so that no client takes the name for a path or for
// a header.
func disposition(name string) string {
	name = text.Line(name, 120)
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeft(name, ". ")
	if name == "" {
		name = "file"
	}
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}
