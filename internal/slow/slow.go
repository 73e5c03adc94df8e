// Package slow marks tests that a person at work does not want to wait for.
package slow

import (
	"runtime/debug"
	"slices"
	"testing"
)

// Test skips the test if it is run with -short. why says what takes so long,
// such as "kills the program ten times".
func Test(tb testing.TB, why string) {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("%s: run without -short", why)
	}
}

// Racing tells whether the race detector runs, which takes its time: what a test
// measures by the clock says nothing then.
func Racing() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" })
}
