// Package slow marks the tests that a person at work does not wait for.
package slow

import "testing"

// Test skips the test where the tests are run with -short. why is what takes so
// long, as "kills the program ten times".
func Test(tb testing.TB, why string) {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("%s: run without -short", why)
	}
}
