package standin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ticketfrei/bots/kit/account"
	"ticketfrei/internal/report"
)

// Service is a stand-in as the demo and the checks of kittest move it. A stand-in
// embeds Server, which has all of it but Write and Lines, and has its own where the
// service's logins, paths or answers look otherwise.
//
// Accounts are counted from 0, and are there when they are first named. People
// and groups are called by any name, and are there likewise.
type Service interface {
	// Write writes to an account.
	Write(account int, m Message)
	// Lines are what an account wrote and what still stands, the oldest first.
	Lines(account int) []Line
	// Login is what is typed into the form to connect an account: what holds now.
	Login(account int) account.Typed
	// Revoke makes what was typed before worth nothing, and gives the account
	// another login.
	Revoke(account int)
	// Path is what the path of a call begins with, for Fail and Requests; empty
	// where there is no such call.
	Path(account int, c Call) string
	Faulty
}

// Faulty is a service that can be made to fail and tells what it was asked: see
// Server, which is one.
type Faulty interface {
	// Answer answers with a status as the service's own API does; after is how
	// long it asks to wait, 0 where it does not say.
	Answer(status int, after time.Duration) Fault
	LoseAnswer() Fault
	Fail(path string, n int, f Fault)
	Mend()
	Requests(path string) []Request
	Wait(ctx context.Context, ok func() bool) error
	Close() error
}

// Rooms is a Service with groups.
type Rooms interface {
	// Join adds the account to a group.
	Join(account int, group string)
	// Leave throws the account out of a group; or a person, named in place of a
	// group, blocks it.
	Leave(account int, group string)
}

// Signs is a Service on which an account can show a sign below a message.
type Signs interface {
	// Signs are what an account has put below the messages of a chat, the first of them
	// first.
	Signs(account int, chat string) []string
}

// Eraser is a Service that tells accounts what people have deleted.
type Eraser interface {
	// Erase deletes the message of that text which somebody wrote to the account.
	Erase(account int, text string)
}

// Call is something that an account asks of the service.
type Call string

// The calls.
const (
	Check  Call = "check"  // whose login it is
	Listen Call = "listen" // what people have written
	Post   Call = "post"   // to write
)

// Message is what somebody writes to an account.
type Message struct {
	Author string // name of a person
	Group  string // where it is written; empty means to the account alone
	// Addressed puts a mention of the account before the text. In public, and
	// where services know no other way, it is there in any case.
	Addressed bool
	Public    bool // of posting services: everybody may read it
	Media     bool // a picture; Text may be empty then
	Text      string
	Language  string    // of the author's client, as "de"; may be empty
	Time      time.Time // zero means now
}

// Place is where a message stands: the group, or the chat of its author.
func (m Message) Place() string {
	if m.Group != "" {
		return m.Group
	}
	return m.Author
}

// At is when it is written.
func (m Message) At() time.Time {
	if m.Time.IsZero() {
		return time.Now()
	}
	return m.Time
}

// Visibility is who may read it.
func (m Message) Visibility() report.Visibility {
	if m.Public {
		return report.Public
	}
	return report.Private
}

// JSON answers with a status and v.
func JSON(w http.ResponseWriter, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"error":"cannot be encoded"}`)
	}
	Status(status, string(raw))(w, nil)
}

// Body decodes the JSON of a request into out, and answers where it cannot.
func Body(w http.ResponseWriter, r *http.Request, out any) bool {
	err := json.NewDecoder(r.Body).Decode(out)
	if err != nil {
		JSON(w, http.StatusBadRequest, map[string]string{"error": "this is not the JSON that was expected"})
	}
	return err == nil
}

// Seconds is a number of seconds as it stands in a query; 0 where it is none.
func Seconds(s string) time.Duration {
	n, _ := strconv.Atoi(s)
	return time.Duration(n) * time.Second
}

// Hold holds a request until ok, wait has passed, or it ends, as services do where
// programs wait for news.
func (s *Server) Hold(r *http.Request, wait time.Duration, ok func() bool) {
	ctx, done := context.WithTimeout(r.Context(), wait)
	defer done()
	_ = s.Wait(ctx, ok)
}

// Login is the address of the server and the account's token.
func (s *Server) Login(n int) account.Typed {
	return account.Typed{"server": s.URL, "token": s.Token(n)}
}

// Path is what the path of a call begins with: see Paths.
func (s *Server) Path(_ int, c Call) string { return s.Paths[c] }

// Answer answers with a status in the form {"error": "words"} and, where after is
// not 0, with Retry-After.
func (s *Server) Answer(status int, after time.Duration) Fault {
	return func(w http.ResponseWriter, _ *http.Request) {
		if after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
		}
		JSON(w, status, map[string]string{"error": strings.ToLower(http.StatusText(status))})
	}
}

// LoseAnswer does what is asked for, and ends the connection before it answers.
func (s *Server) LoseAnswer() Fault {
	return func(_ http.ResponseWriter, r *http.Request) {
		s.handler.ServeHTTP(discarded{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
}

// discarded is an answer that nobody gets.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d discarded) WriteHeader(int)             {}

// Show starts a service and makes of it what the demo shows: its first account,
// which c knows, and the people in whose chats the reports arrive; none where the
// account posts for everybody to see.
func Show[S Service](start func() (S, error), c account.Checker, people ...string) (Shown, error) {
	s, err := start()
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	a, err := c.Check(ctx, s.Login(0))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &shown{Service: s, account: a, people: people}, nil
}

// shown is a service as the demo shows it.
type shown struct {
	Service
	account account.Account
	people  []string

	mu    sync.Mutex
	wrote []Line // by the first of the people, into the chat
}

func (s *shown) Account() account.Account { return s.account }
func (s *shown) Chats() []string          { return s.people }

// Lines are what stands in the chats, or in the timeline.
func (s *shown) Lines() []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := append(slices.Clone(s.wrote), s.Service.Lines(0)...)
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return lines
}

// Write writes as the first of the people, or as any rider.
func (s *shown) Write(text string, private bool) {
	m := Message{Author: "rider", Text: text, Public: !private, Time: time.Now()}
	if len(s.people) > 0 {
		m.Author, m.Public = s.people[0], false
		s.mu.Lock()
		s.wrote = append(s.wrote, Line{Chat: m.Author, Author: m.Author, Text: text, Time: m.Time})
		s.mu.Unlock()
	}
	s.Service.Write(0, m)
}
