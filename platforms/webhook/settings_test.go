package webhook_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

func field(t *testing.T, key string) platforms.Field {
	t.Helper()
	for _, f := range webhook.Platform().Fields {
		if f.Key == key {
			return f
		}
	}
	t.Fatalf("there is no field %s", key)
	return platforms.Field{}
}

func TestParse(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for key, rows := range map[string]map[string]string{ // what is typed, what is kept; "!" is refused
		"sender":    {"": "", "github": "github", " standard ": "standard", "GitHub": "!", "line": "!"},
		"secret":    {"": "!", "   ": "!", "short": "!", "fifteen letters": "!", "  It's a Secret to Everybody\n": "It's a Secret to Everybody", long: "!", "a secret\nof two lines": "!", "sixteen letters\xff": "!", "whsk_" + long[:44]: "!", "whpk_" + long[:44]: "whpk_" + long[:44]},
		"header":    {"": "", "x-signature:": "X-Signature", "X Signature": "!", "Host": "!", "content-length": "!", long: "!", "X-\u00e9": "!", "a\r\nb": "!"},
		"algorithm": {"": "", "sha256": "sha256", "sha512": "sha512", "sha1": "sha1", "md5": "!", "none": "!"},
		"encoding":  {"": "", "hex": "hex", "base64": "base64", "raw": "!"},
		"prefix":    {"": "", "sha256=": "sha256=", long: "!", "a\x00b": "!"},
		"signed":    {"": "", "body": "body", "ts.body": "ts.body", "nothing": "!"},
		"timestamp": {"": "", "X-When": "X-When", "a b": "!"},
		"event":     {"": "", "/data/id": "/data/id", "/a~1b~0c": "/a~1b~0c", "/a~2": "!", "/a~": "!", "/" + long: "!", "X-Id": "X-Id", "a/b": "!"},
	} {
		f := field(t, key)
		for in, want := range rows {
			got, err := f.Parse(in)
			if want == "!" {
				if err == nil || got != "" {
					t.Errorf("%s: %.40q is taken as %q", key, in, got)
				} else if f.Secret && len(in) > 8 && strings.Contains(err.Error(), in) || !strings.Contains(err.Error(), ". ") || len(err.Error()) > 250 {
					t.Errorf("%s: %v", key, err)
				}
			} else if err != nil || got != want {
				t.Errorf("%s: %q is %q, %v", key, in, got, err)
			}
		}
	}
}

func TestMake(t *testing.T) {
	f := field(t, "secret")
	if !f.Rotates || !f.Secret || !f.Required {
		t.Errorf("%+v", f)
	}
	a, b := f.Make(), f.Make()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a, "whsec_"))
	if a == b || err != nil || len(raw) != 32 || !strings.HasPrefix(a, "whsec_") {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	if kept, err := f.Parse(a); kept != a || err != nil {
		t.Errorf("its own field refuses it: %v", err)
	}
	for _, s := range services {
		if _, err := webhook.Platform().New(account(s, a, nil)); err != nil {
			t.Errorf("%s refuses it: %v", s, err)
		}
	}
}

// TestFailsClosed has no account made that would let in who knows no secret.
func TestFailsClosed(t *testing.T) {
	short := base64.StdEncoding.EncodeToString(make([]byte, 23))
	for _, s := range services {
		for name, v := range map[string]string{
			"none": "", "blank": "                    ", "too short": "fifteen letters", "a private key": "whsk_" + strings.Repeat("A", 44),
			"half a public key": "whpk_AAAA" + strings.Repeat("A", 20),
		} {
			refused(t, string(s)+", "+name, account(s, v, ingresstest.New()), platforms.Unauthorized)
		}
	}
	public := "whpk_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	for _, s := range []webhooktest.Service{gh, gl, st, sl, wx, pl} { // whoever has the public key could sign
		refused(t, string(s)+", a public key", account(s, public, ingresstest.New()), platforms.Unauthorized)
	}
	for name, v := range map[string]string{"23 bytes": "whsec_" + short, "65 bytes": "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)), "no base64": "whsec_?????????????????????????????????????????????"} {
		refused(t, name, account(std, v, ingresstest.New()), platforms.Unauthorized)
	}
}

func TestSettings(t *testing.T) {
	good := timedSettings()
	with := func(key, value string) map[string]string {
		m := maps.Clone(good)
		m[key] = value
		return m
	}
	config := account(pl, secret, ingresstest.New())
	config.Settings = good
	if _, err := webhook.Platform().New(config); err != nil {
		t.Fatal(err)
	}
	for name, settings := range map[string]map[string]string{
		"another sender": with("sender", "teapot"), "no header": with("header", ""), "no time header": with("timestamp", ""), "one header for both": with("timestamp", "X-SUM"),
		"the signature as id": with("event", "x-sum"), "another algorithm": with("algorithm", "md5"), "a bad pointer": with("event", "/~"), "an impossible header": with("header", "Host"),
	} {
		config.Settings = settings
		refused(t, name, config, platforms.Rejected)
	}
}

func refused(t *testing.T, name string, c platforms.Config, kind platforms.Kind) {
	t.Helper()
	conn, err := webhook.Platform().New(c)
	var e *platforms.Error
	if conn != nil || !errors.As(err, &e) || e.Kind != kind || e.Text == "" {
		t.Errorf("%s: %v, want it refused as %s", name, err, kind)
	}
}
