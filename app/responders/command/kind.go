package command

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/internal/form"
	"github.com/postern/postern/platforms"
)

// The keys of the settings.
const (
	keyProgram   = "program"
	keyArguments = "arguments"
	keyOutside   = "outside"
	keyFolder    = "folder"
	keyOutput    = "output"
	keyFiles     = "files"
	keyLimit     = "limit"
	keyMost      = "most"
	keyParallel  = "parallel"
	keyPass      = "pass"
	keyEnv       = "env"
)

// What becomes of standard output.
const (
	asText     = "text"
	asMarkdown = "markdown"
	asJSON     = "json"
)

// Kind is the sort of responder that this package makes.
func Kind() app.Kind {
	return app.Kind{
		Name:    "command",
		Title:   "Run a command",
		Summary: "Starts a program on this computer for each message; what it prints is the answer.",
		Fields: []platforms.Field{
			{Key: keyProgram, Label: "Program", Required: true, Parse: form.Path,
				Help: "The whole path of the program. It is started without a shell, and gets the event as JSON on its standard input."},
			{Key: keyArguments, Label: "Arguments", Help: "One per line, given to the program as they are."},
			{Key: keyOutside, Label: "From outside, in arguments", Advanced: true, Parse: parseOutside,
				Help: "Which of " + strings.Join(placeholders, ", ") + " may stand in the arguments, in braces: an argument {text} becomes what was written, as one argument. Strangers' words then reach the program's arguments."},
			{Key: keyFolder, Label: "Folder", Parse: form.Path, Help: "The whole path of the folder that it runs in. Empty: your home."},
			{Key: keyOutput, Label: "Its output is", Options: []platforms.Option{
				{Value: asText, Label: "Text"}, {Value: asMarkdown, Label: "Markdown"}, {Value: asJSON, Label: "A line of JSON for each answer, with buttons and files"}}},
			{Key: keyFiles, Label: "Files come from", Advanced: true, Parse: form.Path,
				Help: "The whole path of the folder from which answers in JSON may send files. Empty: they may send none by a path."},
			{Key: keyLimit, Label: "Time limit", Placeholder: "60s", Advanced: true, Parse: form.LimitField(time.Second, time.Second, time.Hour),
				Help: "After it the program and all that it started are ended. From 1s to 1h."},
			{Key: keyMost, Label: "Longest output, in KiB", Placeholder: "64", Advanced: true, Parse: form.NumberField(1, 1024),
				Help: "What is beyond is not read. From 1 to 1024."},
			{Key: keyParallel, Label: "At once", Placeholder: "4", Advanced: true, Parse: form.NumberField(1, 64),
				Help: "How many may run at once, from 1 to 64. Of one conversation it is one."},
			form.PassField(keyPass),
			form.EnvField(keyEnv),
		},
		New: func(c app.ResponderConfig) (app.Responder, error) {
			conf, err := read(c)
			if err != nil {
				return nil, err
			}
			log := c.Log
			if log == nil {
				log = slog.New(slog.DiscardHandler)
			}
			return New(conf, log)
		},
	}
}

func parseOutside(s string) (string, error) {
	names := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n{}", r) })
	for _, n := range names {
		if !slices.Contains(placeholders, n) {
			return "", fmt.Errorf("%q is none of %s", n, strings.Join(placeholders, ", "))
		}
	}
	return strings.Join(names, "\n"), nil
}

// read makes a Config of what a person set up.
func read(c app.ResponderConfig) (Config, error) {
	s := c.Settings
	conf := Config{Name: c.ID, Program: s[keyProgram], Args: form.Rows(s[keyArguments]), Placeholders: form.Rows(s[keyOutside]),
		Dir: s[keyFolder], Files: s[keyFiles], Pass: form.Rows(s[keyPass]),
		Lines: s[keyOutput] == asJSON, Markdown: s[keyOutput] == asMarkdown}
	var errs [4]error
	conf.Timeout, errs[0] = form.Limit(s[keyLimit], time.Second, time.Second, time.Hour)
	conf.Output, errs[1] = form.Number(s[keyMost], 1, 1024)
	conf.Output <<= 10
	conf.Parallel, errs[2] = form.Number(s[keyParallel], 1, 64)
	conf.Set, errs[3] = form.Variables(c.Secrets[keyEnv].Reveal())
	if err := errors.Join(errs[:]...); err != nil {
		return Config{}, err
	}
	conf.Program = cmp.Or(conf.Program, string(filepath.Separator))
	return conf, nil
}
