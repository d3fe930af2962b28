package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// auditStore is a journal with n lines, and its folder.
func auditStore(t *testing.T, n int) (*Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, _, err := Open(dir, [32]byte{1}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i := range n {
		if _, err := s.Append(t.Context(), Audit{What: "opened", Account: "line", Who: "window", Text: fmt.Sprintf("listener %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	return s, dir
}

func verify(t *testing.T, s *Store) AuditState {
	t.Helper()
	st, err := s.VerifyAudit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestAudit(t *testing.T) {
	s, dir := auditStore(t, 1200)
	if st := verify(t, s); st.Broken != 0 || st.Lines != 1200 {
		t.Fatalf("%+v", st)
	}
	page, err := s.Audits(0, 3)
	if err != nil || len(page) != 3 || page[0].Seq != 1200 || page[0].Text != "listener 1199" || page[1].Hash != page[0].Prev {
		t.Fatalf("%v %+v", err, page)
	}
	if page, _ = s.Audits(3, 10); len(page) != 2 || page[0].Seq != 2 {
		t.Errorf("before 3: %+v", page)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(dir + "/" + journalName)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("listener 7")) {
		t.Error("a line's text is readable in the file")
	}
	s, _, err = Open(dir, [32]byte{1}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Append(t.Context(), Audit{What: "closed"}); err != nil {
		t.Fatal(err)
	}
	if st := verify(t, s); st.Broken != 0 || st.Lines != 1201 {
		t.Errorf("reopened: %+v", st)
	}
}

// TestTamperingShows edits the file as somebody without the key could.
func TestTamperingShows(t *testing.T) {
	get := func(b *bolt.Bucket, seq uint64) []byte { return bytes.Clone(b.Get(seqKey(seq))) }
	for name, c := range map[string]struct {
		at   uint64
		edit func(audit, meta *bolt.Bucket) error
	}{
		"a flipped bit":  {4, func(a, _ *bolt.Bucket) error { v := get(a, 4); v[len(v)-1] ^= 1; return a.Put(seqKey(4), v) }},
		"a line removed": {4, func(a, _ *bolt.Bucket) error { return a.Delete(seqKey(4)) }},
		"the first ones": {1, func(a, _ *bolt.Bucket) error { _ = a.Delete(seqKey(1)); return a.Delete(seqKey(2)) }},
		"the last ones":  {9, func(a, _ *bolt.Bucket) error { _ = a.Delete(seqKey(9)); return a.Delete(seqKey(10)) }},
		"all": {1, func(a, _ *bolt.Bucket) error {
			for i := range uint64(10) {
				_ = a.Delete(seqKey(i + 1))
			}
			return nil
		}},
		"two exchanged": {3, func(a, _ *bolt.Bucket) error {
			x, y := get(a, 3), get(a, 5)
			_ = a.Put(seqKey(3), y)
			return a.Put(seqKey(5), x)
		}},
		"one added":        {11, func(a, _ *bolt.Bucket) error { return a.Put(seqKey(11), get(a, 10)) }},
		"plain text":       {7, func(a, _ *bolt.Bucket) error { return a.Put(seqKey(7), []byte(`{"seq":7}`)) }},
		"the head removed": {1, func(_, m *bolt.Bucket) error { return m.Delete(auditHeadKey) }},
		"the head edited": {1, func(_, m *bolt.Bucket) error {
			return m.Put(auditHeadKey, []byte("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"))
		}},
		"all of it removed": {0, func(a, m *bolt.Bucket) error {
			for i := range uint64(10) {
				_ = a.Delete(seqKey(i + 1))
			}
			return m.Delete(auditHeadKey)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := auditStore(t, 10)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(dir+"/"+journalName, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bolt.Tx) error { return c.edit(tx.Bucket([]byte(bAudit)), tx.Bucket([]byte(bMeta))) })
			if err != nil {
				t.Fatal(err)
			}
			_ = db.Close()
			s, _, err = Open(dir, [32]byte{1}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if st := verify(t, s); st.Broken != c.at || st.Why == "" {
				t.Errorf("broken at %d (%s), want %d", st.Broken, st.Why, c.at)
			}
			if c.at == 0 {
				return // as if it had never been: only a kept Hash tells
			}
			if _, err := s.Append(t.Context(), Audit{What: "opened"}); err != nil {
				t.Fatal(err)
			}
			if st := verify(t, s); st.Broken == 0 {
				t.Error("one more line, and it passes for whole")
			}
		})
	}
	t.Run("the head of an earlier time", func(t *testing.T) {
		s, _ := auditStore(t, 5)
		var old []byte
		_ = s.view(func(r *rtx) error { old = bytes.Clone(r.bucket(bMeta).Get(auditHeadKey)); return nil })
		for range 5 {
			_, _ = s.Append(t.Context(), Audit{What: "opened"})
		}
		_ = s.update(t.Context(), func(w *wtx) error { return w.put(bMeta, auditHeadKey, old) })
		if st := verify(t, s); st.Broken == 0 {
			t.Error("it passes for whole")
		}
	})
	t.Run("another key", func(t *testing.T) {
		s, dir := auditStore(t, 3)
		_ = s.Close()
		s, _, err := Open(dir, [32]byte{2}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if st := verify(t, s); st.Broken != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAuditAtOnce(t *testing.T) {
	s, _ := auditStore(t, 0)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				if _, err := s.Append(context.Background(), Audit{What: "opened"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if st := verify(t, s); st.Broken != 0 || st.Lines != 1000 {
		t.Errorf("%+v", st)
	}
}

// TestAuditIsWholeWhileItGrows: what is written while the record is looked at is
// no tampering.
func TestAuditIsWholeWhileItGrows(t *testing.T) {
	s, _ := auditStore(t, 3)
	var writing sync.WaitGroup
	for range 4 {
		writing.Go(func() {
			for range 100 {
				if _, err := s.Append(t.Context(), Audit{What: "opened"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { writing.Wait(); close(ended) }()
	for looking := true; looking; {
		select {
		case <-ended:
			looking = false
		default:
		}
		if st := verify(t, s); st.Broken != 0 {
			t.Errorf("%+v", st)
			looking = false
		}
	}
	<-ended
}

func TestAuditIsBounded(t *testing.T) {
	s, _ := auditStore(t, 0)
	s.mostAudit = 100
	for range 1000 {
		if _, err := s.Append(t.Context(), Audit{What: "opened"}); err != nil {
			t.Fatal(err)
		}
	}
	st := verify(t, s)
	if st.Broken != 0 || st.Lines > 101 || st.Lines < 90 {
		t.Fatalf("%+v", st)
	}
	page, err := s.Audits(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, a := range page {
		if a.What == "shortened" {
			told++
		}
	}
	if told == 0 {
		t.Error("nothing says that lines were removed")
	}
}

// TestAuditExport checks an export as somebody without the key would.
func TestAuditExport(t *testing.T) {
	s, _ := auditStore(t, 20)
	var out bytes.Buffer
	if err := s.ExportAudit(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 21 || !strings.Contains(lines[20], "whole") {
		t.Fatalf("%d lines, the last: %s", len(lines), lines[len(lines)-1])
	}
	prev := ""
	for _, l := range lines[:20] {
		var a Audit
		if err := json.Unmarshal([]byte(l), &a); err != nil {
			t.Fatal(err)
		}
		if a.Prev != prev || a.Hash != a.digest() {
			t.Fatalf("line %d does not follow", a.Seq)
		}
		prev = a.Hash
	}
}

func BenchmarkAppend(b *testing.B) {
	s, _, err := Open(b.TempDir(), [32]byte{1}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if _, err := s.Append(b.Context(), Audit{What: "opened", Text: "a listener"}); err != nil {
			b.Fatal(err)
		}
	}
}
