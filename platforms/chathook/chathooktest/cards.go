package chathooktest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file reads Slack's blocks and Adaptive Cards.

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func list(v any) []any            { l, _ := v.([]any); return l }
func str(v any) string            { s, _ := v.(string); return s }

// readSlack reads text or blocks, of which the blocks are shown.
// https://docs.slack.dev/reference/block-kit
func readSlack(body []byte) (m Message, ok bool) {
	var b map[string]any
	if json.Unmarshal(body, &b) != nil {
		return m, false
	}
	text, blocks := str(b["text"]), list(b["blocks"])
	if text == "" && len(blocks) == 0 && len(list(b["attachments"])) == 0 || utf8.RuneCountInString(text) > 40000 || len(blocks) > 50 {
		return m, false
	}
	for _, mark := range []string{"<!channel", "<!here", "<!everyone", "<@"} {
		if strings.Contains(text, mark) {
			m.Pings = append(m.Pings, strings.Trim(mark, "<!"))
		}
	}
	var parts []string
	for _, v := range blocks {
		block := object(v)
		switch str(block["type"]) {
		case "rich_text":
			if len(list(block["elements"])) == 0 {
				return m, false
			}
			for _, e := range list(block["elements"]) {
				part, fine := richText(object(e), &m)
				if !fine {
					return m, false
				}
				parts = append(parts, part)
			}
		case "section", "header":
			t := object(block["text"])
			if n := utf8.RuneCountInString(str(t["text"])); n == 0 || n > 3000 {
				return m, false
			}
			parts = append(parts, str(t["text"]))
		case "divider", "image", "context", "actions":
		default:
			return m, false
		}
	}
	m.Text = strings.Join(parts, "\n")
	if len(blocks) == 0 {
		m.Text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
	}
	return m, true
}

func richText(e map[string]any, m *Message) (string, bool) {
	kind := str(e["type"])
	var parts []string
	for i, v := range list(e["elements"]) {
		v := object(v)
		switch {
		case kind == "rich_text_list":
			text, ok := richText(v, m)
			if str(v["type"]) != "rich_text_section" || !ok {
				return "", false
			}
			mark := "•"
			if str(e["style"]) == "ordered" {
				offset, _ := e["offset"].(float64)
				mark = fmt.Sprintf("%d.", i+1+int(offset))
			} else if str(e["style"]) != "bullet" {
				return "", false
			}
			indent, _ := e["indent"].(float64)
			parts = append(parts, strings.Repeat("  ", int(indent))+mark+" "+text)
		case str(v["type"]) == "text" && str(v["text"]) != "":
			parts = append(parts, str(v["text"]))
		case str(v["type"]) == "link" && str(v["url"]) != "":
			if t := str(v["text"]); t != "" {
				parts = append(parts, t)
			} else {
				parts = append(parts, str(v["url"]))
			}
		case str(v["type"]) == "user", str(v["type"]) == "broadcast":
			m.Pings = append(m.Pings, str(v["user_id"])+str(v["range"]))
		default:
			return "", false
		}
	}
	if kind == "rich_text_list" {
		return strings.Join(parts, "\n"), true
	}
	return strings.Join(parts, ""), len(parts) > 0 && slices.Contains([]string{"rich_text_section", "rich_text_quote", "rich_text_preformatted"}, kind)
}

// readTeams reads cards of text.
// https://adaptivecards.io/explorer/AdaptiveCard.html
func readTeams(body []byte) (m Message, ok bool) {
	var b map[string]any
	if json.Unmarshal(body, &b) != nil || str(b["type"]) != "message" || len(list(b["attachments"])) == 0 {
		return m, false
	}
	var lines []string
	for _, v := range list(b["attachments"]) {
		a := object(v)
		card := object(a["content"])
		if str(a["contentType"]) != "application/vnd.microsoft.card.adaptive" || str(card["type"]) != "AdaptiveCard" ||
			!slices.Contains([]string{"1.0", "1.1", "1.2", "1.3", "1.4", "1.5"}, str(card["version"])) || len(list(card["body"])) == 0 {
			return m, false
		}
		if len(list(object(card["msteams"])["entities"])) > 0 {
			m.Pings = append(m.Pings, "entities")
		}
		for _, v := range list(card["body"]) {
			e := object(v)
			switch str(e["type"]) {
			case "RichTextBlock":
				line, fine := runs(list(e["inlines"]))
				if !fine {
					return m, false
				}
				lines = append(lines, line)
			case "TextBlock":
				lines = append(lines, render(str(e["text"]), false))
			default:
				return m, false
			}
		}
	}
	m.Text = strings.Join(lines, "\n")
	return m, true
}

func runs(inlines []any) (string, bool) {
	var out strings.Builder
	for _, v := range inlines {
		if s, plain := v.(string); plain {
			out.WriteString(s)
			continue
		}
		run := object(v)
		text := str(run["text"])
		if str(run["type"]) != "TextRun" || text == "" || strings.Contains(text, "\n") ||
			!slices.Contains([]string{"", "Default", "Lighter", "Bolder"}, str(run["weight"])) || !slices.Contains([]string{"", "Default", "Monospace"}, str(run["fontType"])) {
			return "", false
		}
		if a := object(run["selectAction"]); a != nil {
			if u, err := url.Parse(str(a["url"])); str(a["type"]) != "Action.OpenUrl" || err != nil || u.Scheme == "" {
				return "", false
			}
		}
		out.WriteString(text)
	}
	if out.String() == " " { // an empty line
		return "", true
	}
	return out.String(), len(inlines) > 0
}
