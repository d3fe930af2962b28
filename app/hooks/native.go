package hooks

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms/text"
)

// native reads {"content", "username"?, "avatar_url"?}. What it doesn't know is
// passed over.
func native(body []byte) (Post, *Fault) {
	var in struct {
		Content  *string `json:"content"`
		Username *string `json:"username"`
		Avatar   *string `json:"avatar_url"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Post{}, malformed("", "The body is not a JSON object with content as text. Correct it.")
	}
	if in.Content == nil {
		return Post{}, empty("content", "There is no content. Send 1 to 4000 characters; a program that speaks another form needs that form's ending behind the address, as postern hooks forms lists them.")
	}
	if utf8.RuneCountInString(*in.Content) > mostContent {
		return Post{}, &Fault{Kind: TooLong, Field: "content", Text: "The content has more than 4000 characters. Shorten it."}
	}
	shown := quiet(text.Block(*in.Content))
	if strings.TrimSpace(shown) == "" {
		return Post{}, empty("content", "There is nothing to show in the content. Send 1 to 4000 characters.")
	}
	p := Post{Text: shown, Mentions: names(*in.Content)}
	if u := in.Username; u != nil {
		if utf8.RuneCountInString(*u) > mostName {
			return Post{}, malformed("username", "The username has more than 64 characters. Shorten it.")
		}
		p.Username = shortened(*u, mostName)
	}
	if a := in.Avatar; a != nil && *a != "" {
		if !webAddress(*a) {
			return Post{}, malformed("avatar_url", "The avatar_url is not an address that begins with https:// or http://. Correct it, or leave it out.")
		}
		p.Avatar = *a
	}
	return p, nil
}
