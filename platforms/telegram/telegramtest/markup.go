package telegramtest

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// markup renders the text of a parse mode. HTML is read with its tags and
// entities; MarkdownV2 only as far as escapes and the rule that reserved
// characters need one.
func markup(s, mode string) (string, []Entity, *refusal) {
	switch strings.ToLower(mode) {
	case "":
		return s, nil, nil
	case "html":
		return renderHTML(s)
	case "markdownv2":
		return renderMarkdown(s)
	case "markdown":
		return s, nil, nil
	}
	return "", nil, badRequest("unsupported parse_mode")
}

// tags is the HTML tags that Telegram knows, and what they mean.
var tags = map[string]string{
	"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
	"s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
	"a": "text_link", "tg-spoiler": "spoiler", "blockquote": "blockquote",
}

var tag = regexp.MustCompile(`^<(/?)([a-zA-Z-]+)(?:\s+href="([^"]*)")?[^>]*>`)

func renderHTML(s string) (string, []Entity, *refusal) {
	var out strings.Builder
	var open, closed []Entity
	var names []string
	for at := 0; at < len(s); {
		next := strings.IndexByte(s[at:], '<')
		if next < 0 {
			out.WriteString(html.UnescapeString(s[at:]))
			break
		}
		out.WriteString(html.UnescapeString(s[at : at+next]))
		at += next
		m := tag.FindStringSubmatch(s[at:])
		if m == nil || tags[strings.ToLower(m[2])] == "" {
			name := ""
			if m != nil {
				name = m[2]
			}
			return "", nil, badRequest(fmt.Sprintf("can't parse entities: Unsupported start tag %q at byte offset %d", name, at))
		}
		name := strings.ToLower(m[2])
		if m[1] == "" {
			open = append(open, Entity{Type: tags[name], Offset: units(out.String()), URL: m[3]})
			names = append(names, name)
		} else {
			if len(open) == 0 || names[len(names)-1] != name {
				return "", nil, badRequest(fmt.Sprintf("can't parse entities: Unexpected end tag at byte offset %d", at))
			}
			e := open[len(open)-1]
			e.Length = units(out.String()) - e.Offset
			closed = append(closed, e)
			open, names = open[:len(open)-1], names[:len(names)-1]
		}
		at += len(m[0])
	}
	if len(open) > 0 {
		return "", nil, badRequest(fmt.Sprintf("can't parse entities: Can't find end tag corresponding to start tag %q", names[len(names)-1]))
	}
	slices.SortStableFunc(closed, func(a, b Entity) int { return a.Offset - b.Offset })
	return out.String(), closed, nil
}

// Characters that MarkdownV2 reserves; the pairs among them mark entities.
const (
	reserved = "_*[]()~`>#+-=|{}.!"
	pairs    = "_*~`|["
)

func renderMarkdown(s string) (string, []Entity, *refusal) {
	var out strings.Builder
	runes := []rune(s)
	offset := 0
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '\\' && i+1 < len(runes) && runes[i+1] < 128:
			i++
			out.WriteRune(runes[i])
		case strings.ContainsRune(pairs, r):
		case strings.ContainsRune(reserved, r):
			return "", nil, badRequest(fmt.Sprintf(`can't parse entities: Character '%c' is reserved and must be escaped with the preceding '\'`, r))
		default:
			out.WriteRune(r)
		}
		offset++
	}
	return out.String(), nil, nil
}

// sentEntities is the entities that came beside a text.
func sentEntities(q *request, key, value string) ([]Entity, *refusal) {
	name := "entities"
	if key == "caption" {
		name = "caption_entities"
	}
	var entities []Entity
	if !q.object(name, &entities) {
		return nil, badRequest("can't parse entities: expected an Array of MessageEntity")
	}
	for _, e := range entities {
		switch {
		case e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > units(value):
			return nil, badRequest("can't parse entities: an entity is out of the text")
		case e.Type == "text_link" && e.URL == "", e.Type == "text_mention" && e.User == nil:
			return nil, badRequest("can't parse entities: " + e.Type + " leads nowhere")
		}
	}
	return entities, nil
}

// trim takes white space off both ends, as the server does.
func trim(s string, entities []Entity) (string, []Entity) {
	left := strings.TrimLeftFunc(s, unicode.IsSpace)
	cut := units(s) - units(left)
	out := strings.TrimRightFunc(left, unicode.IsSpace)
	most := units(out)
	var kept []Entity
	for _, e := range entities {
		e.Offset -= cut
		if e.Offset >= 0 && e.Offset < most {
			e.Length = min(e.Length, most-e.Offset)
			kept = append(kept, e)
		}
	}
	return out, kept
}

var words = []struct {
	kind    string
	pattern *regexp.Regexp
}{
	{"bot_command", regexp.MustCompile(`(?:^|\s)(/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{3,32})?)`)},
	{"mention", regexp.MustCompile(`(?:^|[^\w/@])(@[A-Za-z][A-Za-z0-9_]{2,31})`)},
}

// found is the entities that the server sees in a plain text by itself.
func found(s string) (entities []Entity) {
	for _, w := range words {
		for _, at := range w.pattern.FindAllStringSubmatchIndex(s, -1) {
			entities = append(entities, Entity{Type: w.kind, Offset: units(s[:at[2]]), Length: units(s[at[2]:at[3]])})
		}
	}
	slices.SortStableFunc(entities, func(a, b Entity) int { return a.Offset - b.Offset })
	return entities
}
