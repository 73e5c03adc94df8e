package standin

import (
	"context"
	"time"
)

// Delay lets every call of a method take that long.
func (s *Server) Delay(method string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.delays == nil {
		s.delays = map[string]time.Duration{}
	}
	s.delays[method] = d
}

// delay waits as long as a call takes.
func (s *Server) delay(ctx context.Context, method string) {
	s.mu.Lock()
	d := s.delays[method]
	s.mu.Unlock()
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	case <-s.Closed():
	}
}
