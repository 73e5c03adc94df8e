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

// What another process says is heard as what this one says, and goes no further.
func TestElsewhere(t *testing.T) {
	var b notice.Board
	var changed, passed, heard, called []int64
	var own, elsewhere []notice.Notice
	b.OnChanged(func(id int64) { changed = append(changed, id) })
	b.OnPassed(func(id int64) { passed = append(passed, id) })
	b.OnHeard(func(shard int64) { heard = append(heard, shard) })
	b.OnCalled(func(botID int64) { called = append(called, botID) })
	b.OnOwn(func(n notice.Notice) { own = append(own, n) })
	b.OnElsewhere(func(n notice.Notice) { elsewhere = append(elsewhere, n) })

	b.Changed(1)
	b.Passed(2)
	b.Judged(3)
	b.Heard(4)
	b.Called(5)
	said := []notice.Notice{{notice.Changed, 1}, {notice.Passed, 2}, {notice.Judged, 3}, {notice.Heard, 4}, {notice.Called, 5}}
	if !slices.Equal(own, said) || len(elsewhere) > 0 || len(heard) > 0 || len(called) > 0 {
		t.Errorf("own %v, elsewhere %v, heard %v", own, elsewhere, heard)
	}

	b.Elsewhere(notice.Notice{Kind: notice.Changed, ID: notice.All})
	b.Elsewhere(notice.Notice{Kind: notice.Passed, ID: 6})
	b.Elsewhere(notice.Notice{Kind: notice.Heard, ID: 7})
	b.ChangedElsewhere(8)
	b.CalledElsewhere(9)
	if len(own) != len(said) {
		t.Errorf("what others said was said again: %v", own[len(said):])
	}
	if !slices.Equal(changed, []int64{1, notice.All, 8}) || !slices.Equal(passed, []int64{2, 6}) || !slices.Equal(heard, []int64{7}) || !slices.Equal(called, []int64{9}) {
		t.Errorf("changed %v, passed %v, heard %v, called %v", changed, passed, heard, called)
	}
	if len(elsewhere) != 5 {
		t.Errorf("elsewhere %v", elsewhere)
	}
	if !notice.Concerns(notice.All, 5) || !notice.Concerns(5, 5) || notice.Concerns(6, 5) {
		t.Error("All is not about every city, or one city about another")
	}
}
