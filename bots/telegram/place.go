package telegram

import (
	"errors"
	"strconv"
	"strings"

	"github.com/mymmrac/telego"

	"ticketfrei/bots"
)

// A chat is addressed by its id, a topic of a group as "chat/thread". The topic General
// has no thread: it is the group itself.

// isGroup tells chats of many from a person's: their ids are negative.
func isGroup(address string) bool { return strings.HasPrefix(address, "-") }

// parsePlace reads an address; thread is 0 where it is of no topic.
func parsePlace(address string) (chat telego.ChatID, thread int, err error) {
	group, topic, inTopic := strings.Cut(address, "/")
	id, err := strconv.ParseInt(group, 10, 64)
	if err == nil && inTopic {
		thread, err = strconv.Atoi(topic)
	}
	if err != nil {
		return telego.ChatID{}, 0, bots.Permanent(bots.Say(errors.New("not the id of a chat"), "telegram.error.bad_id"))
	}
	return telego.ChatID{ID: id}, thread, nil
}
