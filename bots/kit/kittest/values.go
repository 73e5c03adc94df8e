package kittest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// values connects an account as the API does.
func (s *scene) values(city report.City, botID int64, values map[string]string) (report.Bot, error) {
	return s.Cities.Connect(s.ctx, city, s.Definition.Name, botID, values)
}

// byValues connects an account, gives it another login, and adds a second one.
func byValues(s *scene) {
	login := s.service.Login(s.account)
	b, err := s.values(s.city, 0, login)
	s.must(err)
	if !b.Enabled || b.CityID != s.city.ID {
		s.Errorf("connected as %+v", b)
	}
	s.mustOpen(b)
	for _, id := range []int64{0, b.ID} {
		if again, err := s.values(s.city, id, login); err != nil || again.ID != b.ID {
			s.Errorf("connected again as bot %d: %d, %v", id, again.ID, err)
		}
	}
	other := s.service.Login(s.account + 1)
	s.refuses(s.city, b.ID, other, "kit.account.not_this")
	second, err := s.values(s.city, 0, other)
	s.must(err)
	if second.ID == b.ID || len(s.Bots(s.city)) != 2 {
		s.Errorf("the city has the bots %v", s.Bots(s.city))
	}
	s.refuses(s.AddCity(s.city.Slug+"other", "en"), 0, login, "kit.account.taken")
	s.keepsSecrets()
}

// refuses checks that values are refused, in the words of a text.
func (s *scene) refuses(city report.City, botID int64, values map[string]string, textID string) {
	s.Helper()
	p := s.problem(city, botID, values)
	if got := p.Say(func(id string, data ...any) string { return s.Texts.T("en", id, data...) }); got != s.Texts.T("en", textID) {
		s.Errorf("refused with %q, not %s", got, textID)
	}
}

// problem is what is wrong with values that are refused.
func (s *scene) problem(city report.City, botID int64, values map[string]string) manage.Problem {
	s.Helper()
	before := s.Bots(city)
	_, err := s.values(city, botID, values)
	wrong, ok := errors.AsType[*manage.Invalid](err)
	if !ok || len(wrong.Problems) != 1 {
		s.Fatalf("%v is refused with %v", slices.Collect(maps.Keys(values)), err)
	}
	if got := s.Bots(city); len(got) != len(before) {
		s.Errorf("there are the bots %v", got)
	}
	p := wrong.Problems[0]
	words := p.Say(func(id string, data ...any) string { return s.Texts.T("en", id, data...) })
	if name, ok := strings.CutPrefix(p.Field, "values."); !ok || name == "" || words == "" || words == p.TextID {
		s.Errorf("wrong is %q, at %q", words, p.Field)
	}
	return p
}

// wrongValues types what is no login.
func wrongValues(s *scene) {
	login := s.service.Login(s.account)
	for name := range login {
		without := maps.Clone(login)
		without[name] = " "
		if p := s.problem(s.city, 0, without); p.Field != "values."+name {
			s.Errorf("without %s, wrong is %s", name, p.Field)
		}
	}
	more := maps.Clone(login)
	more["pasword"] = "x"
	if p := s.problem(s.city, 0, more); p.Field != "values.pasword" {
		s.Errorf("what no field wants stands at %s", p.Field)
	}
	s.fail(standin.Check, -1, s.service.Answer(http.StatusInternalServerError, 0))
	s.problem(s.city, 0, login)
	s.service.Mend()
	s.service.Revoke(s.account)
	s.problem(s.city, 0, login)
	if _, err := s.Cities.Connect(context.WithoutCancel(s.ctx), s.city, "nonetwork", 0, login); err == nil {
		s.Error("a bot of no network was connected")
	}
}
