package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postern/postern/platforms"
)

func TestVanishedJournalIsRestored(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"gone":  os.Remove,
		"empty": func(path string) error { return os.Truncate(path, 0) },
	} {
		for _, copied := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				s, rec, err := Open(dir, [32]byte{1}, Options{})
				if err != nil || rec.Text != "" {
					t.Fatalf("the first start: %v %q", err, rec.Text)
				}
				if err := s.PutAccount(t.Context(), Account{ID: "a", Platform: "p"}); err != nil {
					t.Fatal(err)
				}
				if copied {
					if _, err := s.Snapshot(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if err := spoil(filepath.Join(dir, journalName)); err != nil {
					t.Fatal(err)
				}
				s, rec, err = Open(dir, [32]byte{1}, Options{})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				accounts, err := s.Accounts()
				if err != nil || (len(accounts) == 1 && accounts[0].ID == platforms.AccountID("a")) != copied {
					t.Errorf("%+v %v", accounts, err)
				}
				if rec.Text == "" || rec.Restored.IsZero() == copied {
					t.Errorf("%+v", rec)
				}
			})
		}
	}
}
