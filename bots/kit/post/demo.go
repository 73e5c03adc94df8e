package post

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

// Hears tells whether people can write to an account.
func (s *showing) Hears(a account.Account) bool { return s.hears(a) }

// ConnectDemo makes the stand-in's account the city's bot.
func (s *showing) ConnectDemo(ctx context.Context, site bots.Site, city report.City, shown standin.Shown) error {
	_, err := s.pages.Connect(ctx, site, city, shown.Account())
	return err
}
