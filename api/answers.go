package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// maxIdempotencyKey bounds it, in bytes.
const maxIdempotencyKey = 200

// answers keeps what requests with an Idempotency-Key were answered.
type answers struct {
	db  *db.DB
	box *secret.Box

	mu      sync.Mutex
	running map[string]*turn
}

// turn is the lock of one request that is running, and how many wait for it or run.
type turn struct {
	sync.Mutex
	holders int
}

func newAnswers(d *db.DB, box *secret.Box) *answers {
	return &answers{db: d, box: box, running: make(map[string]*turn)}
}

// once answers a request that comes a second time as it was answered before. Only what was
// done is kept: after an error it is tried again.
func (a *API) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k, known := key(r.Context())
		name := r.Header.Get(idempotencyKey)
		if name == "" || !known || r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		if err := a.answerOnce(w, r, k.ID, name, next); err != nil {
			refuse(w, err)
		}
	})
}

func (a *API) answerOnce(w http.ResponseWriter, r *http.Request, keyID int64, name string, next http.Handler) error {
	if len(name) > maxIdempotencyKey {
		return wrong("header."+idempotencyKey, fmt.Sprintf("is longer than %d bytes", maxIdempotencyKey), nil)
	}
	body, err := readBody(w, r, maxBody)
	if err != nil {
		return err
	}
	asked := db.APIAnswer{KeyID: keyID, Request: a.answers.box.Hash("api request", r.Method, r.URL.Path, name),
		Body: a.answers.box.Hash("api body", string(body))}
	defer a.answers.enter(asked)()
	given, found, err := a.answers.findOrClaim(r.Context(), asked)
	switch {
	case err != nil:
		return a.broken(idempotencyKey, err)
	case !found:
		if err := a.answers.keep(r.Context(), asked, w, func(w http.ResponseWriter) { next.ServeHTTP(w, r) }); err != nil {
			a.Log.Error("what a request to the API was answered is not kept: sent a second time, it has an effect twice", "key", keyID, "err", err)
		}
		return nil
	case given.body != asked.Body:
		return wrong("header."+idempotencyKey, "was used before for this route with another body: take a new one", name)
	}
	w.Header().Set("Idempotency-Replayed", "true")
	given.write(w)
	return nil
}

// enter waits until no other request of that name is running. Call leave in the end.
func (a *answers) enter(asked db.APIAnswer) (leave func()) {
	name := fmt.Sprint(asked.KeyID, " ", asked.Request)
	a.mu.Lock()
	t := a.running[name]
	if t == nil {
		t = new(turn)
		a.running[name] = t
	}
	t.holders++
	a.mu.Unlock()
	t.Lock()
	return func() {
		t.Unlock()
		a.mu.Lock()
		defer a.mu.Unlock()
		if t.holders--; t.holders == 0 {
			delete(a.running, name)
		}
	}
}

// given is an answer that was given.
type given struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`

	body string // hash of the request's
}

func (g given) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), g.Header)
	w.WriteHeader(g.Status)
	_, _ = w.Write(g.Body)
}

// sealedAnswer is where an answer is sealed for.
func sealedAnswer(a db.APIAnswer) string { return "api_answers.answer:" + a.Request }

func (a *answers) find(ctx context.Context, asked db.APIAnswer) (g given, found bool, err error) {
	kept, err := a.db.FindAPIAnswer(ctx, asked.KeyID, asked.Request)
	if errors.Is(err, db.ErrNotFound) {
		return given{}, false, nil
	}
	if err != nil {
		return given{}, false, err
	}
	text, err := a.box.Open(sealedAnswer(kept), kept.Answer)
	if err != nil { // it was sealed with a key that is lost
		return given{}, false, nil
	}
	err = json.Unmarshal([]byte(text), &g)
	g.body = kept.Body
	return g, true, err
}

// claimLook is how often to look whether another process has answered a request.
const claimLook = 100 * time.Millisecond

// findOrClaim returns the answer to a request, or found is false: then it is to be answered
// here. While another process answers it, it waits.
func (a *answers) findOrClaim(ctx context.Context, asked db.APIAnswer) (g given, found bool, err error) {
	for {
		if g, found, err = a.find(ctx, asked); err != nil || found {
			return g, found, err
		}
		claimed, err := a.db.ClaimAPIAnswer(ctx, asked)
		if err != nil || claimed {
			return given{}, false, err
		}
		select {
		case <-ctx.Done():
			return given{}, false, ctx.Err()
		case <-time.After(claimLook):
		}
	}
}

// keep has a request answered and keeps the answer where something was done, before the
// client has it. The client gets it also where it cannot be kept: it was done.
func (a *answers) keep(ctx context.Context, asked db.APIAnswer, w http.ResponseWriter, answer func(http.ResponseWriter)) error {
	rec := &recorder{header: http.Header{}, status: http.StatusOK}
	answer(rec)
	g := given{Status: rec.status, Header: rec.header, Body: rec.body.Bytes()}
	defer g.write(w)
	ctx = context.WithoutCancel(ctx)
	if g.Status >= http.StatusMultipleChoices {
		return a.db.DropAPIAnswer(ctx, asked)
	}
	raw, err := json.Marshal(g)
	if err != nil {
		return err
	}
	asked.Answer = a.box.Seal(sealedAnswer(asked), string(raw))
	return a.db.SaveAPIAnswer(ctx, asked)
}

// recorder takes an answer that is not sent yet.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
func (r *recorder) WriteHeader(status int)      { r.status = status }
