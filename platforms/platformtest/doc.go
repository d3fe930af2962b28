// Package platformtest proves that a connector keeps the promises of package
// platforms. There is one suite for every platform:
//
//	func TestContract(t *testing.T) {
//		platformtest.Run(t, platformtest.Harness{
//			Platform: telegram.Platform(),
//			Server:   "github.com/postern/postern/platforms/telegram/telegramtest",
//			New:      newWorld, // a fresh emulator and its controls, as a World
//		})
//	}
//
// A subtest is skipped only where the platform's own Limits or Inbound say that
// it does not offer what the subtest is about. A control that is missing from a
// World although the platform offers the feature is a failure, and so is a
// control for something that the platform claims not to offer.
//
// Memory is a platform that lives inside the process. It passes the suite, and
// tests of package app run against it.
package platformtest
