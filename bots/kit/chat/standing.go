package chat

import (
	"context"
	"errors"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
)

// join subscribes a group that has added the account. One that is there already stays
// as it is, but for one that was closed: it says itself what is wanted.
func (b *bot) join(ctx context.Context, j Joined, answers *answers) error {
	groups := b.network.groups
	r, err := groups.find(ctx, b.bot.ID, j.Chat)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return b.joinNew(ctx, j, answers)
	case err != nil:
		return err
	}
	if err := b.openOne(ctx, r.ID, closed...); err != nil {
		return err
	}
	return groups.note(ctx, b.bot.ID, j.Chat, b.groupOf(j.Chat), j.Group)
}

// joinNew subscribes a group that is new, and greets it; not one in whose topics the
// account is already.
func (b *bot) joinNew(ctx context.Context, j Joined, answers *answers) error {
	topics, err := b.network.groups.of(ctx, b.bot.ID, j.Chat)
	if err != nil || len(topics) > 0 {
		return err
	}
	if err := b.network.groups.add(ctx, b.bot.ID, j.Chat, j.Chat, j.Group, true); err != nil {
		return err
	}
	welcome, stored := b.greeting(j.Group, b.language)
	answers.add(answer{chat: j.Chat, text: welcome, kept: stored, sure: true})
	return nil
}

// greeting is what a group is told that gets the reports from now on, and what is stored
// of it. Whoever reads a channel cannot write there.
func (b *bot) greeting(g Group, language string) (welcome, stored string) {
	if g.Kind == KindChannel {
		return b.say(language, "kit.chat.channel_welcome", "City", b.city), ""
	}
	return b.say(language, "kit.chat.group_welcome", "City", b.city, "Bot", b.account.Handle), b.say(language, "kit.chat.stored_group")
}

// rename keeps the name of a group, also for its topics.
func (b *bot) rename(ctx context.Context, e Renamed) error {
	return b.network.groups.rename(ctx, b.bot.ID, e.Chat, b.groupOf(e.Chat), e.Group)
}

// close notes that a chat is closed, and tells the moderators; where the account lacks
// rights, all its topics are.
func (b *bot) close(ctx context.Context, chat string, why Why) error {
	return b.each(ctx, chat, why, func(id int64) error { return b.closeOne(ctx, id, why) })
}

// closeQuietly notes that a chat is closed to which no report need ever have gone.
func (b *bot) closeQuietly(ctx context.Context, chat string, why Why) error {
	return b.each(ctx, chat, why, func(id int64) error {
		_, err := b.network.groups.turn(ctx, b.bot.ID, id, way{string(why), []string{standsOn}})
		return err
	})
}

// open notes that a chat is no longer closed.
func (b *bot) open(ctx context.Context, chat string, why Why) error {
	return b.each(ctx, chat, why, func(id int64) error { return b.openOne(ctx, id, string(why)) })
}

// each calls do for the recipients that a reason is about.
func (b *bot) each(ctx context.Context, chat string, why Why, do func(id int64) error) error {
	groups := b.network.groups
	if why == WhyRights && b.groupOf(chat) == chat {
		ids, err := groups.of(ctx, b.bot.ID, chat)
		for _, id := range ids {
			err = errors.Join(err, do(id))
		}
		return err
	}
	r, err := groups.find(ctx, b.bot.ID, chat)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return do(r.ID)
}

// closeOne notes that nobody may write to a recipient, and tells the moderators where
// reports went there until now.
func (b *bot) closeOne(ctx context.Context, id int64, why Why) error {
	groups := b.network.groups
	news, err := groups.turn(ctx, b.bot.ID, id, way{string(why), []string{standsOn}})
	if err != nil {
		return err
	}
	if news {
		b.log.Warn("kit.log.closed", "err", &Closed{Why: why})
		group, err := groups.get(ctx, b.bot.ID, id)
		if errors.Is(err, db.ErrNotFound) {
			group.Kind, err = KindGroup, nil
		}
		if err != nil {
			return err
		}
		return b.network.closings.tell(ctx, b.network, b.bot, group.Kind, why)
	}
	_, err = groups.turn(ctx, b.bot.ID, id, way{string(why), closed}) // since when, for the next trial
	return err
}

// openOne has a recipient sent to again that was closed for one of the reasons.
func (b *bot) openOne(ctx context.Context, id int64, reasons ...string) error {
	_, err := b.network.groups.turn(ctx, b.bot.ID, id, way{standsOn, reasons})
	return err
}

// follow follows a chat that has another id now. What was written in it before cannot
// be taken back any more: there its ids may be those of other messages.
func (b *bot) follow(ctx context.Context, from, to string) error {
	moved, err := b.network.groups.find(ctx, b.bot.ID, from)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	// It may have been added under the new id already, which nobody has asked for.
	if there, err := b.network.groups.find(ctx, b.bot.ID, to); err == nil {
		if err := b.network.groups.unwanted(ctx, b.bot.ID, there.ID); err != nil {
			return err
		}
	}
	if err := b.network.host.DB.ForgetReceipts(ctx, b.bot.ID, moved.ID); err != nil {
		return err
	}
	if err := b.network.chats.Move(ctx, b.bot.ID, from, to); err != nil {
		return err
	}
	return b.network.groups.move(ctx, b.bot.ID, moved.ID, b.groupOf(to))
}

// startGroup subscribes a group or topic in which somebody has asked for that, and
// returns how it stood before; added where it is new.
func (b *bot) startGroup(ctx context.Context, m Message) (added bool, stood string, err error) {
	groups, whole := b.network.groups, b.groupOf(m.Chat)
	r, err := groups.find(ctx, b.bot.ID, m.Chat)
	if errors.Is(err, db.ErrNotFound) {
		if err := groups.add(ctx, b.bot.ID, m.Chat, whole, m.Group, false); err != nil {
			return false, "", err
		}
		return true, standsOn, b.meansHere(ctx, m.Chat)
	}
	if err != nil {
		return false, "", err
	}
	_, err = groups.turn(ctx, b.bot.ID, r.ID, way{standsOn, orClosed(standsStopped)}, way{standsOff, []string{standsOffStopped}})
	if err != nil {
		return false, "", err
	}
	if err := groups.wanted(ctx, r.ID); err != nil {
		return false, "", err
	}
	return false, r.Reason, groups.note(ctx, b.bot.ID, m.Chat, whole, m.Group)
}

// meansHere makes a topic take the place of its group, where nobody has asked for
// reports in the group itself.
func (b *bot) meansHere(ctx context.Context, topic string) error {
	groups, whole := b.network.groups, b.groupOf(topic)
	if whole == topic {
		return nil
	}
	r, err := groups.find(ctx, b.bot.ID, whole)
	if errors.Is(err, db.ErrNotFound) || err == nil && r.Reason != standsOn {
		return nil
	}
	if err == nil {
		err = groups.unwanted(ctx, b.bot.ID, r.ID)
	}
	return err
}

// stopGroup notes that somebody in a group wants no reports there, and tells whether
// that is new. It is kept: a group that is let to do more must not be taken for one that
// wants them again.
func (b *bot) stopGroup(ctx context.Context, m Message) (bool, error) {
	groups := b.network.groups
	r, err := groups.find(ctx, b.bot.ID, m.Chat)
	known := !errors.Is(err, db.ErrNotFound)
	if !known {
		if err = groups.add(ctx, b.bot.ID, m.Chat, b.groupOf(m.Chat), m.Group, false); err == nil {
			r, err = groups.find(ctx, b.bot.ID, m.Chat)
		}
	}
	if err != nil {
		return false, err
	}
	_, err = groups.turn(ctx, b.bot.ID, r.ID, way{standsStopped, orClosed(standsOn)}, way{standsOffStopped, []string{standsOff}})
	if err != nil {
		return false, err
	}
	return known && !wasStopped(r), groups.note(ctx, b.bot.ID, m.Chat, b.groupOf(m.Chat), m.Group)
}

func wasStopped(r recipients.Recipient) bool {
	return r.Reason == standsStopped || r.Reason == standsOffStopped
}
