package frontend

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
)

// streamTimes are how long things of a stream may take.
type streamTimes struct {
	// write is for one update: who does not read is dropped.
	write time.Duration
	// life is for all of it. A browser opens another at once; who only seems to
	// read, or is no longer there, does not.
	life time.Duration
}

// handleLive is a city's event stream (HTML standard, 9.2): /city/{slug}/live.
// The event "report" is the HTML of a report that is new, or shown otherwise;
// "removed" is the id of one that is gone; "list" is the HTML of all; "beat" says that
// the stream is there. The query's v, or the last event id that the browser sends, is
// the version of the list that it shows.
func (s *Site) handleLive(w http.ResponseWriter, r *http.Request) error {
	c, err := s.DB.FindCity(r.Context(), chi.URLParam(r, "slug"))
	if err != nil {
		return noSuchCity(err)
	}
	version := r.Header.Get("Last-Event-ID")
	if version == "" {
		version = r.URL.Query().Get("v")
	}
	to := audience{c.ID, s.readIn(r, c)}
	st, err := s.live.join(s.ClientNetwork(r), to, version)
	if errors.Is(err, errTooManyStreams) || errors.Is(err, errClosed) {
		w.Header().Set("Retry-After", "30")
		return &bots.PageError{Status: http.StatusServiceUnavailable, ID: "error.busy", Err: err}
	}
	if err != nil {
		return err
	}
	defer s.live.leave(to, st)
	return feed(w, r, st, streamTimes{write: 10 * time.Second, life: time.Hour})
}

// feed writes what the broker has for the stream until either side ends it. A
// failed write concerns only the visitor's connection and is no error.
func feed(w http.ResponseWriter, r *http.Request, st *stream, times streamTimes) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx
	out := http.NewResponseController(w)
	// The server's limits are for pages. A stream has its own.
	_ = out.SetReadDeadline(time.Time{})
	end := time.NewTimer(times.life)
	defer end.Stop()
	// What ends the stream is written too.
	defer func() { _ = out.SetWriteDeadline(time.Now().Add(times.write)) }()
	// Spread over seconds, so that not everybody comes back at once after a
	// restart.
	hello := fmt.Sprintf("retry: %d\n\n", 2000+rand.IntN(4000))
	if !push(w, out, []byte(hello), times.write) {
		return nil
	}
	for {
		select {
		case update := <-st.out:
			if !push(w, out, update, times.write) {
				return nil
			}
		case <-st.gone:
			return nil
		case <-end.C:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// push writes an update. Between updates there is no deadline: with HTTP/2 one that
// passes ends the stream, even if nothing is being written.
func push(w http.ResponseWriter, out *http.ResponseController, update []byte, patience time.Duration) bool {
	_ = out.SetWriteDeadline(time.Now().Add(patience))
	if _, err := w.Write(update); err != nil || out.Flush() != nil {
		return false
	}
	_ = out.SetWriteDeadline(time.Time{})
	return true
}
