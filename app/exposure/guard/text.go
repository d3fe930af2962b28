package guard

import (
	"fmt"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
)

// Version is that of the text that Question holds. Raise it with every change of
// what the text says: what was acknowledged under another version ends.
const Version = 1

// Question is what a person is asked before c opens, without its nonce.
func Question(c Claim, paths []string) api.Question {
	return api.Question{
		Account: c.Account, Version: Version,
		Title: "Open a public listener?",
		What: fmt.Sprintf("%s wants to listen on %s %s, published as %s.",
			c.Title, c.Bind, strings.Join(paths, " and "), c.Host),
		Means: "Strangers will be able to send bytes to a program on this computer. A tunnel does not change that: what they send still reaches this program." +
			bindMeans(c),
		Risks: []string{
			"They can flood it, until your own messages wait or get lost.",
			"They can probe its parsers of HTTP, JSON and files with whatever they like.",
			"They can use a bug in any library behind it.",
			"They can learn from its errors, its timing and the pages that it answers with.",
		},
		Items: []api.Item{
			{Key: "tunnel", Text: "A tunnel with a stable host name stands before it, so that this computer's own address stays unknown"},
			{Key: "sources", Text: "Only the sender's addresses are let in, at the tunnel or under allowed sources", Note: "Some senders do not publish their addresses."},
			{Key: "signature", Text: "The tunnel checks the sender's signature too", Note: "Postern always does."},
			{Key: "identity", Text: "An identity-aware proxy stands before it, where the sender allows one"},
			{Key: "limits", Text: "The tunnel limits the size and number of requests", Note: "Postern does so too, on this computer."},
			{Key: "alerts", Text: "Somebody is told about odd traffic", Note: "Postern tells you about bursts of bad signatures."},
			{Key: "plan", Text: "There is a plan for when it happens: replace the secret, close the listener, tighten the list"},
		},
		Safer: []string{
			"Use a platform that dials out: then nothing listens.",
			"Receive through a relay that this computer dials.",
		},
		Periods: []api.Period{{Days: 1, Label: "1 day"}, {Days: 30, Label: "30 days"}, {Days: 90, Label: "90 days"}},
		Type:    c.Host,
	}
}

func bindMeans(c Claim) string {
	if exposure.OfAddress(c.Bind.Addr()) == exposure.Anyone {
		return " It binds an address that the internet may reach directly: nothing stands before it but your router or firewall."
	}
	return ""
}
