package standin

import (
	"net/http"
	"slices"
	"strconv"
)

func (s *Server) postStatus(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	text, key := r.PostForm.Get("status"), r.Header.Get("Idempotency-Key")
	if st := s.statuses[a.keys[key]]; st != nil && !s.options.IgnoreIdempotency {
		return s.statusEntity(st), http.StatusOK
	}
	switch {
	case text == "":
		return message("Validation failed: Text can't be blank"), http.StatusUnprocessableEntity
	case length(text) > s.options.MaxCharacters:
		return message("Validation failed: Text character limit of " + strconv.Itoa(s.options.MaxCharacters) + " exceeded"), http.StatusUnprocessableEntity
	}
	st := &status{id: s.next(), account: a, author: a.username, text: text, html: "<p>" + textHTML(text) + "</p>",
		visibility: r.PostForm.Get("visibility"), replyTo: r.PostForm.Get("in_reply_to_id"),
		mentioned: mentionsIn(text), at: s.now()}
	if st.visibility == "" {
		st.visibility = "public"
	}
	if st.replyTo != "" && s.statuses[st.replyTo] == nil {
		return message("Record not found"), http.StatusNotFound
	}
	a.store(st, key)
	return s.statusEntity(st), http.StatusOK
}

func (a *Account) store(st *status, key string) {
	a.server.statuses[st.id] = st
	a.posts = append(a.posts, st)
	if key == "" {
		return
	}
	if a.keys == nil {
		a.keys = map[string]string{}
	}
	a.keys[key] = st.id
}

func (s *Server) getStatus(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	st := s.statuses[r.PathValue("id")]
	if st == nil {
		return message("Record not found"), http.StatusNotFound
	}
	e := s.statusEntity(st)
	e["reblogged"] = a.boostOf(st.id) >= 0
	return e, http.StatusOK
}

func (s *Server) deleteStatus(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	st := s.statuses[r.PathValue("id")]
	if st == nil || st.account != a {
		return message("Record not found"), http.StatusNotFound
	}
	st.deleted = true
	delete(s.statuses, st.id)
	return s.statusEntity(st), http.StatusOK
}

// reblog boosts; a second time changes nothing.
func (s *Server) reblog(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	st := s.statuses[r.PathValue("id")]
	switch {
	case st == nil:
		return message("Record not found"), http.StatusNotFound
	case st.noBoosts || st.visibility == "private" || st.visibility == "direct":
		return message("This action is not allowed"), http.StatusForbidden
	}
	i := a.boostOf(st.id)
	if i < 0 {
		i = len(a.boosts)
		a.boosts = append(a.boosts, Boost{StatusID: st.id, Text: st.text, Author: s.fullHandle(st.author), At: s.now(), id: s.next()})
	}
	e := s.statusEntity(st)
	e["id"], e["account"], e["reblog"] = a.boosts[i].id, a.entity(), s.statusEntity(st)
	return e, http.StatusOK
}

func (s *Server) unreblog(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	st := s.statuses[r.PathValue("id")]
	if st == nil {
		return message("Record not found"), http.StatusNotFound
	}
	if i := a.boostOf(st.id); i >= 0 {
		a.boosts[i].Undone = true
	}
	return s.statusEntity(st), http.StatusOK
}

// boostOf is the index of the boost of a status, or -1.
func (a *Account) boostOf(id string) int {
	return slices.IndexFunc(a.boosts, func(b Boost) bool { return b.StatusID == id && !b.Undone })
}

// accountStatuses lists the account's own posts, newest first.
func (s *Server) accountStatuses(a *Account, _ http.ResponseWriter, r *http.Request) (any, int) {
	limit, err := strconv.Atoi(r.Form.Get("limit"))
	if err != nil || limit < 1 {
		limit = 20
	}
	list := []entity{}
	for i := len(a.posts) - 1; i >= 0 && len(list) < min(limit, 40); i-- {
		if p := a.posts[i]; !p.deleted && a.id == r.PathValue("id") {
			list = append(list, s.statusEntity(p))
		}
	}
	return list, http.StatusOK
}
