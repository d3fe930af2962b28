package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// builds is what a build server posts when a workflow has ended, in the form that
// GitHub's webhooks have (https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run).
const builds = `{"action":"completed","workflow_run":{"name":"Build","head_branch":"main","head_sha":"5d0e1f2a9c","run_number":128,"conclusion":"success","status":"completed",
"html_url":"https://ci.example.org/runs/128","actor":{"login":"grace"}},"repository":{"full_name":"engine/room","html_url":"https://ci.example.org/engine/room"},"sender":{"login":"grace"}}`

// Build has a program of this computer, which knows nothing of Postern but an
// address, post that a build has ended.
func (s *Stage) Build(ctx context.Context, address string) error { return build(ctx, address, pause) }

func build(ctx context.Context, address string, pace time.Duration) error {
	if !rest(ctx, pace) {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(builds))
	if err != nil {
		return fmt.Errorf("the demo's build server has no address to post to: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "workflow_run")
	// The address may not be quoted, and http.Client's errors do: it bears a secret.
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the demo's build server could not post: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the demo's build server was refused: %s", resp.Status)
	}
	return nil
}
