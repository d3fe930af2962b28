package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/diamondburned/arikawa/v3/discord"

	"github.com/postern/postern/platforms"
)

// snow is an id of the platform, which holds the time at which it was made. 0 is
// none, as is null; arikawa's type makes null the largest of all.
// https://discord.com/developers/docs/reference#snowflakes
type snow uint64

// snowAt is the smallest id of that moment.
func snowAt(t time.Time) snow {
	if n := discord.DurationSinceEpoch(t); n > 0 {
		return snow(n/time.Millisecond) << 22
	}
	return 0
}

// snowflake reads an id; 0 if it is none.
func snowflake(s string) snow {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0
	}
	return snow(n)
}

func (s snow) String() string { return strconv.FormatUint(uint64(s), 10) }

// Time is when it was made.
func (s snow) Time() time.Time { return discord.Snowflake(s).Time() }

// MarshalJSON writes a string: no program's floating point rounds it.
func (s snow) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// UnmarshalJSON reads a string, a number or null. What is no id is none.
func (s *snow) UnmarshalJSON(b []byte) error {
	*s = snowflake(string(bytes.Trim(b, `"`)))
	return nil
}

var (
	_ json.Marshaler   = snow(0)
	_ json.Unmarshaler = (*snow)(nil)
)

// read decodes what the platform sent. A field that is of another type than
// documented is left out, and the rest is read.
func read(b []byte, v any) bool {
	err := json.Unmarshal(b, v)
	var other *json.UnmarshalTypeError
	return err == nil || errors.As(err, &other)
}

// ids is what the ids look like of who writes, and of channels.
func ids() platforms.IDs {
	return platforms.IDs{
		User:             `^[1-9][0-9]{15,19}$`,
		Conversation:     `^[1-9][0-9]{15,19}$`,
		UserHelp:         "In Discord: Settings, Advanced, switch on Developer Mode; then right-click the person, Copy User ID.",
		ConversationHelp: "In Discord: Settings, Advanced, switch on Developer Mode; then right-click the channel, Copy Channel ID.",
		// All whose accounts were deleted become this one, “Deleted User”.
		Nobody: []platforms.UserID{"456226577798135808"},
	}
}
