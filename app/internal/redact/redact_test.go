package redact

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/platforms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "123456:AAmarker_tok-en/+x"

func fixed(values ...string) func() []platforms.Secret {
	var list []platforms.Secret
	for _, v := range values {
		list = append(list, platforms.NewSecret(v))
	}
	return func() []platforms.Secret { return list }
}

func TestText(t *testing.T) {
	m := New(fixed(token, "with \"quotes\"\nand é", "abcdefgh", "efghijkl", "short", "long-secret-outside", "secret-out", "xyzxyzxyz"))
	tests := []struct{ name, in, want string }{
		{"plain", "a " + token + " b " + token, "a [secret] b [secret]"},
		{"nothing", "an ordinary sentence", "an ordinary sentence"},
		{"query-escaped", url.QueryEscape(token), "[secret]"},
		{"path-escaped", url.PathEscape(token), "[secret]"},
		{"lower-case percent", "123456%3aAAmarker_tok-en%2f%2bx", "[secret]"},
		{"base64", "Basic " + base64.StdEncoding.EncodeToString([]byte(token)), "Basic [secret]"},
		{"raw over two lines", "x with \"quotes\"\nand é y", "x [secret] y"},
		{"quoted", strconv.Quote("with \"quotes\"\nand é"), `"[secret]"`},
		{"quoted to ASCII", strconv.QuoteToASCII("with \"quotes\"\nand é"), `"[secret]"`},
		{"overlapping secrets", "-abcdefghijkl-", "-[secret]-"},
		{"a secret within another", "-long-secret-outside-", "-[secret]-"},
		{"a secret that overlaps itself", "-xyzxyzxyzxyz-", "-[secret]-"},
		{"adjacent secrets", "abcdefghabcdefgh", "[secret][secret]"},
		{"too short to mask", "a short word", "a short word"},
		{"newlines", "one\r\ntwo\tthree", `one\r\ntwo\tthree`},
		{"terminal escape", "\x1b[2J\x07\x7f\u009b", `\x1b[2J\a\x7f\u009b`},
		{"direction marks", "a\u202eb\u2066c\u200fd", `a\u202eb\u2066c\u200fd`},
		{"line separators", "a\u2028b\u2029c\ufeff", `a\u2028b\u2029c\ufeff`},
		{"invalid UTF-8", "a\xffb", `a\xffb`},
		{"the replacement character itself", "a\ufffdb", "a\ufffdb"},
		{"other scripts", "日本語 ਪੰਜਾਬੀ עברית 👩‍👧 naïve", "日本語 ਪੰਜਾਬੀ עברית 👩‍👧 naïve"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := m.Text(tt.in); got != tt.want {
				t.Errorf("Text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
	t.Run("JSON", func(t *testing.T) {
		j, err := json.Marshal(map[string]string{"k": "with \"quotes\"\nand é"})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Text(string(j)); got != `{"k":"[secret]"}` {
			t.Errorf("got %s", got)
		}
	})
	t.Run("lines keeps newlines", func(t *testing.T) {
		if got := m.Lines("a\n\tb\r\x1b" + token); got != "a\n\tb\\r\\x1b[secret]" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a list that grows", func(t *testing.T) {
		var list []platforms.Secret
		m := New(func() []platforms.Secret { return list })
		for i := range 3 {
			v := fmt.Sprintf("secret-number-%d", i)
			if got := m.Text(v); got != v {
				t.Fatalf("masked before it is known: %q", got)
			}
			list = append(list, platforms.NewSecret(v))
			if got := m.Text(v); got != "[secret]" {
				t.Errorf("got %q", got)
			}
		}
	})
}

type stringer struct{ s string }

func (s stringer) String() string { return s.s }

type valuer struct{ s string }

func (v valuer) LogValue() slog.Value {
	return slog.GroupValue(slog.String("inner", v.s), slog.Any("deep", stringer(v)))
}

type nilError struct{ s string }

func (e *nilError) Error() string { return e.s }

func TestHandler(t *testing.T) {
	base := &url.Error{Op: "Post", URL: "https://api.example/bot" + token + "/getMe", Err: errors.New("refused\nfake=1")}
	values := map[string]any{
		"string":       "x" + token,
		"error":        errors.New("bad " + token),
		"url error":    base,
		"wrapped":      fmt.Errorf("call: %w", base),
		"parsed url":   &url.URL{Scheme: "https", Host: "h", Path: "/" + token},
		"stringer":     stringer{token + "\x1b[31m"},
		"bytes":        []byte(token),
		"struct":       struct{ A, B string }{token, "b\nc"},
		"bytes within": struct{ B []byte }{[]byte(token)},
		"map":          map[string]string{token: token},
		"slice":        []string{"a", token},
		"valuer":       valuer{token},
		"group":        slog.GroupValue(slog.String("a", token), slog.Group("b", slog.Any("c", errors.New(token)))),
		"secret":       platforms.NewSecret(token),
		"json raw":     json.RawMessage(`{"t":"` + token + `"}`),
		"nil error":    (*nilError)(nil),
		"digits":       int64(98765432101),
		"digits, uint": uint64(98765432101),
		token:          "key",
	}
	makers := map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	}
	ways := map[string]func(*slog.Logger, string, any){
		"record":        func(l *slog.Logger, k string, v any) { l.Info("m", k, v) },
		"with":          func(l *slog.Logger, k string, v any) { l.With(k, v).Info("m") },
		"group":         func(l *slog.Logger, k string, v any) { l.WithGroup("g").Info("m", k, v) },
		"with in group": func(l *slog.Logger, k string, v any) { l.WithGroup("g").With(k, v).WithGroup("h").Info("m", "n", v) },
	}
	for format, maker := range makers {
		for way, do := range ways {
			for name, v := range values {
				t.Run(format+"/"+way+"/"+strings.ReplaceAll(name, token, "key"), func(t *testing.T) {
					var b bytes.Buffer
					do(slog.New(NewHandler(maker(&b), fixed(token, "98765432101"))), name, v)
					out := b.String()
					for _, bad := range []string{token, url.QueryEscape(token), url.PathEscape(token), "98765432101", "\x1b", "109 97 114 107"} {
						if strings.Contains(out, bad) {
							t.Errorf("printed %q: %s", bad, out)
						}
					}
					if strings.Count(out, "\n") != 1 {
						t.Errorf("not one line: %q", out)
					}
					if name != "nil error" && !strings.Contains(out, mask) {
						t.Errorf("no mask: %s", out)
					}
				})
			}
		}
	}

	t.Run("message", func(t *testing.T) {
		var b bytes.Buffer
		slog.New(NewHandler(slog.NewTextHandler(&b, nil), fixed(token))).Info("got\n" + token)
		if out := b.String(); strings.Contains(out, token) || strings.Count(out, "\n") != 1 {
			t.Errorf("got %q", out)
		}
	})
	t.Run("a secret learnt after With", func(t *testing.T) {
		var b bytes.Buffer
		var list []platforms.Secret
		l := slog.New(NewHandler(slog.NewTextHandler(&b, nil), func() []platforms.Secret { return list })).With("t", token)
		list = append(list, platforms.NewSecret(token))
		l.Info("m")
		if strings.Contains(b.String(), token) {
			t.Errorf("got %q", b.String())
		}
	})
	t.Run("what is not text keeps its kind", func(t *testing.T) {
		var b bytes.Buffer
		slog.New(NewHandler(slog.NewJSONHandler(&b, nil), fixed(token))).With("w", 1).Info("m", "n", 42, "f", 1.5, "b", true)
		var got map[string]any
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got["n"] != 42.0 || got["f"] != 1.5 || got["b"] != true || got["w"] != 1.0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("level", func(t *testing.T) {
		h := NewHandler(slog.NewTextHandler(&bytes.Buffer{}, nil), fixed())
		if h.Enabled(context.Background(), slog.LevelDebug) || !h.Enabled(context.Background(), slog.LevelInfo) {
			t.Error("the level is not the wrapped handler's")
		}
	})
}

func TestHandlerKeepsSlogsRules(t *testing.T) {
	for name, secrets := range map[string]func() []platforms.Secret{"no secrets": fixed(), "secrets": fixed(token)} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			slogtest.Run(t, func(*testing.T) slog.Handler {
				b.Reset()
				return NewHandler(slog.NewJSONHandler(&b, nil), secrets)
			}, func(t *testing.T) map[string]any {
				var m map[string]any
				if err := json.Unmarshal(b.Bytes(), &m); err != nil {
					t.Fatal(err)
				}
				return m
			})
		})
	}
}

func TestHandlerIsCheapWithNothingToMask(t *testing.T) {
	h := NewHandler(slog.DiscardHandler, fixed())
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "an event", 0)
	r.AddAttrs(slog.String("a", "b"), slog.Int("n", 1), slog.Group("g", slog.Bool("b", true)))
	n := testing.AllocsPerRun(100, func() { _ = h.Handle(context.Background(), r) })
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestHandlerConcurrently(t *testing.T) {
	var mu sync.Mutex
	list := []platforms.Secret{platforms.NewSecret(token)}
	get := func() []platforms.Secret {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
	var b bytes.Buffer
	l := slog.New(NewHandler(slog.NewTextHandler(&b, nil), get))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				s := platforms.NewSecret(fmt.Sprintf("another-%d-%d", i, j))
				mu.Lock()
				list = append(append([]platforms.Secret(nil), list...), s)
				mu.Unlock()
				l.Info("m", "a", s.Reveal(), "b", token)
			}
		})
	}
	wg.Wait()
	if strings.Contains(b.String(), token) || strings.Contains(b.String(), "another-") {
		t.Error("a secret was printed")
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkHandler(b *testing.B) {
	var twenty []string
	for i := range 20 {
		twenty = append(twenty, fmt.Sprintf("%s-%02d", token, i))
	}
	for _, bb := range []struct {
		name    string
		secrets func() []platforms.Secret
	}{{"bare", nil}, {"no secrets", fixed()}, {"20 secrets", fixed(twenty...)}} {
		b.Run(bb.name, func(b *testing.B) {
			var h slog.Handler = slog.NewTextHandler(discard{}, nil)
			if bb.secrets != nil {
				h = NewHandler(h, bb.secrets)
			}
			l := slog.New(h)
			b.ReportAllocs()
			for b.Loop() {
				l.LogAttrs(context.Background(), slog.LevelInfo, "an event came in", slog.String("account", "telegram/1"), slog.Int("n", 1))
			}
		})
	}
}
