package forward

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/responders/internal/form"
	"github.com/postern/postern/platforms"
)

// The keys of the settings.
const (
	keyURL      = "url"
	keySecret   = "secret"
	keyReach    = "reach"
	keyBody     = "body"
	keyMode     = "mode"
	keyReply    = "reply"
	keyFormat   = "format"
	keyHeaders  = "headers"
	keyLimit    = "limit"
	keyMost     = "most"
	keyParallel = "parallel"
)

// reaches are how far a destination may be, by the words of the settings.
func reaches() map[string]exposure.Reach {
	return map[string]exposure.Reach{"": exposure.ThisComputer, "here": exposure.ThisComputer, "network": exposure.Network, "internet": exposure.Anyone}
}

// Kind is the sort of responder that this package makes.
func Kind() app.Kind {
	return app.Kind{
		Name:    "forward",
		Title:   "Forward to a service",
		Summary: "Sends each message to an HTTP service of yours, signed, and answers with what it says.",
		Fields: []platforms.Field{
			{Key: keyURL, Label: "Address", Required: true, Placeholder: "http://127.0.0.1:8080/events",
				Help: "Where the service listens. Redirects are not followed."},
			{Key: keyReach, Label: "It may be", Options: []platforms.Option{
				{Value: "here", Label: "On this computer only"},
				{Value: "network", Label: "In this network: messages leave this computer"},
				{Value: "internet", Label: "On the internet: messages leave this computer, over https only"}}},
			{Key: keySecret, Label: "Signing secret", Secret: true, Required: true, Placeholder: "whsec_…",
				Make: func() string { return MakeSecret().Reveal() },
				Help: "By it the service knows that a request is Postern's, as Standard Webhooks says. Give the service the same."},
			{Key: keyMode, Label: "The sender sees", Options: []platforms.Option{
				{Value: string(OneWay), Label: "Nothing"},
				{Value: string(Static), Label: "A fixed answer, once the service took it"},
				{Value: string(Wait), Label: "The service's answer"}}},
			{Key: keyReply, Label: "Fixed answer", Help: "Only for a fixed answer."},
			{Key: keyFormat, Label: "Answers are", Advanced: true, Options: []platforms.Option{
				{Value: "text", Label: "Text"}, {Value: "markdown", Label: "Markdown"}}},
			{Key: keyBody, Label: "It gets", Advanced: true, Options: []platforms.Option{
				{Value: bodyEvent, Label: "The event as JSON"},
				{Value: bodyRaw, Label: "A webhook's request byte for byte, and anything else as JSON"}}},
			{Key: keyHeaders, Label: "Headers of its own", Secret: true, Advanced: true, Parse: parseHeaders,
				Help: "NAME: VALUE, one per line. The values are kept as secrets."},
			{Key: keyLimit, Label: "Time limit", Placeholder: "30s", Advanced: true, Parse: form.LimitField(time.Second, time.Second, 10*time.Minute),
				Help: "Of one request, from 1s to 10m."},
			{Key: keyMost, Label: "Longest answer, in KiB", Placeholder: "64", Advanced: true, Parse: form.NumberField(1, 1024), Help: "From 1 to 1024."},
			{Key: keyParallel, Label: "At once", Placeholder: "4", Advanced: true, Parse: form.NumberField(1, 64),
				Help: "How many requests at once, from 1 to 64. Of one conversation it is one."},
		},
		New: func(c app.ResponderConfig) (app.Responder, error) {
			conf, err := read(c)
			if err != nil {
				return nil, err
			}
			return New(conf, Options{Log: c.Log, Now: c.Now})
		},
	}
}

func parseHeaders(s string) (string, error) {
	if _, err := headers(s); err != nil {
		return "", err
	}
	return strings.Join(form.Rows(s), "\n"), nil
}

// headers reads lines of NAME: VALUE. Its errors name the line, and never what
// is in it.
func headers(s string) (hs []Header, err error) {
	for i, row := range form.Rows(s) {
		name, value, ok := strings.Cut(row, ":")
		if !ok {
			return nil, fmt.Errorf("line %d has no colon in it. Write NAME: VALUE", i+1)
		}
		hs = append(hs, Header{textproto.TrimString(name), platforms.NewSecret(strings.TrimSpace(value))})
	}
	return hs, nil
}

// read makes a Config of what a person set up.
func read(c app.ResponderConfig) (Config, error) {
	s := c.Settings
	conf := Config{Name: c.ID, URL: s[keyURL], Secret: c.Secrets[keySecret], Mode: Mode(s[keyMode]), Reply: s[keyReply],
		Markdown: s[keyFormat] == "markdown", Raw: s[keyBody] == bodyRaw, Reach: reaches()[s[keyReach]]}
	var errs [4]error
	conf.Timeout, errs[0] = form.Limit(s[keyLimit], time.Second, time.Second, 10*time.Minute)
	conf.Answer, errs[1] = form.Number(s[keyMost], 1, 1024)
	conf.Answer <<= 10
	conf.Parallel, errs[2] = form.Number(s[keyParallel], 1, 64)
	conf.Headers, errs[3] = headers(c.Secrets[keyHeaders].Reveal())
	return conf, errors.Join(errs[:]...)
}

// What a destination gets.
const (
	bodyEvent = "event"
	bodyRaw   = "raw"
)
