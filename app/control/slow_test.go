package control_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/controltest"
)

// oneConn is a listener for a single connection.
type oneConn struct {
	conn chan net.Conn
	done chan struct{}
}

func (l oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l oneConn) Close() error   { close(l.done); return nil }
func (l oneConn) Addr() net.Addr { return &net.UnixAddr{} }

// A deadline for the body must not become one for the answer.
func TestSlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := controltest.New()
		b.Wait = func(ctx context.Context, _ string) {
			select {
			case <-ctx.Done():
				t.Error("the request ended before it was answered")
			case <-time.After(5 * time.Minute):
			}
		}
		ours, theirs := net.Pipe()
		l := oneConn{conn: make(chan net.Conn, 1), done: make(chan struct{})}
		l.conn <- theirs
		srv := &http.Server{Handler: control.New(b, control.Options{}).Handler()}
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(l) }()
		answers := bufio.NewReader(ours)
		for range 2 { // the second on a connection that was used
			const body = `{"account":"pigeon","conversation":"c1","up_to":1}`
			fmt.Fprintf(ours, "POST /v1/read HTTP/1.1\r\nHost: postern\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusNoContent {
				t.Error(resp.Status)
			}
		}
		ours.Close()
		srv.Close()
		<-ended
	})
}

// A body that stops coming is given up.
func TestSlowBody(t *testing.T) {
	for route, want := range map[string]int{"/v1/read": http.StatusRequestTimeout, "/v1/pause": http.StatusNoContent} {
		t.Run(route, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				l := oneConn{conn: make(chan net.Conn, 1), done: make(chan struct{})}
				l.conn <- theirs
				srv := &http.Server{Handler: control.New(controltest.New(), control.Options{}).Handler()}
				ended := make(chan error, 1)
				go func() { ended <- srv.Serve(l) }()
				fmt.Fprintf(ours, "POST %s HTTP/1.1\r\nHost: postern\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", route)
				resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != want {
					t.Error(resp.Status)
				}
				ours.Close()
				srv.Close()
				<-ended
			})
		})
	}
}

// Nor must the deadline for a file's bytes end what follows them.
func TestSlowAnswerToUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := controltest.New()
		b.Take = func(u control.Upload) error {
			_, err := io.Copy(io.Discard, u.Body)
			time.Sleep(5 * time.Minute)
			return err
		}
		ours, theirs := net.Pipe()
		l := oneConn{conn: make(chan net.Conn, 1), done: make(chan struct{})}
		l.conn <- theirs
		var canceled error
		inner := control.New(b, control.Options{}).Handler()
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r)
			canceled = r.Context().Err()
		})}
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(l) }()
		const body = "--B\r\nContent-Disposition: form-data; name=\"parcel\"\r\n\r\n{\"draft\":{},\"files\":[{\"name\":\"f\"}]}\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncontent\r\n--B--\r\n"
		fmt.Fprintf(ours, "POST /v1/messages HTTP/1.1\r\nHost: postern\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusCreated || canceled != nil {
			t.Error(resp.Status, canceled)
		}
		ours.Close()
		srv.Close()
		<-ended
	})
}
