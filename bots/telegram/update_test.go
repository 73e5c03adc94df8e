package telegram

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ticketfrei/bots/kit/chat"
)

func FuzzUpdate(f *testing.F) {
	for _, seed := range []string{
		`{"update_id":1,"message":{"message_id":1,"chat":{"id":1,"type":"private"},"from":{"id":1},"text":"/start@x_bot y"}}`,
		`{"update_id":2,"message":{"message_id":1,"chat":{"id":-1,"type":"group"},"from":{"id":1},"text":"👮 @x_bot U1","entities":[{"type":"mention","offset":3,"length":6}]}}`,
		`{"update_id":3,"my_chat_member":{"chat":{"id":-1},"new_chat_member":{"status":"kicked"}}}`,
		`{"update_id":4,"message":{"text":"ab","entities":[{"type":"mention","offset":9223372036854775807,"length":2},{"type":"mention","offset":-1,"length":0}]}}`,
		`{"update_id":6,"my_chat_member":{"chat":{"id":-1,"type":"channel","title":"N"},"old_chat_member":{"status":"left"},"new_chat_member":{"status":"administrator","can_post_messages":true}}}`,
		`{"update_id":7,"message":{"message_id":9,"message_thread_id":5,"is_topic_message":true,"chat":{"id":-1,"type":"supergroup","title":"T"},"from":{"id":1},"text":"U1 @x_bot","reply_to_message":{"from":{"id":42},"forum_topic_created":{"name":"C"}},"forward_origin":{"date":1}}}`,
		`{"update_id":8,"edited_message":{"message_id":9,"chat":{"id":1,"type":"private"},"from":{"id":1},"text":"U2"}}`,
		`{"update_id":9,"message":{"message_thread_id":5,"is_topic_message":true,"chat":{"id":-1},"forum_topic_reopened":{}}}`,
		`{"update_id":5,"message":17}`, `[]`, `null`,
	} {
		f.Add([]byte(seed))
	}
	me := self{"42", "@x_bot"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		u, err := parseUpdate(raw)
		if err != nil {
			return
		}
		me.events(u)
		m := u.Message
		if m == nil {
			return
		}
		text := me.text(m)
		if !utf8.ValidString(text) || len(text) > len(m.Text)+len(m.Entities) {
			t.Errorf("text of %s is %q", raw, text)
		}
	})
}

func TestUpdateThatCannotBeReadHasItsID(t *testing.T) {
	t.Parallel()
	u, err := parseUpdate([]byte(`{"update_id":17,"message":{"message_id":491701234.5}}`))
	if err == nil || u.ID != 17 || u.Message != nil || strings.Contains(err.Error(), "49170") {
		t.Errorf("update %+v, %v", u, err)
	}
}

func TestNamesAreTakenOut(t *testing.T) {
	t.Parallel()
	me := self{"42", "@X_bot"}
	tests := map[string]string{
		`{"text":"@x_bot U1","entities":[{"type":"mention","offset":0,"length":6}]}`:                                             "U1",
		`{"text":"👮👮 @X_BOT U1","entities":[{"type":"mention","offset":5,"length":6}]}`:                                          "👮👮 U1",
		`{"text":"U1 @x_bot2","entities":[{"type":"mention","offset":3,"length":7}]}`:                                            "U1",
		`{"text":"Bot: U1","entities":[{"type":"text_mention","offset":0,"length":4,"user":{"id":42}}]}`:                         "U1",
		`{"text":"U1 @x_bot\nB","entities":[{"type":"mention","offset":3,"length":6},{"type":"mention","offset":3,"length":6}]}`: "U1\nB",
		`{"text":"👮 U1","entities":[{"type":"mention","offset":1,"length":2}]}`:                                                  "👮 U1",
		`{"text":"U1 x@x_bot"}`: "U1 x@x_bot",
	}
	for raw, want := range tests {
		t.Run(want, func(t *testing.T) {
			var m message
			check(t, json.Unmarshal([]byte(raw), &m))
			if got := me.text(&m); got != want {
				t.Errorf("text of %s is %q, want %q", raw, got, want)
			}
		})
	}
}

// TestGiantMessageIsRead has the API send a message that Telegram would not take: it is
// read in no time, and what is no name stays.
func TestGiantMessageIsRead(t *testing.T) {
	t.Parallel()
	mention := `{"type":"mention","offset":7,"length":5}`
	u, err := parseUpdate([]byte(`{"update_id":8,"message":{"message_id":5,"from":{"id":77},"chat":{"id":77,"type":"private"},
		"text":"Kontis @anna ` + strings.Repeat("ü", 1<<20) + `","entities":[` + strings.Repeat(mention+",", 20_000) + mention + `]}}`))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	events := self{}.events(u)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	if m := events[0].(chat.Message); !strings.HasPrefix(m.Text, "Kontis ü") || len(m.Text) > maxText {
		t.Errorf("the text is %d bytes and begins with %.20q", len(m.Text), m.Text)
	}
}
