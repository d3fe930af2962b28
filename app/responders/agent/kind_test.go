package agent

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

func TestKindBuilds(t *testing.T) {
	k := Kind()
	r, err := k.New(app.ResponderConfig{ID: "r1", Memory: memory(), Settings: map[string]string{
		keyProgram: "/no/such/agent", keyArguments: "--acp\n\n --model x ", keyFolder: "/no/such/folder", keyPass: "A\nB", keyLimit: "2h", keyTools: "no"},
		Secrets: map[string]platforms.Secret{keyEnv: platforms.NewSecret("KEY=hunter2")}})
	if err != nil {
		t.Fatal(err)
	}
	a := r.(*Responder)
	t.Cleanup(func() { _ = a.Close() })
	if a.Name() != "r1" || !a.Acts() || strings.Join(a.c.Args, "|") != "--acp|--model x" || a.c.Turn != 2*time.Hour || !a.c.Quiet ||
		strings.Join(a.c.Pass, "|") != "A|B" || a.c.Set["KEY"].Reveal() != "hunter2" {
		t.Errorf("got %+v", a.c)
	}
	if _, err := r.Respond(t.Context(), said("x")); platforms.KindOf(err) != platforms.Unsupported {
		t.Errorf("Respond gives %v", err)
	}
	if _, err := k.New(app.ResponderConfig{ID: "r1", Memory: memory()}); err == nil {
		t.Error("it is built without settings")
	}
}

func TestCheckNamesTheFields(t *testing.T) {
	err := Config{Program: "agent", Folder: "x", Args: []string{"\x00"}, Pass: []string{"A B"}, Turn: time.Second,
		Set: map[string]platforms.Secret{"K": platforms.NewSecret("\x00")}}.Check()
	for _, field := range []string{"Program", "Folder", "Args", "Pass", "Set", "Turn"} {
		found := false
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			var i Invalid
			found = found || errors.As(e, &i) && i.Field == field
		}
		if !found {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
}
