package cache_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ticketfrei/internal/cache"
)

// reader counts how often it was asked.
type reader struct{ times int }

func (r *reader) read() (int, error) {
	r.times++
	return r.times, nil
}

func get(t *testing.T, c *cache.Cache[string, int], key string, read func() (int, error), want int) {
	t.Helper()
	if got, err := c.Get(key, read); got != want || err != nil {
		t.Errorf("%s: %d, %v, want %d", key, got, err, want)
	}
}

func TestValuesAreKeptUntilForgotten(t *testing.T) {
	c := cache.New[string, int](2, 0)
	var r reader
	get(t, c, "a", r.read, 1)
	get(t, c, "b", r.read, 2)
	get(t, c, "a", r.read, 1)
	c.Forget(func(key string, value int) bool { return key == "a" && value == 1 })
	get(t, c, "b", r.read, 2)
	get(t, c, "a", r.read, 3)
	get(t, c, "c", r.read, 4) // one too many: it begins again
	get(t, c, "a", r.read, 5)
}

func TestErrorsAreNotKept(t *testing.T) {
	c := cache.New[string, int](2, 0)
	failed := errors.New("no")
	if got, err := c.Get("a", func() (int, error) { return 7, failed }); got != 7 || !errors.Is(err, failed) {
		t.Errorf("%d, %v", got, err)
	}
	get(t, c, "a", func() (int, error) { return 8, nil }, 8)
}

// What was read before a change is not kept after it.
func TestChangedWhileBeingRead(t *testing.T) {
	c := cache.New[string, int](2, 0)
	get(t, c, "a", func() (int, error) {
		c.Forget(func(string, int) bool { return true })
		return 1, nil
	}, 1)
	get(t, c, "a", func() (int, error) { return 2, nil }, 2)
}

func TestValuesAreReadAgainAfterTheirLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache.New[string, int](2, 5*time.Second)
		var r reader
		get(t, c, "a", r.read, 1)
		time.Sleep(5*time.Second - 1)
		get(t, c, "a", r.read, 1)
		time.Sleep(time.Nanosecond)
		get(t, c, "a", r.read, 2)
		get(t, c, "a", r.read, 2)
	})
}
