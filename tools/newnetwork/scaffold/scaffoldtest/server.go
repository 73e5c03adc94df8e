// Package scaffoldtest is a server that speaks the toy API as bots/scaffold
// explains it, with one account. Tests and the demo talk to it.
package scaffoldtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
)

// Handle is the name of the account.
const Handle = "kontis"

// MaxText is how many characters a post may have.
const MaxText = 500

// Message is what somebody wrote to the account.
type Message struct {
	ID      string    `json:"id"` // given by Write
	Author  string    `json:"author"`
	Text    string    `json:"text"`
	Private bool      `json:"private"`
	Picture bool      `json:"picture"`
	Time    time.Time `json:"time"` // Write fills in what is zero
}

// Post is what the account posted.
type Post struct {
	ID   string
	Key  string
	Text string
	To   string // empty where everybody may see it
	Time time.Time
}

// Fault is a way for the server to fail. The zero value is none.
type Fault struct {
	// Method limits the fault to requests with it; empty means all.
	Method string
	// Status answers requests with this HTTP status.
	Status int
	// RetryAfter is the header of that name; empty for none.
	RetryAfter string
	// Body is the answer; empty means {}.
	Body string
}

// Server is the stand-in, listening on 127.0.0.1.
type Server struct {
	// URL of the server, as "http://127.0.0.1:40404".
	URL string

	now  func() time.Time
	http *http.Server
	quit chan struct{}
	done sync.WaitGroup
	stop sync.Once

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when something changes
	token    string
	messages []Message
	posts    []Post
	serial   int
	fault    Fault
}

// Start starts a server; Close ends it. now tells the time.
func Start(now func() time.Time) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start scaffoldtest: %w", err)
	}
	s := &Server{URL: "http://" + listener.Addr().String(), now: now, token: rand.Text(),
		quit: make(chan struct{}), changed: make(chan struct{})}
	r := chi.NewRouter()
	r.Use(s.guard)
	r.Get("/me", s.handleMe)
	r.Get("/messages", s.handleMessages)
	r.Post("/posts", s.handlePost)
	r.Delete("/posts/{id}", s.handleDelete)
	s.http = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	s.done.Go(func() { _ = s.http.Serve(listener) })
	return s, nil
}

// Close stops the server and every request that it holds.
func (s *Server) Close() error {
	s.stop.Do(func() { close(s.quit) })
	err := s.http.Close()
	s.done.Wait()
	return err
}

// Token is the access token of the account.
func (s *Server) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// RevokeToken gives the account another token: the one before is refused.
func (s *Server) RevokeToken() {
	s.change(func() { s.token = rand.Text() })
}

// SetFault makes the server fail from now on; the zero Fault mends it.
func (s *Server) SetFault(f Fault) {
	s.change(func() { s.fault = f })
}

// Write writes m to the account and returns its id.
func (s *Server) Write(m Message) (id string) {
	s.change(func() {
		m.ID = s.next()
		if m.Time.IsZero() {
			m.Time = s.now()
		}
		s.messages = append(s.messages, m)
	})
	return m.ID
}

// Posts returns what the account has posted, oldest first.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Wait returns when ok is true, which is asked after every change on the
// server, or when ctx ends.
func (s *Server) Wait(ctx context.Context, ok func() bool) error {
	for {
		changed := s.change(nil)
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("scaffoldtest: what was waited for did not happen: %w", ctx.Err())
		}
	}
}

// change calls f, where it is not nil, and wakes who waits. It returns what is
// closed at the next change.
func (s *Server) change(f func()) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f != nil {
		f()
		close(s.changed)
		s.changed = make(chan struct{})
	}
	return s.changed
}

// next returns a new id. s.mu is held.
func (s *Server) next() string {
	s.serial++
	return strconv.Itoa(s.serial)
}

// guard answers requests that fail before they are looked at.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		token, fault := s.token, s.fault
		s.mu.Unlock()
		switch {
		case fault.Status != 0 && (fault.Method == "" || fault.Method == r.Method):
			if fault.RetryAfter != "" {
				w.Header().Set("Retry-After", fault.RetryAfter)
			}
			w.WriteHeader(fault.Status)
			_, _ = w.Write([]byte(cmp.Or(fault.Body, "{}")))
		case r.Header.Get("Authorization") != "Bearer "+token:
			refuse(w, http.StatusUnauthorized, "this token is not valid")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) handleMe(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	newest := ""
	if n := len(s.messages); n > 0 {
		newest = s.messages[n-1].ID
	}
	answer(w, map[string]string{"name": Handle, "newest": newest})
}

// handleMessages holds the request until there is something to answer.
func (s *Server) handleMessages(w http.ResponseWriter, r *http.Request) {
	seconds, _ := strconv.Atoi(r.FormValue("wait"))
	ctx, done := context.WithTimeout(r.Context(), time.Duration(seconds)*time.Second)
	defer done()
	for {
		changed := s.change(nil)
		if list := s.after(r.FormValue("after")); len(list) > 0 {
			answer(w, map[string][]Message{"messages": list})
			return
		}
		select {
		case <-changed:
		case <-s.quit:
			return
		case <-ctx.Done():
			answer(w, map[string][]Message{"messages": {}})
			return
		}
	}
}

// after returns the messages after the one with that id.
func (s *Server) after(id string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.messages, func(m Message) bool { return m.ID == id })
	return slices.Clone(s.messages[i+1:])
}

func (s *Server) handlePost(w http.ResponseWriter, r *http.Request) {
	var p struct{ Key, Text, To string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&p); err != nil {
		refuse(w, http.StatusBadRequest, "this is not JSON")
		return
	}
	if p.Text == "" || utf8.RuneCountInString(p.Text) > MaxText {
		refuse(w, http.StatusUnprocessableEntity, "the text is empty or too long")
		return
	}
	var id string
	s.change(func() {
		i := slices.IndexFunc(s.posts, func(known Post) bool { return known.Key == p.Key })
		if i < 0 {
			i = len(s.posts)
			s.posts = append(s.posts, Post{ID: s.next(), Key: p.Key, Text: p.Text, To: p.To, Time: s.now()})
		}
		id = s.posts[i].ID
	})
	answer(w, map[string]string{"id": id})
}

func (s *Server) handleDelete(w http.ResponseWriter, r *http.Request) {
	found := false
	s.change(func() {
		s.posts = slices.DeleteFunc(s.posts, func(p Post) bool {
			same := p.ID == chi.URLParam(r, "id")
			found = found || same
			return same
		})
	})
	if !found {
		refuse(w, http.StatusNotFound, "there is no such post")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who asked may have gone away
}

func refuse(w http.ResponseWriter, status int, words string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": words})
}
