package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
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

// introductions are the bots that wait to introduce themselves. Waiting costs no goroutine.
type introductions struct {
	mu      sync.Mutex
	waiting []*introduction
	running int
}

// introduction sets the account's profile where that has changed since it was set last,
// and asks what groups are called whose names are not known. The account works without,
// and nobody waits for it.
type introduction struct {
	bot   *bot
	ctx   context.Context // of Receive
	group sync.WaitGroup

	mu   sync.Mutex
	over bool
	end  context.CancelFunc // nil while it does not run
}

// introduce has the bot introduced when few others are.
func (b *bot) introduce(ctx context.Context) *introduction {
	i := &introduction{bot: b, ctx: ctx}
	_, introduces := b.conn.(Introducer)
	_, names := b.conn.(Namer)
	if introduces || names {
		b.network.introductions.add(i)
	}
	return i
}

func (l *introductions) add(i *introduction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, i)
	if l.running < introducedAtOnce {
		l.running++
		go l.run()
	}
}

// run introduces one after the other, until none waits. Those whose bots stop are waited
// for by them.
func (l *introductions) run() {
	for i := l.next(); i != nil; i = l.next() {
		i.run()
	}
}

// next takes the next that waits; nil where whoever asks has to end.
func (l *introductions) next() *introduction {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.waiting = nil
		l.running--
		return nil
	}
	i := l.waiting[0]
	l.waiting[0], l.waiting = nil, l.waiting[1:]
	return i
}

func (i *introduction) run() {
	ctx, ok := i.begin()
	if !ok {
		return
	}
	defer i.group.Done()
	defer i.cancel()
	if err := i.bot.showProfile(ctx); err != nil && ctx.Err() == nil {
		i.bot.log.Warn("kit.log.no_profile", "err", explain(err))
	}
	if err := i.bot.nameGroups(ctx); err != nil && ctx.Err() == nil {
		i.bot.log.Warn("kit.log.no_names", "err", explain(err))
	}
}

// begin returns the context of the introduction; false where the bot has stopped.
func (i *introduction) begin() (ctx context.Context, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over {
		return nil, false
	}
	i.group.Add(1)
	ctx, i.end = context.WithTimeout(i.ctx, introduceTimeout)
	return ctx, true
}

// cancel ends the introduction.
func (i *introduction) cancel() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.over = true
	if i.end != nil {
		i.end()
		i.end = nil // an idle bot keeps nothing of it
	}
}

// stop ends the introduction and waits for that.
func (i *introduction) stop() {
	i.cancel()
	i.group.Wait()
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
