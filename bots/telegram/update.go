package telegram

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// update is the part of an update that is used here. The rest is not read:
// there is more of it every few months, and a field that does not fit must not
// cost a report.
type update struct {
	ID         int         `json:"update_id"`
	Message    *message    `json:"message"`
	Membership *membership `json:"my_chat_member"`
}

// membership is the bot coming into a chat or leaving it.
type membership struct {
	Chat chat `json:"chat"`
	From user `json:"from"`
	New  struct {
		Status   string `json:"status"`
		IsMember bool   `json:"is_member"` // of status "restricted"
	} `json:"new_chat_member"`
}

type user struct {
	ID       int64  `json:"id"`
	IsBot    bool   `json:"is_bot"`
	Language string `json:"language_code"`
}

type chat struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
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
	SenderChat      *chat    `json:"sender_chat"`
	Chat            chat     `json:"chat"`
	Date            int64    `json:"date"`
	Text            string   `json:"text"`
	Entities        []entity `json:"entities"`
	Caption         string   `json:"caption"`
	CaptionEntities []entity `json:"caption_entities"`
	Album           string   `json:"media_group_id"`
	ReplyTo         *struct {
		From *user `json:"from"`
	} `json:"reply_to_message"`
	Forward *struct {
		From *user `json:"sender_user"`
	} `json:"forward_origin"`
	MigrateTo   int64 `json:"migrate_to_chat_id"`
	MigrateFrom int64 `json:"migrate_from_chat_id"`
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
	// The error that counts is the first one.
	_ = json.Unmarshal(raw, &only)
	return update{ID: only.ID}, err
}

// time is when the message was written.
func (m *message) time() time.Time { return time.Unix(m.Date, 0).UTC() }

// private tells whether the message is in a chat of one person with the bot.
func (m *message) private() bool { return m.Chat.Type == "private" }

// inGroup tells whether it is in a group. Channels are none.
func (m *message) inGroup() bool { return m.Chat.Type == "group" || m.Chat.Type == "supergroup" }

// author is the id of who wrote the message; ok is false for bots and channels.
// Admins of a group may write in the group's name.
func (m *message) author() (id string, ok bool) {
	switch {
	case m.SenderChat != nil:
		return formatID(m.SenderChat.ID), m.inGroup() && m.SenderChat.ID == m.Chat.ID
	case m.From == nil || m.From.IsBot:
		return "", false
	}
	return formatID(m.From.ID), true
}

// language is that of the author's client, as "de"; empty where it is not known.
func (m *message) language() string {
	if m.From == nil || m.From.IsBot {
		return ""
	}
	return m.From.Language
}

// self is a bot as messages name it.
type self struct {
	id       int64
	username string
}

// addressed tells whether a message in a group is meant for the bot: it
// mentions it, or is a reply to it.
func (s self) addressed(m *message) bool {
	if m.ReplyTo != nil && m.ReplyTo.From != nil && m.ReplyTo.From.ID == s.id {
		return true
	}
	return len(s.mentions(m.Text, m.Entities)) > 0 || len(s.mentions(m.Caption, m.CaptionEntities)) > 0
}

// text is what the message says, without the mentions of the bot.
func (s self) text(m *message) string {
	ranges := s.mentions(m.Text, m.Entities)
	if len(ranges) == 0 {
		return strings.TrimSpace(m.Text)
	}
	return without(m.Text, ranges)
}

// mentions returns where the bot is mentioned in text, in bytes and in order.
func (s self) mentions(text string, entities []entity) [][2]int {
	var ranges [][2]int
	for _, e := range entities {
		from, to, ok := slice(text, e.Offset, e.Length)
		if !ok {
			continue
		}
		if e.Type == "mention" && strings.EqualFold(text[from:to], "@"+s.username) ||
			e.Type == "text_mention" && e.User != nil && e.User.ID == s.id {
			ranges = append(ranges, [2]int{from, to})
		}
	}
	slices.SortFunc(ranges, func(a, b [2]int) int { return a[0] - b[0] })
	return ranges
}

// command returns the command that the message begins with, without the slash
// and in lower case. other tells that it is meant for another bot.
func (s self) command(m *message) (command string, other bool) {
	if !strings.HasPrefix(m.Text, "/") {
		return "", false
	}
	word, _, _ := strings.Cut(m.Text[1:], " ")
	word, _, _ = strings.Cut(word, "\n")
	command, bot, named := strings.Cut(word, "@")
	return strings.ToLower(command), named && !strings.EqualFold(bot, s.username)
}
