package telegram

import (
	"slices"
	"strings"
	"unicode/utf16"

	"ticketfrei/bots/kit/text"
)

// self is a bot as messages name it.
type self struct {
	id     string
	handle string // with its "@"
}

// is tells whether a user is the bot.
func (s self) is(u *user) bool { return u != nil && formatID(u.ID) == s.id }

// addressed tells whether a message in a group is meant for the bot: it mentions it, or
// is a reply to it. reply tells that it is the latter alone.
func (s self) addressed(m *message) (addressed, reply bool) {
	if len(names(m.Text, m.Entities, s.isNamed)) > 0 || len(names(m.Caption, m.CaptionEntities, s.isNamed)) > 0 {
		return true, false
	}
	reply = m.ReplyTo != nil && m.ReplyTo.Topic == nil && s.is(m.ReplyTo.From)
	return reply, reply
}

// isNamed tells whether an entity, which stands for these words of the text, names the
// bot.
func (s self) isNamed(e entity, words string) bool {
	return e.Type == "mention" && strings.EqualFold(words, s.handle) || e.Type == "text_mention" && s.is(e.User)
}

// text is what the message says, without the names of the bot and of other people.
func (s self) text(m *message) string {
	ranges := names(m.Text, m.Entities, func(entity, string) bool { return true })
	if len(ranges) == 0 {
		return strings.TrimSpace(m.Text)
	}
	return without(m.Text, ranges)
}

// The bounds of what is read of a message: Telegram takes 4096 characters and 100
// entities. To find all of them takes the product of both.
const (
	maxText     = 32 << 10 // bytes
	maxEntities = 200
)

// names returns the places in text, in bytes and in order, where an entity names
// somebody and is says that it counts.
func names(text string, entities []entity, is func(e entity, words string) bool) [][2]int {
	var ranges [][2]int
	for _, e := range entities[:min(len(entities), maxEntities)] {
		if e.Type != "mention" && e.Type != "text_mention" {
			continue
		}
		from, to, ok := slice(text, e.Offset, e.Length)
		if ok && is(e, text[from:to]) {
			ranges = append(ranges, [2]int{from, to})
		}
	}
	slices.SortFunc(ranges, func(a, b [2]int) int { return a[0] - b[0] })
	return ranges
}

// slice returns where a range that is given in UTF-16 units stands in text, in
// bytes. Entities come from elsewhere: a range that is not there, or that cuts
// a character in two, is not ok.
func slice(text string, offset, length int) (from, to int, ok bool) {
	if offset < 0 || length <= 0 || length > len(text) {
		return 0, 0, false
	}
	from, to = -1, -1
	pos := 0
	for at, r := range text {
		if pos == offset {
			from = at
		}
		if pos == offset+length {
			to = at
		}
		pos += max(1, utf16.RuneLen(r))
	}
	if pos == offset+length {
		to = len(text)
	}
	return from, to, from >= 0 && to > from
}

// without removes ranges of bytes from s, which must be in order.
func without(s string, ranges [][2]int) string {
	var kept strings.Builder
	at := 0
	for _, r := range ranges {
		if r[0] < at {
			continue // overlaps the one before
		}
		kept.WriteString(s[at:r[0]])
		kept.WriteByte(' ')
		at = r[1]
	}
	kept.WriteString(s[at:])
	return text.Tidy(kept.String())
}
