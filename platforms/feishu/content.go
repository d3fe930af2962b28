package feishu

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

// content is what a message holds.
type content struct {
	text  string
	files []platforms.Attachment
	note  string
}

// fields is a content's members, as far as any kind of message has them.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/events/message_content
type fields struct {
	Text      string          `json:"text"`
	Title     string          `json:"title"`
	Content   json.RawMessage `json:"content"`
	ImageKey  string          `json:"image_key"`
	FileKey   string          `json:"file_key"`
	FileName  string          `json:"file_name"`
	Duration  int64           `json:"duration"` // milliseconds
	Name      string          `json:"name"`
	Longitude string          `json:"longitude"`
	Latitude  string          `json:"latitude"`
	Topic     string          `json:"topic"`
	Summary   json.RawMessage `json:"summary"`
	Options   []string        `json:"options"`
	Elements  json.RawMessage `json:"elements"` // of a card
}

// read reads a message's content.
func read(w written) content {
	var f fields
	if err := json.Unmarshal([]byte(w.content), &f); err != nil {
		// One odd member must not take the text along.
		var some map[string]json.RawMessage
		_ = json.Unmarshal([]byte(w.content), &some)
		_ = json.Unmarshal(some["text"], &f.Text)
		return content{text: w.named(f.Text), note: unreadable}
	}
	var c content
	switch w.kind {
	case "text":
		c.text = w.named(f.Text)
	case "post":
		c = w.post(f.Title, f.Content)
	case "image":
		c.files = w.file(f.ImageKey, "image", "image", ".jpg", "image/jpeg", "")
	case "file":
		c.files = w.file(f.FileKey, "file", "file", "", "application/octet-stream", f.FileName)
	case "audio":
		c.files = w.file(f.FileKey, "file", "voice", ".opus", "audio/ogg", f.FileName)
		c.note = lasting("voice message", f.Duration)
	case "media":
		c.files = w.file(f.FileKey, "file", "video", ".mp4", "video/mp4", f.FileName)
	case "sticker":
		c.note = "sticker" // which the platform does not give out
	case "interactive":
		c.text, c.note = cardWords(f), "card"
	case "folder":
		c.note = "folder: " + f.FileName
	case "location":
		c.note = fmt.Sprintf("location: %s (%s, %s)", f.Name, f.Latitude, f.Longitude)
	case "share_chat":
		c.note = "a group's card"
	case "share_user":
		c.note = "a person's card"
	case "merge_forward":
		c.note = "several messages, forwarded together"
	case "vote":
		c.note = "vote: " + f.Topic + " (" + strings.Join(f.Options, ", ") + ")"
	case "video_chat":
		c.note = "meeting: " + f.Topic
	case "calendar", "share_calendar_event", "general_calendar":
		c.note = "calendar: " + summary(f.Summary)
	case "todo":
		c.note = "task: " + summary(f.Summary)
	case "hongbao":
		c.note = "red packet"
	case "system":
		c.note = "a message of the platform's own"
	default:
		c.text = w.named(f.Text)
	}
	c.note = strings.TrimRight(c.note, ": ")
	return c
}

func lasting(what string, millis int64) string {
	if millis <= 0 {
		return what
	}
	return fmt.Sprintf("%s, %v", what, (time.Duration(min(millis, 86_400_000)) * time.Millisecond).Round(time.Second))
}

// file is an attachment; none without a key.
func (w written) file(key, kind, what, ext, usual, name string) []platforms.Attachment {
	if key == "" {
		return nil
	}
	if name == "" {
		name = what + "-" + tail(key) + ext
	}
	return []platforms.Attachment{{Ref: w.id + "/" + key + "/" + kind, Name: name, MediaType: usual}}
}

// inline is a part of a line of a post.
type inline struct {
	Tag      string `json:"tag"`
	Text     string `json:"text"`
	Href     string `json:"href"`
	UserID   string `json:"user_id"`
	UserName string `json:"user_name"`
	ImageKey string `json:"image_key"`
	FileKey  string `json:"file_key"`
	Emoji    string `json:"emoji_type"`
}

// post reads a post's lines: [[part, part], [part]].
func (w written) post(heading string, raw json.RawMessage) content {
	var c content
	var lines []string
	if heading != "" {
		lines = append(lines, heading)
	}
	var rows [][]json.RawMessage
	if json.Unmarshal(raw, &rows) != nil && len(raw) > 0 {
		c.note = unreadable
	}
	for _, row := range rows {
		var line strings.Builder
		only := len(row) > 0 // only files: no line of its own
		for _, part := range row {
			var p inline
			if json.Unmarshal(part, &p) != nil {
				c.note = unreadable
				continue
			}
			files, words := w.part(p)
			c.files = append(c.files, files...)
			line.WriteString(words)
			only = only && files != nil
		}
		if !only {
			lines = append(lines, line.String())
		}
	}
	c.text = strings.Join(lines, "\n")
	return c
}

func (w written) part(p inline) (files []platforms.Attachment, words string) {
	switch p.Tag {
	case "img":
		return w.file(p.ImageKey, "image", "image", ".jpg", "image/jpeg", ""), ""
	case "media":
		return w.file(p.FileKey, "file", "video", ".mp4", "video/mp4", ""), ""
	case "a":
		if p.Href != "" && p.Href != p.Text {
			return nil, p.Text + " (" + p.Href + ")"
		}
		return nil, p.Text
	case "at":
		if s := w.named(p.UserID); s != p.UserID {
			return nil, s
		}
		if p.UserID == "all" || p.UserID == "@_all" {
			return nil, "@all"
		}
		if p.UserName == "" {
			return nil, "@somebody"
		}
		return nil, "@" + p.UserName
	case "emotion":
		return nil, "[" + p.Emoji + "]"
	case "hr":
		return nil, "—"
	}
	return nil, p.Text
}

// cardWords is the text of a card as events bring it: its title and what is
// left of its elements.
func cardWords(f fields) string {
	lines := []string{}
	if f.Title != "" {
		lines = append(lines, f.Title)
	}
	var rows [][]inline
	if json.Unmarshal(f.Elements, &rows) == nil {
		for _, row := range rows {
			var line strings.Builder
			for _, p := range row {
				line.WriteString(p.Text)
			}
			if line.Len() > 0 {
				lines = append(lines, line.String())
			}
		}
	}
	return strings.Join(lines, "\n")
}

// summary is a title, which is a string or a small post.
func summary(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var o struct {
		Title   string     `json:"title"`
		Content [][]inline `json:"content"`
	}
	_ = json.Unmarshal(raw, &o)
	for _, line := range o.Content {
		for _, p := range line {
			o.Title = strings.TrimSpace(o.Title + " " + p.Text)
		}
	}
	return o.Title
}
