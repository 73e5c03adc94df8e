package telegram

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ticketfrei/bots/kit/chat"
)

// update is the part of an update that is used here. The rest is not read:
// there is more of it every few months, and a field that does not fit must not
// cost a report.
type update struct {
	ID         int         `json:"update_id"`
	Message    *message    `json:"message"`
	Edited     *message    `json:"edited_message"`
	Membership *membership `json:"my_chat_member"`
}

type user struct {
	ID       int64  `json:"id"`
	IsBot    bool   `json:"is_bot"`
	Language string `json:"language_code"`
}

// room is a chat: of a person with the bot, a group, or a channel.
type room struct {
	ID    int64  `json:"id"`
	Type  string `json:"type"`
	Title string `json:"title"`
}

// entity is a part of a text. Offset and length count UTF-16 units.
type entity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	User   *user  `json:"user"` // of a mention of somebody without a username
}

// message is the part of a message that is used here.
type message struct {
	ID              int      `json:"message_id"`
	From            *user    `json:"from"`
	SenderChat      *room    `json:"sender_chat"`
	Chat            room     `json:"chat"`
	Date            int64    `json:"date"`
	Text            string   `json:"text"`
	Entities        []entity `json:"entities"`
	Caption         string   `json:"caption"`
	CaptionEntities []entity `json:"caption_entities"`
	Album           string   `json:"media_group_id"`
	ReplyTo         *struct {
		From  *user  `json:"from"`
		Topic *topic `json:"forum_topic_created"` // every message of a topic answers this one
	} `json:"reply_to_message"`
	Forward *struct {
		Date int64 `json:"date"`
		From *user `json:"sender_user"`
	} `json:"forward_origin"`
	Thread        int             `json:"message_thread_id"`
	IsTopic       bool            `json:"is_topic_message"` // threads are also what others answer
	NewTitle      string          `json:"new_chat_title"`
	TopicEdited   *topic          `json:"forum_topic_edited"`
	TopicReopened json.RawMessage `json:"forum_topic_reopened"`
	MigrateTo     int64           `json:"migrate_to_chat_id"`
	MigrateFrom   int64           `json:"migrate_from_chat_id"`
	media
}

// media is what a message may hold instead of a text.
type media struct {
	Animation json.RawMessage `json:"animation"`
	Audio     json.RawMessage `json:"audio"`
	Checklist json.RawMessage `json:"checklist"`
	Contact   json.RawMessage `json:"contact"`
	Dice      json.RawMessage `json:"dice"`
	Document  json.RawMessage `json:"document"`
	Game      json.RawMessage `json:"game"`
	Location  json.RawMessage `json:"location"`
	PaidMedia json.RawMessage `json:"paid_media"`
	Photo     json.RawMessage `json:"photo"`
	Poll      json.RawMessage `json:"poll"`
	Sticker   json.RawMessage `json:"sticker"`
	Story     json.RawMessage `json:"story"`
	Venue     json.RawMessage `json:"venue"`
	Video     json.RawMessage `json:"video"`
	VideoNote json.RawMessage `json:"video_note"`
	Voice     json.RawMessage `json:"voice"`
}

// isThere tells whether the message holds any of it.
func (m *media) isThere() bool {
	return slices.ContainsFunc([]json.RawMessage{m.Animation, m.Audio, m.Checklist, m.Contact, m.Dice, m.Document, m.Game,
		m.Location, m.PaidMedia, m.Photo, m.Poll, m.Sticker, m.Story, m.Venue, m.Video, m.VideoNote, m.Voice},
		func(raw json.RawMessage) bool { return len(raw) > 0 })
}

// parseUpdate reads an update. Where it cannot be read the error says so, and
// the update has its id if that could be.
func parseUpdate(raw []byte) (update, error) {
	var u update
	err := json.Unmarshal(raw, &u)
	if err == nil {
		return u, nil
	}
	var only struct {
		ID int `json:"update_id"`
	}
	// The error that counts is the first one. Its words may hold the id of a chat.
	_ = json.Unmarshal(raw, &only)
	return update{ID: only.ID}, fmt.Errorf("an update of another form (%T)", err)
}

// events are what an update means to the bot.
func (s self) events(u update) []chat.Event {
	switch {
	case u.Membership != nil:
		return u.Membership.events()
	case u.Message != nil:
		return s.eventsOf(u.Message)
	case u.Edited != nil:
		return s.said(u.Edited, true)
	}
	return nil
}

func (s self) eventsOf(m *message) []chat.Event {
	in := formatID(m.Chat.ID)
	switch {
	case m.MigrateTo != 0:
		return []chat.Event{&chat.Moved{From: in, To: formatID(m.MigrateTo)}}
	case m.MigrateFrom != 0:
		return []chat.Event{&chat.Moved{From: formatID(m.MigrateFrom), To: in}}
	case len(m.TopicReopened) > 0:
		return []chat.Event{chat.Opened{Chat: m.place(), Why: chat.WhyTopicClosed}}
	case m.TopicEdited != nil:
		return []chat.Event{chat.Renamed{Chat: m.place(), Group: chat.Group{Topic: m.TopicEdited.Name}}}
	case m.NewTitle != "":
		return []chat.Event{chat.Renamed{Chat: in, Group: chat.Group{Title: m.NewTitle}}}
	}
	return s.said(m, false)
}

// said is what somebody wrote, or has changed.
func (s self) said(m *message, edited bool) []chat.Event {
	m.Text, m.Caption = bounded(m.Text), bounded(m.Caption)
	command, other := chat.Command(m.Text, s.handle)
	author := m.author()
	if other || author == "" || !m.private() && !m.Chat.isGroup() || m.Forward != nil && s.is(m.Forward.From) {
		return nil
	}
	addressed, reply := s.addressed(m)
	return []chat.Event{chat.Message{
		ID: strconv.Itoa(m.ID), Chat: m.place(), Author: author, Text: s.text(m), Private: m.private(), Addressed: addressed,
		Reply: reply && !m.private(), Edited: edited, Group: m.group(), Command: command, Media: m.media.isThere(),
		Location: len(m.Location)+len(m.Venue) > 0, Album: m.Album, Language: m.language(), Time: m.time(),
	}}
}

// bounded returns the beginning of a text that is longer than any of Telegram.
func bounded(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "")
}

// private tells whether the message is in a chat of one person with the bot.
func (m *message) private() bool { return m.Chat.Type == "private" }

// isGroup tells whether it is a group. Channels are none.
func (r room) isGroup() bool { return r.Type == "group" || r.Type == "supergroup" }

// author is the id of who wrote the message; empty for bots and channels.
// Admins of a group may write in the group's name.
func (m *message) author() string {
	switch {
	case m.SenderChat != nil && m.Chat.isGroup() && m.SenderChat.ID == m.Chat.ID:
		return formatID(m.SenderChat.ID)
	case m.SenderChat != nil || m.From == nil || m.From.IsBot:
		return ""
	}
	return formatID(m.From.ID)
}

// language is that of the author's client, as "de"; empty where it is not known.
func (m *message) language() string {
	if m.From == nil || m.From.IsBot {
		return ""
	}
	return m.From.Language
}
