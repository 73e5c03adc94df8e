package main

import (
	mastodon "ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
)

// networks are those of the program, by the names it stores them under.
func networks() []string { return []string{"mail", "mastodon", "telegram"} }

// The stand-ins of the networks: the rest of the benchmark knows them by these
// names.
type (
	mastodonServer  = mastodon.Server
	mastodonAccount = mastodon.Account
	telegramServer  = telegram.Server
	telegramBot     = telegram.Bot
)

func startMastodon() (*mastodonServer, error) { return mastodon.Start(mastodon.Options{}) }

func startTelegram() (*telegramServer, error) { return telegram.Start(telegram.Options{}) }
