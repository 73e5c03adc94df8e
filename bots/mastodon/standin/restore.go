package standin

// Former is an account as a program may know it from another server of this
// kind that ran before.
type Former struct {
	ID, Username, Token string
	// Posts of the account; only ID, Text and At count.
	Posts []Post
	// Heard is what somebody elsewhere wrote in public and the server still has.
	Heard []Post
}

// Restore makes an account that is not new: its id and its token stay.
func (s *Server) Restore(f Former) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.addAccount(f.ID, f.Username, f.Token)
	for _, p := range f.Posts {
		a.store(&status{id: p.ID, account: a, author: a.username, text: p.Text, html: "<p>" + textHTML(p.Text) + "</p>",
			visibility: "public", at: p.At}, "")
	}
	for _, p := range f.Heard {
		s.statuses[p.ID] = &status{id: p.ID, author: "rider@elsewhere.example", text: p.Text, html: "<p>" + textHTML(p.Text) + "</p>",
			visibility: "public", at: p.At}
	}
	return a
}

// RestoreApp makes an application known that registered before.
func (s *Server) RestoreApp(clientID, clientSecret, redirectURI string, scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[clientID] = &app{id: clientID, secret: clientSecret, name: clientID, uris: []string{redirectURI}, scopes: scopes}
}
