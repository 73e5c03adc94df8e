package kittest

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/standin"
	"ticketfrei/internal/slow"
)

// accountChecks are about the card on the settings page.
var accountChecks = []check{
	{"account: the card before and after, in every language", card},
	{"account: connected, then disconnected, nothing is left", forget},
	{"account: a login that was dropped", dropped},
	{"account: a login that waited too long", waited},
	{"account: another account than the one that was shown", shownAnother},
	{"account: confirmed twice is connected once", confirmedTwice},
	{"account: a wrong login comes back", wrongLogin},
	{"account: what is no login is said at a field", noLogin},
	{"account: a service in trouble is said in words", loginInTrouble},
	{"account: two of one city", twoOfOneCity},
	{"account: one of another city is refused", taken},
	{"account: the form of another city changes nothing here", otherCity},
	{"account: connected without a page", byValues},
	{"account: without a page, what is wrong stands at its field", wrongValues},
	{"demo: its page takes a report and shows what was sent", demo},
}

func (s *scene) card(language string) *Page {
	s.Helper()
	m := s.Moderator(s.city)
	m.Language = language
	return m.Get("/settings/networks", http.StatusOK)
}

func card(s *scene) {
	for _, language := range s.Texts.Languages() {
		page := s.card(language)
		page.Shows(s.Texts.T(language, s.Definition.Name+".title"), s.Texts.T(language, s.Definition.Name+".lead"))
		if !page.HasForm(s.path("token")) {
			s.Error("there is no form to connect an account")
		}
	}
	b := s.connect()
	for _, language := range s.Texts.Languages() {
		page := s.card(language)
		page.Shows(s.Texts.T(language, "kit.account.connected"), s.Texts.T(language, s.Definition.Name+".how"))
		if n, ok := s.Network.(bots.Addressed); ok {
			text, _, err := n.Address(s.ctx, s.city, b)
			s.must(err)
			page.Shows(text)
			if !page.isolates(text) {
				s.Errorf("a handle written from right to left would turn what stands around %s", text)
			}
		}
		s.hidesSecrets(page)
	}
}

// hidesSecrets checks that a page does not show what was typed as a secret.
func (s *scene) hidesSecrets(p *Page) {
	s.Helper()
	for _, secret := range s.secrets(s.account) {
		if strings.Contains(p.Body, secret) {
			s.Errorf("the page holds the secret %q", secret)
		}
	}
}

func forget(s *scene) {
	b := s.connect()
	if s.hears() {
		r, in := s.receive(b)
		s.report("U1")
		in.WaitFor(s, "U1")
		_ = r.Stop()
	}
	s.reader(b)
	s.send(s.mustOpen(b), b, s.Elsewhere(s.city, "U1 Plärrer"))
	if s.card("en").HasForm(s.path("welcome")) {
		s.Moderator(s.city).Post(s.path("welcome"), url.Values{"welcome": {"Hi!"}}, http.StatusOK)
	}
	if len(s.Rows(b)) == 0 {
		s.Fatal("nothing is stored of a bot")
	}
	for range 2 {
		s.must(s.Network.Forget(context.WithoutCancel(s.ctx), b))
	}
	if left := s.Rows(b); len(left) > 0 {
		s.Errorf("left: %v", left)
	}
	if _, err := s.Open(b); err == nil {
		s.Error("there is still a bot to open")
	} else {
		WantKind(s, err, bots.KindRefused)
		s.readable(err)
	}
}

// offer types a login and returns the page that asks whether it is the account.
func (s *scene) offer(m *Browser) *Page {
	s.Helper()
	p := m.Post(s.path("token"), s.typed(s.account), http.StatusOK)
	p.Shows(s.in("kit.account.please_confirm"), s.in("kit.account.confirm.title"))
	s.hidesSecrets(p)
	return p
}

func (s *scene) wantNoBot() {
	s.Helper()
	if list := s.Bots(s.city); len(list) > 0 {
		s.Errorf("there is a bot: %v", list)
	}
}

func dropped(s *scene) {
	m := s.Moderator(s.city)
	asked := s.offer(m).Form(s.path("confirm"))
	p := m.Post(s.path("cancel"), asked, http.StatusOK)
	p.Shows(s.in("kit.account.cancelled"))
	if p.HasForm(s.path("confirm")) {
		s.Error("it is still asked about the account")
	}
	m.Post(s.path("confirm"), asked, http.StatusUnprocessableEntity).Shows(s.in("kit.account.waited"))
	s.wantNoBot()
}

func waited(s *scene) {
	m := s.Moderator(s.city)
	asked := s.offer(m).Form(s.path("confirm"))
	s.Clock.Move(2 * time.Hour)
	m.Post(s.path("confirm"), asked, http.StatusUnprocessableEntity).Shows(s.in("kit.account.waited"))
	s.wantNoBot()
}

func shownAnother(s *scene) {
	m := s.Moderator(s.city)
	asked := s.offer(m).Form(s.path("confirm"))
	for _, field := range []string{"account", "server"} {
		other := maps.Clone(asked)
		other.Set(field, "another")
		m.Post(s.path("confirm"), other, http.StatusUnprocessableEntity).Shows(s.in("kit.account.another"))
	}
	s.wantNoBot()
}

// confirmedTwice has a moderator click twice: both answers say that it is done.
func confirmedTwice(s *scene) {
	m := s.Moderator(s.city)
	asked := s.offer(m).Form(s.path("confirm"))
	_, connected, _ := strings.Cut(s.in("kit.account.now_connected", "Handle", "|"), "|")
	for range 2 {
		m.Post(s.path("confirm"), asked, http.StatusOK).Shows(connected)
	}
	if list := s.Bots(s.city); len(list) != 1 {
		s.Errorf("there are the bots %v", list)
	}
	s.must(s.Network.Forget(context.WithoutCancel(s.ctx), s.Bots(s.city)[0]))
	m.Post(s.path("confirm"), asked, http.StatusUnprocessableEntity).Shows(s.in("kit.account.waited"))
}

func wrongLogin(s *scene) {
	typed := s.typed(s.account)
	s.service.Revoke(s.account)
	p := s.Moderator(s.city).Post(s.path("token"), typed, http.StatusUnprocessableEntity)
	if p.HasForm(s.path("confirm")) || !strings.Contains(p.Body, `aria-invalid="true"`) {
		s.Errorf("no field is said to be wrong:\n%s", p.Text())
	}
	again := p.Form(s.path("token"))
	for name := range typed {
		if again.Get(name) != typed.Get(name) {
			s.Errorf("field %s comes back as %q", name, again.Get(name))
		}
	}
	s.wantNoBot()
}

func noLogin(s *scene) {
	for _, text := range []string{"", "this is no login"} {
		form := url.Values{}
		for name := range s.typed(s.account) {
			form.Set(name, text)
		}
		p := s.Moderator(s.city).Post(s.path("token"), form, http.StatusUnprocessableEntity)
		if len(p.wrongFields()) != 1 {
			s.Errorf("%q is typed, and the fields that are said to be wrong are %q", text, p.wrongFields())
		}
	}
	s.wantNoBot()
}

func loginInTrouble(s *scene) {
	m := s.Moderator(s.city)
	for _, fault := range []standin.Fault{s.service.Answer(http.StatusInternalServerError, 0), s.service.Answer(http.StatusTooManyRequests, time.Second),
		standin.HTML(http.StatusOK), standin.HTML(http.StatusForbidden), standin.Cut()} {
		s.fail(standin.Check, -1, fault)
		m.Post(s.path("token"), s.typed(s.account), http.StatusUnprocessableEntity)
		s.service.Mend()
	}
	s.fail(standin.Check, -1, standin.Cut())
	p := m.Post(s.path("token"), s.typed(s.account), http.StatusUnprocessableEntity)
	if got, want := p.wrongFields(), s.serverField(); !slices.Equal(got, []string{want}) {
		s.Errorf("that the server cannot be reached stands at %q, want %s", got, want)
	}
	s.service.Mend()
	s.offer(m)
}

// serverField is where trouble with the server stands: at the first field that is no
// secret, and at the last where all are.
func (s *scene) serverField() string {
	last := ""
	for _, f := range s.asks() {
		if last = f.Name; !f.Secret {
			break
		}
	}
	return last
}

func twoOfOneCity(s *scene) {
	first := s.connect()
	second := s.connectAs(s.city, s.account+1)
	if first.ID == second.ID || len(s.Bots(s.city)) != 2 {
		s.Fatalf("the city has the bots %v", s.Bots(s.city))
	}
	page := s.card("en")
	if n, ok := s.Network.(bots.Addressed); ok {
		for _, b := range s.Bots(s.city) {
			text, _, err := n.Address(s.ctx, s.city, b)
			s.must(err)
			page.Shows(text)
		}
	}
	s.must(s.Network.Forget(context.WithoutCancel(s.ctx), second))
	s.mustOpen(first)
}

func taken(s *scene) {
	s.connect()
	other := s.AddCity(s.city.Slug+"other", "en")
	p := s.Moderator(other).Post(s.path("token"), s.typed(s.account), http.StatusUnprocessableEntity)
	p.Shows(s.in("kit.account.taken"))
	if list := s.Bots(other); len(list) > 0 {
		s.Errorf("there is a bot: %v", list)
	}
}

func otherCity(s *scene) {
	m := s.Moderator(s.city)
	asked := s.offer(m).Form(s.path("confirm"))
	other := s.AddCity(s.city.Slug+"other", "en")
	form := url.Values{"account": asked["account"]}
	s.Moderator(other).Post(s.path("confirm"), form, http.StatusUnprocessableEntity)
	s.wantNoBot()
	if list := s.Bots(other); len(list) > 0 {
		s.Errorf("there is a bot: %v", list)
	}
}

func demo(s *scene) {
	slow.Test(s, "waits until the demo is polled")
	n, ok := s.Network.(bots.Demo)
	if !ok {
		s.Skip("the network has no demo")
	}
	page := must(n.StartDemo(s.ctx, s.Site, s.city))(s)
	s.Site.HandleDemo(s.Definition.Name, page)
	bot := s.Bots(s.city)[0]
	path := "/demo/" + s.Definition.Name
	if s.hears() {
		_, in := s.receive(bot)
		s.writeInDemo(path)
		in.WaitFor(s, "U1 Plärrer")
	}
	s.send(s.mustOpen(bot), bot, s.Elsewhere(s.city, "U2 Rathaus"))
	for _, language := range s.Texts.Languages() {
		b := s.Browser()
		b.Language = language
		b.Get(path, http.StatusOK).Shows("U2 Rathaus")
	}
}

// writeInDemo writes a report on the page of the demo.
func (s *scene) writeInDemo(path string) {
	s.Helper()
	for _, language := range s.Texts.Languages() {
		b := s.Browser()
		b.Language = language
		b.Get(path, http.StatusOK).Shows(s.Texts.T(language, "kit.demo.write"))
	}
	b := s.Browser()
	b.Post(path, url.Values{"text": {"  "}}, http.StatusUnprocessableEntity).Shows(s.in("kit.demo.empty"))
	b.Post(path, url.Values{"text": {"U1 Plärrer"}, "visibility": {"public"}}, http.StatusOK)
}
