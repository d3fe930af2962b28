package telegram

import (
	"encoding/json"
	"testing"

	"github.com/postern/postern/platforms"
)

// TestWhoseMessage: what is written in the name of a chat is that chat's, also in
// a message that can't be decoded. Telegram names a user of its own beside it.
func TestWhoseMessage(t *testing.T) {
	const (
		odd    = `"entities":"not a list",` // which the SDK does not decode
		group  = `"chat":{"id":-1001,"type":"supergroup","title":"Garden"},`
		fake   = `"from":{"id":1087968824,"is_bot":true,"first_name":"Group","username":"GroupAnonymousBot"},`
		ada    = `"from":{"id":4711,"first_name":"Ada"},`
		itself = `"from":{"id":4242424242,"is_bot":true,"first_name":"Postern"},`
		who    = `"sender_chat":{"id":-1009,"type":"channel","title":"News"},`
	)
	for name, c := range map[string]struct {
		fields string
		from   platforms.UserID
		bot    bool
		own    bool
	}{
		"a person":                      {ada, "4711", false, false},
		"an anonymous administrator":    {fake + `"sender_chat":{"id":-1001,"type":"supergroup","title":"Garden"},`, "-1001", false, false},
		"a channel":                     {ada + who, "-1009", false, false},
		"a channel, as Telegram's user": {`"from":{"id":777000,"first_name":"Telegram"},` + who, "-1009", false, false},
		"the bot":                       {itself, "4242424242", true, true},
	} {
		for _, spoilt := range []string{"", odd} {
			update := `{"update_id":1,"message":{"message_id":5,"date":1,` + group + c.fields + spoilt + `"text":"hello"}}`
			ev, _, ok := convert(json.RawMessage(update), self, then)
			if !ok || ev.From.ID != c.from || ev.From.Bot != c.bot || ev.Own != c.own || (ev.Note == unreadable) != (spoilt != "") {
				t.Errorf("%s, spoilt %v: %+v", name, spoilt != "", ev)
			}
		}
	}
	for name, fields := range map[string]string{
		"a chat that can't be read":  fake + `"sender_chat":"News",`,
		"a chat without an id":       ada + `"sender_chat":{"title":"News"},`,
		"a person who can't be read": `"from":"Ada",`,
	} {
		update := `{"update_id":1,"message":{"message_id":5,"date":1,` + group + fields + odd + `"text":"hello"}}`
		if ev, _, ok := convert(json.RawMessage(update), self, then); !ok || ev.From != (platforms.User{}) || ev.Own || ev.Text != "hello" {
			t.Errorf("%s: %+v", name, ev)
		}
	}
}

// TestSpoiltEdit: an edit that can't be decoded is an edit still.
func TestSpoiltEdit(t *testing.T) {
	for kind, want := range map[string]platforms.EventKind{
		"message": platforms.MessageReceived, "channel_post": platforms.MessageReceived,
		"edited_message": platforms.MessageEdited, "edited_channel_post": platforms.MessageEdited,
	} {
		update := `{"update_id":1,"` + kind + `":{"message_id":5,"date":1,"edit_date":2,"chat":{"id":4711,"type":"private"},"from":{"id":4711,"first_name":"Ada"},"entities":"?","text":"hello"}}`
		if ev, _, _ := convert(json.RawMessage(update), self, then); ev.Kind != want || ev.Message != "5" || ev.From.ID != "4711" {
			t.Errorf("%s: %+v", kind, ev)
		}
	}
}

// TestWhoseButton: only buttons of the bot's own messages count.
func TestWhoseButton(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		counts  bool
	}{
		"the bot's":              {`{"message_id":5,"date":1,"chat":{"id":4711,"type":"private"},"from":{"id":4242424242,"is_bot":true,"first_name":"Postern"}}`, true},
		"the bot's in a channel": {`{"message_id":5,"date":1,"chat":{"id":-1009,"type":"channel"},"sender_chat":{"id":-1009,"type":"channel"}}`, true},
		"an old one":             {`{"message_id":5,"date":0,"chat":{"id":4711,"type":"private"}}`, true},
		"somebody's":             {`{"message_id":5,"date":1,"chat":{"id":-1001,"type":"group"},"from":{"id":815,"first_name":"Bob"}}`, false},
	} {
		update := `{"update_id":1,"callback_query":{"id":"9","from":{"id":4711,"first_name":"Ada"},"chat_instance":"1","data":"yes","message":` + c.message + `}}`
		ev, _, ok := convert(json.RawMessage(update), self, then)
		if !ok || (ev.Kind == platforms.ButtonClicked) != c.counts || c.counts && (ev.From.ID != "4711" || ev.Message != "5" || ev.Click.Data != "yes") {
			t.Errorf("%s: %+v", name, ev)
		}
		if ev.Cursor != "1" {
			t.Errorf("%s: it would come again", name)
		}
	}
}
