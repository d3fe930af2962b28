// Package demo runs local stand-ins for the platforms, with scripted
// correspondents, so that a newcomer sees messages, notifications and answers
// without an account anywhere. Everything listens on 127.0.0.1 and ends with it.
package demo

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"time"

	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/demo/ticketstest"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// Account is an account that the demo sets up.
type Account struct {
	Platform, Name string
	Values         map[string]string
	Door           bool // its server calls back: give it a listener of this computer's own
}

// Stage is the running stand-ins. Make it with New.
type Stage struct {
	acts  []act
	guest *guest
	desk  *ticketstest.Desk
	relay *webhookrelaytest.Server
}

// Desk is a service of the person's own on this computer: it opens a ticket for
// each message of a room.
type Desk struct {
	URL, Secret string
	Account     int // an index of Accounts
	Room        platforms.ConversationID
}

// Desk is where it is. It is closed for a moment when the first message comes.
func (s *Stage) Desk() Desk {
	d := Desk{URL: s.desk.URL(), Secret: s.desk.Secret(), Room: chatOf(telegramtest.Group)}
	for i, a := range s.acts {
		if a.account.Platform == "telegram" {
			d.Account = i
		}
	}
	return d
}

// act is one platform's stand-in with its script.
type act struct {
	account Account
	people  []Person
	play    func(ctx context.Context, pace time.Duration) // from one line to the next
	say     func(text string)                             // one of the correspondents writes to the bot
	close   func() error
}

// New starts the stand-ins.
func New() (*Stage, error) {
	s := &Stage{desk: ticketstest.New(), relay: webhookrelaytest.New()}
	s.desk.Down(2)
	for _, open := range []func() (act, error){s.telegramAct, discordAct, slackAct, feishuAct, mattermostAct, s.lineAct} {
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

// Relay is a server that takes requests for the person and is dialled.
type Relay struct {
	Kind     string
	Values   map[string]string
	Channels []Channel
}

// Channel is what a Relay has for an account.
type Channel struct {
	Name, Public string
	Account      int // an index of Accounts
}

// Relay is what to set up after the accounts.
func (s *Stage) Relay() Relay {
	r := Relay{Kind: "webhookrelay", Values: map[string]string{"server": s.relay.URL(), "key": webhookrelaytest.Key, "secret": webhookrelaytest.Secret, "report": "on"}}
	for i, a := range s.acts {
		if a.account.Platform == "line" {
			r.Channels = append(r.Channels, Channel{Name: lineBucket, Public: s.relay.Input(lineBucket), Account: i})
		}
	}
	return r
}

// Sockets is where the stand-ins listen, and whose each is.
func (s *Stage) Sockets() map[netip.AddrPort]string {
	out := map[netip.AddrPort]string{}
	for _, a := range s.acts {
		for _, v := range a.account.Values {
			u, err := url.Parse(v)
			if err != nil || u.Port() == "" {
				continue
			}
			if at, err := netip.ParseAddrPort(u.Host); err == nil {
				out[at] = "the demo's stand-in for " + a.account.Platform
			}
		}
	}
	for address, whose := range map[string]string{s.desk.URL(): "the demo's ticket service", s.relay.URL(): "the demo's relay"} {
		if u, err := url.Parse(address); err == nil {
			if at, err := netip.ParseAddrPort(u.Host); err == nil {
				out[at] = whose
			}
		}
	}
	return out
}

// Say has a correspondent of the platform write to the bot, beside the script.
func (s *Stage) Say(platform, text string) {
	for _, a := range s.acts {
		if a.account.Platform == platform {
			a.say(text)
		}
	}
}

// Play has the correspondents write, until their scripts or ctx end.
func (s *Stage) Play(ctx context.Context) { s.play(ctx, pause) }

func (s *Stage) play(ctx context.Context, pace time.Duration) {
	done := make(chan struct{}, len(s.acts))
	for _, a := range s.acts {
		go func() {
			a.play(ctx, pace)
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
	s.desk.Close()
	s.relay.Close()
	return err
}

// pause is between two lines of a script: long enough to be read.
const pause = 2500 * time.Millisecond

// recite says the lines of a script. It is false if ctx ended before.
func recite(ctx context.Context, pace time.Duration, lines []func()) bool {
	for _, line := range lines {
		line()
		if !rest(ctx, pace) {
			return false
		}
	}
	return true
}

// rest waits, and is false if ctx ended meanwhile.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
