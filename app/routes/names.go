package routes

import "slices"

// Name is one word that expressions may use.
type Name struct {
	Name    string `json:"name"`
	Type    Type   `json:"type"`
	Help    string `json:"help"`    // one line
	Example string `json:"example"` // an expression that compiles
}

// Type is what a name stands for, in words.
type Type string

// The types.
const (
	Text     Type = "text"
	YesNo    Type = "yes or no"
	List     Type = "list"
	JSON     Type = "JSON" // anything that a body of JSON may hold, and nil
	Function Type = "function"
	Operator Type = "operator"
)

// Suggest is every name that expressions may use, and the operators that are
// words, in the order in which a person would look for them.
func Suggest() []Name {
	return []Name{
		{"text", Text, "What was written, the first 64 KiB of it.", `text contains "invoice"`},
		{"mentioned", YesNo, "The bot was addressed: by name, by a reply, or in a direct conversation.", `mentioned`},
		{"kind", Text, `What happened: "message", "edit", "click", "moved" or "membership".`, `kind == "message"`},
		{"role", Text, `As what the sender may talk: "owner", "member", "listener", or "" for a stranger.`, `role == "owner"`},
		{"sender.id", Text, "The sender's lasting id. Only this one can't be changed by the sender.", `sender.id == "4711"`},
		{"sender.name", Text, "The sender's name, which they choose themselves.", `has(sender.name, "ada")`},
		{"sender.handle", Text, "The sender's handle, which they may be able to change.", `sender.handle == "@ada"`},
		{"sender.bot", YesNo, "The sender is a bot, or a service.", `not sender.bot`},
		{"conversation.id", Text, "The id of the chat, channel or direct conversation.", `conversation.id == "-100123"`},
		{"conversation.kind", Text, `Where it happened: "direct", "group", "channel", or "" if it is not known.`, `conversation.kind == "direct"`},
		{"conversation.title", Text, "The conversation's title, which its members may change.", `conversation.title startsWith "Support"`},
		{"thread", Text, "The id of the thread or topic, or \"\".", `thread != ""`},
		{"account", Text, "The id of the account that received it.", `account == "home"`},
		{"label", Text, "Your name for the account.", `label == "Family bot"`},
		{"platform", Text, "The platform's short name, as in the list of platforms.", `platform == "webhook"`},
		{"click", Text, "What the pressed button carries, or \"\".", `click startsWith "approve:"`},
		{"note", Text, `What came that is no text: "location", "poll", or "".`, `note == "location"`},
		{"attachments", List, "The files that came with it, each with .name, .type and .size in bytes.", `any(attachments, .type startsWith "image/" and .size < 5000000)`},
		{"method", Text, `The method of the request that it came by, or "".`, `method == "POST"`},
		{"json", JSON, "The request's body, where it is JSON. Write ?. where something may be missing.", `json?.pull_request?.merged == true`},
		{"header", Function, `header("Name") is the first value of a request's header, or "".`, `header("X-GitHub-Event") == "push"`},
		{"has", Function, "has(a, b): a contains b, whatever their case.", `has(text, "urgent")`},
		{"lower", Function, "lower(a): a in lower case.", `lower(text) == "stop"`},
		{"upper", Function, "upper(a): a in upper case.", `upper(text) == "STOP"`},
		{"trim", Function, "trim(a): a without space around it.", `trim(text) == "?"`},
		{"string", Function, "string(a): a number, yes or no, or text of JSON as text; nil is \"\".", `string(json?.issue?.number) == "17"`},
		{"len", Function, "len(a): how many characters of a text, or entries of a list.", `len(attachments) > 1`},
		{"any", Function, "any(list, condition): for one entry or more, called # in the condition.", `any(json?.labels, .name == "bug")`},
		{"all", Function, "all(list, condition): for every entry.", `all(attachments, .size < 1000)`},
		{"none", Function, "none(list, condition): for no entry.", `none(json?.commits, .author.name == "bot")`},
		{"one", Function, "one(list, condition): for exactly one entry.", `one(attachments, .type == "application/pdf")`},
		{"count", Function, "count(list, condition): for how many entries.", `count(attachments, .name endsWith ".csv") > 2`},
		{"and", Operator, "Both hold.", `mentioned and role == "owner"`},
		{"or", Operator, "One of them holds, or both.", `text == "stop" or text == "halt"`},
		{"not", Operator, "It does not hold.", `not (text startsWith "/")`},
		{"contains", Operator, "The text has the other one in it.", `text contains "refund"`},
		{"startsWith", Operator, "The text begins with the other one.", `text startsWith "/help"`},
		{"endsWith", Operator, "The text ends with the other one.", `text endsWith "?"`},
		{"matches", Operator, "The text matches a regular expression, which is written in quotes.", "text matches `^/deploy [a-z]+$`"},
		{"in", Operator, "It is one of a list.", `kind in ["message", "edit"]`},
	}
}

// known are the types of all names for the type checker. Its values are never
// used: what is read there comes from an evaluation.
type known struct {
	Text         string       `expr:"text"`
	Mentioned    bool         `expr:"mentioned"`
	Kind         string       `expr:"kind"`
	Role         string       `expr:"role"`
	Sender       sender       `expr:"sender"`
	Conversation conversation `expr:"conversation"`
	Thread       string       `expr:"thread"`
	Account      string       `expr:"account"`
	Label        string       `expr:"label"`
	Platform     string       `expr:"platform"`
	Click        string       `expr:"click"`
	Note         string       `expr:"note"`
	Attachments  []attachment `expr:"attachments"`
	Method       string       `expr:"method"`
	JSON         any          `expr:"json"`
}

type sender struct {
	ID     string `expr:"id"`
	Name   string `expr:"name"`
	Handle string `expr:"handle"`
	Bot    bool   `expr:"bot"`
}

type conversation struct {
	ID    string `expr:"id"`
	Kind  string `expr:"kind"`
	Title string `expr:"title"`
}

type attachment struct {
	Name string  `expr:"name"`
	Type string  `expr:"type"`
	Size float64 `expr:"size"`
}

// ours are the functions that the library does not have, and theirs are those of
// the library that may be used.
func ours() []string { return []string{"has", "header"} }

func theirs() []string {
	return []string{"len", "lower", "upper", "trim", "string", "any", "all", "none", "one", "count"}
}

// overList reports whether a function evaluates a condition for each entry.
func overList(name string) bool {
	return slices.Contains([]string{"any", "all", "none", "one", "count"}, name)
}
