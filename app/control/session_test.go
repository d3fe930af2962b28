package control_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

func TestSession(t *testing.T) {
	dir, s := start(t, controltest.New(), control.Options{})
	capability := s.NewCapability()

	c := dial(t, dir)
	if err := c.Identified(t.Context()); err == nil {
		t.Error("anybody is a person")
	}
	if err := c.Identify(t.Context(), platforms.NewSecret("guessed")); err == nil {
		t.Error("a guess was taken")
	}
	if err := c.Identify(t.Context(), capability); err != nil {
		t.Fatal(err)
	}
	t.Run("over any connection of the process", func(t *testing.T) {
		for range 3 {
			if err := c.Identified(t.Context()); err != nil {
				t.Error(err)
			}
			c.Close() // the next request dials again
		}
	})
	t.Run("the capability is used up", func(t *testing.T) {
		other := dial(t, dir)
		if err := other.Identify(t.Context(), capability); err == nil {
			t.Error("it was taken twice")
		}
		if err := other.Identified(t.Context()); err == nil {
			t.Error("a person without a session")
		}
	})
}

func TestSessionTimes(t *testing.T) {
	server := func() *control.Server { return control.New(controltest.New(), control.Options{}) }
	t.Run("a capability ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := server()
			early, late := s.NewCapability(), s.NewCapability()
			time.Sleep(control.CapabilityLife - time.Second)
			if s.Exchange(early.Reveal(), 1) == "" {
				t.Error("refused too early")
			}
			time.Sleep(time.Second)
			if s.Exchange(late.Reveal(), 1) != "" {
				t.Error("taken too late")
			}
		})
	})
	t.Run("a session that is used stays", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := server()
			token := s.Exchange(s.NewCapability().Reveal(), 1)
			for range 3 {
				time.Sleep(control.SessionLife - time.Second)
				if !s.Person(token, 1) {
					t.Fatal("ended too early")
				}
			}
			time.Sleep(control.SessionLife)
			if s.Person(token, 1) {
				t.Error("ended too late")
			}
		})
	})
	t.Run("another process's is none", func(t *testing.T) {
		s := server()
		token := s.Exchange(s.NewCapability().Reveal(), 1)
		if s.Person(token, 2) || s.Person(token, 0) || !s.Person(token, 1) || s.Person("", 1) {
			t.Error("wrong process")
		}
	})
	t.Run("only so many", func(t *testing.T) {
		s := server()
		first := s.NewCapability()
		for range control.MaxSessions {
			s.NewCapability()
		}
		if s.Exchange(first.Reveal(), 1) != "" {
			t.Error("the oldest was kept")
		}
	})
}

func TestCapabilitiesDiffer(t *testing.T) {
	s := control.New(controltest.New(), control.Options{})
	a, b := s.NewCapability().Reveal(), s.NewCapability().Reveal()
	if a == b || len(a) < 26 { // 26 characters of base32 are 130 bits
		t.Errorf("capabilities of %d characters, equal: %v", len(a), a == b)
	}
}
