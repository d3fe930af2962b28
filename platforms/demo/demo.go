// Package demo runs local stand-ins for the platforms, with scripted
// correspondents, so that a newcomer sees messages, notifications and answers
// without an account anywhere. Everything listens on 127.0.0.1 and ends with it.
package demo

import (
	"context"
	"errors"
)

// Account is an account that the demo sets up.
type Account struct {
	Platform, Name string
	Values         map[string]string
}

// Stage is the running stand-ins. Make it with New.
type Stage struct {
	acts []act
}

// act is one platform's stand-in with its script.
type act struct {
	account Account
	play    func(ctx context.Context)
	close   func() error
}

// New starts the stand-ins.
func New() (*Stage, error) {
	s := &Stage{}
	for _, open := range []func() (act, error){telegramAct} {
		a, err := open()
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.acts = append(s.acts, a)
	}
	return s, nil
}

// Accounts is what to set up.
func (s *Stage) Accounts() []Account {
	var out []Account
	for _, a := range s.acts {
		out = append(out, a.account)
	}
	return out
}

// Play has the correspondents write, until their scripts or ctx end.
func (s *Stage) Play(ctx context.Context) {
	done := make(chan struct{}, len(s.acts))
	for _, a := range s.acts {
		go func() {
			a.play(ctx)
			done <- struct{}{}
		}()
	}
	for range s.acts {
		<-done
	}
}

// Close ends the stand-ins.
func (s *Stage) Close() error {
	var err error
	for _, a := range s.acts {
		err = errors.Join(err, a.close())
	}
	return err
}
