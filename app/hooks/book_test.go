package hooks

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

func monday() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

func made(t testing.TB, b *Book, name string) (Hook, string) {
	t.Helper()
	h, token, err := b.Add(New{Account: "a", Conversation: "c", Name: name}, monday())
	if err != nil {
		t.Fatal(err)
	}
	return h, token.Reveal()
}

func TestToken(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9]{64}$`)
	seen := map[string]bool{}
	count := map[rune]int{}
	for range 500 {
		s, err := newToken()
		if err != nil {
			t.Fatal(err)
		}
		v := s.Reveal()
		if !form.MatchString(v) || seen[v] {
			t.Fatalf("%d characters, seen before: %v", len(v), seen[v])
		}
		seen[v] = true
		for _, r := range v {
			count[r]++
		}
	}
	if len(count) != len(alphabet) { // 32,000 draws miss one of 62 with a chance below 1e-200
		t.Errorf("%d of %d letters", len(count), len(alphabet))
	}
}

func TestFind(t *testing.T) {
	var b Book
	first, one := made(t, &b, "one")
	for range 20 {
		made(t, &b, "between")
	}
	last, two := made(t, &b, "two")
	now := monday()

	if h, ok := b.Find(one, now); !ok || h.ID != first.ID {
		t.Errorf("the first: %v %v", h.ID, ok)
	}
	if h, ok := b.Find(two, now); !ok || h.ID != last.ID {
		t.Errorf("the last: %v %v", h.ID, ok)
	}
	for name, token := range map[string]string{
		"none": "", "short": one[:63], "long": one + "A", "other": strings.Repeat("A", 64), "case": swapped(one), "huge": strings.Repeat(one, 1000),
	} {
		if h, ok := b.Find(token, now); ok || h.ID != "" {
			t.Errorf("%s opens %q", name, h.ID)
		}
	}
	off := false
	if _, err := b.Change(first.ID, Change{On: &off}); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Find(one, now); ok {
		t.Error("a hook that is off opens")
	}
	if _, ok := b.Held(one, now); !ok {
		t.Error("who switched a hook off can't switch it on")
	}
	shut := true
	if _, err := b.Change(first.ID, Change{Shut: &shut}); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Held(one, now); ok {
		t.Error("a token has a hook that its owner switched off")
	}
	end := now.Add(time.Hour)
	if _, err := b.Change(last.ID, Change{Expires: &end}); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Find(two, end.Add(-1)); !ok {
		t.Error("closed before its end")
	}
	if _, ok := b.Find(two, end); ok {
		t.Error("open after its end")
	}
	if _, ok := b.Held(two, end); ok {
		t.Error("a token has a hook whose end came")
	}
	if err := b.Remove(last.ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Find(two, now); ok {
		t.Error("a removed hook opens")
	}
}

func swapped(s string) string {
	if u := strings.ToUpper(s); u != s {
		return u
	}
	return strings.ToLower(s)
}

// TestFindIsTheSameWork counts comparisons: time itself is not measured.
func TestFindIsTheSameWork(t *testing.T) {
	var b Book
	h, old := made(t, &b, "one")
	_, second := made(t, &b, "two")
	for range 30 {
		made(t, &b, "more")
	}
	_, fresh, err := b.Rotate(h.ID, time.Hour, monday())
	if err != nil {
		t.Fatal(err)
	}
	off := false
	_, third := made(t, &b, "off")
	if _, err := b.Change(b.List()[len(b.List())-1].ID, Change{On: &off}); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"fresh": fresh.Reveal(), "old": old, "second": second, "off": third, "unknown": strings.Repeat("x", 64), "empty": ""} {
		if _, _, n := b.find(token, monday()); n != 2*len(b.hooks) {
			t.Errorf("%s: %d comparisons of %d", name, n, 2*len(b.hooks))
		}
	}
}

func TestRotate(t *testing.T) {
	var b Book
	h, one := made(t, &b, "one")
	now := monday()
	_, two, err := b.Rotate(h.ID, time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(token string, at time.Time) bool { _, ok := b.Find(token, at); return ok }
	if !opens(one, now.Add(time.Hour-1)) || opens(one, now.Add(time.Hour)) || !opens(two.Reveal(), now.Add(48*time.Hour)) {
		t.Error("the overlap is not an hour")
	}
	_, three, err := b.Rotate(h.ID, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	if opens(one, now) || opens(two.Reveal(), now) || !opens(three.Reveal(), now) {
		t.Error("without an overlap an old token opens")
	}
	if _, _, err := b.Rotate(h.ID, 31*24*time.Hour, now); err == nil {
		t.Error("31 days")
	}
	if _, _, err := b.Rotate("nobody", 0, now); err != ErrUnknown {
		t.Error(err)
	}
}

func TestAddRefuses(t *testing.T) {
	good := New{Account: "a", Conversation: "c", Name: "CI"}
	for field, spoil := range map[string]func(*New){
		"Account":      func(n *New) { n.Account = "" },
		"Conversation": func(n *New) { n.Conversation = "" },
		"Name":         func(n *New) { n.Name = strings.Repeat("ä", 65) },
		"Name ":        func(n *New) { n.Name = "" },
		"Name  ":       func(n *New) { n.Name = "two\nlines" },
		"Avatar":       func(n *New) { n.Avatar = "javascript:alert(1)" },
		"Avatar ":      func(n *New) { n.Avatar = "https://u:p@example.org/" },
		"Dialect":      func(n *New) { n.Dialect = "morse" },
		"Template":     func(n *New) { n.Dialect = Template },
		"Template ":    func(n *New) { n.Template = "{{.a}}" },
		"Limit":        func(n *New) { n.Limit = platforms.Rate{N: 1, Per: time.Millisecond, Burst: 1} },
	} {
		n := good
		spoil(&n)
		var b Book
		_, _, err := b.Add(n, monday())
		if in, ok := err.(Invalid); !ok || in.Field != strings.TrimSpace(field) || len(b.List()) != 0 {
			t.Errorf("%s: %#v", field, err)
		}
	}
	good.Name = strings.Repeat("ä", 64)
	var b Book
	if _, _, err := b.Add(good, monday()); err != nil {
		t.Error(err)
	}
}

func TestBookIsFull(t *testing.T) {
	var b Book
	for range mostHooks {
		made(t, &b, "x")
	}
	if _, _, err := b.Add(New{Account: "a", Conversation: "c", Name: "x"}, monday()); err == nil {
		t.Error("one more than the most")
	}
}

func TestChangeIsWhole(t *testing.T) {
	var b Book
	h, _ := made(t, &b, "one")
	name, bad := "two", "javascript:x"
	if _, err := b.Change(h.ID, Change{Name: &name, Avatar: &bad}); err == nil {
		t.Fatal("taken")
	}
	if got, _ := b.Get(h.ID); got.Name != "one" {
		t.Errorf("half of a change: %q", got.Name)
	}
	got, err := b.Change(h.ID, Change{Name: &name})
	if err != nil || got.Name != "two" || !got.On || !got.Marked {
		t.Errorf("%+v %v", got, err)
	}
	if err := b.Used(h.ID, monday()); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.Get(h.ID); got.Count != 1 || !got.LastUsed.Equal(monday()) {
		t.Errorf("%+v", got)
	}
}

func TestBookJSON(t *testing.T) {
	var b Book
	h, one := made(t, &b, "one")
	_, two, err := b.Rotate(h.ID, time.Hour, monday())
	if err != nil {
		t.Fatal(err)
	}
	made(t, &b, "two")
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), one) || strings.Contains(string(data), two.Reveal()) {
		t.Fatal("a token is written")
	}
	var back Book
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{one, two.Reveal()} {
		if got, ok := back.Find(token, monday()); !ok || got != b.List()[0] {
			t.Errorf("%+v\n%+v", got, b.List()[0])
		}
	}
	for name, change := range map[string][2]string{
		"version":   {`"version":1`, `"version":2`},
		"unknown":   {`"version":1`, `"version":1,"more":1`},
		"inside":    {`"name":"one"`, `"name":"one","more":1`},
		"name":      {`"name":"one"`, `"name":""`},
		"same id":   {back.List()[1].ID, h.ID},
		"bad hash":  {`"token":"`, `"token":"zz`},
		"no hash":   {`"token":"`, `"token":"","name":"`},
		"bad limit": {`"name":"one"`, `"name":"one","limit":{"n":1}`},
	} {
		spoiled := strings.Replace(string(data), change[0], change[1], 1)
		if spoiled == string(data) {
			t.Fatalf("%s: nothing to spoil", name)
		}
		again := back
		if err := json.Unmarshal([]byte(spoiled), &again); err == nil {
			t.Errorf("%s: read", name)
		} else if len(again.List()) != 2 {
			t.Errorf("%s: changed", name)
		}
	}
	if data, err := json.Marshal(Book{}); err != nil || string(data) != `{"version":1,"hooks":[]}` {
		t.Errorf("%s %v", data, err)
	}
}

func TestReadPatch(t *testing.T) {
	c, err := readPatch([]byte(`{"name":"x","avatar_url":null,"active":false}`))
	if err != nil || c.Name == nil || *c.Name != "x" || c.Avatar == nil || *c.Avatar != "" || c.On == nil || *c.On {
		t.Errorf("%+v %v", c, err)
	}
	if c, err := readPatch([]byte(`{}`)); err != nil || c != (Change{}) {
		t.Errorf("%+v %v", c, err)
	}
	for _, in := range []string{``, `[]`, `{"name":null}`, `{"name":1}`, `{"active":"yes"}`, `{"active":null}`, `{"avatar_url":1}`, `{"token":"x"}`, `{} {}`} {
		if _, err := readPatch([]byte(in)); err == nil {
			t.Errorf("%s: taken", in)
		}
	}
}
