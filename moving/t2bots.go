package moving

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/address"
)

func (r *t2) addBots(c *City, u *t2User, of t2City) {
	mail := Bot{Network: "mail", Enabled: u.enabled, Page: Unwrap(of.mailPage.String)}
	c.Notes = append(c.Notes, pageNotes(mail.Page)...)
	ours := r.ownDomains(of)
	out := left{seen: map[string]bool{}}
	for _, row := range u.mails {
		email, domain, ok := address.Named(row.text.String, false)
		local, _, _ := strings.Cut(email, "@")
		own := domain == r.options.Ours || slices.Contains(ours, domain) && local == strings.ToLower(strings.TrimSpace(of.name.String))
		out.add(&mail, row.id, email, ok, own, r.options.Now.UnixMilli())
	}
	c.Notes = append(c.Notes, out.notes()...)
	c.Bots = append(c.Bots, mail)
	r.addTelegram(c, u)
	r.addMastodon(c, u)
	if u.twitter > 0 {
		c.Notes = append(c.Notes, Note{"twitter", []string{strconv.Itoa(u.twitter)}})
	}
}

// left counts the subscribers that do not come.
type left struct {
	seen             map[string]bool
	twice, none, own int
}

// add adds a subscriber to a bot.
func (l *left) add(b *Bot, id int64, email string, ok, own bool, now int64) {
	switch {
	case !ok:
		l.none++
	case own:
		l.own++
	case l.seen[email]:
		l.twice++
	default:
		l.seen[email] = true
		b.Recipients = append(b.Recipients, recipients.Moved{ID: id, Address: email, Created: now})
	}
}

func (l *left) notes() (notes []Note) {
	for _, n := range []struct {
		key   string
		count int
	}{{"subscribers_twice", l.twice}, {"subscribers_none", l.none}, {"subscribers_own", l.own}} {
		if n.count > 0 {
			notes = append(notes, Note{n.key, []string{strconv.Itoa(n.count)}})
		}
	}
	return notes
}

// mailto is an address that a page links to.
var mailto = regexp.MustCompile(`mailto:([^)\s>"?]+)`)

// ownDomains are the domains that mail to a city went to, as far as they are known: its page
// has the address.
func (r *t2) ownDomains(of t2City) []string {
	list := []string{r.source.Domain}
	for _, found := range mailto.FindAllStringSubmatch(of.page.String+" "+of.mailPage.String, -1) {
		email, domain, ok := address.Named(found[1], true)
		if local, _, _ := strings.Cut(email, "@"); ok && local == strings.ToLower(strings.TrimSpace(of.name.String)) {
			list = append(list, domain)
		}
	}
	return slices.DeleteFunc(list, func(domain string) bool { return domain == "" })
}

// maxUpdate is above all numbers that Telegram gives to what it brings: they have 32 bits.
const maxUpdate = 1 << 32

func (r *t2) addTelegram(c *City, u *t2User) {
	if len(u.telegram) == 0 {
		if len(u.chats) > 0 {
			c.Notes = append(c.Notes, Note{"chats_without_bot", []string{strconv.Itoa(len(u.chats))}})
		}
		return
	}
	token := strings.TrimSpace(u.telegram[0].text.String)
	found := telegramToken.FindStringSubmatch(token)
	if found == nil {
		c.Notes = append(c.Notes, Note{"telegram_no_token", nil})
		return
	}
	now := r.options.Now.UnixMilli()
	b := Bot{Network: "telegram", Enabled: u.enabled, Account: &account.Moved{Remote: found[1], Token: token, CursorAt: now}}
	if u.update > 0 && u.update < maxUpdate {
		b.Account.Cursor = strconv.FormatInt(u.update+1, 10)
	}
	none, seen := 0, map[string]bool{}
	for _, row := range u.chats {
		id, err := strconv.ParseInt(row.text.String, 10, 64)
		chat := strconv.FormatInt(id, 10)
		switch {
		case err != nil || id == 0:
			none++
		case !seen[chat]:
			seen[chat] = true
			b.Recipients = append(b.Recipients, recipients.Moved{ID: row.id, Address: chat, Created: now})
		}
	}
	if none > 0 {
		c.Notes = append(c.Notes, Note{"chats_none", []string{strconv.Itoa(none)}})
	}
	c.Bots = append(c.Bots, b)
}

// addMastodon adds the account that Ticketfrei 2 used: the oldest that is active.
func (r *t2) addMastodon(c *City, u *t2User) {
	for _, m := range u.mastodon {
		host := r.instances[m.instance]
		shown := strings.TrimPrefix(strings.TrimPrefix(host, "https://"), "http://")
		note := ""
		switch {
		case strings.TrimSpace(m.token.String) == "":
			note = "mastodon_no_token"
		case host == "":
			note, shown = "mastodon_no_instance", strconv.FormatInt(m.instance, 10)
		case !m.active:
			note = "mastodon_inactive"
		case slices.ContainsFunc(c.Bots, func(b Bot) bool { return b.Network == "mastodon" }):
			note = "mastodon_newer"
		}
		if note != "" {
			c.Notes = append(c.Notes, Note{note, []string{shown}})
			continue
		}
		c.Bots = append(c.Bots, Bot{Network: "mastodon", Enabled: u.enabled, Account: &account.Moved{Server: host, Token: strings.TrimSpace(m.token.String)}})
	}
}
