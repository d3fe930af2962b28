package access_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

var ada = platforms.User{ID: "4711", Name: "Ada", Handle: "@ada"}

func pairings(t *testing.T) *access.Pairings {
	t.Helper()
	p, err := access.NewPairings(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func offer(t *testing.T, p *access.Pairings, at time.Time) string {
	t.Helper()
	code, until, err := p.Offer(at)
	if err != nil || !until.Equal(at.Add(5*time.Minute)) {
		t.Fatalf("until %s: %v", until, err)
	}
	return code
}

// guess is a wrong code of the right form.
func guess(n int) string {
	return strings.Repeat("z", 21) + string(base58[n%58])
}

func TestCodes(t *testing.T) {
	p := pairings(t)
	seen := map[string]bool{}
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	top := new(big.Int)
	for range 2000 {
		code := offer(t, p, now)
		p.Cancel()
		n := new(big.Int)
		for _, r := range code {
			i := strings.IndexRune(base58, r)
			if i < 0 {
				t.Fatalf("%q in %q", r, code)
			}
			n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(i)))
		}
		if len(code) != 22 || n.Cmp(limit) >= 0 || seen[code] {
			t.Fatalf("the code %q", code)
		}
		seen[code] = true
		if n.Cmp(top) > 0 {
			top = n
		}
	}
	if top.BitLen() != 128 {
		t.Errorf("the largest of 2000 codes has %d bits", top.BitLen())
	}
	if _, err := access.NewPairings(make([]byte, 31)); err == nil {
		t.Error("a short key was taken")
	}
}

func TestClaim(t *testing.T) {
	for name, words := range map[string]string{
		"alone": "%s", "spaces": "  %s\n", "command": "/start %s", "link": "https://example.org/bot?start=%s", "stop": "My code is %s.",
		"quotes": "“%s”", "code": "`%s`", "after a wrong one": guess(1) + " %s", "beside a longer word": "x%[1]s %[1]s",
	} {
		t.Run("found/"+name, func(t *testing.T) {
			p := pairings(t)
			code := offer(t, p, now)
			c, ok := p.Claim(now, home, ada, fmt.Sprintf(words, code))
			if !ok || c.Account != home || c.User.ID != "4711" || c.User.Name != "Ada" || !c.At.Equal(now) {
				t.Fatalf("%v: %+v", ok, c)
			}
			if _, ok := p.Claim(now, home, platforms.User{ID: "815"}, code); ok {
				t.Error("it was claimed twice")
			}
		})
	}
	for name, words := range map[string]func(code string) string{
		"longer":           func(c string) string { return c + "1" },
		"before":           func(c string) string { return "1" + c },
		"shorter":          func(c string) string { return c[:21] },
		"split":            func(c string) string { return c[:11] + " " + c[11:] },
		"letter beside":    func(c string) string { return "é" + c },
		"mark beside":      func(c string) string { return c + "\u0301" },
		"underline beside": func(c string) string { return "_" + c },
		"other case":       swapCase,
		"too long":         func(c string) string { return strings.Repeat(" ", 5000) + c },
		"empty":            func(string) string { return "" },
		"wrong":            func(string) string { return guess(3) },
		"behind many":      func(c string) string { return strings.Repeat(guess(1)+" ", 5) + c },
	} {
		t.Run("not found/"+name, func(t *testing.T) {
			p := pairings(t)
			if _, ok := p.Claim(now, home, ada, words(offer(t, p, now))); ok {
				t.Error("it was claimed")
			}
		})
	}
	for name, who := range map[string]platforms.User{"nobody": {}, "a bot": {ID: "1", Bot: true}, "a handle": {ID: "@ada"}} {
		t.Run("not by/"+name, func(t *testing.T) {
			p := pairings(t)
			code := offer(t, p, now)
			if _, ok := p.Claim(now, home, who, code); ok {
				t.Error("it was claimed")
			}
			if _, ok := p.Claim(now, "", ada, code); ok {
				t.Error("it was claimed at no account")
			}
			if _, ok := p.Claim(now, home, ada, code); !ok {
				t.Error("nobody can claim it now")
			}
		})
	}
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if up := []rune(strings.ToUpper(string(r)))[0]; up != r {
			return up
		}
		return []rune(strings.ToLower(string(r)))[0]
	}, s)
}

func TestCodesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pairings(t)
		first := offer(t, p, time.Now())
		time.Sleep(5*time.Minute - 1)
		second := offer(t, p, time.Now())
		if _, ok := p.Claim(time.Now(), home, ada, first); !ok {
			t.Error("a code ended too early")
		}
		time.Sleep(5*time.Minute - 1)
		third := offer(t, p, time.Now())
		time.Sleep(time.Nanosecond)
		if _, ok := p.Claim(time.Now(), home, ada, second); ok {
			t.Error("a code did not end after five minutes")
		}
		p.Cancel()
		if _, ok := p.Claim(time.Now(), home, ada, third); ok {
			t.Error("a code that was cancelled was claimed")
		}
	})
	p := pairings(t)
	code := offer(t, p, now)
	if _, ok := p.Claim(now.Add(-time.Second), home, ada, code); ok {
		t.Error("a code was claimed before it was made")
	}
}

func TestAtMostFiveCodes(t *testing.T) {
	p := pairings(t)
	var codes []string
	for i := range 5 {
		codes = append(codes, offer(t, p, now.Add(time.Duration(i)*time.Minute)))
	}
	at := now.Add(5*time.Minute - 1)
	if code, _, err := p.Offer(at); err == nil || code != "" {
		t.Fatalf("a sixth code: %q, %v", code, err)
	}
	if _, ok := p.Claim(at, home, ada, codes[2]); !ok {
		t.Fatal("the third is gone")
	}
	offer(t, p, at)
	if _, _, err := p.Offer(at); err == nil {
		t.Error("a sixth code")
	}
	offer(t, p, now.Add(5*time.Minute)) // the first has ended
}

func TestWrongCodes(t *testing.T) {
	bob := platforms.User{ID: "815"}
	miss := func(t *testing.T, p *access.Pairings, at time.Time, to platforms.AccountID, who platforms.User, n int) {
		t.Helper()
		for i := range n {
			if _, ok := p.Claim(at, to, who, guess(i)); ok {
				t.Fatal("a wrong code was claimed")
			}
		}
	}
	claim := func(p *access.Pairings, at time.Time, to platforms.AccountID, who platforms.User, code string) bool {
		_, ok := p.Claim(at, to, who, code)
		return ok
	}
	late := func(t *testing.T, p *access.Pairings, at time.Time) string { p.Cancel(); return offer(t, p, at) }

	t.Run("four", func(t *testing.T) {
		p := pairings(t)
		code := offer(t, p, now)
		miss(t, p, now, home, ada, 4)
		if !claim(p, now, home, ada, code) {
			t.Error("four wrong ones were too many")
		}
	})
	t.Run("five", func(t *testing.T) {
		p := pairings(t)
		offer(t, p, now)
		miss(t, p, now, home, ada, 5)
		for _, who := range []platforms.User{ada, bob} {
			at := now.Add(10*time.Minute - 1)
			if claim(p, at, home, who, late(t, p, at)) {
				t.Errorf("%s was looked at during the pause", who.ID)
			}
		}
		if code := late(t, p, now); !claim(p, now, "work", ada, code) {
			t.Error("another account pauses too")
		}
		at := now.Add(10 * time.Minute)
		if !claim(p, at, home, ada, late(t, p, at)) {
			t.Error("the pause did not end after ten minutes")
		}
	})
	t.Run("in one message", func(t *testing.T) {
		p := pairings(t)
		code := offer(t, p, now)
		var many []string
		for i := range 5 {
			many = append(many, guess(i))
		}
		claim(p, now, home, ada, strings.Join(many, " "))
		if claim(p, now, home, ada, code) {
			t.Error("five wrong ones in one message were not counted")
		}
	})
	t.Run("slowly", func(t *testing.T) {
		p := pairings(t)
		at := now
		for range 20 { // one every two and a half minutes and a little: five never fall within ten
			late(t, p, at)
			miss(t, p, at, home, ada, 1)
			at = at.Add(2*time.Minute + 31*time.Second)
		}
		if !claim(p, at, home, ada, late(t, p, at)) {
			t.Error("slow ones led to a pause")
		}
	})
	t.Run("of several users", func(t *testing.T) {
		p := pairings(t)
		code := offer(t, p, now)
		for i := range 5 {
			miss(t, p, now, home, platforms.User{ID: platforms.UserID(fmt.Sprint(i + 1))}, 1)
		}
		if claim(p, now, home, ada, code) {
			t.Error("an account's wrong ones are not counted together")
		}
	})
	t.Run("a user alone", func(t *testing.T) {
		p := pairings(t)
		p.SetAccountMost(100)
		code := offer(t, p, now)
		miss(t, p, now, home, bob, 5)
		if claim(p, now, home, bob, code) {
			t.Error("a user's wrong ones are not counted")
		}
		if !claim(p, now, home, ada, code) {
			t.Error("another user pauses too")
		}
	})
	t.Run("a right one forgives a user", func(t *testing.T) {
		p := pairings(t)
		p.SetAccountMost(100)
		for range 3 {
			code := offer(t, p, now)
			miss(t, p, now, home, bob, 4)
			if !claim(p, now, home, bob, code) {
				t.Error("it pauses")
			}
		}
	})
	t.Run("other words", func(t *testing.T) {
		p := pairings(t)
		code := offer(t, p, now)
		for range 50 {
			claim(p, now, home, ada, "Hello, is anybody there? supercalifragilistics "+strings.Repeat("z", 23)+" "+strings.Repeat("z", 44)+" 0OIl0OIl0OIl0OIl0OIl0O")
		}
		if !claim(p, now, home, ada, code) {
			t.Error("words that are no codes were counted")
		}
	})
	t.Run("while none is out", func(t *testing.T) {
		p := pairings(t)
		miss(t, p, now, home, ada, 50)
		if !claim(p, now, home, ada, offer(t, p, now)) {
			t.Error("guesses at nothing were counted")
		}
	})
	t.Run("memory", func(t *testing.T) {
		p := pairings(t)
		code := offer(t, p, now)
		for i := range 5000 {
			miss(t, p, now, platforms.AccountID(fmt.Sprint("account", i)), ada, 1)
		}
		if n := p.Tracked(); n == 0 || n > 1024 {
			t.Errorf("%d are kept in memory", n)
		}
		if claim(p, now, "one more", ada, code) {
			t.Error("who is not counted may guess")
		}
		p.Waiting(now.Add(20 * time.Minute))
		if n := p.Tracked(); n != 0 {
			t.Errorf("%d stay in memory", n)
		}
	})
}

// TestCodeIsNotKept looks for a code in all that Pairings holds.
func TestCodeIsNotKept(t *testing.T) {
	p := pairings(t)
	code := offer(t, p, now)
	c, _ := p.Claim(now, home, ada, code)
	offered := offer(t, p, now)
	out, _ := json.Marshal(c)
	for _, s := range []string{fmt.Sprintf("%+v", p), fmt.Sprintf("%#v", p), string(out), fmt.Sprintf("%+v", c)} {
		if strings.Contains(s, code) || strings.Contains(s, offered) || strings.Contains(s, fmt.Sprint([]byte(offered))) ||
			strings.Contains(s, "7 7 7 7") || strings.Contains(s, "0x7, 0x7, 0x7") || strings.Contains(s, "\a\a") || strings.Contains(s, `\a\a`) {
			t.Errorf("the code or the key stands in %s", s)
		}
	}
	other, _ := access.NewPairings(bytes.Repeat([]byte{8}, 32))
	if access.Sum(p, code) == access.Sum(other, code) || access.Sum(p, code) != access.Sum(pairings(t), code) {
		t.Error("what is kept does not depend on the key")
	}
}

func TestOneUseAtOnce(t *testing.T) {
	p := pairings(t)
	code := offer(t, p, now)
	var wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, ok := p.Claim(now, platforms.AccountID(fmt.Sprint("a", i)), ada, code); ok {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Errorf("claimed %d times", wins.Load())
	}
}
