package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

func usual(platforms.AccountID) RequestBounds {
	return RequestBounds{Keep: 5, Bytes: 1 << 20, For: time.Hour, Refused: 3, RefusedBytes: 1 << 20}
}

func request(text string, refused bool) Request {
	return Request{Account: acct, Method: "POST", Query: "q=" + text, Header: map[string][]string{"X-Test": {text}}, Body: []byte(`{"text":"` + text + `"}`), Refused: refused, Status: 200}
}

func putRequests(t testing.TB, s *Store, rs ...Request) {
	t.Helper()
	check(t, s.PutRequests(t.Context(), rs, usual))
}

// bodies is the texts of what q selects.
func bodies(t testing.TB, s *Store, q RequestQuery) (out []string) {
	t.Helper()
	list, err := s.Requests(q)
	check(t, err)
	for _, r := range list {
		if r.Body != nil {
			t.Error("a list has bodies")
		}
		out = append(out, strings.TrimPrefix(r.Query, "q="))
	}
	return out
}

func TestRequests(t *testing.T) {
	s := fresh(t)
	addAccount(t, s, "other")
	two := request("b", true)
	two.Account = "other"
	putRequests(t, s, request("a", false), two, request("c", true), request("dD", false))
	yes, no := true, false
	for _, c := range []struct {
		q    RequestQuery
		want string
	}{
		{RequestQuery{}, "dD c b a"},
		{RequestQuery{Limit: 2}, "dD c"},
		{RequestQuery{Before: 3}, "b a"},
		{RequestQuery{Before: 1}, ""},
		{RequestQuery{Before: 99}, "dD c b a"},
		{RequestQuery{Account: acct}, "dD c a"},
		{RequestQuery{Account: acct, Before: 4}, "c a"},
		{RequestQuery{Account: acct, Refused: &yes}, "c"},
		{RequestQuery{Account: "other"}, "b"},
		{RequestQuery{Account: "nobody"}, ""},
		{RequestQuery{Refused: &yes}, "c b"},
		{RequestQuery{Refused: &no}, "dD a"},
		{RequestQuery{Refused: &yes, Before: 3}, "b"},
		{RequestQuery{Text: "DD"}, "dD"},
		{RequestQuery{Text: "x-tesT"}, "dD c b a"},
		{RequestQuery{Text: `{"text":"c`}, "c"},
		{RequestQuery{Text: "nothing of it"}, ""},
	} {
		if got := strings.Join(bodies(t, s, c.q), " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.q, got, c.want)
		}
	}
	got, err := s.Request(4)
	if err != nil || string(got.Body) != `{"text":"dD"}` || got.Account != acct || got.ID != 4 {
		t.Errorf("%+v %v", got, err)
	}
	_, err = s.Request(5)
	wantErr(t, err, ErrNotFound)
	st, err := s.RequestStats(acct)
	if err != nil || st.Count != 3 || st.Bytes == 0 || st.Last.IsZero() {
		t.Errorf("%+v %v", st, err)
	}
	check(t, s.TrimRequests(t.Context(), acct, RequestBounds{}))
	if got := strings.Join(bodies(t, s, RequestQuery{}), " "); got != "b" {
		t.Errorf("after all of one account's were dropped: %q", got)
	}
}

// TestRequestBounds: what strangers send pushes out nothing genuine, and nothing
// grows beyond its bounds.
func TestRequestBounds(t *testing.T) {
	c := &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s, _ := openWith(t, t.TempDir(), testKey(1), Options{Now: c.now})
	addAccount(t, s, acct)
	for i := range 8 {
		putRequests(t, s, request(fmt.Sprint("good", i), false))
	}
	for i := range 50 {
		putRequests(t, s, request(fmt.Sprint("bad", i), true), request(fmt.Sprint("bad", i, "b"), true))
	}
	if got := bodies(t, s, RequestQuery{}); strings.Join(got, " ") != "bad49b bad49 bad48b good7 good6 good5 good4 good3" {
		t.Errorf("by number: %v", got)
	}
	c.t = c.t.Add(30 * time.Minute)
	putRequests(t, s, request("late", false))
	c.t = c.t.Add(31 * time.Minute)
	check(t, s.TrimRequests(t.Context(), acct, usual(acct)))
	if got := bodies(t, s, RequestQuery{}); strings.Join(got, " ") != "late" {
		t.Errorf("by age: %v", got)
	}
	big := request("big", false)
	big.Body = make([]byte, 300<<10)
	for range 5 {
		putRequests(t, s, big)
	}
	st, err := s.RequestStats(acct)
	if err != nil || st.Count != 3 || st.Bytes > 1<<20 || st.Bytes < 900<<10 {
		t.Errorf("by size: %+v %v", st, err)
	}
	huge := request("huge", false)
	huge.Body = make([]byte, maxRequest+1)
	putRequests(t, s, huge)
	if got := bodies(t, s, RequestQuery{Text: "huge"}); got != nil {
		t.Errorf("too large: %v", got)
	}
	var many []Request
	for i := range 3 * pruneStep {
		many = append(many, Request{Account: acct, Query: fmt.Sprint("q=", i)})
	}
	check(t, s.PutRequests(t.Context(), many, func(platforms.AccountID) RequestBounds {
		return RequestBounds{Keep: 10_000, Bytes: 16 << 20, For: time.Hour}
	}))
	check(t, s.TrimRequests(t.Context(), acct, usual(acct)))
	if got := bodies(t, s, RequestQuery{}); len(got) != 5 || got[0] != "1499" {
		t.Errorf("a lower bound: %v", got)
	}
}

func TestRequestsOfRemovedAccount(t *testing.T) {
	s := fresh(t)
	addAccount(t, s, "other")
	other := request("other", false)
	other.Account = "other"
	putRequests(t, s, request("a", false), request("b", true), other)
	check(t, s.DeleteAccount(t.Context(), acct))
	putRequests(t, s, request("late", false))
	if got := bodies(t, s, RequestQuery{}); !slices.Equal(got, []string{"other"}) {
		t.Errorf("%v", got)
	}
	check(t, s.view(func(r *rtx) error {
		if n := r.bucket(bRequestsOf).Stats().KeyN; n != 2 {
			t.Errorf("%d keys are left", n)
		}
		return nil
	}))
}

func TestRequestsSealed(t *testing.T) {
	s := fresh(t)
	putRequests(t, s, request(marker, false), request(marker, true))
	check(t, s.Close())
	if grep(t, s, marker) {
		t.Fatal("a request is readable")
	}
	s, _ = openWith(t, s.dir, testKey(2), Options{})
	list, err := s.Requests(RequestQuery{})
	if err != nil || len(list) != 2 || !list[0].Erased || list[0].Query != "" || list[0].Account != acct {
		t.Fatalf("%+v %v", list, err)
	}
	// A body that was put into another's place does not open.
	s = fresh(t)
	putRequests(t, s, request("one", false), request("two", false))
	check(t, s.update(t.Context(), func(w *wtx) error {
		b := w.bucket(bRequests)
		h, state, _, _ := split(b.Get(seqKey(1)))
		_, _, body, _ := split(b.Get(seqKey(2)))
		return w.put(bRequests, seqKey(1), join(h, state, body))
	}))
	if r, err := s.Request(1); err != nil || !r.Erased || r.Body != nil {
		t.Errorf("%+v %v", r, err)
	}
}

// TestRequestsBrief: of an ephemeral one nothing is left but when and how.
func TestRequestsBrief(t *testing.T) {
	s := fresh(t)
	putRequests(t, s, Request{Account: acct, Method: "POST", Brief: true, Status: 200, Took: time.Second})
	r, err := s.Request(1)
	if err != nil || !r.Erased || r.Method != "POST" || r.Took != time.Second {
		t.Errorf("%+v %v", r, err)
	}
}

func TestRequestsMended(t *testing.T) {
	s := fresh(t)
	putRequests(t, s, request("a", false), request("b", true), request("c", false))
	of := requestsOf(acct, accepted)
	check(t, s.update(t.Context(), func(w *wtx) error {
		if err := w.putTally(of, 77, 1); err != nil {
			return err
		}
		if err := w.del(bRequests, seqKey(1)); err != nil {
			return err
		}
		return w.put(bRequests, seqKey(9), []byte("rubbish"))
	}))
	ok := true
	mend := func() {
		check(t, s.update(t.Context(), func(w *wtx) (err error) {
			ok, err = w.mendRequests()
			return err
		}))
	}
	if mend(); ok {
		t.Error("nothing was found")
	}
	if mend(); !ok {
		t.Error("it was not mended")
	}
	st, err := s.RequestStats(acct)
	if got := bodies(t, s, RequestQuery{}); err != nil || st.Count != 2 || strings.Join(got, " ") != "c b" {
		t.Errorf("%+v %v %v", st, got, err)
	}
}

// TestRequestsMigrated: a journal of the version before gets what it lacks.
func TestRequestsMigrated(t *testing.T) {
	s := fresh(t)
	seq := accept(t, s, message("c", "1", "x"))
	check(t, s.update(t.Context(), func(w *wtx) error {
		for _, name := range []string{bRequests, bRequestsOf} {
			if err := w.tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return w.put(bMeta, []byte("version"), binary.BigEndian.AppendUint32(nil, 3))
	}))
	check(t, s.Close())
	s = mustOpen(t, s.dir)
	entryOf(t, s, seq)
	putRequests(t, s, request("a", false))
	if got := bodies(t, s, RequestQuery{}); len(got) != 1 || len(s.snapshots()) != 1 {
		t.Errorf("%v, copies: %v", got, s.snapshots())
	}
	check(t, s.view(func(r *rtx) error {
		if v := r.bucket(bMeta).Get([]byte("version")); binary.BigEndian.Uint32(v) < 4 {
			t.Errorf("version %d", v)
		}
		return nil
	}))
}

func TestAcceptReplay(t *testing.T) {
	s := fresh(t)
	origin := accept(t, s, message("c", "1", "x"))
	check(t, s.FinishJob(t.Context(), origin, Outcome{Status: Delivered}))
	ev := message("c", "replay/1", "edited")
	seq, err := s.AcceptReplay(t.Context(), Incoming{Account: acct, Event: ev, Replay: origin}, "replayed")
	check(t, err)
	e := entryOf(t, s, seq)
	if e.Replay != origin || e.Status != Delivered || e.Why != "replayed" || e.Event.Text != "edited" {
		t.Errorf("%+v", e)
	}
	if _, ok, err := s.NextJob(acct, "c", 0); ok || err != nil {
		t.Errorf("there is a job: %v", err)
	}
	st, err := s.Stats()
	if err != nil || st.Pending != 0 || st.Unread != 1 {
		t.Errorf("%+v %v", st, err)
	}
	check(t, s.Close())
	if rec := func() Recovery { _, rec := openWith(t, s.dir, testKey(1), Options{}); return rec }(); rec != (Recovery{}) {
		t.Errorf("%+v", rec)
	}
}

// TestRepeatedRequests: what a relay or a sender sends again and again pushes out
// nothing that came once.
func TestRepeatedRequests(t *testing.T) {
	s := fresh(t)
	rs := []Request{request("first", false), request("second", false)}
	for i := range 50 {
		r := request(fmt.Sprint("again ", i), false)
		r.Again = true
		rs = append(rs, r)
	}
	putRequests(t, s, rs...)
	got, err := s.Requests(RequestQuery{Account: acct})
	if err != nil {
		t.Fatal(err)
	}
	var once, again int
	for _, r := range got {
		if r.Again {
			again++
		} else {
			once++
		}
	}
	if once != 2 || again != usual(acct).Refused {
		t.Errorf("%d came once, %d again", once, again)
	}
	no := false
	if got, err := s.Requests(RequestQuery{Account: acct, Refused: &no}); err != nil || len(got) != once+again {
		t.Errorf("%d are verified: %v", len(got), err)
	}
	if st, err := s.RequestStats(acct); err != nil || st.Count != once+again {
		t.Errorf("%+v %v", st, err)
	}
}
