package pace

import (
	"strconv"
	"testing"
	"time"
)

func TestChatsAreForgotten(t *testing.T) {
	p := New(Limits{All: 30, Chat: 1, Group: 1, GroupBurst: 5})
	now := time.Now()
	for i := range 30 * 60 { // half an hour of a message a second, each to another chat
		p.reserve(strconv.Itoa(i), i%2 == 0, now.Add(time.Duration(i)*time.Second))
	}
	if n := len(p.chats); n > firstSweep {
		t.Errorf("%d chats are remembered", n)
	}
}

func TestPausedChatIsRemembered(t *testing.T) {
	p := New(Limits{})
	p.Limited("paused", true, time.Hour)
	for i := range 10 * firstSweep {
		p.reserve(strconv.Itoa(i), false, time.Now())
	}
	if p.pausedChat("paused") <= 0 {
		t.Error("the pause is forgotten")
	}
}
