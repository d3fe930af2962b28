package mattermost_test

import (
	"context"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
)

// startAt is start from a place.
func startAt(conn platforms.Connector, from platforms.Cursor, rec *platformtest.Recorder) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = conn.Run(ctx, from, rec); close(done) }()
	return func() { cancel(); <-done }
}
