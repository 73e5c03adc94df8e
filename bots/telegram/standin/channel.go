package standin

// AddChannel makes a channel: a Group in which administrators alone write.
func (s *Server) AddChannel(title string) *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{server: s, id: -1_000_000_000_000 - s.newID(), title: title, channel: true, bots: map[*Bot]*membership{}}
	s.groups[g.id] = g
	return g
}

// AddForum makes a supergroup, which may have topics.
func (s *Server) AddForum(title string) *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{server: s, id: -1_000_000_000_000 - s.newID(), title: title, super: true, topics: map[int]*topic{}, bots: map[*Bot]*membership{}}
	s.groups[g.id] = g
	return g
}

// Promote makes the bot an administrator, who may post where it is a channel.
func (g *Group) Promote(by *User, b *Bot, mayPost bool) {
	g.change(by, b, func(m *membership) { m.in, m.admin, m.silent = true, true, g.channel && !mayPost })
}

// Demote makes the bot an ordinary member of a group again.
func (g *Group) Demote(by *User, b *Bot) {
	g.change(by, b, func(m *membership) { m.admin, m.silent = false, g.channel })
}

// Restrict keeps the bot from writing in a group, or lets it.
func (g *Group) Restrict(by *User, b *Bot, silent bool) {
	g.change(by, b, func(m *membership) { m.silent = silent })
}

// change changes what the bot may do, and tells it so.
func (g *Group) change(by *User, b *Bot, do func(*membership)) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	m := g.bots[b]
	if m == nil {
		m = &membership{}
		g.bots[b] = m
	}
	old := g.member(b, m)
	do(m)
	body := memberChange(g.chat(), by.user(), b, "", "")
	body["old_chat_member"], body["new_chat_member"] = old, g.member(b, m)
	b.deliver("my_chat_member", body)
}

// member is a bot in a group as the API writes it.
func (g *Group) member(b *Bot, m *membership) map[string]any {
	of := map[string]any{"user": b.user()}
	switch {
	case !m.in:
		of["status"] = "left"
	case m.admin:
		of["status"], of["can_manage_chat"] = "administrator", true
		if g.channel {
			of["can_post_messages"] = !m.silent
		}
	case m.silent && !g.channel:
		of["status"], of["is_member"], of["can_send_messages"] = "restricted", true, false
	default:
		of["status"] = "member"
	}
	return of
}
