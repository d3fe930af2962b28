package agent

import (
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/internal/form"
	"github.com/postern/postern/platforms"
)

// The keys of the settings.
const (
	keyProgram   = "program"
	keyArguments = "arguments"
	keyFolder    = "folder"
	keyPass      = "pass"
	keyEnv       = "env"
	keyLimit     = "limit"
	keyTools     = "tools"
)

// Kind is the sort of responder that this package makes.
func Kind() app.Kind {
	return app.Kind{
		Name:    "agent",
		Title:   "Ask an agent",
		Summary: "Hands messages to a coding agent on this computer that speaks the Agent Client Protocol.",
		Fields: []platforms.Field{
			{Key: keyProgram, Label: "Program", Required: true, Parse: form.Path,
				Help: "The whole path of the agent's program. It speaks the Agent Client Protocol on its standard input and output."},
			{Key: keyArguments, Label: "Arguments", Help: "One per line, given to the program as they are. Many agents want one that says so, as --acp."},
			{Key: keyFolder, Label: "Folder", Required: true, Parse: form.Path,
				Help: "The whole path of the folder that the agent works in. Nobody in a chat can change it."},
			{Key: keyTools, Label: "Show what it does", Options: []platforms.Option{
				{Value: "yes", Label: "A line for each tool that it uses"}, {Value: "no", Label: "Its words only"}}},
			{Key: keyLimit, Label: "Time limit of a message", Placeholder: "30m", Advanced: true, Parse: form.LimitField(time.Minute, time.Minute, 24*time.Hour),
				Help: "How long the agent may work on one message, from 1m to 24h."},
			form.PassField(keyPass),
			form.EnvField(keyEnv),
		},
		New: func(c app.ResponderConfig) (app.Responder, error) {
			conf, err := read(c)
			if err != nil {
				return nil, err
			}
			return New(conf, c.Memory, c.Log)
		},
	}
}

// read makes a Config of what a person set up.
func read(c app.ResponderConfig) (Config, error) {
	s := c.Settings
	conf := Config{Name: c.ID, Program: s[keyProgram], Args: form.Rows(s[keyArguments]), Folder: s[keyFolder], Quiet: s[keyTools] == "no"}
	names, err := form.Names(s[keyPass])
	if err != nil {
		return Config{}, err
	}
	conf.Pass = form.Rows(names)
	if conf.Turn, err = form.Limit(s[keyLimit], time.Minute, time.Minute, 24*time.Hour); err != nil {
		return Config{}, err
	}
	if conf.Set, err = form.Variables(c.Secrets[keyEnv].Reveal()); err != nil {
		return Config{}, err
	}
	return conf, nil
}
