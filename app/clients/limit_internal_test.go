package clients

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiterStaysSmall(t *testing.T) {
	var l Limiter
	at := time.Now()
	for i := range 100_000 {
		l.Take(Client{ID: fmt.Sprint(i), PerMinute: 1}, true, at)
	}
	if len(l.all) > 2*MaxClients || len(l.sends) > 2*MaxClients {
		t.Errorf("%d and %d are remembered", len(l.all), len(l.sends))
	}
}
