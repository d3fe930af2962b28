package inspect_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/inspect"
)

func full(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

// TestCurl runs each command with sh, and compares what arrives byte for byte.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	var got *http.Request
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer s.Close()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("of this computer"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]api.InputRequest{
		"JSON":            {Method: "POST", Query: "a=1&b=%20", Header: map[string][]string{"Content-Type": {"application/json"}, "X-Two": {"1", "2"}, "User-Agent": {"Sender/1"}}, Body: []byte(`{"a":"b"}`)},
		"none":            {Method: "POST"},
		"no method":       {},
		"GET":             {Method: "GET", Header: map[string][]string{"Accept": {"*/*"}}},
		"HEAD":            {Method: "HEAD"},
		"PUT":             {Method: "PUT", Body: []byte("a\n")},
		"quotes":          {Method: "POST", Header: map[string][]string{"X-Odd": {`it's "odd" $HOME` + " `id` \\"}}, Body: []byte(`'; touch ` + filepath.Join(dir, "pwned") + `; echo '$(id)` + "`id`\\")},
		"a file's name":   {Method: "POST", Body: []byte("@" + secret)},
		"brackets":        {Method: "POST", Query: "x[1]={a,b}", Body: []byte("x")},
		"an empty header": {Method: "POST", Header: map[string][]string{"X-Empty": {""}}, Body: []byte("x")},
		"hops":            {Method: "POST", Header: map[string][]string{"Content-Length": {"999"}, "Transfer-Encoding": {"chunked"}, "Host": {"evil"}, "Connection": {"close"}}, Body: []byte("x")},
		"bad names":       {Method: "POST", Header: map[string][]string{"@" + secret: {"x"}, "": {"y"}, "A B": {"z"}, "X-Line": {"a\r\nX-Other: b"}}, Body: []byte("x")},
		"lines":           {Method: "POST", Body: []byte("a\r\nb\n\n")},
		"NUL":             {Method: "POST", Body: []byte("a\x00b")},
		"hidden":          {Method: "POST", Body: []byte("a\u202eb\x1b[2J")},
		"bytes":           {Method: "POST", Body: full(5000)},
		"large":           {Method: "POST", Body: full(1 << 20)},
		"large text":      {Method: "POST", Body: bytes.Repeat([]byte("a%s'"), 100_000)},
		"only spaces":     {Method: "POST", Body: []byte(" ")},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := inspect.Curl(r, s.URL+"/in")
			if err != nil {
				t.Fatal(err)
			}
			got, body = nil, nil
			cmd := exec.CommandContext(t.Context(), "sh", "-s")
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(line+"\n")
			out, err := cmd.CombinedOutput()
			if err != nil || got == nil {
				t.Fatalf("%v: %s\n%.300s", err, out, line)
			}
			method := r.Method
			if method == "" {
				method = "POST"
			}
			if got.Method != method || got.URL.RawQuery != r.Query || got.URL.Path != "/in" || !bytes.Equal(body, r.Body) {
				t.Errorf("%s %s, %d bytes of %d: %.300s", got.Method, got.URL, len(body), len(r.Body), line)
			}
			want := map[string][]string{}
			for name, vs := range r.Header {
				if len(r.Header) != 4 { // those are left out
					want[name] = vs
				}
			}
			got.Header.Del("Content-Length")
			if fmt.Sprint(got.Header) != fmt.Sprint(http.Header(want)) {
				t.Errorf("%v, want %v", got.Header, want)
			}
			if got.Host == "evil" {
				t.Error("the host was taken over")
			}
		})
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("a command did more than it should: %v", left)
	}
}

func TestMissing(t *testing.T) {
	for name, r := range map[string]api.InputRequest{"erased": {Erased: true}, "cut": {Cut: true}, "method": {Method: "P OST"}} {
		var missing *inspect.Missing
		if _, err := inspect.Curl(r, "http://localhost"); !errors.As(err, &missing) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := inspect.HTTP(r, "http://localhost"); !errors.As(err, &missing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHTTP(t *testing.T) {
	got, err := inspect.HTTP(api.InputRequest{Method: "POST", Query: "a=1", Header: map[string][]string{"B": {"2"}, "A": {"1", "x"}, "Content-Length": {"9"}}, Body: []byte("body\x00")}, "http://localhost/in")
	if err != nil || string(got) != "POST http://localhost/in?a=1 HTTP/1.1\r\nA: 1\r\nA: x\r\nB: 2\r\n\r\nbody\x00" {
		t.Errorf("%q %v", got, err)
	}
}

// TestExtension: no editor reads a file, a script or another request out of what
// somebody sent.
func TestExtension(t *testing.T) {
	for body, want := range map[string]string{
		"": ".http", `{"a":"b"}`: ".http", "<xml><a> b</a></xml>": ".http", "a < b\nc # d ## e": ".http", "text=hi": ".http",
		"{\"a\":\"{{token}}\"}": ".txt", "x\n###\nGET http://evil.example/": ".txt", "x\r### y": ".txt", "< /etc/passwd": ".txt", "x\n<@ ./key": ".txt",
		"<@utf8 ./key": ".txt", "<> out": ".txt", "< {% x %}": ".txt", "> {% client.log(1) %}": ".txt", ">> ~/.bashrc": ".txt", "@host = evil": ".txt",
	} {
		file, err := inspect.HTTP(api.InputRequest{Body: []byte(body)}, "http://localhost:8080/")
		if err != nil {
			t.Fatal(err)
		}
		if got := inspect.Extension(file); got != want {
			t.Errorf("%q: %s", body, got)
		}
	}
	file, err := inspect.HTTP(api.InputRequest{Query: "a={{token}}"}, "http://localhost:8080/")
	if err != nil || inspect.Extension(file) != ".txt" {
		t.Errorf("a query: %v", err)
	}
}

func TestPretty(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1.50,"a":[true,null,"<&>"]}`: "{\n  \"a\": [\n    true,\n    null,\n    \"<&>\"\n  ],\n  \"b\": 1.50\n}",
		`text`:                             "text",
		`17`:                               "17",
		`{"a":`:                            `{"a":`,
		``:                                 "",
		strings.Repeat("[", 65) + strings.Repeat("]", 65): strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		if got := string(inspect.Pretty([]byte(in))); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestDiff(t *testing.T) {
	a := api.InputRequest{Method: "POST", Query: "q=1", Header: map[string][]string{"X": {"1"}, "Same": {"s"}}, Body: []byte(`{"b":1,"a":2}`)}
	b := api.InputRequest{Method: "POST", Query: "q=1", Header: map[string][]string{"X": {"2"}, "Same": {"s"}}, Body: []byte(`{"a":2,"b":3}`)}
	var got []string
	for _, l := range inspect.Diff(a, b) {
		got = append(got, l.Mark+l.Text)
	}
	want := []string{"Request", " POST?q=1", "Headers", " Same: s", "-X: 1", "+X: 2", "Body", " {", `   "a": 2,`, `-  "b": 1`, `+  "b": 3`, " }"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, l := range inspect.Diff(a, a) {
		if l.Mark == "+" || l.Mark == "-" {
			t.Errorf("a request differs from itself: %+v", l)
		}
	}
}

// TestDiffAdds: what a comparison tells makes the one of the other, whatever they
// are; and its work and its lines are bounded.
func TestDiffAdds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() (out []string) {
		for range r.IntN(30) {
			out = append(out, string(rune('a'+r.IntN(4))))
		}
		return out
	}
	check := func(a, b []string) {
		t.Helper()
		var x, y []string
		for _, l := range inspect.Lines(a, b) {
			if l.Mark != "+" {
				x = append(x, l.Text)
			}
			if l.Mark != "-" {
				y = append(y, l.Text)
			}
		}
		if !slices.Equal(a, x) || !slices.Equal(b, y) {
			t.Fatalf("%v and %v: %v and %v", a, b, x, y)
		}
	}
	for range 500 {
		check(random(), random())
	}
	var a, b []string
	for i := range 100_000 {
		a, b = append(a, fmt.Sprint("a", i)), append(b, fmt.Sprint("b", i))
	}
	check(a, b)
	long := strings.Repeat("ü", 5000)
	if got := inspect.Lines([]string{long}, []string{"x"}); len(got[0].Text) > 2100 || !strings.Contains(got[0].Text, "more bytes") {
		t.Errorf("%d bytes in a line", len(got[0].Text))
	}
}

func FuzzCurl(f *testing.F) {
	f.Add("POST", "a=b", "X", "v", []byte("body"))
	f.Add("a'b", "'", "'", "'", []byte("'"))
	f.Fuzz(func(t *testing.T, method, query, name, value string, body []byte) {
		r := api.InputRequest{Method: method, Query: query, Header: map[string][]string{name: {value}}, Body: body}
		line, err := inspect.Curl(r, "http://localhost/in")
		if err != nil {
			return
		}
		// Outside of quotes nothing of the request stands: only letters, options
		// and the pipe.
		quoted := false
		for i := 0; i < len(line); i++ {
			switch c := line[i]; {
			case c == '\'':
				quoted = !quoted
			case quoted:
			case c == '\\' && i+1 < len(line) && line[i+1] == '\'':
				i++
			case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(" -|%@", c) >= 0:
			default:
				t.Fatalf("%q stands outside of quotes: %s", c, line)
			}
		}
		if quoted {
			t.Fatalf("a quote stays open: %s", line)
		}
	})
}

func TestAddress(t *testing.T) {
	for known, want := range map[string]string{"": "http://localhost:8080/", "https://bot.example.org/hook": "https://bot.example.org/hook",
		"https://smee.io/…": "http://localhost:8080/", "https://smee.io/%E2%80%A6": "http://localhost:8080/"} {
		if got := inspect.Address(api.Input{Address: known}); got != want {
			t.Errorf("%q: %q", known, got)
		}
	}
}
