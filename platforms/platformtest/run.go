package platformtest

import "testing"

// Run runs the suite: every promise of platforms.Connector that a test can see.
func Run(t *testing.T, h Harness) {
	s := &suite{h: h, limits: h.Platform.Limits, heard: &heard{}}
	t.Run("platform", s.platform)
	t.Run("ids", s.ids)
	t.Run("check", s.check)
	if h.OnlySpeaks {
		t.Run("hears nothing", s.hearsNothing)
	} else {
		t.Run("receive", s.receive)
		t.Run("acknowledge", s.acknowledge)
		t.Run("resume", s.resume)
	}
	t.Run("cancel", s.cancel)
	t.Run("trouble", s.trouble)
	if h.OnlyHears {
		t.Run("sends nothing", s.sendsNothing)
	} else {
		t.Run("send", s.send)
		t.Run("features", s.features)
		t.Run("files", s.files)
		t.Run("files pass through", s.streamed)
		t.Run("send faults", s.sendFaults)
		t.Run("through a proxy", s.proxied)
	}
	t.Run("once", s.once)
	t.Run("no secret is told", s.secrets) // of all that was said above
}
