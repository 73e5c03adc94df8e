package moving

import (
	"cmp"
	"context"
	"database/sql"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/address"
	"ticketfrei/internal/report"
	"ticketfrei/internal/valid"
)

// mailNames reads the names of inboxes, which stay true beside the slug of the city. One with
// capitals never got a mail there: another one in lower case goes before it.
func (k *kibicara) mailNames(ctx context.Context) error {
	type inbox struct {
		city int
		name string
	}
	var list []inbox
	var name sql.NullString
	err := k.ofHoods(ctx, "email", []string{"name"}, []any{&name}, func(c *City) {
		list = append(list, inbox{k.at[c.ID], strings.TrimSpace(valid.Text(name.String))})
	})
	capitals := func(in inbox) bool { return in.name != strings.ToLower(in.name) }
	for _, in := range append(slices.DeleteFunc(slices.Clone(list), capitals), slices.DeleteFunc(list, func(in inbox) bool { return !capitals(in) })...) {
		k.src.Cities[in.city].inbox(in.name, k.inboxes)
	}
	return err
}

// inbox has a local part lead to a city, unless it leads to one already.
func (c *City) inbox(name string, there map[string]bool) {
	lower := strings.ToLower(name)
	if lower == "" || there[lower] {
		c.note("kibicara_inbox_left", short(name))
		return
	}
	there[lower] = true
	if lower == name {
		c.note("kibicara_inbox", name)
	} else {
		c.note("kibicara_inbox_capitals", name, lower)
	}
	if report.CheckSlug(lower) == nil { // then no other city may take it
		c.Copy.Aliases = append(c.Copy.Aliases, lower)
	} else {
		c.Names = append(c.Names, lower)
	}
}

// subscribers reads who got mails. What is no address, or that of a hood, is left out.
func (k *kibicara) subscribers(ctx context.Context) error {
	all := make([]left, len(k.src.Cities))
	for i := range all {
		all[i].seen = map[string]bool{}
	}
	var id int64
	var typed sql.NullString
	err := k.ofHoods(ctx, "email_subscribers", []string{"id", "email"}, []any{&id, &typed}, func(c *City) {
		email, domain, ok := address.Plain(typed.String, false)
		local, _, _ := strings.Cut(email, "@")
		own := k.inboxes[local] || domain == k.o.Ours
		all[k.at[c.ID]].add(&c.Bots[0], id, email, ok, own, k.o.Now.UnixMilli())
	})
	for i := range all {
		k.src.Cities[i].Notes = append(k.src.Cities[i].Notes, all[i].notes()...)
	}
	return err
}

const (
	// defaultWelcome is the welcome text of a bot whose admins have written none.
	defaultWelcome = "Welcome!"
	// maxWelcome is how long one may be here, in characters.
	maxWelcome = 2000
)

var telegramToken = regexp.MustCompile(`^(\d{1,18}):[\w-]+$`)

// kibicaraTelegram is a row of telegrambots.
type kibicaraTelegram struct {
	city                     int
	id                       int64
	token, welcome, username sql.NullString
	enabled                  number
}

// telegramBots reads the bots on Telegram, of which a hood may have several. Those that are on
// go first: where the token of one was replaced, it is off.
func (k *kibicara) telegramBots(ctx context.Context) error {
	var list []kibicaraTelegram
	var row kibicaraTelegram
	columns := []string{"id", "api_token", "welcome_message", "username", "enabled"}
	err := k.ofHoods(ctx, "telegrambots", columns, []any{&row.id, &row.token, &row.welcome, &row.username, &row.enabled}, func(c *City) {
		row.city = k.at[c.ID]
		list = append(list, row)
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b kibicaraTelegram) int {
		switch {
		case a.enabled.on() == b.enabled.on():
			return 0
		case a.enabled.on():
			return -1
		}
		return 1
	})
	bots, accounts := map[int64]kibicaraBot{}, map[string]bool{}
	for _, t := range list {
		c := &k.src.Cities[t.city]
		if b, ok := t.bot(c, accounts, k.o.Now.UnixMilli()); ok {
			bots[t.id] = kibicaraBot{t.city, len(c.Bots)}
			c.Bots = append(c.Bots, b)
		}
	}
	return k.telegramUsers(ctx, bots)
}

// kibicaraCursor is that of a bot whose last program has told Telegram what it had handled: what
// waits there is new.
const kibicaraCursor = "0"

// kibicaraBot is where a bot stands: the place of its city, and its own among the city's bots.
type kibicaraBot struct{ city, bot int }

// bot makes the bot of a row, unless there is one with its account.
func (t kibicaraTelegram) bot(c *City, accounts map[string]bool, now int64) (b Bot, ok bool) {
	name := valid.Text(t.username.String)
	called := cmp.Or(name, strconv.FormatInt(t.id, 10))
	token := telegramToken.FindStringSubmatch(strings.TrimSpace(t.token.String))
	switch {
	case token == nil:
		c.note("kibicara_telegram_token", called)
		return b, false
	case accounts[token[1]]:
		c.note("kibicara_telegram_twice", called)
		return b, false
	}
	accounts[token[1]] = true
	b = Bot{ID: t.id, Network: "telegram", Enabled: t.enabled.on(), Account: &account.Moved{Remote: token[1], Token: token[0], Cursor: kibicaraCursor, CursorAt: now}}
	if name != "" {
		b.Account.Handle, b.Account.URL = "@"+name, "https://t.me/"+name
	}
	welcome := strings.TrimSpace(valid.Text(t.welcome.String))
	switch {
	case utf8.RuneCountInString(welcome) > maxWelcome:
		c.note("welcome_long", strconv.Itoa(maxWelcome))
	case welcome != defaultWelcome:
		b.Welcome = welcome
	}
	return b, true
}

// telegramUsers reads who got reports from bots.
func (k *kibicara) telegramUsers(ctx context.Context, bots map[int64]kibicaraBot) error {
	gone := 0
	err := k.file.rows(ctx, "telegramusers", []string{"id", "user_id", "bot"}, func(scan func(...any) error) error {
		var id, user, bot number
		if err := scan(&id, &user, &bot); err != nil {
			return err
		}
		at, ok := bots[bot.Int64]
		if !ok || user.Int64 == 0 {
			gone++
			return nil
		}
		b := &k.src.Cities[at.city].Bots[at.bot]
		b.Recipients = append(b.Recipients, recipients.Moved{ID: id.Int64, Address: strconv.FormatInt(user.Int64, 10), Created: k.o.Now.UnixMilli()})
		return nil
	})
	k.orphans("telegramusers", gone)
	return err
}

// twitter counts the accounts on Twitter, which do not come.
func (k *kibicara) twitter(ctx context.Context) error {
	counts := make([]int, len(k.src.Cities))
	err := k.ofHoods(ctx, "twitterbots", nil, nil, func(c *City) { counts[k.at[c.ID]]++ })
	for i, n := range counts {
		if n > 0 {
			k.src.Cities[i].note("twitter", strconv.Itoa(n))
		}
	}
	return err
}
