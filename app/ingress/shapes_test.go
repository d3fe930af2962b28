package ingress

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func hexSign(secret, stamp, body string) string {
	return hex.EncodeToString(sign(secret, stamp, []byte(body)))
}

// gzipped is a megabyte of nothing, packed.
func gzipped() string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Close()
	return b.String()
}

func TestChunks(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	head := "POST " + here + " HTTP/1.1\r\nHost: " + g.addr + "\r\nTransfer-Encoding: chunked\r\n"
	big := strings.Repeat("10000\r\n"+strings.Repeat("x", 0x10000)+"\r\n", 20) + "0\r\n\r\n"
	g.try(t, []row{
		{"honest", head + signed("{}") + "\r\n2\r\n{}\r\n0\r\n\r\n", []int{200}, 1},
		{"with extensions", head + signed("{}") + "\r\n2;a=b\r\n{}\r\n0;x\r\n\r\n", []int{200}, 1},
		{"with trailers", head + "Trailer: X-Late\r\n" + signed("{}") + "\r\n2\r\n{}\r\n0\r\nX-Late: 1\r\n\r\n", []int{200}, 1},
		{"a signature in the trailer", head + "Trailer: X-Time, X-Signature\r\n\r\n2\r\n{}\r\n0\r\n" + signed("{}") + "\r\n", []int{0}, 0},
		{"a huge size", head + "\r\nfffffffffffffff\r\n{}\r\n", []int{0}, 0},
		{"a size beyond any number", head + "\r\nffffffffffffffffffff\r\n{}\r\n", []int{0}, 0},
		{"a negative size", head + "\r\n-1\r\n{}\r\n0\r\n\r\n", []int{0}, 0},
		{"no size", head + "\r\n\r\n{}\r\n0\r\n\r\n", []int{0}, 0},
		{"a size with 0x", head + signed("{}") + "\r\n0x2\r\n{}\r\n0\r\n\r\n", []int{0}, 0},
		{"a size too small", head + signed("{}") + "\r\n1\r\n{}\r\n0\r\n\r\n", []int{0}, 0},
		{"no end", head + signed("{}") + "\r\n2\r\n{}\r\n", []int{0}, 0},
		{"extensions without end", head + "\r\n2;" + strings.Repeat("a", 1<<20), []int{0}, 0},
		{"many small chunks with long extensions", head + "\r\n" + strings.Repeat("1;"+strings.Repeat("a", 2000)+"\r\nx\r\n", 500), []int{0}, 0},
		{"trailers without end", head + "\r\n0\r\n" + strings.Repeat("A: b\r\n", 200_000), []int{0}, 0},
		{"more than the bound", head + "\r\n" + big, []int{0}, 0},
	})
}

// TestSmuggling sends what a proxy and a server may read as different requests.
// Whoever reads it as Postern does must find one request and a closed
// connection: nothing behind it is read as a second one.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	head := "POST " + here + " HTTP/1.1\r\nHost: " + g.addr + "\r\n"
	second := g.genuine("{}")
	chunks := "2\r\n{}\r\n0\r\n\r\n"
	both := func(first, then string) string { return head + signed("{}") + first + then + "\r\n" + chunks + second }
	length := fmt.Sprintf("Content-Length: %d\r\n", len(chunks)+len(second))
	te := "Transfer-Encoding: chunked\r\n"
	g.try(t, []row{
		{"CL.TE", both(length, te), []int{200}, 1},
		{"TE.CL", both(te, "Content-Length: 2\r\n"), []int{200}, 1},
		{"CL.TE, HTTP/1.0", strings.Replace(both(length, te), "HTTP/1.1", "HTTP/1.0", 1), []int{0}, 0},
		{"TE: identity", both("Transfer-Encoding: identity\r\n", "Content-Length: 2\r\n"), []int{501}, 0},
		{"TE: chunked, identity", both("Transfer-Encoding: chunked, identity\r\n", "Content-Length: 2\r\n"), []int{501}, 0},
		{"TE: identity, chunked", both("Transfer-Encoding: identity, chunked\r\n", ""), []int{501}, 0},
		{"TE twice", both(te, te), []int{501}, 0},
		{"TE: xchunked", both("Transfer-Encoding: xchunked\r\n", "Content-Length: 2\r\n"), []int{501}, 0},
		{"TE of another case", both("Transfer-Encoding: cHuNkEd\r\n", ""), []int{200}, 1},
		{"TE with a vertical tab", both("Transfer-Encoding: \vchunked\r\n", ""), []int{400}, 0},
		{"a space before the colon", both("Transfer-Encoding : chunked\r\n", "Content-Length: 2\r\n"), []int{400}, 0},
		{"a tab before the colon", both("Transfer-Encoding\t: chunked\r\n", "Content-Length: 2\r\n"), []int{400}, 0},
		{"a folded line", both("Transfer-Encoding:\r\n chunked\r\n", ""), []int{200}, 1},
		{"a line that begins with a space", head + " Transfer-Encoding: chunked\r\n\r\n" + chunks + second, []int{400}, 0},
		{"a bare CR", both("X: a\rTransfer-Encoding: chunked\r\n", "Content-Length: 2\r\n"), []int{400}, 0},
		{"bare LF in chunks", head + signed("{}") + te + "\r\n2\n{}\n0\n\n" + second, []int{0}, 0},
		{"an empty name", both(": chunked\r\n", "Content-Length: 2\r\n"), []int{400}, 0},
		{"a second request behind a bad one", g.post(here, "", "{}") + second, []int{0}, 0},
		{"a second request behind an unknown path", g.post(nowhere, "", "{}") + second, []int{0}, 0},
		{"a bad one behind a genuine one", second + g.post(here, "", "{}") + second, []int{200, 0}, 1},
		{"three genuine ones", second + second + strings.Replace(second, "\r\n", "\r\nConnection: close\r\n", 1), []int{200, 200, 200}, 3},
		{"a GET with a body that is a request", "GET " + here + " HTTP/1.1\r\nHost: " + g.addr + "\r\n" + length + "\r\n" + chunks + second, []int{0}, 0},
	})
}
