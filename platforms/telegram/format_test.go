package telegram_test

import (
	"reflect"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

func TestMarkdownBecomesEntities(t *testing.T) {
	s := newStage(t)
	_, err := s.conn.Send(t.Context(), platforms.Message{Conversation: conversation(telegramtest.Direct), Format: platforms.Markdown,
		Text: "😀 **b** [s](https://example.org) [Ada](mention:700000001)\n\n```go\nx\n```"})
	must(t, err)
	got := s.Sent()[0]
	want := []telegramtest.Entity{
		{Type: "bold", Offset: 3, Length: 1}, {Type: "text_link", Offset: 5, Length: 1, URL: "https://example.org"},
		{Type: "text_mention", Offset: 7, Length: 3, User: &telegramtest.User{ID: 700000001}}, {Type: "pre", Offset: 12, Length: 1, Language: "go"},
	}
	if got.Text != "😀 b s Ada\n\nx" || !reflect.DeepEqual(got.Entities, want) {
		t.Errorf("%q %+v", got.Text, got.Entities)
	}
}
