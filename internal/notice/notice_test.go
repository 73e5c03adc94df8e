package notice_test

import (
	"slices"
	"testing"

	"ticketfrei/internal/notice"
)

func TestBoard(t *testing.T) {
	var b notice.Board
	b.Changed(1) // nobody listens
	var changed, also, passed []int64
	stop := b.OnChanged(func(id int64) { changed = append(changed, id) })
	b.OnChanged(func(id int64) { also = append(also, id) })
	b.OnPassed(func(id int64) { passed = append(passed, id) })
	b.Changed(2)
	b.Passed(3)
	stop()
	stop()
	b.Changed(4)
	if !slices.Equal(changed, []int64{2}) || !slices.Equal(also, []int64{2, 4}) || !slices.Equal(passed, []int64{3}) {
		t.Errorf("told of %v, %v and %v", changed, also, passed)
	}
}
