package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// The names of the parts of a message with files.
const (
	partParcel = "parcel" // an api.Parcel; comes first
	partFile   = "file"   // one for each of Parcel.Files
)

// send queues a message: a JSON Draft, or a multipart Parcel with its files,
// which go to the backend as they come and are never held in memory.
func (s *Server) send(w http.ResponseWriter, r *http.Request) error {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "multipart/form-data" {
		d, err := read[api.Draft](w, r)
		if err != nil {
			return err
		}
		if d, err = lensOf(r.Context()).draft(d); err != nil {
			return err
		}
		e, err := s.b.Send(r.Context(), d, nil)
		if err != nil {
			return err
		}
		return answer(w, http.StatusCreated, e)
	}

	body := &paced{r: r.Body, deadline: http.NewResponseController(w)}
	r.Body = io.NopCloser(body)
	e, err := s.sendParcel(r)
	if err != nil {
		body.drop(4 * s.maxFile)
		return err
	}
	return answer(w, http.StatusCreated, e)
}

func (s *Server) sendParcel(r *http.Request) (api.Entry, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return api.Entry{}, badRequest("The body is not the multipart form that its header announces.")
	}
	parcel, err := readParcel(parts)
	if err != nil {
		return api.Entry{}, err
	}
	if parcel.Draft, err = lensOf(r.Context()).draft(parcel.Draft); err != nil {
		return api.Entry{}, err
	}
	q := &queue{parts: parts, rest: r.Body, of: len(parcel.Files), max: s.maxFile}
	if q.of == 0 {
		if err := q.end(); err != nil {
			return api.Entry{}, err
		}
	}
	uploads := make([]Upload, q.of)
	for i, f := range parcel.Files {
		uploads[i] = Upload{Name: f.Name, MediaType: f.MediaType, Body: &queued{queue: q, index: i}}
	}
	e, err := s.b.Send(r.Context(), parcel.Draft, uploads)
	if err != nil && q.err != nil {
		return e, q.err // the cause, in words for the client
	}
	return e, err
}

func readParcel(parts *multipart.Reader) (api.Parcel, error) {
	var p api.Parcel
	part, err := parts.NextRawPart()
	if err != nil || part.FormName() != partParcel {
		return p, badRequest("A message with files begins with a part named " + partParcel + ".")
	}
	raw, err := io.ReadAll(io.LimitReader(part, maxJSON+1))
	if err != nil {
		return p, badRequest("The message was cut off. Send it again.")
	}
	if len(raw) > maxJSON {
		return p, &http.MaxBytesError{Limit: maxJSON}
	}
	if err := decode(bytes.NewReader(raw), &p); err != nil {
		return p, err
	}
	if len(p.Files) > maxUploads {
		return p, refuse(http.StatusRequestEntityTooLarge, platforms.Rejected, fmt.Sprintf("A message takes %d files at most. Send the others with another one.", maxUploads))
	}
	return p, nil
}

// paced is a body whose bytes must keep coming. At its end net/http lifts the
// deadline, and it is not set again: it would end a request that takes long to
// answer.
type paced struct {
	r        io.Reader
	deadline *http.ResponseController
	ended    bool
}

func (p *paced) Read(b []byte) (int, error) {
	if p.ended {
		return 0, io.EOF
	}
	_ = p.deadline.SetReadDeadline(time.Now().Add(fileWait))
	n, err := p.r.Read(b)
	p.ended = errors.Is(err, io.EOF)
	return n, err
}

// drop reads the rest, up to most bytes and for a moment: a client that is
// still sending would not read the answer.
func (p *paced) drop(most int64) {
	if p.ended {
		return
	}
	_ = p.deadline.SetReadDeadline(time.Now().Add(jsonWait))
	_, _ = io.CopyN(io.Discard, p.r, most)
}

// queue is the files of one message, one after the other as they come.
type queue struct {
	parts *multipart.Reader
	rest  io.Reader // what follows the form
	of    int
	max   int64

	at   int // the file that part is of
	part *multipart.Part
	read int64 // of part
	err  error // what ended it
}

// queued is the body of one of them.
type queued struct {
	queue *queue
	index int
	done  bool
}

func (f *queued) Read(b []byte) (int, error) {
	q := f.queue
	switch {
	case f.done:
		return 0, io.EOF
	case q.err != nil:
		return 0, q.err
	case q.at != f.index:
		return 0, errors.New("the files of a message are read in their order, each to its end")
	}
	n, err := q.next(b)
	if errors.Is(err, io.EOF) {
		f.done = true
	}
	return n, err
}

// next reads from the file at q.at. The last one ends only when the whole form
// did, so that a message that was cut off is never taken for complete.
func (q *queue) next(b []byte) (int, error) {
	if q.part == nil {
		part, err := q.parts.NextRawPart()
		if err != nil || part.FormName() != partFile {
			return 0, q.fail(badRequest("The message was cut off, or has fewer files than it names. Send it again."))
		}
		q.part, q.read = part, 0
	}
	n, err := q.part.Read(b)
	q.read += int64(n)
	switch {
	case q.read > q.max:
		return 0, q.fail(refuse(http.StatusRequestEntityTooLarge, platforms.Rejected, fmt.Sprintf("A file is larger than %d MiB, which is the most. Send a smaller one.", q.max>>20)))
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return 0, q.fail(badRequest("The message was cut off. Send it again."))
	}
	q.part = nil
	q.at++
	if q.at == q.of {
		if err := q.end(); err != nil {
			return 0, err
		}
	}
	return n, io.EOF
}

// end makes sure that nothing follows.
func (q *queue) end() error {
	if _, err := q.parts.NextRawPart(); !errors.Is(err, io.EOF) {
		return q.fail(badRequest("The message was cut off, or has more files than it names. Send it again."))
	}
	if _, err := io.CopyN(io.Discard, q.rest, 1<<16); !errors.Is(err, io.EOF) {
		return q.fail(badRequest("The message has no end. Send it again."))
	}
	return nil
}

func (q *queue) fail(err error) error {
	q.err = err
	return err
}
