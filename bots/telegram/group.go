package telegram

import (
	"strconv"
	"time"

	"ticketfrei/bots/kit/chat"
)

// membership is what the bot may do in a chat having changed.
type membership struct {
	Chat room   `json:"chat"`
	Old  member `json:"old_chat_member"`
	New  member `json:"new_chat_member"`
}

// member is what somebody is in a chat.
type member struct {
	Status   string `json:"status"`
	IsMember bool   `json:"is_member"`         // of status "restricted"
	MaySend  *bool  `json:"can_send_messages"` // of status "restricted"
	MayPost  *bool  `json:"can_post_messages"` // of status "administrator" in a channel
}

// isIn tells whether the member is in the chat.
func (m member) isIn() bool {
	return m.Status == "creator" || m.Status == "administrator" || m.Status == "member" || m.Status == "restricted" && m.IsMember
}

// mayWrite tells whether the member is in the chat and may write there.
func (m member) mayWrite(r room) bool {
	switch {
	case !m.isIn():
		return false
	case r.isChannel():
		return m.Status != "member" && m.Status != "restricted" && (m.MayPost == nil || *m.MayPost)
	}
	return m.Status != "restricted" || m.MaySend == nil || *m.MaySend
}

// events are that a chat has thrown the bot out, as a person does who blocks it, or that
// a group lets it write or does not. A person who unblocks it says what is wanted. That
// a group lets it do more than that is no news.
func (m *membership) events() []chat.Event {
	in := formatID(m.Chat.ID)
	switch {
	case !m.New.isIn():
		return []chat.Event{chat.Left{Chat: in}}
	case !m.Chat.isGroup() && !m.Chat.isChannel():
		return nil
	case !m.New.mayWrite(m.Chat):
		return []chat.Event{&chat.Closed{Chat: in, Why: chat.WhyRights}}
	case m.Old.mayWrite(m.Chat):
		return nil
	}
	return []chat.Event{chat.Joined{Chat: in, Group: m.Chat.group()}, chat.Opened{Chat: in, Why: chat.WhyRights}}
}

// isChannel tells whether it is a channel.
func (r room) isChannel() bool { return r.Type == "channel" }

// group is what a group or channel is called.
func (r room) group() chat.Group {
	if r.isChannel() {
		return chat.Group{Kind: chat.KindChannel, Title: r.Title}
	}
	return chat.Group{Kind: chat.KindGroup, Title: r.Title}
}

// topic is what is said of one when it is made, or gets another name.
type topic struct {
	Name string `json:"name"`
}

// inTopic tells whether the message is in a topic other than General.
func (m *message) inTopic() bool { return m.IsTopic && m.Thread != 0 }

// place is the address of the chat or topic that the message is in.
func (m *message) place() string {
	if m.inTopic() {
		return formatID(m.Chat.ID) + "/" + strconv.Itoa(m.Thread)
	}
	return formatID(m.Chat.ID)
}

// group is what the group or topic that the message is in is called, as far as the
// message says.
func (m *message) group() chat.Group {
	if m.private() {
		return chat.Group{}
	}
	g := m.Chat.group()
	if m.inTopic() {
		g.Kind = chat.KindTopic
		if m.ReplyTo != nil && m.ReplyTo.Topic != nil {
			g.Topic = m.ReplyTo.Topic.Name
		}
	}
	return g
}

// time is when the message was written: the one that it repeats, where it is forwarded.
func (m *message) time() time.Time {
	at := m.Date
	if m.Forward != nil && m.Forward.Date > 0 {
		at = min(at, m.Forward.Date)
	}
	return time.Unix(at, 0).UTC()
}
