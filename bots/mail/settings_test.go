package mail

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/report"
)

// login makes a moderator of a new city and returns a browser that is logged
// in as them.
func (b *bench) login(slug string) (*http.Client, report.City, report.Bot) {
	b.t.Helper()
	hash, err := argon2id.CreateHash("a long password", &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := b.db.CreateModerator(b.t.Context(), slug+"@example.org", hash)
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := b.db.CreateCity(b.t.Context(), report.City{Slug: slug, Name: slug, Language: "en", Triggers: "*"}, m.ID, []string{Name})
	if err != nil {
		b.t.Fatal(err)
	}
	bot, err := b.db.FindBot(b.t.Context(), c.ID, Name)
	if err != nil {
		b.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	code, body := b.read(client.PostForm(b.url+"/login", url.Values{"email": {slug + "@example.org"}, "password": {"a long password"}}))
	b.expect(code, body, 200, "<h1>"+slug)
	return client, c, bot
}

func TestSettings(t *testing.T) {
	b := newBench(t, nil)
	client, c, bot := b.login("nuernberg")
	_, other := b.city("fuerth")
	b.mustSubscribe(bot, "rider@example.org")
	b.mustSubscribe(other, "rider@example.org")
	post := func(path string, form url.Values) (int, string) {
		t.Helper()
		return b.read(client.PostForm(b.url+"/settings/mail/"+path, form))
	}
	t.Run("the section", func(t *testing.T) {
		code, body := b.read(client.Get(b.url + "/settings/networks"))
		b.expect(code, body, 200, "mailto:nuernberg@"+domain, `action="/settings/mail/page`, "Write an e-mail to **nuernberg@")
		if strings.Contains(body, "rider@example.org") {
			t.Error("a subscriber's address is shown")
		}
	})
	t.Run("preview", func(t *testing.T) {
		code, body := post("page", url.Values{"page": {"**Hello** <script>alert(1)</script>"}, "action": {"preview"}})
		b.expect(code, body, 200, "<strong>Hello</strong>", "**Hello** &lt;script&gt;")
		if page, err := b.network.page(t.Context(), bot.ID); page != "" || err != nil {
			t.Errorf("a preview was saved: %q %v", page, err)
		}
	})
	t.Run("save", func(t *testing.T) {
		code, body := post("page", url.Values{"page": {"**Hello**\r\nyou"}})
		b.expect(code, body, 200, "The text is saved.")
		if page, err := b.network.page(t.Context(), bot.ID); page != "**Hello**\nyou" || err != nil {
			t.Errorf("saved %q %v", page, err)
		}
		code, body = b.get("/city/nuernberg/mail")
		b.expect(code, body, 200, "<strong>Hello</strong>")
	})
	t.Run("too long", func(t *testing.T) {
		code, body := post("page", url.Values{"page": {strings.Repeat("ä", maxPage+1)}})
		b.expect(code, body, 422, "too long")
	})
	t.Run("the default is not stored", func(t *testing.T) {
		post("page", url.Values{"page": {strings.ReplaceAll(b.network.defaultPage(c), "\n", "\r\n")}})
		if page, err := b.network.page(t.Context(), bot.ID); page != "" || err != nil {
			t.Errorf("saved %q %v", page, err)
		}
	})
	t.Run("remove a subscriber", func(t *testing.T) {
		code, body := post("remove", url.Values{"email": {"nobody@"}})
		b.expect(code, body, 422, "does not look like", `value="nobody@"`)
		var answers [2]string
		for i, email := range []string{" Rider@example.org ", "nobody@example.org"} {
			code, body = post("remove", url.Values{"email": {email}})
			b.expect(code, body, 200, "is removed")
			// How many subscribe is shown: it is not part of the answer.
			answers[i] = regexp.MustCompile(`\d+ subscribers?`).ReplaceAllString(body, "")
		}
		if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
			t.Errorf("the answer tells whether somebody subscribed: %s", diff)
		}
		if got := b.subscribers(bot); len(got) != 0 {
			t.Errorf("still there: %v", got)
		}
		if diff := cmp.Diff([]string{"rider@example.org"}, b.subscribers(other)); diff != "" {
			t.Errorf("another city's subscriber: %s", diff)
		}
	})
	t.Run("without login", func(t *testing.T) {
		b.mustSubscribe(bot, "rider@example.org")
		code, body := b.post("/settings/mail/remove", url.Values{"email": {"rider@example.org"}})
		if len(b.subscribers(bot)) != 1 || !strings.Contains(body, `action="/login"`) {
			t.Errorf("answered with %d", code)
		}
	})
}
