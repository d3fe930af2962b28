package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	acp "github.com/coder/acp-go-sdk"
)

const (
	longLine   = 8 << 20 // bytes of one message of the protocol
	mostNotes  = 256     // notifications that were read and not yet looked at
	mostAsked  = 128     // requests of the agent that were not yet answered
	hugeParams = 1 << 20 // bytes of parameters: few such notifications wait, and no request
	mostHuge   = 4
	longNoise  = 200 // bytes kept of a line that is no message
	slowWriter = 30 * time.Second
)

const (
	methodCancel = "$/cancel_request"  // takes a request back
	methodHuge   = "_postern/too_long" // stands for a request that is: nobody knows it
)

var (
	errLongLine    = errors.New("it wrote a line of more than 8 MiB")
	errDoesNotRead = errors.New("it did not read what it was told")
)

// message is one line of the protocol, as the SDK reads it: what this accepts,
// the SDK does too.
type message struct {
	JSONRPC string            `json:"jsonrpc"`
	ID      *json.RawMessage  `json:"id,omitempty"`
	Method  string            `json:"method,omitempty"`
	Params  json.RawMessage   `json:"params,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Error   *acp.RequestError `json:"error,omitempty"`
}

// wireReader stands between what an agent writes and the SDK, and keeps it from
// what it takes badly (v0.13.0): it ends the connection when 1,024 notifications
// wait, where this waits instead, so that the agent does; starts a goroutine for
// each request without a bound; and logs what it can't read.
type wireReader struct {
	in    *bufio.Reader
	ready <-chan struct{} // closed when the SDK has its logger
	dead  <-chan struct{} // closed when nobody reads any more
	slots slots
	noise io.Writer   // gets what is no message
	fault func(error) // told why reading ended, but for the end

	line []byte // what is left of the current one
	err  error
}

// Read gives whole lines, piece by piece.
func (r *wireReader) Read(p []byte) (int, error) {
	<-r.ready
	for len(r.line) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.line, r.err = r.next()
	}
	n := copy(p, r.line)
	r.line = r.line[n:]
	return n, nil
}

// next is the next line that the SDK should see; none, for one that it shouldn't.
func (r *wireReader) next() ([]byte, error) {
	line, err := r.read()
	if err != nil {
		if errors.Is(err, errLongLine) {
			r.fault(err)
		}
		return nil, err
	}
	var m message
	if json.Unmarshal(line, &m) != nil || m.ID == nil && m.Method == "" {
		if s := bytes.TrimSpace(line); len(s) > 0 {
			_, _ = fmt.Fprintf(r.noise, "%s\n", s[:min(len(s), longNoise)])
		}
		return nil, nil
	}
	switch {
	case m.ID == nil && m.Method == methodCancel:
		return line, nil // the SDK acts on it at once, in its reading goroutine
	case m.ID == nil && m.Method != acp.ClientMethodSessionUpdate:
		return nil, nil // nothing else is of interest
	}
	if m.Method != "" && m.ID != nil {
		if len(m.Params) > hugeParams {
			m.Method, m.Params = methodHuge, nil
			if line, err = json.Marshal(m); err != nil {
				return nil, nil
			}
			line = append(line, '\n')
		}
		if !r.take(r.slots.asked) {
			return nil, io.EOF
		}
	}
	if m.Method == acp.ClientMethodSessionUpdate {
		if len(m.Params) > hugeParams && !r.take(r.slots.huge) || !r.take(r.slots.notes) {
			return nil, io.EOF
		}
	}
	return line, nil
}

// slots bound what was read and is not done with.
type slots struct{ notes, huge, asked chan struct{} }

func newSlots() slots {
	return slots{make(chan struct{}, mostNotes), make(chan struct{}, mostHuge), make(chan struct{}, mostAsked)}
}

// noted frees what a notification with these parameters took.
func (s slots) noted(params json.RawMessage) {
	<-s.notes
	if len(params) > hugeParams {
		<-s.huge
	}
}

func (r *wireReader) take(slots chan struct{}) bool {
	select {
	case slots <- struct{}{}: // what a dead agent said last counts
		return true
	default:
	}
	select {
	case slots <- struct{}{}:
		return true
	case <-r.dead:
		return false
	}
}

// read is the next line with its end.
func (r *wireReader) read() ([]byte, error) {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line)+len(part) > longLine {
			return nil, errLongLine
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err // a line without an end is half a message
		}
	}
}

// wireWriter writes to an agent. The SDK writes each message at once.
type wireWriter struct {
	out   io.Writer
	slots slots
	fault func(error) // told when the agent doesn't read
}

func (w *wireWriter) Write(p []byte) (int, error) {
	var m struct {
		Method string `json:"method"`
	}
	if json.Unmarshal(p, &m) == nil && m.Method == "" { // an answer
		select {
		case <-w.slots.asked:
		default:
		}
	}
	t := time.AfterFunc(slowWriter, func() { w.fault(errDoesNotRead) })
	defer t.Stop()
	n, err := w.out.Write(p)
	if err != nil {
		w.fault(errStopped)
	}
	return n, err
}
