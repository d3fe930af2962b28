package text

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/postern/postern/platforms"
)

var units = []platforms.Unit{platforms.Runes, platforms.UTF16, platforms.Bytes}

func TestLen(t *testing.T) {
	for _, c := range []struct {
		s                   string
		runes, utf16, bytes int
	}{
		{"", 0, 0, 0},
		{"abc", 3, 3, 3},
		{"é", 1, 1, 2},
		{"日本", 2, 2, 6},
		{"👍", 1, 2, 4},
		{"👨‍👩‍👧", 5, 8, 18},
		{"a\xffb", 3, 3, 5}, // as U+FFFD
	} {
		for i, want := range []int{c.runes, c.utf16, c.bytes} {
			if got := Len(c.s, units[i]); got != want {
				t.Errorf("Len(%q, %s) = %d, want %d", c.s, units[i], got, want)
			}
		}
	}
	if got := Len("é", "miles"); got != 2 {
		t.Errorf("an unknown unit gives %d, want bytes", got)
	}
}

func TestSplit(t *testing.T) {
	flag := "🇫🇷"
	for _, c := range []struct {
		name string
		s    string
		max  int
		u    platforms.Unit
		want []string
	}{
		{"nothing", "", 10, platforms.Runes, nil},
		{"blank", " \n\t ", 10, platforms.Runes, nil},
		{"blank, too long", strings.Repeat(" ", 50), 10, platforms.Runes, nil},
		{"fits unchanged", "  a b\n\n", 10, platforms.Runes, []string{"  a b\n\n"}},
		{"no limit", strings.Repeat("a", 99), 0, platforms.Runes, []string{strings.Repeat("a", 99)}},
		{"exactly", "0123456789", 10, platforms.Runes, []string{"0123456789"}},
		{"between words", "hello big world", 10, platforms.Runes, []string{"hello big", "world"}},
		{"a space right at the limit", "0123456789 x", 10, platforms.Runes, []string{"0123456789", "x"}},
		{"a paragraph before a later word", "one two\n\nthree four", 12, platforms.Runes, []string{"one two", "three four"}},
		{"a line before a later word", "one two\nthree four", 12, platforms.Runes, []string{"one two", "three four"}},
		{"a sentence before a later word", "One two. Three four", 14, platforms.Runes, []string{"One two.", "Three four"}},
		{"no tiny paragraph", "a\n\nbcdefghij klmn", 14, platforms.Runes, []string{"a\n\nbcdefghij", "klmn"}},
		{"indentation stays", "list:\n  one and\n  two", 16, platforms.Runes, []string{"list:\n  one and", "  two"}},
		{"a long word", "abcdefghijklmno", 6, platforms.Runes, []string{"abcdef", "ghijkl", "mno"}},
		{"a long word after a short one", "a bcdefghijk", 10, platforms.Runes, []string{"a", "bcdefghijk"}},
		{"UTF-16 pairs", "👍👍👍", 5, platforms.UTF16, []string{"👍👍", "👍"}},
		{"UTF-8 sequences", "ééé", 5, platforms.Bytes, []string{"éé", "é"}},
		{"flags", flag + flag + flag, 5, platforms.Runes, []string{flag + flag, flag}},
		{"families", "👨‍👩‍👧👨‍👩‍👧", 9, platforms.Runes, []string{"👨‍👩‍👧", "👨‍👩‍👧"}},
		{"combining marks", "a\u0301bcd\u0301e", 5, platforms.Runes, []string{"a\u0301bc", "d\u0301e"}},
		{"a mark on a space", "abc \u0301def", 5, platforms.Runes, []string{"abc \u0301", "def"}},
		{"Chinese sentences", "你好。我很好。再见", 8, platforms.Runes, []string{"你好。我很好。", "再见"}},
		{"a mark on the first space", "  \u0301abc def", 8, platforms.Runes, []string{" \u0301abc", "def"}},
		{"no break at a no-break space", "aa bb\u00a0cc", 7, platforms.Runes, []string{"aa", "bb\u00a0cc"}},
		{"CR LF", "one two\r\n\r\nthree four", 12, platforms.Runes, []string{"one two", "three four"}},
		{"invalid UTF-8", "ab\xffcd", 4, platforms.Bytes, []string{"ab", "\uFFFDc", "d"}},
		{"a tiny limit", "👍a", 1, platforms.Bytes, []string{"👍", "a"}},
		{"white space at both ends of a long text", "\n\n  hello big world \n", 14, platforms.Runes, []string{"  hello big", "world"}},
		{"a fence", "```go\nfunc a() {\n\tb()\n}\n```\nend", 24, platforms.Runes,
			[]string{"```go\nfunc a() {\n```", "```go\n\tb()\n}\n```\nend"}},
		{"before a fence", "Some words before.\n```\ncode code code\n```\nand after", 34, platforms.Runes,
			[]string{"Some words before.", "```\ncode code code\n```\nand after"}},
		{"a long line in a fence", "```\naaaaaaaaaaaaaaaaaaaa\n```", 20, platforms.Runes,
			[]string{"```\naaaaaaaaaaaa\n```", "```\naaaaaaaa\n```"}},
		{"blank lines in a fence", "```\naaaa\n\n\n\nbbbb\ncccc\n```", 20, platforms.Runes,
			[]string{"```\naaaa\n\n\n\nbbbb\n```", "```\ncccc\n```"}},
		{"tildes", "~~~sh\naaaa\nbbbb\ncccc\n~~~", 20, platforms.Runes,
			[]string{"~~~sh\naaaa\nbbbb\n~~~", "~~~sh\ncccc\n~~~"}},
		{"a long info string", "```" + strings.Repeat("x", 9) + "\naaaa\nbbbb\n```", 24, platforms.Runes,
			[]string{"```xxxxxxxxx\naaaa\n```", "```\nbbbb\n```"}},
		{"a fence in too small a limit", "```\naaaa\nbbbb\n```", 12, platforms.Runes,
			[]string{"```\naaaa", "bbbb\n```"}},
		{"code in one line is no fence", "```a```\nbbbbb ccccc ddddd", 16, platforms.Runes,
			[]string{"```a```\nbbbbb", "ccccc ddddd"}},
		{"a fence that was never closed", "```\naaaaaa\nbbbbbb\ncccccc", 18, platforms.Runes,
			[]string{"```\naaaaaa\n```", "```\nbbbbbb\ncccccc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Split(c.s, c.max, c.u); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestSplitZalgo(t *testing.T) {
	s := "a" + strings.Repeat("\u0301", 100) + " ok"
	got := Split(s, 10, platforms.Runes)
	if strings.Join(got, "") != strings.ReplaceAll(s, " ", "") && strings.Join(got, "") != s {
		t.Errorf("got %q", got)
	}
	check(t, s, 10, platforms.Runes)
}

// check proves Split's promises for one input.
func check(t *testing.T, s string, max int, u platforms.Unit) {
	t.Helper()
	pieces := Split(s, max, u)
	if again := Split(s, max, u); !slices.Equal(pieces, again) {
		t.Fatalf("two results for %q", s)
	}
	for _, p := range pieces {
		if p == "" || !utf8.ValidString(p) {
			t.Fatalf("piece %q", p)
		}
		if n := Len(p, u); max >= smallest && n > max {
			t.Fatalf("piece of %d %s, limit %d: %q of %q", n, u, max, p, s)
		}
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(pieces) < 2 {
		if len(pieces) == 1 && pieces[0] != s && strings.TrimSpace(pieces[0]) != strings.TrimSpace(s) {
			t.Fatalf("got %q for %q", pieces, s)
		}
		return
	}
	clusters := map[int]bool{}
	long := map[int]bool{} // positions inside a cluster that is longer than a piece may be
	at, state, rest := 0, -1, s
	for rest != "" {
		var c string
		c, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		clusters[at] = true
		if Len(c, u) > max/2-smallest {
			for i := range len(c) {
				long[at+i] = true
			}
		}
		at += len(c)
	}
	clusters[at] = true
	last := 0
	for i, g := range cut(s, max, u) {
		if pieces[i] != g.prefix+s[g.start:g.end]+g.suffix {
			t.Fatalf("piece %d is not its segment", i)
		}
		if gap := s[last:g.start]; strings.TrimFunc(gap, isSpace) != "" {
			t.Fatalf("lost %q of %q", gap, s)
		}
		for _, p := range []int{g.start, g.end} {
			if !clusters[p] && !long[p] {
				t.Fatalf("cut inside a cluster at %d of %q, limit %d %s", p, s, max, u)
			}
		}
		last = g.end
	}
	if tail := s[last:]; strings.TrimFunc(tail, isSpace) != "" {
		t.Fatalf("lost the end %q", tail)
	}
}

// open reports whether a code block is open at the end of s, by rules written
// down a second time.
func open(s string) bool {
	marker := ""
	for l := range strings.SplitSeq(s, "\n") {
		l = strings.TrimRight(l, " \r\t")
		switch {
		case marker == "" && strings.HasPrefix(l, "```") && !strings.Contains(strings.TrimLeft(l, "`"), "`"):
			marker = l[:len(l)-len(strings.TrimLeft(l, "`"))]
		case marker != "" && strings.HasPrefix(l, marker) && strings.Trim(l, "`") == "":
			marker = ""
		}
	}
	return marker != ""
}

var words = []string{
	"a", "word", "longerword", "é", "日本語", "👍", "👨‍👩‍👧", "🇫🇷", "d́", "नमस्ते", "مرحبا", "한국어", "👍🏽", "1️⃣",
	"https://example.org/a/very/long/path?with=query", "`", "``", "*", "_", "。", "!", ".", "…", "\u00a0",
}
var gaps = []string{" ", " ", " ", "\n", "\n\n", "\r\n", "  ", "\t", "\n  ", "", "\u3000"}

// prose is random text; fenced adds code blocks, all of them closed.
func prose(r *rand.Rand, n int, fenced bool) string {
	var b strings.Builder
	for range n {
		if fenced && r.IntN(8) == 0 {
			b.WriteString("\n```" + []string{"", "go", "python"}[r.IntN(3)] + "\n")
			for range r.IntN(12) {
				b.WriteString(words[r.IntN(6)] + strings.Repeat(words[r.IntN(9)], r.IntN(20)) + gaps[r.IntN(5)])
			}
			b.WriteString("x\n```\n")
			continue
		}
		w := words[r.IntN(len(words))]
		if fenced {
			w = strings.Trim(w, "`") // runs of them would be chance fences
		}
		b.WriteString(w + gaps[r.IntN(len(gaps))])
	}
	return b.String()
}

func TestSplitRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 4000 {
		check(t, prose(r, r.IntN(80), r.IntN(2) == 0), 4+r.IntN(120), units[r.IntN(3)])
	}
}

// TestSplitHostile puts together what a splitter stumbles over.
func TestSplitHostile(t *testing.T) {
	shards := []string{
		"```", "~~~", "\n", "\r", "\r\n", " ", "   ", "`", "a", "\u0301", "\xff", "👨‍👩‍👧", "```go\n", "\n```\n", "````",
		"\n  ```  \n", "。", ". ", "xxxxxxxxxxxx", "\t", "\u00a0", "🇫🇷", "\u0600", "\u200d",
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 30000 {
		var b strings.Builder
		for range r.IntN(40) {
			b.WriteString(shards[r.IntN(len(shards))])
		}
		check(t, b.String(), 4+r.IntN(60), units[r.IntN(3)])
	}
}

func TestSplitKeepsFencesBalanced(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	cuts := 0
	for range 4000 {
		s := prose(r, r.IntN(60), true)
		if open(s) {
			t.Fatalf("the test's own text is unbalanced: %q", s)
		}
		max := 40 + r.IntN(100)
		u := units[r.IntN(3)]
		for _, p := range Split(s, max, u) {
			if open(p) {
				t.Fatalf("unbalanced piece %q\nof %q\nlimit %d %s", p, s, max, u)
			}
		}
		if len(s) > max {
			for _, g := range cut(s, max, u) {
				if g.suffix != "" {
					cuts++
				}
			}
		}
	}
	if cuts < 1000 {
		t.Errorf("only %d fences were cut", cuts)
	}
}

func FuzzSplit(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		f.Add(prose(r, 30, true), 20+r.IntN(50), uint8(r.IntN(3)))
	}
	f.Add("\xff\xfe```\n~~~\n```", 8, uint8(2))
	f.Add("a\u200d\u0301\r\n\r\r\n \u0301", 4, uint8(1))
	f.Fuzz(func(t *testing.T, s string, max int, u uint8) {
		if max < smallest || max > 1<<20 {
			max = smallest
		}
		check(t, s, max, units[int(u)%3])
	})
}

// TestSplitLarge has no figure for time: quadratic work on 10 MB would take
// hours, which the test's own timeout notices.
func TestSplitLarge(t *testing.T) {
	const size = 10 << 20
	for name, s := range map[string]string{
		"one word":       strings.Repeat("a", size),
		"one cluster":    "a" + strings.Repeat("\u0301", size/2),
		"spaces":         "a" + strings.Repeat(" ", size) + "b",
		"lines":          strings.Repeat("\n", size) + "b",
		"backticks":      strings.Repeat("`", size),
		"fences":         strings.Repeat("```\n", size/4),
		"indented":       strings.Repeat("\n          x", size/12),
		"prose":          strings.Repeat("Some words, then others. ", size/25),
		"Chinese":        strings.Repeat("你好我是", size/12),
		"flags":          strings.Repeat("🇫🇷", size/8),
		"code, one line": "```\n" + strings.Repeat("x", size) + "\n```",
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range Split(s, 4096, platforms.UTF16) {
				if Len(p, platforms.UTF16) > 4096 {
					t.Fatal("too long")
				}
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	for name, s := range map[string]string{
		"English": strings.Repeat("Some words, then others. ", 400000),
		"Chinese": strings.Repeat("你好我是", 833333),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				Split(s, 4096, platforms.UTF16)
			}
		})
	}
}
