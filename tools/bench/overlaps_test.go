package main

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// TestOverlapsAreCounted polls a bot again while somebody waits, and after somebody has
// given up.
func TestOverlapsAreCounted(t *testing.T) {
	s, err := startTelegram()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := s.AddBot("one_bot", "one")
	poll := func(ctx context.Context) <-chan struct{} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/bot"+b.Token()+"/getUpdates?timeout=50", http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}()
		return done
	}
	wait := func(ok func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := until(ctx, time.Millisecond, func() (bool, error) { return ok(), nil }); err != nil {
			t.Fatal(err)
		}
	}
	first, giveUp := context.WithCancel(t.Context())
	gone := poll(first)
	wait(b.Polling)
	giveUp()
	<-gone
	wait(func() bool { return !b.Polling() })
	second, leave := context.WithCancel(t.Context())
	defer leave()
	ended := poll(second)
	wait(b.Polling)
	if n := b.Overlaps(); n != 0 {
		t.Errorf("%d overlaps after somebody gave up", n)
	}
	third := poll(second)
	<-ended // by the third
	if n := b.Overlaps(); n != 1 {
		t.Errorf("%d overlaps of two who waited", n)
	}
	leave()
	<-third
}
