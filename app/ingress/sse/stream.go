package sse

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// idMost bounds an event's id, in bytes: it comes back as a header and a cursor.
const idMost = 512

// event is one, as the specification has them dispatched:
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation.
type event struct {
	kind  string // empty: message
	data  []byte
	id    string // told with this event
	last  string // the last one told
	large bool   // data is left out
}

// decoder reads a stream of events.
type decoder struct {
	r      *bufio.Reader
	line   int // most bytes of one
	most   int // most bytes of data
	begun  bool
	skipLF bool // a line ended in CR; an LF after it belongs to it
	last   string
	retry  time.Duration
}

func newDecoder(r io.Reader, line, most int, heard func()) *decoder {
	return &decoder{r: bufio.NewReaderSize(tell{r, heard}, 32<<10), line: line, most: most}
}

// tell calls on for every read that brought something.
type tell struct {
	r  io.Reader
	on func()
}

func (t tell) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	if n > 0 {
		t.on()
	}
	return n, err
}

// next is the next event. One that the stream ends within is none.
func (d *decoder) next() (event, error) {
	var e event
	var data bytes.Buffer
	some, id := false, false
	for {
		line, large, err := d.readLine()
		if err != nil {
			return event{}, err
		}
		if !d.begun {
			d.begun = true
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if large {
			e.large = true
			continue
		}
		if len(line) == 0 {
			if !some && !e.large {
				e, id = event{}, false
				continue
			}
			e.last = d.last
			if id {
				e.id = d.last
			}
			e.data = bytes.TrimSuffix(data.Bytes(), []byte("\n"))
			if e.large {
				e.data = nil
			}
			return e, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			e.kind = string(value[:min(len(value), 64)])
		case "data":
			some = true
			if data.Len()+len(value) > d.most {
				e.large = true
				data.Reset()
			}
			if !e.large {
				data.Write(value)
				data.WriteByte('\n')
			}
		case "id":
			if usable(value) {
				d.last, id = string(value), true
			}
		case "retry":
			if ms, err := strconv.ParseUint(string(value), 10, 32); err == nil {
				d.retry = min(time.Duration(ms)*time.Millisecond, time.Hour)
			}
		}
	}
}

// usable reports whether id can go into a header, and come back as it was.
func usable(id []byte) bool {
	for _, c := range id {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(id) <= idMost
}

// readLine is the next line without its end, which is LF, CR or both. One that is
// too long is skipped: large.
func (d *decoder) readLine() (line []byte, large bool, err error) {
	var buf []byte
	for total := 0; ; {
		chunk, err := d.r.Peek(1)
		if err != nil {
			return nil, false, err
		}
		if d.skipLF {
			d.skipLF = false
			if chunk[0] == '\n' {
				_, _ = d.r.Discard(1)
				continue
			}
		}
		chunk, _ = d.r.Peek(d.r.Buffered())
		end := bytes.IndexAny(chunk, "\r\n")
		part := chunk
		if end >= 0 {
			part = chunk[:end]
		}
		if total += len(part); total > d.line {
			large, buf = true, nil
		}
		if total > 4*d.line {
			return nil, false, errEndless
		}
		if !large {
			buf = append(buf, part...)
		}
		if end < 0 {
			_, _ = d.r.Discard(len(chunk))
			continue
		}
		d.skipLF = chunk[end] == '\r'
		_, _ = d.r.Discard(end + 1)
		return buf, large, nil
	}
}

// arrival is what is handed on: a request, a gap, or that we are connected.
type arrival struct {
	request relay.Request
	gap     *relay.Gap
	hello   bool
}

// read hands out what comes until the stream ends.
func (s *Source) read(ctx context.Context, resp *http.Response, dog *watch, wish *time.Duration, give func(arrival, int) error) error {
	d := newDecoder(resp.Body, s.o.Limits.Line, s.o.Limits.Event, dog.heard)
	defer func() { *wish = d.retry }()
	// The server's status says that the channel is open.
	if err := give(arrival{hello: true}, 0); err != nil {
		return err
	}
	garbage := 0
	for {
		e, err := d.next()
		if err != nil {
			return err
		}
		a, ok, err := s.arrival(e)
		if err != nil {
			s.o.Log.Warn("a relay sent what makes no sense", "why", err.Error())
			if garbage++; garbage > s.o.Limits.Garbage {
				return &platforms.Error{Kind: platforms.Temporary, Err: err,
					Text: "The relay said what makes no sense. Check that the server is of the kind that was chosen. The next try follows by itself."}
			}
		} else {
			garbage = 0
		}
		if !ok {
			continue
		}
		// A slow take is ours, not the relay's silence.
		dog.rest()
		err = give(a, len(e.data))
		dog.heard()
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// watch ends what it watches after a time without heard.
type watch struct {
	mu      sync.Mutex
	timer   *time.Timer
	time    time.Duration
	fired   bool
	resting bool
}

func newWatch(silence time.Duration, end func()) *watch {
	w := &watch{time: silence}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(silence, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.resting {
			w.fired = true
			end()
		}
	})
	return w
}

func (w *watch) heard() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting = false
	w.timer.Reset(w.time)
}

func (w *watch) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting = true
	w.timer.Stop()
}

// bit reports whether it was silent for too long.
func (w *watch) bit() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fired
}

var (
	errNotObject = errors.New("an event that is not an object")
	errEndless   = errors.New("a line without end")
)
