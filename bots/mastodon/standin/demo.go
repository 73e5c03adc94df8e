package standin

import (
	"cmp"
	"slices"
	"time"

	"ticketfrei/bots/kit/account"
	kit "ticketfrei/bots/kit/standin"
)

// Show starts a server with one account that can be watched.
func Show(now func() time.Time) (kit.Shown, error) {
	s, err := Start(Options{Now: now})
	if err != nil {
		return nil, err
	}
	return &shown{s, s.AddAccount("ticketfrei")}, nil
}

// rider writes the mentions of the demo.
const rider = "rider@mastodon.example"

// shown is the server as the demo shows it.
type shown struct {
	*Server
	account *Account
}

// Account is what a bot connects.
func (s *shown) Account() account.Account { return s.account.Login() }

// Login is the account as a bot stores it.
func (a *Account) Login() account.Account {
	return account.Account{Server: a.server.URL, Remote: a.id, Handle: "@" + a.Handle(), URL: a.URL(), Token: a.Token()}
}

// Chats returns none: the account posts for everybody to see.
func (s *shown) Chats() []string { return nil }

// Write mentions the account.
func (s *shown) Write(text string, private bool) {
	visibility := "public"
	if private {
		visibility = "direct"
	}
	s.account.Mention(rider, text, visibility)
}

// Lines are the posts and boosts of the account.
func (s *shown) Lines() []kit.Line { return s.account.Lines() }

// Lines are the posts and boosts of the account that still stand.
func (a *Account) Lines() []kit.Line {
	var list []kit.Line
	for _, p := range a.Statuses() {
		how := kit.Posted
		if p.Visibility == "direct" {
			how = kit.Answered
		}
		if !p.Deleted {
			list = append(list, kit.Line{Own: true, How: how, Text: p.Text, Time: p.At})
		}
	}
	for _, b := range a.Boosts() {
		if !b.Undone {
			list = append(list, kit.Line{Own: true, How: kit.Boosted, Author: "@" + b.Author, Text: b.Text, Time: b.At})
		}
	}
	slices.SortStableFunc(list, func(a, b kit.Line) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	return list
}
