package telegram

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-telegram/bot/models"

	"github.com/postern/postern/platforms"
)

var (
	self = models.User{ID: 4242424242, IsBot: true, FirstName: "Postern", Username: "postern_test_bot"}
	then = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// TestConvert compares updates, written after the documentation of the Bot API,
// with what they mean.
func TestConvert(t *testing.T) {
	data, err := os.ReadFile("testdata/updates.json")
	if err != nil {
		t.Fatal(err)
	}
	var tests []struct {
		Name          string
		Update, Event json.RawMessage
	}
	if err := json.Unmarshal(data, &tests); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.Name, func(t *testing.T) {
			ev, _, ok := convert(tt.Update, self, then)
			if !ok {
				t.Fatal("not converted")
			}
			got, err := json.Marshal(ev)
			if err != nil {
				t.Fatal(err)
			}
			if !same(t, got, tt.Event) {
				t.Errorf("\n got %s\nwant %s", got, compact(tt.Event))
			}
		})
	}
}

func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func compact(raw json.RawMessage) string {
	var v any
	_ = json.Unmarshal(raw, &v)
	b, _ := json.Marshal(v)
	return string(b)
}

func TestConvertNeedsANumber(t *testing.T) {
	for _, raw := range []string{`{}`, `[]`, `null`, `7`, `{"update_id":"7"}`, `{"update_id":0}`, `{"update_id":-3}`, `{"message":{}}`} {
		if _, _, ok := convert(json.RawMessage(raw), self, then); ok {
			t.Errorf("%s was converted", raw)
		}
	}
}

func TestBatchOfNothingButNonsenseIsAFault(t *testing.T) {
	if _, _, err := batch([]json.RawMessage{[]byte(`{}`)}, self, then); platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("got %v, want a temporary error: polling it again at once would never end", err)
	}
	evs, last, err := batch([]json.RawMessage{[]byte(`{}`), []byte(`{"update_id":9}`)}, self, then)
	if err != nil || len(evs) != 1 || last != 9 {
		t.Errorf("got %d events up to %d, %v; want the one with a number", len(evs), last, err)
	}
}

// FuzzConvert proves that no update breaks the loop, and that the number alone
// makes the event's id and cursor.
func FuzzConvert(f *testing.F) {
	data, err := os.ReadFile("testdata/updates.json")
	if err != nil {
		f.Fatal(err)
	}
	var tests []struct{ Update json.RawMessage }
	if err := json.Unmarshal(data, &tests); err != nil {
		f.Fatal(err)
	}
	for _, tt := range tests {
		f.Add([]byte(compact(tt.Update)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ev, id, ok := convert(raw, self, then)
		if !ok {
			return
		}
		if id <= 0 || ev.Cursor == "" || !strings.HasPrefix(string(ev.ID), "update:") {
			t.Errorf("update %d became %+v", id, ev)
		}
		if ev.Kind != "" && ev.Time.IsZero() {
			t.Errorf("no time: %+v", ev)
		}
		if _, err := json.Marshal(ev); err != nil {
			t.Error(err)
		}
		again, _, _ := convert(raw, self, then)
		if !reflect.DeepEqual(ev, again) {
			t.Error("the same update gave another event")
		}
	})
}
