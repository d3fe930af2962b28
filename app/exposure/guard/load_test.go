package guard

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// fullRecords can be read and not written.
type fullRecords struct{ Records }

func (fullRecords) PutSetting(context.Context, string, any) error {
	return errors.New("the disk is full")
}

// lockedKeys gives nothing out.
type lockedKeys struct{ Keys }

func (lockedKeys) Get(context.Context, string) (platforms.Secret, error) {
	return platforms.Secret{}, errors.New("the keyring is locked")
}

// TestItBeginsWithAFullJournal: a journal that can't be written keeps nothing
// from beginning, and opens nothing that has ended.
func TestItBeginsWithAFullJournal(t *testing.T) {
	w := newWorld(t)
	c := webhook("a", free(t))
	w.acknowledge(c, time.Hour)
	w.o.Records = fullRecords{w.store}
	w.restart()
	w.admit(c).Release()
	w.advance(2 * time.Hour)
	w.restart()
	w.refused(c)
}

// TestALockedVaultIsNoForgery: what can't be checked stays closed, and nobody is
// accused.
func TestALockedVaultIsNoForgery(t *testing.T) {
	w := newWorld(t)
	c := webhook("a", free(t))
	w.acknowledge(c, time.Hour)
	w.o.Keys = lockedKeys{w.vault}
	w.restart()
	w.refused(c)
	if told := w.told(Alarm); len(told) != 0 {
		t.Errorf("an alarm: %q", told)
	}
	if told := w.told(Revoked); len(told) != 1 {
		t.Errorf("told: %q", told)
	}
}
