package standin

import "time"

// topic is one of a group's.
type topic struct {
	name    string
	closed  bool
	deleted bool
	by      int64 // who made it
}

// AddTopic makes a topic, and a forum of the group, and returns its thread: the id of
// the message that says so.
func (g *Group) AddTopic(by *User, name string) int {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	if g.topics == nil {
		g.topics = map[int]*topic{}
	}
	m := g.add(Message{From: by.name, from: by.id})
	g.topics[m.ID] = &topic{name: name, by: by.id}
	g.tell(m, by, m.ID, "forum_topic_created", map[string]any{"name": name, "icon_color": 7322096})
	return m.ID
}

// CloseTopic keeps everybody but its administrators from writing there.
func (g *Group) CloseTopic(by *User, thread int) {
	g.changeTopic(by, thread, "forum_topic_closed", map[string]any{}, func(t *topic) { t.closed = true })
}

// ReopenTopic ends that.
func (g *Group) ReopenTopic(by *User, thread int) {
	g.changeTopic(by, thread, "forum_topic_reopened", map[string]any{}, func(t *topic) { t.closed = false })
}

// RenameTopic gives a topic another name.
func (g *Group) RenameTopic(by *User, thread int, name string) {
	g.changeTopic(by, thread, "forum_topic_edited", map[string]any{"name": name}, func(t *topic) { t.name = name })
}

// DeleteTopic deletes a topic. Nobody is told.
func (g *Group) DeleteTopic(thread int) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.topics[thread].deleted = true
}

func (g *Group) changeTopic(by *User, thread int, what string, body map[string]any, change func(*topic)) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	change(g.topics[thread])
	g.tell(g.add(Message{From: by.name, from: by.id, Thread: thread}), by, thread, what, body)
}

// Rename gives the group another name.
func (g *Group) Rename(by *User, title string) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	g.title = title
	g.tell(g.add(Message{From: by.name, from: by.id}), by, 0, "new_chat_title", title)
}

// tell delivers a service message. Server.mu is held.
func (g *Group) tell(m Message, by *User, thread int, what string, value any) {
	body := m.body(Post{}, g.chat(), nil)
	body["from"], body[what] = by.user(), value
	if thread != 0 {
		body["message_thread_id"], body["is_topic_message"] = thread, true
	}
	for b, member := range g.bots {
		if member.in {
			b.deliver("message", body)
		}
	}
}

// inTopic makes a message one of a topic. It answers the message that made the topic
// where it answers no other. In General there is nothing of that.
func (g *Group) inTopic(body map[string]any, thread int) {
	if thread == 0 {
		return
	}
	body["message_thread_id"], body["is_topic_message"] = thread, true
	if body["reply_to_message"] == nil {
		body["reply_to_message"] = map[string]any{"message_id": thread, "chat": g.chat(), "date": body["date"],
			"from": map[string]any{"id": g.topics[thread].by, "is_bot": false, "first_name": "Somebody"}, "message_thread_id": thread,
			"is_topic_message": true, "forum_topic_created": map[string]any{"name": g.topics[thread].name, "icon_color": 7322096}}
	}
}

// refuses is what a message to a topic is refused with; nil where it is not.
func (g *Group) refuses(thread int) *apiError {
	if thread == 0 {
		return nil
	}
	switch t := g.topics[thread]; {
	case t == nil || t.deleted:
		return badRequest("message thread not found")
	case t.closed:
		return badRequest("TOPIC_CLOSED")
	}
	return nil
}

// takes is what a message to the group is refused with; nil where it is not.
func (g *Group) takes(thread int, now time.Time) *apiError {
	if err := g.refuses(thread); err != nil {
		return err
	}
	return g.slow.check(now)
}

// slowMode lets a group take a message from a bot once in a while.
type slowMode struct {
	every time.Duration
	next  time.Time
}

// SlowMode lets the group take a message from bots once in a while, in real time; 0 ends
// that.
func (g *Group) SlowMode(every time.Duration) {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	if g.slow = nil; every > 0 {
		g.slow = &slowMode{every: every}
	}
}

// check takes a message in, or answers how long to wait.
func (s *slowMode) check(now time.Time) *apiError {
	if s == nil {
		return nil
	}
	if left := s.next.Sub(now); left > 0 {
		return tooMany(int(left/time.Second) + 1)
	}
	s.next = now.Add(s.every)
	return nil
}
