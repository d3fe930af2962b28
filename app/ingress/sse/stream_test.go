package sse

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

func TestDecoder(t *testing.T) {
	// After https://html.spec.whatwg.org/multipage/server-sent-events.html.
	const stream = "\xef\xbb\xbf: a comment\ndata: one\r\ndata:two\rdata\r\n\r\n" +
		"id: 1\nevent: add\ndata:  x\n\n" +
		"data\n\n" +
		"event: none\n\n" +
		"id: bad\x00id\ndata: still 1\n\n" +
		"id\ndata: none\n\n" +
		"retry: 10x\nretry: 1500\ndataset: no\ndata: last\n\n" +
		"data: cut"
	want := []event{
		{data: []byte("one\ntwo\n")},
		{kind: "add", data: []byte(" x"), id: "1", last: "1"},
		{data: []byte(""), last: "1"},
		{data: []byte("still 1"), last: "1"},
		{data: []byte("none")},
		{data: []byte("last")},
	}
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream))} {
		d := newDecoder(r, 1000, 1000, func() {})
		for i, w := range want {
			e, err := d.next()
			if err != nil || e.kind != w.kind || !bytes.Equal(e.data, w.data) || e.id != w.id || e.last != w.last || e.large {
				t.Errorf("%s, %d: %+v %q %v", name, i, e, e.data, err)
			}
		}
		if _, err := d.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: an event that the stream ended within came", name)
		}
		if d.retry != 1500*time.Millisecond {
			t.Errorf("retry %v", d.retry)
		}
	}
}

func TestSlowTakeIsNotSilence(t *testing.T) {
	s, err := New(Options{Kind: Gosmee, Server: "https://relay.example", Channel: platforms.NewSecret("c"), Name: "n", Client: &http.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	dog := newWatch(time.Hour, func() {})
	defer dog.rest()
	var wish time.Duration
	requests := 0
	err = s.read(t.Context(), &http.Response{Body: io.NopCloser(strings.NewReader("data: {\"bodyB\":\"\"}\n\n"))}, dog, &wish, func(a arrival, _ int) error {
		if !a.hello {
			requests++
			if !dog.resting {
				t.Error("the watch goes on while a request waits")
			}
		}
		return nil
	})
	if !errors.Is(err, io.EOF) || requests != 1 || dog.resting {
		t.Errorf("%v, %d requests, resting %v", err, requests, dog.resting)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("id: 1\nevent: a\r\ndata: x\r\rdata: y\n\n"))
	f.Add([]byte("\xef\xbb\xbfdata\n\n:::\nretry: 9999999999\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all := func(r io.Reader) (events []event) {
			d := newDecoder(r, 64, 100, func() {})
			for {
				e, err := d.next()
				if err != nil {
					return events
				}
				if len(e.data) > 100 || len(e.id) > idMost || strings.ContainsAny(e.id, "\r\n ") {
					t.Errorf("%+v", e)
				}
				events = append(events, e)
			}
		}
		// How the bytes come must not matter.
		x, y := all(bytes.NewReader(b)), all(iotest.OneByteReader(bytes.NewReader(b)))
		if len(x) != len(y) {
			t.Fatalf("%d events, %d byte by byte", len(x), len(y))
		}
		for i := range x {
			if !bytes.Equal(x[i].data, y[i].data) || x[i].id != y[i].id || x[i].kind != y[i].kind || x[i].large != y[i].large {
				t.Errorf("%+v, %+v", x[i], y[i])
			}
		}
	})
}

func FuzzPayload(f *testing.F) {
	for _, s := range []string{`{"bodyB":"e30=","x-a":"b","timestamp":"1700000000000"}`, `{"body":{"a":1},"query":{"a":["1","2"]},"timestamp":1700000000000,"host":"h"}`,
		`{"message":"connected"}`, `ready`, `{"body":"a=1","content-type":"application/x-www-form-urlencoded"}`, `{"bodyb":"x","BODYB":"y","body":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, control, err := parse(b)
		if control || err != nil {
			return
		}
		if !relay.ValidQuery(q.Query) || q.Method != "POST" {
			t.Errorf("%+v", q)
		}
		if r := q.HTTP(t.Context(), "/hook"); r.URL.Path != "/hook" || r.Host != "relayed.invalid" {
			t.Errorf("%+v", r)
		}
	})
}
