package support_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/postern/postern/app/doctor/support"
	"github.com/postern/postern/platforms"
)

// secrets have what each way of writing changes.
var secrets = []string{
	"4711:AAH-plain_Token0123456789",
	"p@ss w\"ord\\with<odd>&ends/+=%é",
	"line\nbreak\tand-tab-secret",
	"short",
	"1234",
	"overlapping-one", "one-and-another",
	"secret", // what the mask itself says
}

// ways is every way in which a secret may have been written.
func ways(v string) map[string]string {
	j, _ := json.Marshal(v)
	js := string(j[1 : len(j)-1])
	var loose strings.Builder
	e := json.NewEncoder(&loose)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	jl := strings.TrimSuffix(loose.String(), "\n")
	all := ""
	for i := range len(v) {
		all += fmt.Sprintf("%%%02x", v[i])
	}
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + v))
	quoted := strconv.Quote(`{"token":"` + js + `"}`)
	return map[string]string{
		"plain": v, "json": js, "json without html": jl[1 : len(jl)-1], "json in a quoted log": quoted,
		"query": url.QueryEscape(v), "path": url.PathEscape(v), "all percent": all, "all percent, upper": strings.ToUpper(all),
		"hex": hex.EncodeToString([]byte(v)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(v))),
		"std": base64.StdEncoding.EncodeToString([]byte(v)), "raw std": base64.RawStdEncoding.EncodeToString([]byte(v)),
		"url": base64.URLEncoding.EncodeToString([]byte(v)), "raw url": base64.RawURLEncoding.EncodeToString([]byte(v)),
		"base64 in a query": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(v))),
		"basic auth":        basic, "html": html.EscapeString(v), "quoted": strconv.Quote(v), "quoted ascii": strconv.QuoteToASCII(v),
	}
}

// forbidden is what of a way's text must not be found afterwards: all of it, and
// for text that was encoded with more around it, its middle.
func forbidden(way, text string) string {
	if way == "basic auth" {
		return text[8 : len(text)-4]
	}
	return text
}

func mask(values ...string) *support.Mask {
	var list []platforms.Secret
	for _, v := range values {
		list = append(list, platforms.NewSecret(v))
	}
	return support.New(support.Private{Secrets: list, Key: []byte("key")})
}

func TestNoFormOfASecretStays(t *testing.T) {
	m := mask(secrets...)
	for _, v := range secrets {
		for way, text := range ways(v) {
			if way == "basic auth" && len(v) < 9 {
				continue // nothing of it that could be told from other text
			}
			for _, frame := range []string{"%s", "a %s b", "x%sy", "level=INFO msg=\"got %s\" n=1\n", `{"note": "%s"}`} {
				in := strings.Replace(frame, "%s", text, 1)
				for name, take := range map[string]func(string) string{"Text": m.Text, "Log": m.Log} {
					out := take(in)
					left := strings.ReplaceAll(out, "[secret]", "")
					if strings.Contains(left, forbidden(way, text)) || len(v) > 5 && strings.Contains(left, v) {
						t.Errorf("%s: %q as %s in %q stayed: %q", name, v, way, frame, out)
					}
					if err := m.Prove(out); err != nil {
						t.Errorf("%s: %q as %s: %v in %q", name, v, way, err, out)
					}
				}
			}
		}
	}
}

func TestOverlapsLeaveNoEnds(t *testing.T) {
	if out := mask(secrets...).Text("overlapping-one-and-another"); strings.Contains(out, "another") || strings.Contains(out, "over") {
		t.Errorf("%q", out)
	}
}

func TestProveFindsWhatWasMissed(t *testing.T) {
	m := mask(secrets...)
	for way, text := range ways(secrets[0]) {
		if m.Prove("a "+text+" b") == nil {
			t.Errorf("%s was not found", way)
		}
	}
	if err := m.Prove("a [secret] b"); err != nil {
		t.Error(err)
	}
}

func TestWhatLooksLikeASecretGoesToo(t *testing.T) {
	m := mask()
	for in, gone := range map[string]string{
		"Authorization: Bearer abc.def-ghi12345":                       "abc.def",
		`"access_token":"zzz999yyy"`:                                   "zzz999yyy",
		"GET /cb?a=1&token=zzz999yyy&b=2":                              "zzz999yyy",
		"https://user:hunter2x@proxy.example:3128/":                    "hunter2x",
		"got eyJhbGciOiJIUzI1.eyJzdWIiOiIx.abcDEF_123 back":            "eyJ",
		"password=hunter2x":                                            "hunter2x",
		"hook 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b8":           "9f86d081",
		"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----": "MIIB",
	} {
		if out := m.Text(in); strings.Contains(out, gone) || !strings.Contains(out, "[masked]") {
			t.Errorf("%q became %q", in, out)
		}
	}
	for _, in := range []string{
		"time=2026-11-21T13:22:02.123Z level=INFO msg=\"listening on 127.0.0.1:47822\" took=1.234567891s",
		"github.com/postern/postern/app/control.(*Server).table.func12",
		"could not be read: open /var/lib/x/postern.log: permission denied",
		`{"keep_bytes": 1073741824, "revision": "3ccb14201234"}`,
	} {
		if out := m.Text(in); out != in {
			t.Errorf("%q became %q", in, out)
		}
	}
}

func TestNamesPathsAndAddresses(t *testing.T) {
	p := support.Private{
		Key: []byte("key"), Data: "/home/ann/.local/share/postern", Homes: []string{"/home/ann", `C:\Users\ann`}, Persons: []string{"ann", "annbox", "Postern", "x"},
		Names: []support.Name{
			{Kind: "account", Text: "telefon-2", Of: "telefon-2"}, {Kind: "account", Text: "Ann's Bot", Of: "telefon-2"},
			{Kind: "host", Text: "chat.ann.example"}, {Kind: "account", Text: "Postern"},
		},
	}
	m := support.New(p)
	out := m.Log(`open /home/ann/.local/share/postern/journal.db; /home/ann/x; "C:\\Users\\ann\\y"; file:C:/Users/ann/z; user ann on annbox; annual; ` +
		`account=telefon-2 name="Ann's Bot" via chat.ann.example; Postern runs; id 123456789012 from 93.184.216.34 and 192.168.1.7 and 2606:2800:220:1::1 at 13:22:02, 123456789012 again`)
	for _, gone := range []string{"/home", "Users", "user ann", "annbox", "telefon", "Ann's", "chat.", "123456789012", "93.184", "2606:"} {
		if strings.Contains(out, gone) {
			t.Errorf("%q stayed in %q", gone, out)
		}
	}
	for _, kept := range []string{"[data]/journal.db", "~/x", `~\\y`, "~/z", "annual", "Postern runs", "192.168.1.7", "13:22:02"} {
		if !strings.Contains(out, kept) {
			t.Errorf("%q is gone from %q", kept, out)
		}
	}
	one := support.New(p).Pseudonym("account", "telefon-2")
	if strings.Count(out, one) != 2 {
		t.Errorf("want %s twice, and the same in every bundle: %q", one, out)
	}
	p.Key = []byte("another")
	if support.New(p).Pseudonym("account", "telefon-2") == one {
		t.Error("another key gives the same pseudonym: it could be guessed back")
	}
}

func FuzzMask(f *testing.F) {
	for _, v := range secrets {
		f.Add(v, "a", "b")
	}
	f.Fuzz(func(t *testing.T, v, before, after string) {
		if len(v) < 4 {
			return
		}
		m := mask(v)
		if err := m.Prove(m.Log(before + v + after)); err != nil {
			t.Errorf("%q", v)
		}
	})
}

func TestTheEndsOfASecretWithinBase64GoToo(t *testing.T) {
	v := secrets[0]
	for _, around := range []string{"", "u:", "us:", "use:", "user:"} {
		text := base64.StdEncoding.EncodeToString([]byte(around + v + around))
		if out := mask(v).Text("a " + text + " b"); out != "a [secret] b" {
			t.Errorf("%q: %q", around, out)
		}
	}
}
