package mastodon

import (
	"fmt"
	"testing"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/slow"
)

// service is an instance as the checks of the kit move it.
type service struct {
	*standin.Server
	accounts map[int]*standin.Account
}

var _ kit.Service = (*service)(nil)

func startService() (*service, error) {
	s, err := standin.Start(standin.Options{})
	return &service{s, map[int]*standin.Account{}}, err
}

func (s *service) account(n int) *standin.Account {
	if s.accounts[n] == nil {
		s.accounts[n] = s.AddAccount(fmt.Sprint("bot", n))
	}
	return s.accounts[n]
}

func (s *service) Login(n int) account.Typed {
	return account.Typed{"instance": s.URL, "token": s.account(n).Token()}
}

func (s *service) Revoke(n int)           { s.account(n).NewToken() }
func (s *service) Lines(n int) []kit.Line { return s.account(n).Lines() }

func (s *service) Path(_ int, c kit.Call) string {
	return map[kit.Call]string{kit.Check: "/api/v1/accounts/verify_credentials", kit.Listen: "/api/v1/streaming",
		kit.Post: "/api/v1/statuses"}[c]
}

func (s *service) Write(n int, m kit.Message) {
	mention := standin.Mention{Author: m.Author + "@riders.example", Text: m.Text, Visibility: "direct", Picture: m.Media, At: m.Time}
	if m.Public {
		mention.Visibility = "public"
	}
	s.account(n).MentionWith(mention)
}

func TestPost(t *testing.T) {
	slow.Test(t, "makes every check of a posting network; those of the scaffold are quick to see")
	kittest.Post(t, Definition(), kittest.Start(t, startService))
}
