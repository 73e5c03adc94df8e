package telegram

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"ticketfrei/bots"
)

// maxText is how long a message may be, in UTF-16 units
// (core.telegram.org/bots/api#sendmessage).
const maxText = 4096

// units is the length of r in UTF-16 units.
func units(r rune) int { return max(1, utf16.RuneLen(r)) }

// cut shortens text to limit UTF-16 units, at the end of a word, with "…" where
// something is missing.
func cut(text string, limit int) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	end, used, word := 0, 0, 0
	for at, r := range text {
		if used += units(r); used > limit {
			return strings.TrimRightFunc(text[:pickEnd(text, end, word)], unicode.IsSpace) + "…"
		}
		if unicode.IsSpace(r) && used < limit {
			word = at
		}
		if used < limit { // room for the "…"
			end = at + utf8.RuneLen(r)
		}
	}
	return text
}

// pickEnd decides where to cut: at the end of the last whole word, unless that
// takes away more than half, and never before what belongs to the character
// before.
func pickEnd(text string, end, word int) int {
	if next, _ := utf8.DecodeRuneInString(text[end:]); unicode.IsSpace(next) {
		return end
	}
	if word > end/2 {
		return word
	}
	return bots.WholeCharacters(text, end)
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
		pos += units(r)
	}
	if pos == offset+length {
		to = len(text)
	}
	return from, to, from >= 0 && to > from
}

// without removes ranges of bytes from text, which must be in order.
func without(text string, ranges [][2]int) string {
	var kept strings.Builder
	at := 0
	for _, r := range ranges {
		if r[0] < at {
			continue // overlaps the one before
		}
		kept.WriteString(text[at:r[0]])
		kept.WriteByte(' ')
		at = r[1]
	}
	kept.WriteString(text[at:])
	return tidy(kept.String())
}

// tidy trims every line and joins the spaces in it.
func tidy(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// isGroup tells chats of many from a person's: their ids are negative.
func isGroup(chat int64) bool { return chat < 0 }

func formatID(chat int64) string { return strconv.FormatInt(chat, 10) }

func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("not the id of a chat: %q", text)
	}
	return id, nil
}

// networkID is the id of a message: those of Telegram count in each chat.
func networkID(chat int64, message int) string { return fmt.Sprintf("%d:%d", chat, message) }

// parseNetworkID is the reverse of networkID; zeros where it is none.
func parseNetworkID(id string) (chat int64, message int) {
	left, right, _ := strings.Cut(id, ":")
	chat, err := strconv.ParseInt(left, 10, 64)
	if err != nil {
		return 0, 0
	}
	message, err = strconv.Atoi(right)
	if err != nil {
		return 0, 0
	}
	return chat, message
}
