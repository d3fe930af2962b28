package platforms_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/postern/postern/platforms"
)

func TestNetworkSentences(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no such name", &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, "was not found"},
		{"dns server silent", &net.DNSError{Err: "i/o timeout", IsTimeout: true}, "could not be looked up"},
		{"no network", dial(syscall.ENETUNREACH), "no network connection"},
		{"no route", dial(syscall.EHOSTUNREACH), "no network connection"},
		{"refused", dial(syscall.ECONNREFUSED), "Nothing answers"},
		{"clock wrong", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, "clock"},
		{"intercepted", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "virus scanner"},
		{"sign-in page", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "secure connection"},
		{"other name", x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}, "secure connection"},
		{"proxy wants a password", errors.New("Proxy Authentication Required"), "name and a password"},
		{"proxy down", &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(syscall.ECONNREFUSED)}, "proxy"},
		{"deadline", context.DeadlineExceeded, "in time"},
		{"deadline of a connection", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "in time"},
		{"cut", io.ErrUnexpectedEOF, "broke off"},
		{"reset", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "broke off"},
		{"anything else", errors.New("gremlins"), "could not be reached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wrapped := &url.Error{Op: "Post", URL: "https://x/bot1:secret/getMe", Err: tt.err}
			got := platforms.Network(fmt.Errorf("call: %w", wrapped), "Telegram")
			if got.Kind != platforms.Temporary {
				t.Errorf("kind %q, want temporary", got.Kind)
			}
			if !strings.Contains(got.Text, tt.want) || !strings.Contains(got.Text, "Telegram") {
				t.Errorf("sentence %q does not say %q", got.Text, tt.want)
			}
			if strings.Contains(got.Error(), "secret") {
				t.Errorf("the address is in %q", got.Error())
			}
		})
	}
	if platforms.Network(nil, "Telegram") != nil {
		t.Error("no error must stay no error")
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "127.0.0.1.example.org": false, "localhost.example.org": false, "192.168.1.1": false} {
		if platforms.Loopback(host) != want {
			t.Errorf("%q: not %v", host, want)
		}
	}
}
