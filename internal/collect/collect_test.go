package collect_test

import (
	"runtime/debug"
	"testing"

	"ticketfrei/internal/collect"
)

func gogc() int {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent
}

func TestOften(t *testing.T) {
	for _, usual := range []int{100, 30, -1} {
		before := debug.SetGCPercent(usual)
		half := collect.Often(50)
		quarter := collect.Often(25)
		within := gogc()
		half()
		half() // does no harm
		alone := gogc()
		quarter()
		after := gogc()
		debug.SetGCPercent(before)
		want := min(25, usual)
		if within != want || alone != want || after != usual {
			t.Errorf("of GOGC=%d: %d, %d, then %d", usual, within, alone, after)
		}
	}
}
