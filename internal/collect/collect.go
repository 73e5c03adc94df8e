// Package collect has the garbage collector run more often for a while.
package collect

import (
	"runtime/debug"
	"slices"
	"sync"
)

// often is what is asked for in the whole process, as GOGC is the process's.
var often struct {
	sync.Mutex
	usual int   // GOGC where nobody asks for less
	set   int   // GOGC as it is
	asked []int // by those who do
}

// Often has the collector run when the heap has grown by so many percent, until
// normally is called: less memory is taken then, and more work. Of several callers
// the one who asks for the least is heard, and never to more than the operator's own
// GOGC.
func Often(percent int) (normally func()) {
	often.Lock()
	defer often.Unlock()
	if len(often.asked) == 0 {
		often.usual = debug.SetGCPercent(percent)
		often.set = percent
	}
	often.asked = append(often.asked, percent)
	settle()
	return sync.OnceFunc(func() {
		often.Lock()
		defer often.Unlock()
		at := slices.Index(often.asked, percent)
		often.asked = slices.Delete(often.asked, at, at+1)
		settle()
	})
}

// settle sets what is asked for, where that is something else than before: it stops
// everything for a moment. A negative GOGC, which asks for no collection at all, is
// less than every other.
func settle() {
	percent := often.usual
	if len(often.asked) > 0 {
		percent = min(percent, slices.Min(often.asked))
	}
	if percent != often.set {
		debug.SetGCPercent(percent)
		often.set = percent
	}
}
