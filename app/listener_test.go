package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// FuzzListener holds what is read of a listener to what may be listened on.
func FuzzListener(f *testing.F) {
	f.Add("127.0.0.1:47822", "https://bot.example.org", "10.0.0.0/8", "192.0.2.7")
	f.Add("[::1]:1", "bot.example.org:8443", "", "")
	f.Add("[::ffff:127.0.0.1]:1", "http://127.0.0.1:1", "::ffff:10.0.0.0/104", "fe80::1%eth0")
	f.Add(":0", "//", "0.0.0.0/0", "::/0")
	f.Fuzz(func(t *testing.T, bind, public, proxy, allow string) {
		l, err := readListener(api.Listener{Bind: bind, Public: public, Proxies: []string{proxy}, Allow: []string{allow}}, platforms.Webhook)
		if err != nil {
			return
		}
		if !l.bind.IsValid() || l.bind.Port() == 0 || l.bind.Addr().Zone() != "" || l.bind.Addr().Is4In6() {
			t.Errorf("binds %v", l.bind)
		}
		if l.public == nil || l.public.Path != "" || l.public.User != nil || l.host == "" || l.host != strings.ToLower(l.host) {
			t.Errorf("public %v, host %q", l.public, l.host)
		}
		if l.public != nil && l.public.Scheme == "http" && exposure.OfHost(l.public.Hostname(), nil) == exposure.Anyone {
			t.Errorf("in the clear: %v", l.public)
		}
		for _, p := range append(l.proxies, l.allow...) {
			if !p.IsValid() || p != p.Masked() || p.Addr().Is4In6() {
				t.Errorf("prefix %v", p)
			}
		}
		for _, p := range l.proxies {
			if p.Bits() == 0 {
				t.Errorf("everybody is a proxy: %v", p)
			}
		}
		again, err := readListener(api.Listener{Bind: l.bind.String(), Public: l.public.Scheme + "://" + l.public.Host}, platforms.Webhook)
		if err != nil || again.bind != l.bind || again.host != l.host {
			t.Errorf("what was read reads otherwise: %v %v %q, %v %q", err, again.bind, again.host, l.bind, l.host)
		}
	})
}

func TestHostsAreWrittenAlike(t *testing.T) {
	for in, want := range map[string]string{
		"bot.example.org": "bot.example.org", "https://BOT.example.org./": "bot.example.org", "https://bot.example.org:": "bot.example.org",
		"https://bot.example.org:443": "bot.example.org", "https://bot.example.org:8443": "bot.example.org:8443", "https://[2001:db8::1]:8443": "[2001:db8::1]:8443",
	} {
		l, err := readListener(api.Listener{Bind: "127.0.0.1:1", Public: in}, platforms.Webhook)
		if err != nil || l.host != want {
			t.Errorf("%s: %v %q, want %q", in, err, l.host, want)
		}
	}
}

// certify writes a certificate for 127.0.0.1 with a serial number.
func certify(t *testing.T, cert, key string, serial int64) *x509.CertPool {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{{127, 0, 0, 1}}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{key: {Type: "EC PRIVATE KEY", Bytes: raw}, cert: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	later := time.Now().Add(time.Duration(serial) * time.Second) // two files within one tick differ
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool
}

// TestTheirOwnCertificate serves TLS with the person's files, and with renewed
// ones without a restart.
func TestTheirOwnCertificate(t *testing.T) {
	w, _ := opened(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := certify(t, cert, key, 1)
	bind := freePort(t)
	if _, err := w.app.SetListener(t.Context(), "fake", api.Listener{Bind: bind, Public: "https://bot.example.org", Cert: cert, Key: key}, "window"); err != nil {
		t.Fatal(err)
	}
	q, err := w.app.Ask(t.Context(), "fake")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.Acknowledge(t.Context(), "fake", yes(q, 1), "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it is open", func() bool { return w.door().Open && w.door().Bind == bind && w.account().Status == api.Connected })
	call := func(pool *x509.CertPool) (serial int64, status int) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+bind+"/in", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Token", "tok-secret-value-1")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.TLS.PeerCertificates[0].SerialNumber.Int64(), resp.StatusCode
	}
	if serial, status := call(pool); serial != 1 || status != 200 {
		t.Errorf("certificate %d, status %d", serial, status)
	}
	if post(t, bind, "tok-secret-value-1", "y") == 200 {
		t.Error("it answers without TLS")
	}
	pool = certify(t, cert, key, 2)
	if serial, _ := call(pool); serial != 2 {
		t.Errorf("certificate %d after it was renewed", serial)
	}
	if err := os.WriteFile(cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if serial, status := call(pool); serial != 2 || status != 200 {
		t.Errorf("certificate %d, status %d while the file is broken", serial, status)
	}
}
