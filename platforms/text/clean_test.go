package text

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for _, c := range []struct {
		name, s string
		max     int
		want    string
	}{
		{"plain", "Ada Lovelace", 0, "Ada Lovelace"},
		{"trimmed, in one line", "  Ada\r\n\tLovelace\x00\x1b[31m ", 0, "Ada Lovelace [31m"},
		{"line separators", "a\u2028b\u2029c\u0085d", 0, "a b c d"},
		{"invalid UTF-8", "a\xffb", 0, "a\uFFFDb"},
		{"override", "photo_\u202Egnp.exe", 0, "photo_gnp.exe"},
		{"isolates and embeddings", "\u2066a\u2067b\u2068c\u2069\u202Ad\u202Be\u202Cf\u202D", 0, "abcdef"},
		{"direction marks", "a\u200Eb\u200Fc\u061Cd", 0, "abcd"},
		{"zero width in a Latin name", "pay\u200Bp\u200Da\u200Cl\u2060\uFEFF\u00AD", 0, "paypal"},
		{"blank letters", "\u3164\u115F\u1160\uFFA0\u2800", 0, ""},
		{"hidden tags", "a\U000E0068\U000E0069", 0, "a"},
		{"hidden variation selectors", "a\uFE01\uFE02\U000E0100", 0, "a"},
		{"a flag by tags", "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F!", 0, "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F!"},
		{"a family", "x 👨\u200d👩\u200d👧 y", 0, "x 👨\u200d👩\u200d👧 y"},
		{"rainbow flag", "🏳️\u200d🌈", 0, "🏳️\u200d🌈"},
		{"skin tones and keycaps", "👍🏽 1️⃣ ❤️", 0, "👍🏽 1️⃣ ❤️"},
		{"Hebrew", "שָׁלוֹם עולם", 0, "שָׁלוֹם עולם"},
		{"Persian with its joiner", "می\u200cخواهم", 0, "می\u200cخواهم"},
		{"Hindi with its joiner", "क्\u200dष", 0, "क्\u200dष"},
		{"Vietnamese, decomposed", "Tie\u0302\u0301ng", 0, "Tie\u0302\u0301ng"},
		{"zalgo", "a" + strings.Repeat("\u0301", 50) + "b", 0, "a" + strings.Repeat("\u0301", marks) + "b"},
		{"bound, fits", "abcde", 5, "abcde"},
		{"bound", "abcdef", 5, "abcd…"},
		{"bound at a word", "abc def", 5, "abc…"},
		{"bound at a family", "ab👨\u200d👩\u200d👧c", 5, "ab…"},
		{"bound of one", "abc", 1, "…"},
		{"markup stays", "<b>*_`[x](y)", 0, "<b>*_`[x](y)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Line(c.s, c.max); got != c.want {
				t.Errorf("got  %+q\nwant %+q", got, c.want)
			}
		})
	}
}

func TestBlock(t *testing.T) {
	s := "a  b\r\n\tc\rd\u2028e\x00\u202Ef \n\n"
	if got, want := Block(s), "a  b\n\tc\nd\ne f \n\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\u202Eb\u200D\u200D👨\u200d👩\u200d👧\xff", 5)
	f.Add(strings.Repeat("\u0301", 100)+"🇫🇷🇫🇷🇫🇷", 3)
	f.Fuzz(func(t *testing.T, s string, max int) {
		for _, out := range []string{Line(s, max), Block(s)} {
			if !utf8.ValidString(out) {
				t.Fatalf("invalid: %q", out)
			}
			if i := strings.IndexFunc(out, func(r rune) bool {
				return unicode.IsControl(r) && r != '\n' && r != '\t' ||
					slices.Contains([]rune("\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069\u200B\u2060\uFEFF"), r)
			}); i >= 0 {
				t.Fatalf("%+q kept from %+q", out[i:], s)
			}
		}
		out := Line(s, max)
		if strings.ContainsAny(out, "\n\t") || max > 0 && utf8.RuneCountInString(out) > max {
			t.Fatalf("got %q for %q, bound %d", out, s, max)
		}
		if again := Line(out, max); again != out && !strings.ContainsAny(out, "\u200D\u200C") {
			t.Fatalf("not stable: %+q, then %+q", out, again)
		}
	})
}
