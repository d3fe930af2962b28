package ingress

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// TestTLS: with a certificate of the person's own, a slow or broken handshake
// ends as a slow head does, and the rest is as without.
func TestTLS(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)},
		&x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := quick()
	l.Conns = 30
	g := &rig{t: t, s: New(Options{Limits: l}), bind: ln.Addr().(*net.TCPAddr).AddrPort(), addr: ln.Addr().String()}
	release := g.s.Handle(context.Background(), g.bind, Rule{Account: "a", Route: g.route(here), Hosts: []string{g.addr}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.s.Serve(g.bind, tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}))
	}()
	t.Cleanup(func() { release(); _ = ln.Close(); <-done })

	ask := func(request string) string {
		t.Helper()
		c, err := tls.Dial("tcp4", g.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}) // #nosec G402 -- its own
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
			t.Errorf("the protocol is %q", p)
		}
		_, _ = io.WriteString(c, request)
		b, _ := io.ReadAll(c)
		return string(b)
	}
	genuine := g.post(here, "Connection: close\r\n"+signed("{}"), "{}")
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
	var slow []net.Conn
	for i := range 3 * l.Conns {
		c := g.dial()
		_, _ = io.WriteString(c, []string{"", "\x16", hello, "GET / HTTP/1.1\r\n\r\n"}[i%4])
		slow = append(slow, c)
	}
	if got := ask(genuine); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("beside slow handshakes: %q", got)
	}
	for i, c := range slow {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatalf("slow handshake %d is still open", i)
		}
	}
	if got := ask(g.post(nowhere, "", "{}")); !strings.HasSuffix(got, "\r\n\r\n"+uniform) {
		t.Errorf("%q", got)
	}
	if got := ask(genuine); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("afterwards: %q", got)
	}
}
