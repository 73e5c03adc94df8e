package doctor

import "syscall"

// timeError is the state of a clock that nothing has set (adjtimex(2): TIME_ERROR).
const timeError = 5

// clockIsKept tells whether something keeps this machine's clock right, and whether
// that is known: a container may not be allowed to ask.
func clockIsKept() (kept, known bool) {
	state, err := syscall.Adjtimex(new(syscall.Timex))
	return state != timeError, err == nil
}
