package chat

import (
	"context"
	"net/http"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/report"
)

// showing is a network whose driver can show itself.
type showing struct {
	*network
	demo standin.Demo
}

var (
	_ bots.Demo    = (*showing)(nil)
	_ standin.Host = (*showing)(nil)
)

// StartDemo starts a stand-in and returns its page: see bots.Demo.
func (s *showing) StartDemo(ctx context.Context, site bots.Site, city report.City) (http.Handler, error) {
	return standin.Serve(ctx, s, s.demo, s.Name, site, city)
}

// Hears tells that people can write to every account.
func (s *showing) Hears(account.Account) bool { return true }

// ConnectDemo makes the stand-in's account the city's bot, and has its chats
// subscribe.
func (s *showing) ConnectDemo(ctx context.Context, site bots.Site, city report.City, shown standin.Shown) error {
	b, err := s.pages.Connect(ctx, site, city, shown.Account())
	if err != nil {
		return err
	}
	for _, chat := range shown.Chats() {
		if _, err := s.chats.Subscribe(ctx, b.ID, chat); err != nil {
			return err
		}
	}
	return nil
}
