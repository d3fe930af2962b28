package slacktest

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// This file shows messages as a reader sees them, and refuses blocks that Slack
// refuses. https://docs.slack.dev/reference/block-kit

// Button is one under a message.
type Button struct{ Label, Value, URL, ActionID, BlockID string }

// visible is a message's text.
func (s *Server) visible(m *message) string {
	var parts []string
	for _, b := range m.blocks {
		if text, ok := s.block(object(b)); ok {
			parts = append(parts, text)
		}
	}
	if len(m.blocks) > 0 {
		return strings.Join(parts, "\n")
	}
	return s.mrkdwn(m.text)
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func list(v any) []any            { l, _ := v.([]any); return l }
func str(v any) string            { s, _ := v.(string); return s }

func (s *Server) block(b map[string]any) (string, bool) {
	switch str(b["type"]) {
	case "rich_text":
		var parts []string
		for _, e := range list(b["elements"]) {
			parts = append(parts, s.rich(object(e)))
		}
		return strings.Join(parts, "\n"), true
	case "section", "header":
		return s.textObject(object(b["text"])), true
	case "context":
		var parts []string
		for _, e := range list(b["elements"]) {
			parts = append(parts, s.textObject(object(e)))
		}
		return strings.Join(parts, " "), true
	}
	return "", false
}

func (s *Server) textObject(t map[string]any) string {
	if str(t["type"]) == "plain_text" {
		return str(t["text"])
	}
	return s.mrkdwn(str(t["text"]))
}

func (s *Server) rich(e map[string]any) string {
	switch str(e["type"]) {
	case "rich_text_list":
		var lines []string
		for i, item := range list(e["elements"]) {
			indent, _ := e["indent"].(float64)
			offset, _ := e["offset"].(float64)
			mark := "•"
			if str(e["style"]) == "ordered" {
				mark = fmt.Sprintf("%d.", i+1+int(offset))
			}
			lines = append(lines, strings.Repeat("  ", int(indent))+mark+" "+s.rich(object(item)))
		}
		return strings.Join(lines, "\n")
	case "rich_text_section", "rich_text_quote", "rich_text_preformatted":
		var out strings.Builder
		for _, v := range list(e["elements"]) {
			out.WriteString(s.inline(object(v)))
		}
		return out.String()
	}
	return ""
}

func (s *Server) inline(e map[string]any) string {
	switch str(e["type"]) {
	case "text":
		return str(e["text"])
	case "link":
		if t := str(e["text"]); t != "" {
			return t
		}
		return str(e["url"])
	case "user":
		return "@" + s.users[str(e["user_id"])].RealName
	case "broadcast":
		return "@" + str(e["range"])
	case "emoji":
		return ":" + str(e["name"]) + ":"
	case "channel":
		return "#" + str(e["channel_id"])
	}
	return ""
}

var (
	reference = regexp.MustCompile(`<([^<>|]*)(?:\|([^<>]*))?>`)
	styled    = regexp.MustCompile("(^|\\s)([*_~`])(\\S(?:[^\\n]*?\\S)?)([*_~`])")
)

// mrkdwn is a text in Slack's own markup, roughly.
func (s *Server) mrkdwn(text string) string {
	text = reference.ReplaceAllStringFunc(text, func(m string) string {
		p := reference.FindStringSubmatch(m)
		switch {
		case p[2] != "":
			return p[2]
		case strings.HasPrefix(p[1], "@"):
			return "@" + s.users[p[1][1:]].RealName
		case strings.HasPrefix(p[1], "!"):
			return "@" + p[1][1:]
		}
		return p[1]
	})
	text = styled.ReplaceAllStringFunc(text, func(m string) string {
		p := styled.FindStringSubmatch(m)
		if p[2] != p[4] {
			return m
		}
		return p[1] + p[3]
	})
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// buttons is what is under a message, a row for each block of actions.
func buttons(blocks []any) (rows [][]Button) {
	for _, b := range blocks {
		if b := object(b); str(b["type"]) == "actions" {
			var row []Button
			for _, e := range list(b["elements"]) {
				e := object(e)
				row = append(row, Button{Label: str(object(e["text"])["text"]), Value: str(e["value"]), URL: str(e["url"]),
					ActionID: str(e["action_id"]), BlockID: str(b["block_id"])})
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// invalid is Slack's word for what is wrong with blocks, or empty.
func (s *Server) invalid(blocks []any) string {
	if len(blocks) > 50 {
		return "invalid_blocks"
	}
	ids := map[string]bool{}
	for _, v := range blocks {
		b := object(v)
		ok := true
		switch str(b["type"]) {
		case "rich_text":
			for _, e := range list(b["elements"]) {
				ok = ok && s.validRich(object(e))
			}
			ok = ok && len(list(b["elements"])) > 0
		case "section", "header":
			t := object(b["text"])
			n := utf8.RuneCountInString(str(t["text"]))
			ok = n > 0 && n <= 3000 && (str(t["type"]) == "plain_text" || str(t["type"]) == "mrkdwn")
		case "actions":
			es := list(b["elements"])
			ok = len(es) > 0 && len(es) <= 25
			for _, e := range es {
				e := object(e)
				label, id := str(object(e["text"])["text"]), str(e["action_id"])
				if str(e["type"]) != "button" || str(object(e["text"])["type"]) != "plain_text" || label == "" || utf8.RuneCountInString(label) > 75 ||
					len(str(e["value"])) > 2000 || len(str(e["url"])) > 3000 || len(id) > 255 || ids[str(b["block_id"])+"/"+id] {
					ok = false
				}
				if u, err := url.Parse(str(e["url"])); err != nil || str(e["url"]) != "" && u.Host == "" {
					ok = false
				}
				ids[str(b["block_id"])+"/"+id] = true
			}
		case "context", "divider", "image":
		default:
			ok = false
		}
		if !ok {
			return "invalid_blocks"
		}
	}
	return ""
}

func (s *Server) validRich(e map[string]any) bool {
	kind := str(e["type"])
	for _, v := range list(e["elements"]) {
		v := object(v)
		switch {
		case kind == "rich_text_list":
			if str(v["type"]) != "rich_text_section" || !s.validRich(v) {
				return false
			}
		case str(v["type"]) == "text":
			if str(v["text"]) == "" {
				return false
			}
		case str(v["type"]) == "link":
			if str(v["url"]) == "" {
				return false
			}
		case str(v["type"]) == "user":
			if _, ok := s.users[str(v["user_id"])]; !ok {
				return false
			}
		case str(v["type"]) == "emoji", str(v["type"]) == "broadcast", str(v["type"]) == "channel":
		default:
			return false
		}
	}
	if kind == "rich_text_list" {
		return str(e["style"]) == "ordered" || str(e["style"]) == "bullet"
	}
	return kind == "rich_text_section" || kind == "rich_text_quote" || kind == "rich_text_preformatted"
}
