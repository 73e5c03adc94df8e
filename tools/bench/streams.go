package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// streams are the event streams of people who have a city's page open. They
// note when which report came.
type streams struct {
	readers []*reader
	open    sync.WaitGroup

	mu   sync.Mutex
	came map[int][]time.Time // by report
}

// openStreams opens n event streams.
func openStreams(ctx context.Context, addr, slug string, n int) (*streams, error) {
	s := &streams{came: map[int][]time.Time{}, readers: make([]*reader, n)}
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for i := range s.readers {
		group.Go(func() error {
			r, err := newReader(addr)
			if err != nil {
				return err
			}
			s.readers[i] = r
			if _, err := r.conn.Write(r.request("/city/" + slug + "/live")); err != nil {
				return err
			}
			_, err = r.head()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		s.close()
		return nil, fmt.Errorf("open event streams: %w", err)
	}
	for _, r := range s.readers {
		s.open.Go(func() { s.listen(r.in) })
	}
	return s, nil
}

// listen notes the reports of one stream until it ends.
func (s *streams) listen(in *bufio.Reader) {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
		if n := findIn(line); n >= 0 {
			now := time.Now()
			s.mu.Lock()
			s.came[n] = append(s.came[n], now)
			s.mu.Unlock()
		}
	}
}

// last waits until every stream has got the report once, and returns when the
// last one got it.
func (s *streams) last(ctx context.Context, report int) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var came []time.Time
	err := until(ctx, 5*time.Millisecond, func() (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		came = s.came[report]
		return len(came) >= len(s.readers), nil
	})
	if err != nil || len(came) != len(s.readers) {
		return time.Time{}, fmt.Errorf("the report came %d times on %d streams", len(came), len(s.readers))
	}
	return slices.MaxFunc(came, time.Time.Compare), nil
}

func (s *streams) close() {
	for _, r := range s.readers {
		if r != nil {
			r.close()
		}
	}
	s.open.Wait()
}
