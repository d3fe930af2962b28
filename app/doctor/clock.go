package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
)

// Site is a server that an account talks to anyway.
type Site struct {
	Base   string // scheme and host
	Client *http.Client
}

// How far the clock may be off. Signatures and tokens of most platforms bear
// some minutes, no more.
const (
	clockWarns = 30 * time.Second
	clockFails = 5 * time.Minute
)

// Clock compares this computer's clock with the servers that the accounts talk
// to; it asks nobody else. One that agrees is enough: servers can be wrong too.
func Clock(sites func(context.Context) []Site, now func() time.Time) Probe {
	return Probe{ID: "clock", Title: "Clock", Run: func(ctx context.Context) Result {
		all := sites(ctx)
		if len(all) == 0 {
			return Result{api.Unclear, "No account has talked to a server yet whose clock could be compared.", "Add an account, then run the doctor again."}
		}
		best, answered := time.Duration(0), 0
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, s := range all {
			wg.Go(func() {
				off, known := offset(ctx, s, now)
				mu.Lock()
				defer mu.Unlock()
				if known && (answered == 0 || off.Abs() < best.Abs()) {
					best = off
				}
				if known {
					answered++
				}
			})
		}
		wg.Wait()
		if answered == 0 {
			return Result{api.Unclear, "No account's server said what time it is.", "Look at the network and at the accounts' checks first, then run the doctor again."}
		}
		return judgeClock(best)
	}}
}

func judgeClock(off time.Duration) Result {
	way := "behind"
	if off < 0 {
		way = "ahead"
	}
	text := fmt.Sprintf("This computer's clock is %s %s the accounts' servers.", rough(off.Abs()), way)
	const do = "Turn on setting the clock from the network in this computer's settings for date and time. Platforms refuse requests whose time is off."
	switch {
	case off.Abs() > clockFails:
		return Result{api.Sick, text, do}
	case off.Abs() > clockWarns:
		return Result{api.Warned, text, do}
	}
	return ok("This computer's clock agrees with the accounts' servers.")
}

// rough is d to the second, or the minute where it is long.
func rough(d time.Duration) string {
	if d >= 10*time.Minute {
		d = d.Round(time.Minute)
		return strings.TrimSuffix(d.String(), "0s")
	}
	return d.Round(time.Second).String()
}

// offset is how far a server's clock is ahead of this one, less what the way of
// the answer leaves open. The header Date has full seconds (RFC 9110, 6.6.1);
// Age says for how long a cache kept it (RFC 9111, 5.1).
func offset(ctx context.Context, s Site, now func() time.Time) (time.Duration, bool) {
	u, err := url.Parse(s.Base)
	if err != nil || u.Host == "" {
		return 0, false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.Scheme+"://"+u.Host+"/", nil)
	if err != nil {
		return 0, false
	}
	client := *s.Client
	// Where it would lead is no business of ours.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Jar = nil
	sent := now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, false
	}
	_ = resp.Body.Close()
	trip := now().Sub(sent)
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	if age, err := strconv.Atoi(strings.TrimSpace(resp.Header.Get("Age"))); err == nil && age > 0 {
		date = date.Add(time.Duration(age) * time.Second)
	}
	off := date.Add(time.Second / 2).Sub(sent.Add(trip / 2))
	open := trip/2 + time.Second/2
	switch {
	case off > open:
		return off - open, true
	case off < -open:
		return off + open, true
	}
	return 0, true
}
