//go:build !linux

package doctor

// clockIsKept is not known on this system.
func clockIsKept() (kept, known bool) { return false, false }
