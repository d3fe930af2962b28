package app

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// TestBenchHooks measures how many posts a second come from HTTP into the outbox,
// on disk, and how long each waits for its answer.
func TestBenchHooks(t *testing.T) {
	if os.Getenv("POSTERN_BENCH") == "" {
		t.Skip("set POSTERN_BENCH=1, or run make bench")
	}
	const most = 16
	for senders, posts := range map[int]int{1: 2000, most: 8000} {
		for name, conversations := range map[string]int{"one conversation": 1, fmt.Sprint(most, " conversations"): most} {
			w := hookWorld(t)
			var urls []string
			for i := range most { // each hook has its budget
				made := w.hook(api.HookDraft{Conversation: platforms.ConversationID(fmt.Sprint(1 + i%conversations)), Limit: platforms.Rate{N: 1000, Per: time.Second, Burst: 1000}})
				urls = append(urls, made.URL)
			}
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
			took := make([]time.Duration, posts)
			var all sync.WaitGroup
			began := time.Now()
			for s := range senders {
				all.Go(func() {
					for i := s; i < posts; i += senders {
						at := time.Now()
						resp, err := client.Post(urls[(s+i/senders)%most], "application/json", strings.NewReader(fmt.Sprintf(`{"content":"build %d is done"}`, i)))
						if err != nil {
							t.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						if resp.StatusCode != http.StatusCreated {
							t.Errorf("%d", resp.StatusCode)
							return
						}
						took[i] = time.Since(at)
					}
				})
			}
			all.Wait()
			whole := time.Since(began)
			client.CloseIdleConnections()
			slices.Sort(took)
			t.Logf("%2d at once, %s: %.0f posts/s into the outbox; answered in %s (half), %s (99 of 100)", senders, name,
				float64(posts)/whole.Seconds(), took[posts/2].Round(10*time.Microsecond), took[posts*99/100].Round(10*time.Microsecond))
			w.stop()
		}
	}
}
