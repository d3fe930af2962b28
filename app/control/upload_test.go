package control_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/app/control/socket"
	"github.com/postern/postern/platforms"
)

var draft = api.Draft{Account: "pigeon", Conversation: "c1", Text: "see"}

func TestUpload(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{})
	e, err := dial(t, dir).Send(t.Context(), draft,
		client.File{Name: "a \"b\".txt", MediaType: "text/plain", Body: strings.NewReader("one\r\n--boundary")},
		client.File{Name: "empty", Body: strings.NewReader("")},
		client.File{Name: "big", Body: bytes.NewReader(bytes.Repeat([]byte("0123456789"), 1<<16))})
	if err != nil {
		t.Fatal(err)
	}
	if e.Seq != 3 || e.Text != "see" || len(e.Attachments) != 3 || e.Attachments[0] != (api.Attachment{Name: "a \"b\".txt", MediaType: "text/plain"}) {
		t.Errorf("%+v", e)
	}
	if got := b.File("a \"b\".txt"); string(got) != "one\r\n--boundary" {
		t.Errorf("%q", got)
	}
	if got := b.File("big"); !bytes.Equal(got, bytes.Repeat([]byte("0123456789"), 1<<16)) {
		t.Errorf("%d bytes arrived", len(got))
	}
}

// endless gives n bytes of a repeated random block, and hashes them.
type endless struct {
	block []byte
	n     int64
	sum   hash.Hash
}

func (e *endless) Read(b []byte) (int, error) {
	if e.n <= 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), e.n)], e.block)
	e.n -= int64(n)
	e.sum.Write(b[:n])
	return n, nil
}

func TestUploadStreams(t *testing.T) {
	const size = 64 << 20
	block := make([]byte, 32<<10)
	_, _ = rand.Read(block)
	in := &endless{block: block, n: size, sum: sha256.New()}
	out := sha256.New()
	var peak atomic.Uint64
	b := controltest.New()
	b.Take = func(u control.Upload) error {
		buf := make([]byte, 256<<10)
		for i := 0; ; i++ {
			n, err := u.Body.Read(buf)
			out.Write(buf[:n])
			if i%256 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.HeapAlloc))
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	dir, _ := start(t, b, control.Options{})
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := dial(t, dir).Send(t.Context(), draft, client.File{Name: "big", Body: in}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(in.sum.Sum(nil), out.Sum(nil)) {
		t.Error("what arrived differs")
	}
	grew := int64(peak.Load()) - int64(before.HeapAlloc)
	t.Logf("%d MiB went through while the heap grew by %.1f MiB at most", size>>20, float64(grew)/(1<<20))
	if grew > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grew>>20)
	}
}

func TestUploadRefusals(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{MaxFile: 1 << 20})
	sent := func() bool {
		n := 0
		list, err := b.Timeline(context.Background(), "pigeon", "c1", 0, 0)
		if n = len(list); err != nil {
			t.Fatal(err)
		}
		return n > 2
	}
	t.Run("a file too large", func(t *testing.T) {
		var wire *api.Error
		_, err := dial(t, dir).Send(t.Context(), draft, client.File{Name: "big", Body: &endless{block: make([]byte, 4096), n: 1<<20 + 1, sum: sha256.New()}})
		if !errors.As(err, &wire) || !strings.Contains(wire.Text, "larger than 1 MiB") {
			t.Error(err)
		}
	})
	t.Run("one of the greatest size goes through", func(t *testing.T) {
		b := controltest.New()
		dir, _ := start(t, b, control.Options{MaxFile: 1 << 20})
		if _, err := dial(t, dir).Send(t.Context(), draft, client.File{Name: "big", Body: bytes.NewReader(make([]byte, 1<<20))}); err != nil {
			t.Error(err)
		}
	})
	t.Run("too many files", func(t *testing.T) {
		files := make([]client.File, 21)
		for i := range files {
			files[i] = client.File{Name: fmt.Sprint(i), Body: strings.NewReader("x")}
		}
		var wire *api.Error
		if _, err := dial(t, dir).Send(t.Context(), draft, files...); !errors.As(err, &wire) {
			t.Error(err)
		}
	})
	t.Run("the backend says no, early", func(t *testing.T) {
		b := controltest.New()
		b.Err = func(string) error { return &api.Error{Kind: platforms.Rejected, Text: "No such account."} }
		dir, _ := start(t, b, control.Options{})
		_, err := dial(t, dir).Send(t.Context(), draft, client.File{Name: "big", Body: &endless{block: make([]byte, 4096), n: 8 << 20, sum: sha256.New()}})
		if err == nil || err.Error() != "No such account." {
			t.Error(err)
		}
	})
	t.Run("a file that can't be read", func(t *testing.T) {
		_, err := dial(t, dir).Send(t.Context(), draft, client.File{Name: "bad", Body: io.MultiReader(strings.NewReader("x"), bad{})})
		if err == nil || !strings.Contains(err.Error(), "disk on fire") {
			t.Error(err)
		}
	})
	t.Run("no Postern", func(t *testing.T) {
		_, err := dial(t, t.TempDir()).Send(t.Context(), draft, client.File{Name: "x", Body: strings.NewReader("x")})
		if !errors.Is(err, client.ErrNotRunning) {
			t.Error(err)
		}
	})

	const head = "--B\r\nContent-Disposition: form-data; name=\"parcel\"\r\n\r\n{\"draft\":{\"account\":\"pigeon\",\"conversation\":\"c1\"},\"files\":[{\"name\":\"f\"}]}\r\n"
	const file = "--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncontent\r\n"
	for name, body := range map[string]string{
		"nothing":             "",
		"no parcel":           file + "--B--\r\n",
		"no file":             head + "--B--\r\n",
		"a file cut off":      head + file[:len(file)-4],
		"the form cut off":    head + file,
		"a file too many":     head + file + file + "--B--\r\n",
		"an unknown field":    strings.Replace(head, "draft", "darft", 1) + file + "--B--\r\n",
		"a part of other ilk": head + strings.Replace(file, "file", "elif", 1) + "--B--\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, dir, request(t, "POST", "/v1/messages", body, "Content-Type", "multipart/form-data; boundary=B"), http.StatusBadRequest)
		})
	}
	t.Run("no boundary", func(t *testing.T) {
		refused(t, dir, request(t, "POST", "/v1/messages", head, "Content-Type", "multipart/form-data"), http.StatusBadRequest)
	})
	t.Run("a parcel too large", func(t *testing.T) {
		big := strings.Replace(head, `"files"`, `"`+strings.Repeat("x", control.MaxJSON)+`"`, 1)
		refused(t, dir, request(t, "POST", "/v1/messages", big+file+"--B--\r\n", "Content-Type", "multipart/form-data; boundary=B"), http.StatusRequestEntityTooLarge)
	})
	if sent() {
		t.Error("something was sent all the same")
	}
}

// A client may send all of its request before it reads an answer.
func TestUploadRefusalReachesBusyClient(t *testing.T) {
	b := controltest.New()
	b.Err = func(string) error { return &api.Error{Kind: platforms.Rejected, Text: "No such account."} }
	dir, _ := start(t, b, control.Options{})
	conn, err := socket.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const size = 8 << 20
	head := "--B\r\nContent-Disposition: form-data; name=\"parcel\"\r\n\r\n{\"draft\":{},\"files\":[{\"name\":\"f\"}]}\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"
	const tail = "\r\n--B--\r\n"
	fmt.Fprintf(conn, "POST /v1/messages HTTP/1.1\r\nHost: postern\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n%s", len(head)+size+len(tail), head)
	if n, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatalf("after %d bytes: %v", n, err)
	}
	if _, err := io.WriteString(conn, tail); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(body), "No such account.") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

type bad struct{}

func (bad) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestClientMakesKeys(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{})
	if _, err := dial(t, dir).Send(t.Context(), draft); err != nil {
		t.Fatal(err)
	}
	if keys := b.Keys(); len(keys) != 1 || len(keys[0]) < 26 {
		t.Errorf("keys %q", keys)
	}
}
