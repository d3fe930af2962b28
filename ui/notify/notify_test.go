package notify

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleaned(t *testing.T) {
	for name, c := range map[string]struct {
		title, body         string
		wantTitle, wantBody string
	}{
		"plain":          {"Ada", "hello", "Ada", "hello"},
		"lines":          {"A\nda", "one\r\n\n\n  two\t\u2028three", "A da", "one\ntwo\nthree"},
		"control":        {"A\x1b[1m", "x\x00y\x07", "A [1m", "x y"},
		"direction":      {"\u202egnp", "a\u2066b\u2069", "gnp", "ab"},
		"no title":       {"\u200b", "x", "Postern", "x"},
		"not UTF-8":      {"a\xff", "\xfe", "a\uFFFD", "\uFFFD"},
		"markup is text": {"<b>", "<b>x</b> & <img src=x>", "<b>", "<b>x</b> & <img src=x>"},
	} {
		t.Run(name, func(t *testing.T) {
			n := cleaned(Notification{Title: c.title, Body: c.body})
			if n.Title != c.wantTitle || n.Body != c.wantBody {
				t.Errorf("got %q, %q, want %q, %q", n.Title, n.Body, c.wantTitle, c.wantBody)
			}
		})
	}
	t.Run("bounds", func(t *testing.T) {
		for _, unit := range []string{"a", "ä", "😀", "a ", "👨‍👩‍👧", "a\n"} {
			huge := strings.Repeat(unit, 1_000_000/len(unit))
			n := cleaned(Notification{Title: huge, Body: huge, Actions: []Action{{"x", huge}}})
			for what, c := range map[string]struct {
				s   string
				max int
			}{"title": {n.Title, maxTitle}, "body": {n.Body, maxBody}, "label": {n.Actions[0].Label, maxLabel}} {
				if got := utf8.RuneCountInString(c.s); got > c.max || got < c.max/4 || !utf8.ValidString(c.s) || !strings.HasSuffix(c.s, "…") {
					t.Errorf("%s of %q: %d characters, want at most %d and an ellipsis: %q", what, unit, got, c.max, c.s)
				}
			}
		}
	})
	t.Run("the caller's actions are left alone", func(t *testing.T) {
		given := []Action{{"x", "a\nb"}}
		cleaned(Notification{Actions: given})
		if given[0].Label != "a\nb" {
			t.Error("changed")
		}
	})
}

func TestToastXML(t *testing.T) {
	hostile := Notification{
		Key:   `k"&<>'` + "\u202e",
		Title: `</text></binding><actions><action arguments="x"/>`,
		Body:  "<b>x</b> & <img src=\"file:///x\"> $(calc) `calc` ]]> \"@ \x00",
		Actions: []Action{
			{"reply", `Reply" activationType="protocol`},
			{"open", "ms-resource:Open"},
		},
	}
	out, err := toastXML(cleaned(hostile))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it has the elements that it should have and no other", func(t *testing.T) {
		var names []string
		d := xml.NewDecoder(strings.NewReader(out))
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := tok.(xml.StartElement); ok {
				names = append(names, e.Name.Local)
				for _, a := range e.Attr {
					if a.Name.Local == "activationType" && a.Value != "foreground" {
						t.Errorf("activation %q", a.Value)
					}
				}
			}
		}
		if got, want := strings.Join(names, " "), "toast visual binding text text actions action action"; got != want {
			t.Errorf("elements %q, want %q", got, want)
		}
	})
	var back toast
	if err := xml.Unmarshal([]byte(out), &back); err != nil {
		t.Fatal(err)
	}
	t.Run("text comes back as it was", func(t *testing.T) {
		if want := cleaned(hostile); back.Template.Text[0] != want.Title || back.Template.Text[1] != want.Body {
			t.Errorf("got %q", back.Template.Text)
		}
	})
	t.Run("the key comes back with each action", func(t *testing.T) {
		for args, want := range map[string]string{
			back.Launch: Click, back.Actions[0].Arguments: "reply", back.Actions[1].Arguments: "open",
		} {
			if key, action, ok := parseArguments(args); !ok || key != hostile.Key || action != want {
				t.Errorf("%q gives %q %q %v", args, key, action, ok)
			}
		}
	})
	t.Run("no resource is looked up", func(t *testing.T) {
		if got := back.Actions[1].Content; got != " ms-resource:Open" {
			t.Errorf("got %q", got)
		}
	})
}

func TestParseArguments(t *testing.T) {
	for _, s := range []string{"", "x", "key=a", "action=b", "%zz", "key=a;action=b"} {
		if _, _, ok := parseArguments(s); ok {
			t.Errorf("%q is taken", s)
		}
	}
}
