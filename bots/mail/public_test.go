package mail

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db/dbtest"
)

// linkIn returns the path of the link to page in a text.
func (b *bench) linkIn(text, page string) string {
	b.t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(b.url) + `(/city/[a-z]+/mail/` + page + `/[\w-]+)`).FindStringSubmatch(text)
	if found == nil {
		b.t.Fatalf("no link to %s in:\n%s", page, text)
	}
	return found[1]
}

func (b *bench) expect(code int, body string, wantCode int, want ...string) {
	b.t.Helper()
	if code != wantCode {
		b.t.Fatalf("answered with %d, want %d:\n%s", code, wantCode, body)
	}
	for _, w := range want {
		if !strings.Contains(body, w) {
			b.t.Errorf("%q is not on the page:\n%s", w, body)
		}
	}
	if i := strings.Index(body, "!mail."); i >= 0 {
		b.t.Errorf("a text is missing: %.60s", body[i:])
	}
}

func TestSubscribe(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	code, body := b.get("/city/nuernberg/mail")
	b.expect(code, body, 200, `action="/city/nuernberg/mail/subscribe"`, "mailto:nuernberg@"+domain, "when you see ticket inspectors")

	code, sent := b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {" Rider@Exämple.org "}})
	b.expect(code, sent, 200, "rider@xn--exmple-cua.org")
	if got := b.subscribers(bot); len(got) != 0 {
		t.Fatalf("subscribed without having confirmed: %v", got)
	}
	m, read := b.accountMail()
	if m.From != "ticketfrei@"+domain || m.To != "rider@xn--exmple-cua.org" || read.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("%+v %+v", m, read.Header)
	}
	if strings.Contains(read.Text, "  ") || strings.Contains(strings.ToLower(read.Subject), "nuernberg") || !strings.Contains(read.Text, "nuernberg@"+domain) {
		t.Errorf("%+v", read)
	}
	link := b.linkIn(read.Text, "confirm")

	t.Run("looking at the page changes nothing", func(t *testing.T) {
		code, body := b.get(link)
		b.expect(code, body, 200, "<form method=\"post\"", "rider@xn--exmple-cua.org")
		if got := b.subscribers(bot); len(got) != 0 {
			t.Errorf("subscribed: %v", got)
		}
	})
	t.Run("confirmed, twice", func(t *testing.T) {
		for range 2 {
			code, body := b.post(link, nil)
			b.expect(code, body, 200, "mailto:nuernberg@"+domain)
		}
		if diff := cmp.Diff([]string{"rider@xn--exmple-cua.org"}, b.subscribers(bot)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("subscribing again tells only the subscriber", func(t *testing.T) {
		code, again := b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"rider@exämple.org"}})
		b.expect(code, again, 200)
		if again != sent {
			t.Error("the page tells who subscribes")
		}
		_, read := b.accountMail()
		unsubscribe := b.linkIn(read.Text, "unsubscribe")
		code, body := b.get(unsubscribe)
		b.expect(code, body, 200, "<form method=\"post\"", "rider@xn--exmple-cua.org")
		if len(b.subscribers(bot)) != 1 {
			t.Error("a look at the page unsubscribed")
		}
		b.clock.Move(5 * 365 * 24 * time.Hour)
		for range 2 {
			code, body = b.post(unsubscribe, nil)
			b.expect(code, body, 200, "/city/nuernberg/mail")
		}
		if got := b.subscribers(bot); len(got) != 0 {
			t.Errorf("still subscribed: %v", got)
		}
		code, body = b.get(unsubscribe)
		b.expect(code, body, 200, "<h1>You have unsubscribed already</h1>", "rider@xn--exmple-cua.org gets no reports")
		if strings.Contains(body, "<form method=\"post\"") {
			t.Error("there is still a button")
		}
	})
}

func TestSubscribeInvalid(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	for _, c := range []struct{ email, want string }{
		{"", "Please enter your e-mail address."},
		{"rider", "does not look like"},
		{"rider@localhost", "does not look like"},
		{"Rider <rider@example.org>", "does not look like"},
		{"a@example.org, b@example.org", "does not look like"},
		{"rider@exa mple.org", "does not look like"},
		{"rider@example.org\r\nBcc: x@example.org", "does not look like"},
		{strings.Repeat("x", 65) + "@example.org", "does not look like"},
		{"nuernberg@" + domain, "an address of ours"},
	} {
		t.Run(c.email, func(t *testing.T) {
			code, body := b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {c.email}})
			b.expect(code, body, 422, c.want, `aria-invalid="true"`)
			if typed := strings.NewReplacer("<", "&lt;", ">", "&gt;", "\r\n", "\r\n").Replace(c.email); !strings.Contains(body, `value="`+typed+`"`) {
				t.Error("what was typed is gone")
			}
		})
	}
	b.noAccountMail()
}

// TestSubscribeLimits has a client ask too often: what too often is for an address
// the program counts.
func TestSubscribeLimits(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	form := url.Values{"email": {"rider@example.org"}}
	b.post("/city/nuernberg/mail/subscribe", form)
	if len(b.asked) != 1 || b.asked[0].Client == "" || b.asked[0].WayIn {
		t.Errorf("asked %+v", b.asked)
	}
	b.tooMany = true
	code, body := b.post("/city/nuernberg/mail/subscribe", form)
	b.expect(code, body, http.StatusTooManyRequests, "a lot in a short time")
	t.Run("one visitor", func(t *testing.T) {
		for range subscribesPerHour {
			if code, _ := b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"nonsense"}}); code == http.StatusTooManyRequests {
				return
			}
		}
		t.Error("there is no limit")
	})
}

func TestLinks(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	other, _ := b.city("fuerth")
	path := func(s string) string { return strings.TrimPrefix(s, b.url) }
	valid := path(b.network.confirmURL(c, "rider@example.org"))
	t.Run("of another city", func(t *testing.T) {
		foreign := path(b.network.confirmURL(other, "rider@example.org"))
		code, body := b.post(strings.Replace(foreign, "fuerth", "nuernberg", 1), nil)
		b.expect(code, body, 404, "does not work")
	})
	t.Run("of another purpose", func(t *testing.T) {
		code, body := b.post(strings.Replace(path(b.network.unsubscribeURL(c, "rider@example.org")), "unsubscribe", "confirm", 1), nil)
		b.expect(code, body, 404, "does not work")
	})
	t.Run("cut off", func(t *testing.T) {
		code, body := b.get(valid[:len(valid)-3])
		b.expect(code, body, 404, ">This link does not work</h1>")
	})
	t.Run("too old", func(t *testing.T) {
		b.clock.Move(confirmTime - time.Minute)
		code, body := b.get(valid)
		b.expect(code, body, 200)
		b.clock.Move(2 * time.Minute)
		code, body = b.post(valid, nil)
		b.expect(code, body, 410, ">This link does not work any more</h1>", "too old")
	})
	if got := b.subscribers(bot); len(got) != 0 {
		t.Errorf("subscribed: %v", got)
	}
	t.Run("a city that is not there", func(t *testing.T) {
		code, _ := b.get("/city/nowhere/mail")
		if code != 404 {
			t.Error(code)
		}
	})
}

// TestLinksThatEndNoSubscription has links to end a subscription that are none here.
func TestLinksThatEndNoSubscription(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	other, _ := b.city("fuerth")
	b.mustSubscribe(bot, "rider@example.org")
	path := func(s string) string { return strings.TrimPrefix(s, b.url) }
	valid := path(b.network.unsubscribeURL(c, "rider@example.org"))
	for name, link := range map[string]string{
		"of another city":     strings.Replace(path(b.network.unsubscribeURL(other, "rider@example.org")), "fuerth", "nuernberg", 1),
		"of another purpose":  strings.Replace(path(b.network.confirmURL(c, "rider@example.org")), "confirm", "unsubscribe", 1),
		"cut off":             valid[:len(valid)-3],
		"with something else": valid + "x",
	} {
		code, body := b.post(link, nil)
		b.expect(code, body, 404, "does not work")
		if diff := cmp.Diff([]string{"rider@example.org"}, b.subscribers(bot)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	code, body := b.post(valid, nil)
	b.expect(code, body, 200)
	if got := b.subscribers(bot); len(got) != 0 {
		t.Errorf("subscribed: %v", got)
	}
}

func TestSwitchedOff(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	if err := b.db.EnableBot(t.Context(), bot.ID, false); err != nil {
		t.Fatal(err)
	}
	code, body := b.get("/city/nuernberg/mail")
	b.expect(code, body, 200, "does not use e-mail")
	if strings.Contains(body, "<form method=\"post\" action=\"/city") {
		t.Error("the form is still there")
	}
	code, body = b.post("/city/nuernberg/mail/subscribe", url.Values{"email": {"rider@example.org"}})
	b.expect(code, body, 404, "does not use e-mail")
	b.noAccountMail()
}

func TestPageText(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	if err := b.network.savePage(t.Context(), bot.ID, "# Hallo\n\n<script>alert(1)</script>"); err != nil {
		t.Fatal(err)
	}
	code, body := b.get("/city/nuernberg/mail")
	b.expect(code, body, 200, "<h1>Hallo</h1>", "How to report")
	if strings.Contains(body, "alert(1)") {
		t.Error("a script is on the page")
	}
	dbtest.MustSaveTexts(t, b.db, c.ID, "Nürnberg", "de", "")
	if err := b.network.savePage(t.Context(), bot.ID, ""); err != nil {
		t.Fatal(err)
	}
	code, body = b.get("/city/nuernberg/mail")
	b.expect(code, body, 200, "Nürnberg per E-Mail", "<p>Schreib eine E-Mail an <strong>", "mailto:nuernberg@"+domain)
	if strings.Contains(body, "So meldest du") {
		t.Error("how to report stands there twice")
	}
}
