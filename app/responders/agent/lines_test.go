package agent

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// reader reads what an agent wrote. Nobody else reads, so what waits for slots
// comes to its end.
func reader(in string) (r *wireReader, noise *bytes.Buffer, fault *error) {
	open, shut := make(chan struct{}), make(chan struct{})
	close(open)
	close(shut)
	noise, fault = &bytes.Buffer{}, new(error)
	return &wireReader{in: bufio.NewReader(strings.NewReader(in)), ready: open, dead: shut, slots: newSlots(),
		noise: noise, fault: func(err error) { *fault = err }}, noise, fault
}

func TestOnlyMessagesReachTheLibrary(t *testing.T) {
	good := []string{
		`{"jsonrpc":"2.0","id":1,"result":{}}`,
		`{"id":"x","method":"fs/read_text_file","params":{}}`,
		`{"method":"session/update","params":{}}`,
		`{"method":"$/cancel_request","params":{"requestId":"x"}}`,
	}
	bad := []string{"hello\x1b[0m", "[]", "7", "null", `{"jsonrpc":5,"method":"session/update"}`, `{"id":1,"error":"text"}`, `{}`, `{"id":null}`}
	// Silently: what has no meaning without an id.
	quiet := []string{"", "  ", `{"method":"session/request_permission","params":{}}`, `{"method":"window/log"}`}
	var all []string
	for i := range 8 {
		for _, list := range [][]string{bad, quiet, good} {
			if i < len(list) {
				all = append(all, list[i])
			}
		}
	}
	r, noise, _ := reader(strings.Join(all, "\r\n") + "\r\n" + `{"id":2,"result":"half`)
	b, err := io.ReadAll(r)
	if got := strings.Fields(string(b)); err != nil || strings.Join(got, "|") != strings.Join(good, "|") {
		t.Errorf("got %q, %v", got, err)
	}
	if got := strings.Fields(noise.String()); strings.Join(got, "|") != strings.Join(bad, "|") {
		t.Errorf("the noise is %q", got)
	}
	if len(r.slots.notes) != 1 || len(r.slots.asked) != 1 || len(r.slots.huge) != 0 {
		t.Errorf("slots: %d %d %d", len(r.slots.notes), len(r.slots.asked), len(r.slots.huge))
	}
}

func TestReadingIsBounded(t *testing.T) {
	huge := strings.Repeat("x", hugeParams)
	for name, c := range map[string]struct {
		line string
		most int // of such lines
	}{
		"notifications":       {`{"method":"session/update","params":{}}`, mostNotes},
		"requests":            {`{"id":1,"method":"x"}`, mostAsked},
		"huge notifications":  {`{"method":"session/update","params":"` + huge + `"}`, mostHuge},
		"requests of updates": {`{"id":1,"method":"session/update","params":{}}`, mostAsked},
	} {
		r, _, fault := reader(strings.Repeat(c.line+"\n", c.most+2))
		b, err := io.ReadAll(r)
		if n := bytes.Count(b, []byte("\n")); n != c.most || err != nil || *fault != nil {
			t.Errorf("%s: %d lines, %v, %v", name, n, err, *fault)
		}
	}
	r, _, _ := reader(`{"id":"q","method":"session/request_permission","params":"` + huge + `"}` + "\n")
	if b, err := io.ReadAll(r); err != nil || string(b) != `{"jsonrpc":"","id":"q","method":"_postern/too_long"}`+"\n" {
		t.Errorf("a huge request: %.100q, %v", b, err)
	}
	r, _, fault := reader(strings.Repeat("x", longLine+1))
	if _, err := io.ReadAll(r); !errors.Is(err, errLongLine) || !errors.Is(*fault, errLongLine) {
		t.Errorf("a long line: %v, %v", err, *fault)
	}
	r, _, fault = reader(`{"id":1,"result":"` + strings.Repeat("x", longLine-100) + `"}` + "\n")
	if b, err := io.ReadAll(r); err != nil || len(b) < longLine-100 || *fault != nil {
		t.Errorf("a line that is long, and not too long: %d bytes, %v", len(b), err)
	}
}
