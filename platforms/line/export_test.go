package line

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// Convert is convert for a bot that wrote message 77, with the tag AAAAAAAAAAAA.
func Convert(raw json.RawMessage, now time.Time) (platforms.Event, bool) {
	return convert(raw, now, func(id platforms.MessageID) bool { return id == "77" }, func(tag string) platforms.MessageID {
		if strings.Trim(tag, "A") == "" {
			return "77"
		}
		return ""
	})
}

// Remembered is how much a connector keeps.
func Remembered(c platforms.Connector) map[string]int {
	n := c.(*connector)
	return map[string]int{"used": n.used.size(), "tags": n.tags.size(), "quotes": n.quotes.size(), "names": n.names.size()}
}

func TestBounded(t *testing.T) {
	b := newBounded[int](3)
	for i, key := range []string{"a", "b", "a", "c", "d", "e"} {
		b.put(key, i)
	}
	if b.size() != 3 {
		t.Errorf("%d values, want 3", b.size())
	}
	for key, want := range map[string]bool{"a": false, "b": false, "c": true, "d": true, "e": true} {
		if _, ok := b.get(key); ok != want {
			t.Errorf("%s is kept: %v", key, ok)
		}
	}
	if b.put("e", 9) || !b.put("f", 1) {
		t.Error("put must tell what is new")
	}
	b.forget("f")
	if _, ok := b.get("f"); ok || !b.put("f", 2) || !b.put("g", 3) || b.size() > 3 {
		t.Error("what was forgotten must be new, once")
	}
	if _, ok := b.get("f"); !ok {
		t.Error("the newer one went with the former")
	}
}
