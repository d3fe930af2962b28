package notify

import (
	"encoding/xml"
	"net/url"
	"strings"
)

// toast is a Windows notification, as its XML schema has it:
// https://learn.microsoft.com/uwp/schemas/tiles/toastschema/schema-root
type toast struct {
	XMLName    xml.Name      `xml:"toast"`
	Launch     string        `xml:"launch,attr"`
	Activation string        `xml:"activationType,attr"`
	Duration   string        `xml:"duration,attr"`
	Template   toastBinding  `xml:"visual>binding"`
	Actions    []toastAction `xml:"actions>action"`
}

type toastBinding struct {
	Template string   `xml:"template,attr"`
	Text     []string `xml:"text"`
}

type toastAction struct {
	Content    string `xml:"content,attr"`
	Arguments  string `xml:"arguments,attr"`
	Activation string `xml:"activationType,attr"`
}

// toastXML is n as Windows wants it. It is made by an encoder, not a template,
// so that no text can become an element. The activation is always "foreground":
// "protocol" would open addresses.
func toastXML(n Notification) (string, error) {
	t := toast{
		Launch: arguments(n.Key, Click), Activation: "foreground", Duration: "short",
		Template: toastBinding{Template: "ToastGeneric", Text: []string{literal(n.Title), literal(n.Body)}},
	}
	if n.Urgent {
		t.Duration = "long"
	}
	for _, a := range n.Actions {
		t.Actions = append(t.Actions, toastAction{
			Content: literal(a.Label), Arguments: arguments(n.Key, a.ID), Activation: "foreground",
		})
	}
	data, err := xml.Marshal(t)
	return string(data), err
}

// literal keeps Windows from replacing a text by a resource of that name.
func literal(s string) string {
	if len(s) >= 12 && strings.EqualFold(s[:12], "ms-resource:") {
		return " " + s
	}
	return s
}

// arguments is what comes back when the person acts; parseArguments reads it.
func arguments(key, action string) string {
	return url.Values{"key": {key}, "action": {action}}.Encode()
}

func parseArguments(s string) (key, action string, ok bool) {
	v, err := url.ParseQuery(s)
	if err != nil || !v.Has("key") || !v.Has("action") {
		return "", "", false
	}
	return v.Get("key"), v.Get("action"), true
}
