package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots/kit/remote"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
)

// Profile is what a service shows of an account, in each language.
type Profile struct {
	Language string // that of the city, for people whose own is not among Words
	Words    map[string]ProfileWords
}

// ProfileWords are a Profile in one language.
type ProfileWords struct {
	About       string // one sentence, at most 120 characters
	Description string // what somebody reads before the first message, at most 500
	Commands    []CommandWords
}

// CommandWords are a command as menus show it.
type CommandWords struct {
	Command string // without the slash
	Words   string
}

// The lengths of what stands in a profile, in characters.
const (
	maxAbout       = 120
	maxDescription = 500
)

// introduceTimeout bounds how long a profile may take to be set, and introducedAtOnce
// how many bots do so at the same time: thousands that start together must not keep each
// other from receiving.
const (
	introduceTimeout = 2 * time.Minute
	introducedAtOnce = 4
)

// profile is what the account is shown as.
func (b *bot) profile() Profile {
	p := Profile{Language: b.language, Words: map[string]ProfileWords{}}
	for _, language := range b.network.host.Texts.Languages() {
		w := ProfileWords{
			About:       text.Runes(maxAbout).Fit(b.say(language, "kit.chat.profile.about", "City", b.city)),
			Description: text.Runes(maxDescription).Fit(b.say(language, "kit.chat.profile.description", "City", b.city)),
		}
		for _, command := range Commands {
			w.Commands = append(w.Commands, CommandWords{command, b.say(language, "kit.chat.menu."+command)})
		}
		p.Words[language] = w
	}
	return p
}

// introduce sets the account's profile where that has changed since it was set last, and
// asks what groups are called whose names are not known. The account works without, and
// nobody waits for it. stop ends that.
func (b *bot) introduce(ctx context.Context) (stop func()) {
	_, introduces := b.conn.(Introducer)
	_, names := b.conn.(Namer)
	if !introduces && !names {
		return func() {}
	}
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer end() // nothing is kept of a context that has ended
		b.introduceInTurn(ctx)
	}()
	return func() {
		end()
		<-done
	}
}

// introduceInTurn does what introduce is for when few others do.
func (b *bot) introduceInTurn(ctx context.Context) {
	select {
	case b.network.introducing <- struct{}{}:
		defer func() { <-b.network.introducing }()
	case <-ctx.Done():
		return
	}
	ctx, end := context.WithTimeout(ctx, introduceTimeout)
	defer end()
	if err := b.showProfile(ctx); err != nil && ctx.Err() == nil {
		b.log.Warn("kit.log.no_profile", "err", explain(err))
	}
	if err := b.nameGroups(ctx); err != nil && ctx.Err() == nil {
		b.log.Warn("kit.log.no_names", "err", explain(err))
	}
}

// nameGroups asks what groups are called whose names are not known: of those of earlier
// versions they were not kept.
func (b *bot) nameGroups(ctx context.Context) error {
	c, ok := b.conn.(Namer)
	if !ok {
		return nil
	}
	list, err := b.network.groups.list(ctx, b.bot.ID)
	if err != nil {
		return err
	}
	for _, g := range list {
		if g.Title != "" {
			continue
		}
		r, err := b.network.chats.Get(ctx, b.bot.ID, g.ID)
		if err != nil {
			continue // it has gone meanwhile, or cannot be read
		}
		named, err := c.Name(ctx, r.Address)
		if e := remote.As(err); e != nil && (e.Trouble == remote.Gone || e.Trouble == remote.Rejected) {
			continue
		}
		if err == nil {
			err = b.network.groups.note(ctx, b.bot.ID, r.Address, b.groupOf(r.Address), named)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bot) showProfile(ctx context.Context) error {
	c, ok := b.conn.(Introducer)
	if !ok {
		return nil
	}
	p := b.profile()
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	mark := b.network.host.Secrets.Hash("profile", string(raw))
	known, err := b.network.shownProfile(ctx, b.bot.ID)
	if err != nil || known == mark {
		return err
	}
	if err := c.Introduce(ctx, p); err != nil {
		return err
	}
	return b.network.noteProfile(ctx, b.bot.ID, mark)
}

func (n *network) profiles() string { return n.Name + "_profiles" }

// shownProfile returns the mark of the profile that was set last; empty where none was.
func (n *network) shownProfile(ctx context.Context, botID int64) (mark string, err error) {
	err = n.host.DB.ReadRow(ctx, "SELECT shown FROM "+n.profiles()+" WHERE bot_id = ?", botID).Scan(&mark)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return "", fmt.Errorf("%s profile: %w", n.Name, err)
	}
	return mark, nil
}

func (n *network) noteProfile(ctx context.Context, botID int64, mark string) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO "+n.profiles()+" (bot_id, shown) VALUES (?, ?) ON CONFLICT (bot_id) DO UPDATE SET shown = excluded.shown",
			botID, mark).Error
	})
	if err != nil {
		return fmt.Errorf("note %s profile: %w", n.Name, err)
	}
	return nil
}
