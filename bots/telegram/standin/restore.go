package standin

// RestoreBot makes a bot that a program may know from another server of this
// kind that ran before: its id and its token stay. The next update that it gets
// has the id update.
func (s *Server) RestoreBot(id int64, username, name, token string, update int) *Bot {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &Bot{server: s, id: id, token: token, username: username, name: name, next: update, chats: map[int64]*conversation{}}
	s.bots = append(s.bots, b)
	s.tokens[token] = b
	return b
}

// RestoreUser makes a person whose id stays.
func (s *Server) RestoreUser(id int64, name, language string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID = max(s.lastID, id)
	u := &User{server: s, id: id, name: name, language: language}
	s.users[id] = u
	return u
}

// RestoreGroup makes a group whose id stays. It is a supergroup where it has a
// former id.
func (s *Server) RestoreGroup(id, former int64, title string) *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{server: s, id: id, title: title, super: former != 0, bots: map[*Bot]*membership{}}
	s.groups[id] = g
	if former != 0 {
		s.groups[former] = &Group{server: s, id: former, title: title, movedTo: id, bots: g.bots}
	}
	return g
}

// Know makes a user one who has written with the bot before, that many messages
// long. Nobody can read them any more.
func (b *Bot) Know(u *User, messages int) {
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	c := b.conversation(u.id)
	c.started, c.messages = true, forgotten(messages)
}

// Know makes a bot a member since long ago, when that many messages had been
// written. With privacy it sees only what is meant for it.
func (g *Group) Know(b *Bot, privacy bool, messages int) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.bots[b] = &membership{in: true, privacy: privacy}
	g.messages = forgotten(messages)
}

func forgotten(messages int) []Message {
	list := make([]Message, messages)
	for i := range list {
		list[i] = Message{ID: i + 1, Deleted: true}
	}
	return list
}
