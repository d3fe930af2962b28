package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/ingress/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broker is a third kind of Source: messages with sequences, each acknowledged
// after it was taken, replayed from a sequence. It shows that the contract holds
// for one.
type broker struct {
	log   []string // sequences begin at 1
	first int      // the oldest that is kept
	acked map[int]int
}

var _ relay.Source = (*broker)(nil)

var errCut = errors.New("cut")

func (b *broker) Run(ctx context.Context, from relay.Cursor, sink relay.Sink) error {
	at := len(b.log) // without a cursor: from now
	if from != "" {
		if _, err := fmt.Sscan(string(from), &at); err != nil {
			return err
		}
	}
	if err := sink.Ready(ctx, relay.Cursor(fmt.Sprint(at))); err != nil {
		return err
	}
	if at+1 < b.first {
		at = b.first - 1
		if err := sink.Gap(ctx, relay.Gap{Certain: true, Cursor: relay.Cursor(fmt.Sprint(at))}); err != nil {
			return err
		}
	}
	return relay.Hand(ctx, relay.Bounds{Items: 2, Bytes: 10}, func(_ context.Context, give func(int, int) error) error {
		for seq := at + 1; seq <= len(b.log); seq++ {
			if err := give(seq, len(b.log[seq-1])); err != nil {
				return err
			}
		}
		return errCut
	}, func(ctx context.Context, seq int) error {
		_, err := sink.Take(ctx, relay.Request{ID: fmt.Sprint("m", seq), Cursor: relay.Cursor(fmt.Sprint(seq)), Body: []byte(b.log[seq-1]), Exact: true})
		if err == nil {
			b.acked[seq]++
		}
		return err
	})
}

type sink struct {
	cursor relay.Cursor
	bodies []string
	gaps   int
	fail   error
}

func (s *sink) Ready(_ context.Context, at relay.Cursor) error { s.cursor = at; return nil }

func (s *sink) Take(_ context.Context, r relay.Request) (relay.Response, error) {
	if s.fail != nil && len(s.bodies) == 2 {
		return relay.Response{}, s.fail
	}
	s.bodies, s.cursor = append(s.bodies, string(r.Body)), r.Cursor
	return relay.Response{}, nil
}

func (s *sink) Gap(_ context.Context, g relay.Gap) error {
	s.gaps++
	s.cursor = g.Cursor
	return nil
}

func TestBrokerFitsTheContract(t *testing.T) {
	b := &broker{first: 1, acked: map[int]int{}}
	s := &sink{fail: errors.New("disk full")}
	if err := b.Run(t.Context(), "", s); !errors.Is(err, errCut) || s.cursor != "0" {
		t.Fatalf("%v, cursor %q", err, s.cursor)
	}
	b.log = []string{"a", "b", "c", "d", strings.Repeat("e", 100)}
	if err := b.Run(t.Context(), s.cursor, s); !errors.Is(err, s.fail) || s.cursor != "2" || len(b.acked) != 2 {
		t.Fatalf("%v, cursor %q, acknowledged %v", err, s.cursor, b.acked)
	}
	s.fail, b.first = nil, 4
	if err := b.Run(t.Context(), s.cursor, s); !errors.Is(err, errCut) || s.gaps != 1 || strings.Join(s.bodies, "")[:3] != "abd" || len(b.acked) != 4 {
		t.Fatalf("%v, %+v, acknowledged %v", err, s, b.acked)
	}
}

func TestHandBoundsBytesAndStopsWithTheContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	given := make(chan int, 10)
	taking, taken := make(chan struct{}), 0
	done := make(chan error, 1)
	go func() {
		done <- relay.Hand(ctx, relay.Bounds{Items: 10, Bytes: 10}, func(_ context.Context, give func(int, int) error) error {
			for i := range 5 {
				if err := give(i, 6); err != nil {
					return err
				}
				given <- i
			}
			return errCut
		}, func(ctx context.Context, _ int) error {
			taken++
			close(taking)
			<-ctx.Done()
			return nil
		})
	}()
	<-taking
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) || taken != 1 || len(given) != 1 {
		t.Errorf("%v; %d taken, %d given of which one fits", err, taken, len(given))
	}
}

func TestHandTakesAllThatCame(t *testing.T) {
	sum := 0
	err := relay.Hand(t.Context(), relay.Bounds{Items: 100, Bytes: 100}, func(_ context.Context, give func(int, int) error) error {
		for i := range 50 {
			if err := give(i, 1); err != nil {
				return err
			}
		}
		return errCut
	}, func(_ context.Context, i int) error { sum += i; return nil })
	if !errors.Is(err, errCut) || sum != 49*50/2 {
		t.Errorf("%v, sum %d", err, sum)
	}
}

func TestRecentIsBounded(t *testing.T) {
	r := relay.NewRecent(3)
	r.Add("", 200)
	for i := range 5 {
		r.Add(fmt.Sprint(i), 200+i)
		r.Add(fmt.Sprint(i), 200+i)
	}
	for i := range 5 {
		status, known := r.Status(fmt.Sprint(i))
		if known != (i >= 2) || known && status != 200+i {
			t.Errorf("%d: %d %v", i, status, known)
		}
	}
	if _, known := r.Status(""); known || r.Len() != 3 {
		t.Errorf("%d remembered", r.Len())
	}
}

func TestHeaders(t *testing.T) {
	h, ok := relay.Headers(map[string][]string{"x-a": {"1", "2\r\nx-b: 3"}, "X-A": {" 0 "}, "host": {"evil"}, "transfer-encoding": {"chunked"}, "content-length": {"9"},
		"": {"x"}, "a b": {"x"}, "ünïcode": {"x"}, "X-U": {"ü\ttab"}})
	if !ok || len(h) != 2 || strings.Join(h["X-A"], ",") != "0,1" || h.Get("X-U") != "ü\ttab" {
		t.Errorf("%v %v", h, ok)
	}
	if _, ok := relay.Headers(map[string][]string{"x": make([]string, 200)}); ok {
		t.Error("200 fields are taken")
	}
	if _, ok := relay.Headers(map[string][]string{"x": {strings.Repeat("y", 20<<10)}}); ok {
		t.Error("20 KiB are taken")
	}
}

func TestHTTPGoesWhereTheRouteIs(t *testing.T) {
	r := relay.Request{Method: "PUT", Query: "a=1", Header: http.Header{"X": {"y"}}, Body: []byte("body")}
	q := r.HTTP(t.Context(), "/hook/1")
	body, err := io.ReadAll(q.Body)
	if err != nil || string(body) != "body" || q.ContentLength != 4 || q.Method != "PUT" || q.URL.String() != "/hook/1?a=1" || q.RequestURI != "/hook/1?a=1" || q.RemoteAddr != "" {
		t.Errorf("%+v %q %v", q, body, err)
	}
	q.Header.Set("X", "z")
	if r.Header.Get("X") != "y" {
		t.Error("the request's header is shared")
	}
}

func TestAddress(t *testing.T) {
	for _, good := range []string{"https://a.example", "https://a.example:8443/relay/", "http://127.0.0.1:80", "http://[::1]", "http://localhost:9"} {
		if _, err := relay.Address(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a.example", "http://a.example", "http://127.0.0.1.example", "ftp://a.example", "https://", "https://:443", "https://u@a.example", "https://a.example?x", "https://a.example/#x", "https://a b"} {
		if u, err := relay.Address(bad); err == nil {
			t.Errorf("%s: taken as %v", bad, u)
		}
	}
}
