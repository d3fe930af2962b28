package routes

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/postern/postern/platforms/text"
)

// said is one message of the library's, and what a person reads instead.
type said struct {
	pattern string
	words   func(part []string) string
}

// Messages of the library's whose place is not where it says.
const (
	early     = `^unexpected token EOF|^unexpected end`
	openQuote = `^literal not terminated`
)

// sayings are in order: the first that matches counts.
func sayings() []said {
	one := func(s string) func([]string) string { return func([]string) string { return s } }
	return []said{
		{`^unknown name (\S+)$`, func(m []string) string {
			return fmt.Sprintf("there is no %s here. %s", m[1], or(meant(m[1], names()), "Text to compare with stands in quotes: \""+m[1]+"\""))
		}},
		{`^type (\S+) has no field (\S+)$`, func(m []string) string {
			if m[1] == "string" {
				return "a text has no ." + m[2] + ". Leave it out"
			}
			return fmt.Sprintf("%s has no .%s. It has %s", spell(m[1]), m[2], fields(m[1]))
		}},
		{`^unexpected token Operator\("="\)`, one("a single = does not compare. Write ==")},
		{`^unexpected token Operator\("&"\)`, one("a single & does not join conditions. Write “and”")},
		{`^unexpected token Operator\("\|"\)`, one("a single | does not join conditions. Write “or”")},
		{early, one("the expression ends too early. Complete it")},
		{`^expected name`, one("after a point comes the name of a part, as in sender.id. Write one")},
		{`^unexpected token Bracket\("([)\]}])"\)`, func(m []string) string {
			return "the " + m[1] + " has no partner, or something is missing before it. Delete it or complete the expression"
		}},
		{`^unexpected token (Identifier|String|Number)\((.*)\)$`, func(m []string) string {
			return "something is missing before " + strings.Trim(m[2], `"`) + ". Put an operator there, such as == or “and”"
		}},
		{`^unexpected token \w+\("(.*)"\)$`, func(m []string) string {
			return m[1] + " can't stand here. Something is missing before it, or it is one too many"
		}},
		{openQuote, one("the quotation mark has no partner. Close the text with the same mark")},
		{`^unclosed comment`, one("the comment does not end. Close it with */")},
		{`^unrecognized character: .* '(.)'`, func(m []string) string {
			if strings.Contains("“”„‟‘’‚«»", m[1]) {
				return "the quotation mark " + m[1] + " can't be used. Write text in straight quotes: \"…\""
			}
			return "the character " + m[1] + " can't stand here. Text stands in quotes"
		}},
		{`^invalid char escape|^unable to unescape`, one(`the \ in a text is followed by something unknown. Write \\ for a backslash, or put the text between backticks`)},
		{`exceeds maximum allowed nodes`, one("the expression has too many parts. Make two routes of it")},
		{`^invalid operation: (\S+) \(mismatched types? (.+) and (.+)\)$`, func(m []string) string {
			return fmt.Sprintf("%s can't be used between %s and %s. %s", m[1], spell(m[2]), spell(m[3]), mend(m[1], m[2], m[3]))
		}},
		{`^invalid operation: (\S+) \(mismatched type (.+)\)$`, func(m []string) string {
			return fmt.Sprintf("%s can't be used before %s. Compare it with something first", m[1], spell(m[2]))
		}},
		{`^non-bool expression \(type (.+)\)`, func(m []string) string {
			return "what stands before ? is " + spell(m[1]) + ", and must be true or false. Compare it with something"
		}},
		{`^predicate should return boolean \(got (.+)\)`, func(m []string) string {
			return "the condition for the entries gives " + spell(m[1]) + ", and must be true or false. Compare it with something"
		}},
		{`^builtin (\S+) takes only array \(got (.+)\)`, func(m []string) string {
			return fmt.Sprintf("%s looks through a list, and this is %s. Give it attachments, or a list of json", m[1], spell(m[2]))
		}},
		{`^cannot use pointer accessor outside predicate`, one("# stands for an entry of a list. Use it inside any, all, none, one or count")},
		{`^cannot use (\S+) as type (\S+) in array`, func(m []string) string {
			return fmt.Sprintf("%s is never in a list of %ss. Compare things of one sort", spell(m[1]), bare(m[2]))
		}},
		{`^cannot use (\S+) as argument \(type (\S+)\) to call (\S+)`, func(m []string) string {
			return fmt.Sprintf("%s takes %s, and this is %s. Give it something else, as in %s", m[3], spell(m[2]), spell(m[1]), example(m[3]))
		}},
		{`^(?:not enough|too many) arguments to call (\S+)`, func(m []string) string {
			return fmt.Sprintf("%s takes another number of arguments. Write it as in %s", m[1], example(m[1]))
		}},
		{`^expected at least`, one("the condition for the entries is missing. Write it as in " + example("any"))},
		{`^invalid number of arguments`, one("the function takes another number of arguments. Look up how it is written")},
		{`^(?:bad number syntax|invalid \w+ literal|\w+ literal is too large)`, one("the number can't be read, or is too large. Put it in quotes if it is text")},
		{`^invalid argument for (\S+) \(type (.+)\)`, func(m []string) string {
			return fmt.Sprintf("%s can't be used with %s. Write it as in %s", m[1], spell(m[2]), example(m[1]))
		}},
		{`^array elements can only be selected`, one("entries of a list are chosen by number. Write [0] for the first, or use any")},
		{`coalesce expressions`, one("?? can't stand beside another operator. Put it in parentheses together with its two sides")},
	}
}

// words is a message of the library's for a person.
func words(message string) string {
	message = text.Line(message, 300)
	for _, s := range sayings() {
		if m := regexp.MustCompile(s.pattern).FindStringSubmatch(message); m != nil {
			return s.words(m)
		}
	}
	return message + ". Correct it here"
}

// bare is a type of the checker's, as a noun.
func bare(t string) string {
	switch strings.TrimPrefix(strings.TrimPrefix(t, "*"), "routes.") {
	case "string":
		return "text"
	case "bool":
		return "true or false"
	case "int", "int64", "float64", "uint8":
		return "number"
	case "nil", "<nil>":
		return "nothing"
	case "sender":
		return "sender"
	case "conversation":
		return "conversation"
	case "attachment":
		return "attachment"
	}
	if strings.HasPrefix(t, "[]") || t == "array" {
		return "list"
	}
	return "something else"
}

// spell is a type of the checker's, with its article.
func spell(t string) string {
	switch noun := bare(t); noun {
	case "nothing", "something else", "true or false":
		return noun
	case "sender", "conversation":
		return "the " + noun
	case "attachment":
		return "an " + noun
	default:
		return "a " + noun
	}
}

// fields are the parts of a type, as they are written.
func fields(t string) string {
	for _, of := range []reflect.Type{reflect.TypeFor[sender](), reflect.TypeFor[conversation](), reflect.TypeFor[attachment]()} {
		if t != of.String() {
			continue
		}
		var out []string
		for i := range of.NumField() {
			out = append(out, "."+of.Field(i).Tag.Get("expr"))
		}
		return strings.Join(out, ", ")
	}
	return "no parts"
}

func mend(operator, left, right string) string {
	for _, t := range []string{left, right} {
		if parts := fields(t); parts != "no parts" {
			return "Choose a part of it: " + parts
		}
	}
	switch {
	case operator == "and" || operator == "or" || operator == "&&" || operator == "||":
		return "Write a comparison on both sides"
	case slices.Contains([]string{left, right}, "int") && slices.Contains([]string{left, right}, "string"):
		return "Put the number in quotes, or compare another thing"
	}
	return "Compare things of one sort"
}

// instead is how to make a condition of a value of type t.
func instead(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return `text == "hello"`
	case reflect.Slice:
		return "len(attachments) > 0"
	case reflect.Struct:
		return `sender.id == "4711"`
	}
	return "len(attachments) > 1"
}

// names is every name of a value, without what follows a point.
func names() (out []string) {
	for _, n := range Suggest() {
		name, _, _ := strings.Cut(n.Name, ".")
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func callable() []string { return append(ours(), theirs()...) }

func functions() string { return "The functions are " + strings.Join(callable(), ", ") }

func example(of string) string {
	for _, n := range Suggest() {
		if n.Name == of {
			return n.Example
		}
	}
	return `has(text, "hello")`
}

// meant is a question about the name that is next to a wrong one, if any is.
func meant(wrong string, all []string) string {
	lower := strings.ToLower(wrong)
	switch lower {
	case "from", "user", "author":
		lower = "sender"
	case "message", "msg":
		lower = "text"
	case "body", "payload":
		lower = "json"
	case "chat", "channel", "group", "room":
		lower = "conversation"
	case "file", "files":
		lower = "attachments"
	case "headers":
		lower = "header"
	}
	best, least := "", 3
	for _, name := range all {
		if d := distance(lower, strings.ToLower(name)); d < least && 2*d < len(lower) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return "Did you mean " + best + "?"
}

// distance is how many letters must be put in, left out or changed to make b of
// a. Names are short: it gives up on long ones.
func distance(a, b string) int {
	if len(a) > 20 || len(b) > 20 {
		return 20
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
