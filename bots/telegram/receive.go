package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// keptByTelegram is how long Telegram keeps updates that nobody has fetched.
const keptByTelegram = 24 * time.Hour

// emitter hands over a report.
type emitter func(context.Context, bots.Incoming) error

// errStuck is updates that cannot be counted past.
var errStuck = errors.New("updates without an id")

// Receive fetches updates in order until ctx ends or something fails. The
// offset that confirms them to Telegram is stored when all of a batch were
// handled, and sent with the next request.
func (b *bot) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	answers := newReplier(ctx, b)
	defer answers.stop()
	dialing := b.client.dialing // for the first poll: those after it find room
	for {
		began := time.Now()
		list, err := b.client.updates(ctx, b.offset(), b.network.timings.poll, dialing)
		if err != nil {
			return b.explain(ctx, err)
		}
		dialing = nil
		if len(list) == 0 {
			if err := sleep(ctx, b.network.timings.pause-time.Since(began)); err != nil {
				return err
			}
			continue
		}
		if err := b.handleBatch(ctx, list, emit, answers); err != nil {
			return err
		}
	}
}

// offset is the id of the first update that is wanted. One that is older than
// what Telegram keeps confirms nothing any more, and would hide what comes
// next: after a week without updates their ids go on from a random number.
func (b *bot) offset() int {
	if b.network.host.Now().Sub(b.nextAt) > keptByTelegram {
		return 0
	}
	return b.next
}

// handleBatch handles updates in order and stores how far it came.
func (b *bot) handleBatch(ctx context.Context, list []json.RawMessage, emit emitter, answers *replier) error {
	next, failed := 0, error(nil)
	for _, raw := range list {
		u, err := parseUpdate(raw)
		if err != nil {
			b.log.Warn("an update of Telegram cannot be read and is skipped", "err", err)
		} else if failed = b.handle(ctx, u, emit, answers); failed != nil {
			break
		}
		next = max(next, u.ID+1)
	}
	if next > 0 {
		b.next, b.nextAt = next, b.network.host.Now()
		if err := b.network.store.saveOffset(ctx, b.bot.ID, b.id, next); err != nil && failed == nil {
			failed = err
		}
	} else if failed == nil {
		failed = errStuck
	}
	return failed
}

// handle does what an update asks for. When it returns nil, that is on disk.
func (b *bot) handle(ctx context.Context, u update, emit emitter, answers *replier) error {
	switch {
	case u.Membership != nil:
		return b.handleMembership(ctx, u.Membership, answers)
	case u.Message != nil:
		return b.handleMessage(ctx, u.Message, emit, answers)
	}
	return nil
}

// handleMembership subscribes a group that the bot was added to, and forgets
// chats that it was thrown out of: a person who blocks the bot does that.
func (b *bot) handleMembership(ctx context.Context, m *membership, answers *replier) error {
	store := b.network.store
	in := m.New.Status == "member" || m.New.Status == "administrator" || m.New.Status == "restricted" && m.New.IsMember
	if !in {
		_, err := store.unsubscribe(ctx, b.bot.ID, m.Chat.ID)
		return err
	}
	if m.Chat.Type != "group" && m.Chat.Type != "supergroup" {
		return nil // a person has unblocked the bot: who wants reports says so
	}
	added, err := store.subscribe(ctx, b.bot.ID, m.Chat.ID)
	if err == nil && added {
		answers.add(m.Chat.ID, b.say("telegram.group_welcome", "City", b.city, "Bot", "@"+b.username))
	}
	return err
}

func (b *bot) handleMessage(ctx context.Context, m *message, emit emitter, answers *replier) error {
	switch {
	case m.MigrateTo != 0:
		return b.network.store.moveChat(ctx, b.bot.ID, m.Chat.ID, m.MigrateTo)
	case m.MigrateFrom != 0:
		return b.network.store.moveChat(ctx, b.bot.ID, m.MigrateFrom, m.Chat.ID)
	}
	me := self{b.id, b.username}
	author, ok := m.author()
	if !ok || !m.private() && !m.inGroup() || m.Forward != nil && m.Forward.From != nil && m.Forward.From.ID == b.id {
		return nil
	}
	if command, other := me.command(m); command != "" || other {
		if other {
			return nil
		}
		return b.handleCommand(ctx, command, m, answers)
	}
	if m.inGroup() && !me.addressed(m) {
		return nil
	}
	if m.Text == "" {
		b.refuseMedia(m, answers)
		return nil
	}
	err := emit(ctx, bots.Incoming{ID: networkID(m.Chat.ID, m.ID), Author: author, Text: me.text(m),
		Visibility: report.Private, Time: m.time()})
	if err != nil {
		return fmt.Errorf("hand over a report: %w", err)
	}
	return nil
}

// refuseMedia says why pictures and the like are not passed on: once for an
// album, of which every picture is a message.
func (b *bot) refuseMedia(m *message, answers *replier) {
	if !m.media.isThere() || m.Album != "" && m.Album == b.album {
		return
	}
	b.album = m.Album
	answers.add(m.Chat.ID, b.network.host.Texts.T(b.languageOf(m), "telegram.media"))
}

// languageOf is the language to answer a message in: that of the author's
// client, or the city's where it is not known.
func (b *bot) languageOf(m *message) string {
	if wanted := m.language(); wanted != "" {
		return b.network.host.Texts.Match(wanted)
	}
	return b.language
}
