package telegram

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/telegram/standin"
)

// TestLogsNameNobody lets everything happen that is logged, and more: neither a chat
// nor a person nor a text stands in a log, at any level.
func TestLogsNameNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b, in := must(w.network.Bot(w.ctx, row, log))(t).(working), kittest.NewInbox()
	run := kittest.Receive(t, b, in)

	const text = "two of them at Plärrer"
	rider, group := w.server.AddUser("Annegret", "en"), w.server.AddGroup("Tram riders")
	names := []string{text, "Annegret", "Tram riders", formatID(rider.ID()), formatID(group.ID())}
	group.Add(rider, w.account, true)
	rider.Write(w.account, "/start")
	rider.Write(w.account, text)
	in.WaitFor(t, text)
	w.account.Deliver("message", map[string]any{"message_id": "x", "text": text, "chat": map[string]any{"id": rider.ID()}})
	w.account.Deliver("message", map[string]any{"message_id": 7, "text": text, "chat": map[string]any{"id": float64(rider.ID()) + 0.5}})
	w.handled()

	errs := []error{b.Check(w.ctx)}
	send := func(chat int64) {
		_, err := b.Send(w.ctx, w.delivery(row, chat, text))
		errs = append(errs, err)
	}
	rider.BlockSilently(w.account)
	send(rider.ID())
	rider.Write(w.account, "/help") // which cannot be answered: the rider is gone
	former := group.ID()
	group.Silence(w.account)
	send(former)
	group.Upgrade(false)
	w.handled()
	names = append(names, formatID(group.ID()))
	send(group.ID())
	w.subscribe(row, 99_123_456)
	names = append(names, "99123456")
	send(99_123_456)
	w.account.Fail(502)
	send(group.ID())
	in.Fail(errors.New("disk full"))
	rider.Write(w.account, text)
	errs = append(errs, run.Ended())

	said := w.log.String()
	for _, err := range errs {
		if err != nil {
			said += fmt.Sprintln(err, w.words(err))
		}
	}
	for _, name := range names {
		if strings.Contains(said, strings.TrimPrefix(name, "-")) {
			t.Errorf("%q stands in a log or an error:\n%s", name, said)
		}
	}
	if !strings.Contains(said, "telegram.log.skipped") {
		t.Errorf("what could not be read is not logged: %s", said)
	}
}
