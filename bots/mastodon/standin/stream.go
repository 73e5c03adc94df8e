package standin

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"ticketfrei/internal/socket"
)

// stream is one open WebSocket of an account.
type stream struct {
	account *Account
	conn    *socket.ServerConn
	silent  bool // guarded by the server's mu: no heartbeats, no events
}

// stream serves GET /api/v1/streaming?stream=user as WebSocket. The token is
// taken from the query or from Sec-WebSocket-Protocol.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("access_token")
	if protocols := socket.Protocols(r); token == "" && len(protocols) > 0 {
		token = protocols[0]
	}
	s.mu.Lock()
	g := s.tokens[token]
	s.mu.Unlock()
	switch {
	case g == nil || g.account == nil:
		fail(w, http.StatusUnauthorized, "Invalid access token")
		return
	case s.options.WholeRead && !slices.Contains(g.scopes, "read"):
		fail(w, http.StatusUnauthorized, "Unauthorized: token has insufficient scope permission")
		return
	case r.URL.Query().Get("stream") != "user" || !socket.IsUpgrade(r):
		fail(w, http.StatusNotFound, "Not found")
		return
	}
	if st := s.open(w, r, g.account); st != nil {
		defer st.conn.Close()
		_ = st.conn.Wait()
		s.unregister(st)
	}
}

// open accepts a stream; nil where that fails or the server closes. Nothing that
// happens after the client knows of its stream may be missing in it, so both are
// one step.
func (s *Server) open(w http.ResponseWriter, r *http.Request, a *Account) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	conn, err := socket.Accept(w, r)
	if err != nil {
		return nil // Accept has answered
	}
	select {
	case <-s.Closed():
		_ = conn.Close()
		return nil
	default:
	}
	st := &stream{account: a, conn: conn}
	if a.streams == nil {
		a.streams = map[*stream]struct{}{}
	}
	a.streams[st] = struct{}{}
	s.Happened()
	return st
}

func (s *Server) unregister(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(st.account.streams, st)
	s.Happened()
}

// liveStreams are those that are not silent. s.mu is held.
func (a *Account) liveStreams() []*stream {
	var list []*stream
	for st := range a.streams {
		if !st.silent {
			list = append(list, st)
		}
	}
	return list
}

// send writes an event to streams. The payload is a string of JSON within the
// JSON, as Mastodon sends it.
func send(streams []*stream, event string, payload entity) {
	inner, err := json.Marshal(payload)
	if err != nil {
		return
	}
	sendText(streams, event, string(inner))
}

// sendText is send of a payload that is written already.
func sendText(streams []*stream, event, payload string) {
	outer, err := json.Marshal(entity{"stream": []string{"user"}, "event": event, "payload": payload})
	if err != nil {
		return
	}
	for _, st := range streams {
		_ = st.conn.Text(outer) // a broken stream ends in stream
	}
}

// clocks is how many servers the accounts stand for when it comes to pings. A
// server pings all its streams at once; ten thousand accounts have many servers,
// each with its own clock.
const clocks = 100

// heartbeat pings all streams until the server closes.
func (s *Server) heartbeat() {
	if s.options.Heartbeat < 0 {
		return
	}
	ticker := time.NewTicker(max(s.options.Heartbeat/clocks, time.Microsecond))
	defer ticker.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ticker.C:
			for _, st := range s.streamsOf(turn % clocks) {
				_ = st.conn.Ping()
			}
		case <-s.Closed():
			return
		}
	}
}

// streamsOf are the live streams of the accounts that go by a clock.
func (s *Server) streamsOf(clock int) []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*stream
	for i := clock; i < len(s.accounts); i += clocks {
		list = append(list, s.accounts[i].liveStreams()...)
	}
	return list
}

func (s *Server) allStreams(live bool) []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*stream
	for _, a := range s.accounts {
		for st := range a.streams {
			if !live || !st.silent {
				list = append(list, st)
			}
		}
	}
	return list
}

// Streams counts the open streams of the account that are not silent.
func (a *Account) Streams() int {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	return len(a.liveStreams())
}

// Streams counts the open streams of all accounts.
func (s *Server) Streams() int { return len(s.allStreams(true)) }

// DropStreams cuts every stream of the server that is open now.
func (s *Server) DropStreams() {
	for _, st := range s.allStreams(false) {
		st.conn.Close()
	}
}

// DropStreams cuts every stream of the account that is open now.
func (a *Account) DropStreams() {
	for _, st := range a.server.allStreams(false) {
		if st.account == a {
			st.conn.Close()
		}
	}
}

// SilenceStreams makes the streams that are open now go silent: they stay
// connected, and nothing comes any more. New ones work.
func (s *Server) SilenceStreams() {
	streams := s.allStreams(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range streams {
		st.silent = true
	}
}
