package telegram

import (
	"strconv"
	"testing"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/telegram/standin"
)

// TestWhereABotGoesOn takes a bot over from a program that has come to an update: what it handled
// is left alone, and what it did not is heard, though ids may have gone on from a random number.
func TestWhereABotGoesOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first         int // id of the two updates that wait
		cursor, wants string
	}{
		"the last that was handled waits":      {70, "71", "71"},
		"all that waits is new":                {70, "70", allIsNew},
		"ids went on lower after a quiet week": {70, "90000", allIsNew},
		"nobody knows what was handled":        {70, "", "72"},
		"nothing that waits was handled":       {70, allIsNew, allIsNew},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standin.Options{})
			const token = "987654321:AAFbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
			bot, rider := w.server.RestoreBot(987654321, "old_bot", "Old", token, test.first), w.server.RestoreUser(1001, "rider", "de")
			bot.Know(rider, 3)
			for i := range 2 {
				rider.Write(bot, "Kontis "+strconv.Itoa(i))
			}
			known, err := account.Identify(w.ctx, w.driver, &account.Moved{Remote: "987654321", Token: token, Cursor: test.cursor})
			if err != nil || known.Cursor != test.wants || known.Handle != "@old_bot" {
				t.Errorf("it goes on at %+v, %v; want %s", known, err, test.wants)
			}
		})
	}
}
