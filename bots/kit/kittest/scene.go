package kittest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

// Skip names checks that a service cannot have, each with the reason; the beginning
// of a name stands for all that begin so.
type Skip map[string]string

// check is one thing that people expect of a network.
type check struct {
	name string
	run  func(*scene)
}

// Configured is a Service whose network must be told where it is, in settings as
// NewHost takes them.
type Configured interface{ Settings() []string }

// shared is what the checks of a network have in common.
type shared struct {
	standin.Service
	probe int   // the number of an account that no check has
	hears *bool // whether the network hears what people write; nil where nobody has asked
}

// run runs checks one after another: faults of the service are for all its accounts.
func run(t *testing.T, d bots.Definition, s standin.Service, skip []Skip, checks []check) {
	t.Helper()
	var settings []string
	if c, ok := s.(Configured); ok {
		settings = c.Settings()
	}
	host := NewHost(t, d, settings...)
	t.Cleanup(func() { _ = s.Close() })
	used, common := map[string]bool{}, &shared{Service: s, probe: 10 * len(checks)}
	for i, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for prefix, reason := range merged(skip) {
				if strings.HasPrefix(c.name, prefix) {
					used[prefix] = true
					t.Skip(reason)
				}
			}
			t.Cleanup(func() { c.tell(t) })
			c.run(newScene(t, host.For(t), common, 10*i))
		})
		s.Mend()
	}
	if only := flag.Lookup("test.run"); only != nil && only.Value.String() != "" {
		return // not all have run
	}
	for prefix := range merged(skip) {
		if !used[prefix] {
			t.Errorf("there is no check %q to skip", prefix)
		}
	}
}

// tell says of a check that failed how to leave it out.
func (c check) tell(tb testing.TB) {
	if tb.Failed() {
		tb.Logf("where the service cannot have this: kittest.Skip{%q: \"the reason\"}", c.name)
	}
}

func merged(skips []Skip) Skip {
	all := Skip{}
	for _, s := range skips {
		maps.Copy(all, s)
	}
	return all
}

// scene is a check at work: a city of its own, and accounts of its own.
type scene struct {
	testing.TB
	*Host
	service *shared
	account int // the number of the first account
	city    report.City
	ctx     context.Context
	read    map[string]reading // by chat
}

func newScene(t *testing.T, h *Host, s *shared, account int) *scene {
	t.Helper()
	ctx, done := context.WithTimeout(t.Context(), 2*Patience)
	t.Cleanup(done)
	sc := &scene{TB: t, Host: h, service: s, account: account, ctx: ctx, read: map[string]reading{}}
	sc.city = h.AddCity(fmt.Sprintf("city%d", account), "en")
	t.Cleanup(sc.keepsSecrets)
	return sc
}

// path is where a form of the network is sent.
func (s *scene) path(form string) string { return "/settings/" + s.Definition.Name + "/" + form }

// in is a text in the language of the city.
func (s *scene) in(id string, data ...any) string { return s.Texts.T(s.city.Language, id, data...) }

// must ends the check where err is not nil.
func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// connect makes the scene's account a bot of its city, as a moderator does.
func (s *scene) connect() report.Bot {
	s.Helper()
	return s.connectAs(s.city, s.account)
}

// connectAs makes an account a bot of a city, or gives its bot a new login.
func (s *scene) connectAs(city report.City, account int) report.Bot {
	s.Helper()
	before := s.Bots(city)
	m := s.Moderator(city)
	s.confirm(m, m.Post(s.path("token"), s.typed(account), http.StatusOK))
	for _, b := range s.Bots(city) {
		if !slices.ContainsFunc(before, func(old report.Bot) bool { return old.ID == b.ID }) {
			return b
		}
	}
	if len(before) == 0 {
		s.Fatal("the account is confirmed, and there is no bot")
	}
	return before[0]
}

// confirm confirms the account that a page asks about, and returns the next page.
func (s *scene) confirm(m *Browser, p *Page) *Page {
	s.Helper()
	p.Shows(s.Texts.T(m.Language, "kit.account.confirm.title"))
	return m.Post(s.path("confirm"), p.Form(s.path("confirm")), http.StatusOK)
}

// typed is what connects an account, as a form.
func (s *scene) typed(account int) url.Values {
	form := url.Values{}
	for name, value := range s.service.Login(account) {
		form.Set(name, value)
	}
	return form
}

// asks are the fields of the form that connects an account.
func (s *scene) asks() []bots.Field {
	if n, ok := s.Network.(bots.Connector); ok {
		return n.Fields()
	}
	return nil
}

// secrets are the parts of a login that nobody may read: what is typed into secret
// fields, and the tokens of the city; of addresses the paths.
func (s *scene) secrets(n int) []string {
	typed, list := s.service.Login(n), s.tokens()
	for _, f := range s.asks() {
		if f.Secret {
			list = append(list, typed[f.Name])
		}
	}
	for i, value := range list {
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			list[i] = strings.Trim(u.RequestURI(), "/")
		}
	}
	return slices.DeleteFunc(list, func(value string) bool { return value == "" })
}

// tokens are those of the city's accounts, and of the login that waits. It is also
// asked when the check has ended.
func (s *scene) tokens() []string {
	ctx := context.WithoutCancel(s.ctx)
	own, err := s.DB.NetworkBots(ctx, s.city.ID, s.Definition.Name)
	if err != nil {
		s.Errorf("the bots of the city: %v", err)
	}
	store, list := account.NewStore(s.Definition.Name, s.Host.Host), []string{}
	for _, b := range own {
		if a, err := store.Account(ctx, b.ID); err == nil {
			list = append(list, a.Token)
		}
	}
	if l, err := store.Waiting(ctx, s.city.ID); err == nil {
		list = append(list, l.Token)
	}
	return list
}

// keepsSecrets checks that no secret stands in a log.
func (s *scene) keepsSecrets() {
	for _, secret := range s.secrets(s.account) {
		if strings.Contains(s.Lines.String(), secret) {
			s.Errorf("the log holds the secret %q", secret)
		}
	}
}

// open makes a bot ready to run and asks it whether its login holds.
func (s *scene) open(b report.Bot) (bots.Bot, error) {
	bot, err := s.Open(b)
	if err != nil {
		return nil, err
	}
	if c, ok := bot.(bots.Checker); ok {
		ctx, done := context.WithTimeout(s.ctx, Patience)
		defer done()
		return bot, c.Check(ctx)
	}
	return bot, nil
}

// mustOpen is open where nothing is to fail.
func (s *scene) mustOpen(b report.Bot) bots.Bot {
	s.Helper()
	bot, err := s.open(b)
	s.must(err)
	return bot
}

// receive runs a bot until it is stopped; what it hears comes into the inbox.
func (s *scene) receive(b report.Bot) (*Receiving, *Inbox) {
	s.Helper()
	in := NewInbox()
	return Receive(s, s.mustOpen(b), in), in
}

// keepReceiving runs a bot as the supervisor does: what fails is begun again, after
// the wait that was asked for, unless the login was refused.
func (s *scene) keepReceiving(b report.Bot) *Inbox {
	s.Helper()
	in := NewInbox()
	ctx, stop := context.WithCancel(s.ctx)
	ended := make(chan struct{})
	s.Cleanup(func() { stop(); <-ended })
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			bot, err := s.open(b)
			if err == nil {
				err = bot.Receive(ctx, in.Emit)
			}
			kind, after := bots.KindOf(err)
			if err == nil || ctx.Err() != nil {
				return
			}
			s.readable(err)
			if kind == bots.KindRefused || kind == bots.KindGone {
				s.Errorf("%v would end the bot", err)
				return
			}
			pause, done := context.WithTimeout(ctx, max(after, 10*time.Millisecond))
			<-pause.Done()
			done()
		}
	}()
	return in
}

// readable checks that a moderator can read an error, in every language, and that it
// holds no secret.
func (s *scene) readable(err error) {
	s.Helper()
	if err == nil {
		s.Fatal("nothing failed")
	}
	if _, ok := errors.AsType[bots.Sayer](err); !ok {
		s.Errorf("%q has no words for moderators", err)
	}
	said := []string{err.Error()}
	for _, language := range s.Texts.Languages() {
		words := bots.Words(err, func(id string, data ...any) string { return s.Texts.T(language, id, data...) })
		if bad := missing.FindString(words); bad != "" {
			s.Errorf("%q in %q", bad, words)
		}
		said = append(said, words)
	}
	for _, secret := range s.secrets(s.account) {
		if strings.Contains(strings.Join(said, "\n"), secret) {
			s.Errorf("an error holds the secret %q: %q", secret, said)
		}
	}
}

// write writes to the scene's account.
func (s *scene) write(m standin.Message) { s.service.Write(s.account, m) }

// say writes a text to the account alone.
func (s *scene) say(author, text string) { s.write(standin.Message{Author: author, Text: text}) }

// until waits for something to be so at the service.
func (s *scene) until(what string, ok func() bool) {
	s.Helper()
	ctx, done := context.WithTimeout(s.ctx, Patience)
	defer done()
	if err := s.service.Wait(ctx, ok); err != nil {
		s.Fatalf("%s: %v; the account wrote %s", what, err, brief(s.texts(s.account)))
	}
}

// texts are what an account wrote.
func (s *scene) texts(account int) []string {
	var list []string
	for _, l := range s.service.Lines(account) {
		list = append(list, l.Text)
	}
	return list
}

// brief is a list as a failed check shows it: how long it is, and its beginning.
func brief[T any](list []T) string {
	const most, long = 10, 200
	var b strings.Builder
	fmt.Fprintf(&b, "%d:", len(list))
	for i, v := range list {
		if i == most {
			b.WriteString(" …")
			break
		}
		fmt.Fprintf(&b, " %q", text.Runes(long).Fit(fmt.Sprintf("%+v", v)))
	}
	return b.String()
}

// fail lets the next n calls of the account meet a fault; all of them where n is
// negative.
func (s *scene) fail(c standin.Call, n int, f standin.Fault) {
	s.service.Fail(s.service.Path(s.account, c), n, f)
}

// send sends a report through a bot to everybody, and returns the receipts.
func (s *scene) send(bot bots.Bot, b report.Bot, r report.Report) []report.Receipt {
	s.Helper()
	var receipts []report.Receipt
	for _, d := range s.Deliveries(b, r) {
		receipt, err := s.sendOne(bot, d)
		s.must(err)
		receipts = append(receipts, receipt)
	}
	return receipts
}

func (s *scene) sendOne(bot bots.Bot, d report.Delivery) (report.Receipt, error) {
	ctx, done := context.WithTimeout(s.ctx, Patience)
	defer done()
	return bot.Send(ctx, d)
}

// one is the only delivery of a report.
func (s *scene) one(b report.Bot, r report.Report) report.Delivery {
	s.Helper()
	list := s.Deliveries(b, r)
	if len(list) != 1 {
		s.Fatalf("%d deliveries, want one", len(list))
	}
	return list[0]
}

// needs skips the check where the service cannot do something.
func needs[T any](s *scene, reason string) T {
	s.Helper()
	v, ok := any(s.service.Service).(T)
	if !ok {
		s.Skip(reason)
	}
	return v
}
