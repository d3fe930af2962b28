package model

import (
	"slices"
	"strings"
	"testing"
)

func TestBodyViews(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
		want             []BodyView
	}{
		{"nothing", "application/json", "", nil},
		{"JSON", "text/plain", `{"a":1}`, []BodyView{AsJSON, AsRaw, AsHex}},
		{"JSON of one value is as clear raw", "application/json", `"a"`, []BodyView{AsRaw, AsHex}},
		{"what only says that it is JSON", "application/json", `{"a":`, []BodyView{AsRaw, AsHex}},
		{"a form", "application/x-www-form-urlencoded; charset=utf-8", "a=1&b=2", []BodyView{AsForm, AsRaw, AsHex}},
		{"bytes", "text/plain", "\xff\xfe\x01", []BodyView{AsHex, AsRaw}},
		{"a zero", "text/plain", "a\x00b", []BodyView{AsHex, AsRaw}},
		{"text cut inside a letter", "text/plain", "gr\xc3", []BodyView{AsRaw, AsHex}},
		{"JSON that nests too deep to be indented", "application/json", strings.Repeat("[", 9000) + strings.Repeat("]", 9000), []BodyView{AsRaw, AsHex}},
	} {
		if got := BodyViews(c.kind, []byte(c.body)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestBodyText(t *testing.T) {
	for _, c := range []struct {
		name string
		view BodyView
		body string
		most int
		want string
		more bool
	}{
		{"JSON keeps its order and its numbers", AsJSON, `{"b":1.0,"a":[1e400,"x\"{"]}`, 1000, "{\n  \"b\": 1.0,\n  \"a\": [\n    1e400,\n    \"x\\\"{\"\n  ]\n}", false},
		{"a form", AsForm, "payload=%7B%22a%22%3A1%7D&b=x+y&c", 1000, "payload = {\n  \"a\": 1\n}\nb = x y\nc = ", false},
		{"a form with a bad escape", AsForm, "a=%zz", 1000, "a = %zz", false},
		{"hex", AsHex, "\x00ab", 1000, "000000  00 61 62                 .ab", false},
		{"hex of more than a row", AsHex, "123456789", 1000, "000000  31 32 33 34 35 36 37 38  12345678\n000008  39                       9", false},
		{"hex is cut before it grows", AsHex, strings.Repeat("a", 100), 2, "000000  61 61                    aa", true},
		{"raw is cut between letters", AsRaw, "aé", 2, "a", true},
		{"nothing hides", AsRaw, "a\x1b[31m\u202egnp.exe\u200b\x7f\xff", 1000, "a⟨U+001B⟩[31m⟨U+202E⟩gnp.exe⟨U+200B⟩⟨U+007F⟩\ufffd", false},
	} {
		got, more := BodyText(c.view, []byte(c.body), c.most)
		if got != c.want || more != c.more {
			t.Errorf("%s: %q %v", c.name, got, more)
		}
	}
}

// TestBodyTextStaysSmall has brackets that would be 200 MB if they were
// indented.
func TestBodyTextStaysSmall(t *testing.T) {
	deep := strings.Repeat("[", 9999) + strings.Repeat("]", 9999)
	for _, v := range []BodyView{AsJSON, AsForm, AsRaw, AsHex} {
		if s, _ := BodyText(v, []byte(deep), 1<<30); len(s) > 10*len(deep) {
			t.Errorf("%s has %d bytes", v, len(s))
		}
	}
}

func TestTextRows(t *testing.T) {
	got := TextRows("short\n\tindented\n0123456789abcdefgh\n", 10)
	want := []string{"short", "    indent", "  ed", "0123456789", "  abcdefgh", ""}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := TextRows("abcdefghij", 0); len(got) != 2 {
		t.Errorf("no width: %q", got)
	}
}
