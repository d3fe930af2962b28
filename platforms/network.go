package platforms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Network explains why service, a name for people, could not be reached. Its
// kind is always Temporary: a network comes back.
//
// The cause is kept without the address that net/url puts around it, because
// some platforms carry the credential in the path. Where a secret might still
// be in the cause's own words, the connector redacts it. Network(nil, …) is nil.
func Network(err error, service string) *Error {
	if err == nil {
		return nil
	}
	for {
		var u *url.Error
		if !errors.As(err, &u) || u.Err == nil {
			break
		}
		err = u.Err
	}
	return &Error{Kind: Temporary, Text: networkText(err, service), Err: err}
}

// networkText is one sentence about err, and what to do.
func networkText(err error, service string) string {
	const again = " The next try follows by itself."
	var (
		dns     *net.DNSError
		op      *net.OpError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		verify  *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		timeout net.Error
	)
	text := err.Error()
	isOp := errors.As(err, &op)
	switch {
	case strings.Contains(text, "Proxy Authentication Required"):
		return "The proxy wants a name and a password to let " + service + " through. Add them to the proxy setting."
	case isOp && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks")):
		return "The proxy on the way to " + service + " does not work. Check the proxy setting." + again
	case errors.As(err, &dns) && dns.IsNotFound:
		return "The address of " + service + " was not found. Check the network connection and its DNS server." + again
	case errors.As(err, &dns):
		return "The address of " + service + " could not be looked up. Check the network connection and its DNS server." + again
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The certificate of " + service + " is not valid at " + time.Now().Format("15:04 on 2 January 2006") +
			", which is what this computer's clock says. Set the clock right." + again
	case errors.As(err, &unknown):
		return "Somebody else's certificate came instead of that of " + service +
			". A proxy or virus scanner may be looking into the connection: make it trust this program, or use another network."
	case errors.As(err, &invalid), errors.As(err, &host), errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert):
		return "No secure connection to " + service + " came about. A sign-in page of the network may be in between: open a web page to see." + again
	case networkDown(err):
		return "There is no network connection to " + service + ". Check the cable, Wi-Fi or VPN." + again
	case is(err, syscall.ECONNREFUSED, 10061):
		return "Nothing answers at the address of " + service + ". It may be down, or a firewall is in between." + again
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return service + " did not answer in time. Check the network." + again
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), is(err, syscall.ECONNRESET, 10054), is(err, syscall.EPIPE, 10053):
		return "The connection to " + service + " broke off." + again
	}
	return service + " could not be reached. Check the network." + again
}

func networkDown(err error) bool {
	return is(err, syscall.ENETUNREACH, 10051) || is(err, syscall.EHOSTUNREACH, 10065) || is(err, syscall.ENETDOWN, 10050)
}

// is reports whether err is a system's error number. Windows reports those of
// Winsock, which package syscall does not equate with the POSIX names.
func is(err error, posix syscall.Errno, winsock uintptr) bool {
	var n syscall.Errno
	if !errors.As(err, &n) {
		return false
	}
	return n == posix || runtime.GOOS == "windows" && uintptr(n) == winsock
}

// Loopback reports whether host is this computer, and needs no name server to
// say so.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
