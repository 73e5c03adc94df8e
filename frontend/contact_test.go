package frontend

import (
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// letters are the mails that were stored, by recipient.
func (tn *town) letters() map[string][]*mail.Message {
	tn.t.Helper()
	tn.mu.Lock()
	defer tn.mu.Unlock()
	all := map[string][]*mail.Message{}
	for _, m := range tn.mails {
		letter, err := mail.ReadMessage(strings.NewReader(string(m.Data)))
		if err != nil {
			tn.t.Fatal(err)
		}
		all[m.To] = append(all[m.To], letter)
	}
	return all
}

func TestContact(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "one@example.org")
	invited, err := tn.db.CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: "two@example.org", Role: report.Owner})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tn.db.AcceptInvitation(t.Context(), invited.ID, "hash"); err != nil {
		t.Fatal(err)
	}
	tn.members("fuerth", "Fürth", "other@example.org")
	w := tn.browser()
	w.lang = "de"
	page := w.get("/city/nuernberg/contact").want(http.StatusOK, "")
	page.translated()
	for _, hidden := range []string{"one@example.org", "two@example.org"} {
		if strings.Contains(page.body, hidden) {
			t.Errorf("the page shows %s", hidden)
		}
	}
	w.post("/city/nuernberg/contact", "message", "Hallo,\r\nwann geht es weiter?", "email", "rider@example.org").
		want(http.StatusSeeOther, "/city/nuernberg/contact/sent")
	sent := w.get("/city/nuernberg/contact/sent").want(http.StatusOK, "")
	sent.says("sent", "Nürnberg")
	sent.translated()
	letters := tn.letters()
	if len(letters) != 2 || len(letters["one@example.org"]) != 1 || len(letters["two@example.org"]) != 1 {
		t.Fatalf("letters: %v", letters)
	}
	if got := letters["one@example.org"][0].Header.Get("Reply-To"); got != "<rider@example.org>" {
		t.Errorf("an answer goes to %q", got)
	}
	_, subject, text, _ := tn.lastMail()
	for _, want := range []string{"> Hallo,\n> wann geht es weiter?", "rider@example.org", "Worte dieser Person"} {
		if !strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), want) {
			t.Errorf("the mail does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(subject, "Hallo") {
		t.Errorf("the subject holds the words of a stranger: %s", subject)
	}
	if log := tn.log.String(); strings.Contains(log, "rider@") || strings.Contains(log, "Hallo") {
		t.Error("the log has what was written")
	}
}

func TestContactErrors(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	for _, tt := range []struct{ name, message, email, field string }{
		{"nothing", " \r\n\t\u200b", "", "message"},
		{"too long", strings.Repeat("ü", maxMessage+1), "", "message"},
		{"no address", "Hallo", "rider", "email"},
		{"another header", "Hallo", "rider@example.org\r\nBcc: all@example.org", "email"},
		{"two addresses", "Hallo", "a@example.org, b@example.org", "email"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, lang := range []string{"de", "en", "tr", "ar", "uk", "fr"} {
				w := tn.browser()
				w.lang = lang
				page := w.post("/city/nuernberg/contact", "message", tt.message, "email", tt.email).want(http.StatusUnprocessableEntity, "")
				page.id(tt.field + "-error")
				if field := page.id(tt.field); attr(field, "aria-invalid") != "true" || !hasAttr(field, "autofocus") {
					t.Error("the field is not marked, or does not have the focus")
				}
				if len(page.texts("main", "label")) != 2 || attr(page.all("html")[0], "lang") != lang {
					t.Errorf("%s: the page is in %s", lang, attr(page.all("html")[0], "lang"))
				}
			}
		})
	}
	if n := tn.mailCount(); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

func TestContactIsBounded(t *testing.T) {
	tn := newTown(t, func(o *Options) { o.Config.Web.TrustedProxies = loopback })
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	tn.members("fuerth", "Fürth", "other@example.org")
	write := func(client, slug string) (*http.Response, answer) {
		return tn.request(http.MethodPost, "/city/"+slug+"/contact", "message=Hallo", "X-Forwarded-For", client)
	}
	for i := range messagesAClient + 1 {
		resp, page := write("203.0.113.7", "nuernberg")
		if want := i < messagesAClient; (resp.StatusCode == http.StatusSeeOther) != want {
			t.Fatalf("message %d: status %d", i, resp.StatusCode)
		}
		if i == messagesAClient && (!strings.Contains(page.body, ">\nHallo</textarea>") || resp.StatusCode != http.StatusTooManyRequests) {
			t.Error("what was typed is lost")
		}
	}
	for i := range messagesACity {
		write(fmt.Sprintf("198.51.100.%d", i), "nuernberg")
	}
	if n := tn.mailCount(); n != messagesACity {
		t.Errorf("the moderators got %d mails", n)
	}
	if resp, _ := write("192.0.2.99", "fuerth"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("another city: status %d", resp.StatusCode)
	}
	tn.clock.pass(25 * time.Hour)
	if resp, _ := write("203.0.113.7", "nuernberg"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the next day: status %d", resp.StatusCode)
	}
}

func TestContactOfAPausedCity(t *testing.T) {
	tn := newTown(t)
	c := tn.members("nuernberg", "Nürnberg", "one@example.org")
	if _, _, err := tn.db.Pause(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	tn.browser().post("/city/nuernberg/contact", "message", "Warum?").want(http.StatusSeeOther, "/city/nuernberg/contact/sent")
	if tn.mailCount() != 1 {
		t.Error("the moderators got no mail")
	}
}

func TestContactWhereNoMailLeaves(t *testing.T) {
	tn := newTown(t, func(o *Options) { o.Config.Mail.Domain = "localhost" })
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	if page := tn.browser().get("/city/nuernberg/contact").want(http.StatusOK, ""); page.has("contact") {
		t.Error("a form leads nowhere")
	}
	tn.browser().post("/city/nuernberg/contact", "message", "Hallo").want(http.StatusServiceUnavailable, "")
}

func TestOneLinkBackFromPagesThatSayCheckYourMail(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	for path, back := range map[string]string{
		"/register/sent": "/register", "/password/sent": "/password", "/city/nuernberg/contact/sent": "/city/nuernberg",
	} {
		page := tn.browser().get(path).want(http.StatusOK, "")
		var links []string
		for n := range page.id("main").Descendants() {
			if n.Data == "a" {
				links = append(links, attr(n, "href"))
			}
		}
		if len(links) != 1 || links[0] != back {
			t.Errorf("%s has the links %q, want one back to %s", path, links, back)
		}
	}
}

// TestFocusAndTitleOfErrors looks at pages that say that something is wrong.
func TestFocusAndTitleOfErrors(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	member := tn.login("one@example.org")
	for _, tt := range []struct {
		by    *browser
		path  string
		form  []string
		focus string // id of the field; empty: the heading
	}{
		{tn.browser(), "/nowhere", nil, ""},
		{tn.browser(), "/city/atlantis", nil, ""},
		{tn.browser(), "/confirm/wrong", nil, ""},
		{tn.browser(), "/register", []string{"email", "x", "city", ""}, "city"},
		{tn.browser(), "/register", []string{"email", "x", "city", "Bremen"}, "email"},
		{tn.browser(), "/login", []string{"email", "x@example.org", "password", "wrong"}, "email"},
		{tn.browser(), "/password", []string{"email", "x"}, "email"},
		{member, "/settings/texts", []string{"name", "", "language", "de"}, "name"},
		{member, "/settings/texts", []string{"name", "X", "language", "de", "zone", "Mars"}, "zone"},
	} {
		for lang, begin := range map[string]string{"de": "Fehler: ", "en": "Error: "} {
			tt.by.lang = lang
			page := tt.by.answerTo(tt.path, tt.form)
			if !strings.HasPrefix(page.title(), begin) {
				t.Errorf("%s in %s has the title %q", tt.path, lang, page.title())
			}
			var focus []*html.Node
			for n := range page.doc.Descendants() {
				if hasAttr(n, "autofocus") {
					focus = append(focus, n)
				}
			}
			switch {
			case len(focus) != 1:
				t.Errorf("%s begins at %d places", tt.path, len(focus))
			case tt.focus == "" && (focus[0].Data != "h1" || attr(focus[0], "tabindex") != "-1"), tt.focus != "" && attr(focus[0], "id") != tt.focus:
				t.Errorf("%s begins at %s %s, want %s", tt.path, focus[0].Data, attr(focus[0], "id"), tt.focus)
			}
		}
	}
	if page := tn.browser().get("/"); strings.Contains(page.body, "autofocus") || strings.HasPrefix(page.title(), "Error") {
		t.Error("a page on which nothing is wrong begins somewhere else")
	}
}

// answerTo gets a page, or posts the form to it.
func (w *browser) answerTo(path string, form []string) answer {
	w.b.t.Helper()
	if form == nil {
		return w.get(path)
	}
	return w.post(path, form...)
}
