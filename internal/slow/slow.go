// Package slow marks tests that a person at work does not want to wait for.
package slow

import "testing"

// Test skips the test if it is run with -short. why says what takes so long,
// such as "kills the program ten times".
func Test(tb testing.TB, why string) {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("%s: run without -short", why)
	}
}
