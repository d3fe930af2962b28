package app

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// BenchmarkBurst answers a burst of 5,000 messages, journalled both ways, with
// the platform in memory: what the core itself costs.
func BenchmarkBurst(b *testing.B) {
	for _, chats := range []int{1, 20, 50} {
		b.Run(fmt.Sprintf("chats=%d", chats), func(b *testing.B) {
			for range b.N {
				f := newFake()
				const n = 5000
				for i := range n {
					f.say(fmt.Sprint(i%chats), "hi", time.Now())
				}
				echo := responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
					return []platforms.Message{{Text: d.Event.Text}}, nil
				}}
				a, err := New(b.Context(), Options{Dir: b.TempDir(), Vault: vault.Memory(), Platforms: []platforms.Platform{f.platform()},
					Responders: []Responder{echo}, Demo: true, Log: slog.DiscardHandler})
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				done := make(chan error, 1)
				go func() { done <- a.Run(ctx) }()
				<-a.running
				start := time.Now()
				if _, err := a.AddAccount(ctx, api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-1"}}); err != nil {
					b.Fatal(err)
				}
				for {
					f.mu.Lock()
					got := len(f.sent)
					f.mu.Unlock()
					if got == n {
						break
					}
					time.Sleep(time.Millisecond)
				}
				b.ReportMetric(n/time.Since(start).Seconds(), "answers/s")
				cancel()
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
