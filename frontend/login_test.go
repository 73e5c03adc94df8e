package frontend

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/manage"
)

func idOf(c report.City) string { return strconv.FormatInt(c.ID, 10) }

func TestLogin(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	for name, tt := range map[string]struct{ email, password string }{
		"wrong password": {"rider@example.org", boardPassword + "x"},
		"unknown":        {"nobody@example.org", boardPassword},
		"empty":          {"", ""},
		"empty password": {"rider@example.org", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := tn.browser()
			page := w.post("/login", "email", tt.email, "password", tt.password, "next", "/settings#rules").want(http.StatusUnauthorized, "")
			page.says("login-error", "not right")
			page.translated()
			if page.value("email") != tt.email || page.value("password") != "" {
				t.Errorf("came back: %q, %q", page.value("email"), page.value("password"))
			}
			w.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
		})
	}
	t.Run("right, however the address is written", func(t *testing.T) {
		w := tn.browser()
		w.post("/login", "email", " Rider@Example.ORG ", "password", boardPassword).want(http.StatusSeeOther, "/settings")
		w.get("/settings").want(http.StatusOK, "")
		w.get("/login").want(http.StatusSeeOther, "/settings")
		home := w.get("/").want(http.StatusOK, "")
		if strings.Contains(home.body, `href="/login"`) {
			t.Error("who is logged in is asked to log in")
		}
	})
	t.Run("leads on to where one wanted to go", func(t *testing.T) {
		w := tn.browser()
		w.post("/login", "email", "rider@example.org", "password", boardPassword, "next", "/register").want(http.StatusSeeOther, "/register")
	})
	t.Run("leads nowhere else", func(t *testing.T) {
		w := tn.browser()
		w.post("/login", "email", "rider@example.org", "password", boardPassword, "next", "https://evil.example/").want(http.StatusSeeOther, "/settings")
	})
}

func TestLogout(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	w := tn.login("rider@example.org")
	w.get("/logout").want(http.StatusMethodNotAllowed, "")
	w.get("/settings").want(http.StatusOK, "")
	w.post("/logout").want(http.StatusSeeOther, "/")
	if page := w.get("/"); !strings.Contains(page.text(page.doc), "You are logged out") {
		t.Error("nothing says so")
	}
	w.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
}

func TestSessionCookie(t *testing.T) {
	for public, secure := range map[string]bool{"http://localhost:8080": false, "https://tickets.example": true} {
		tn := newTown(t, func(o *Options) { o.Config.Web = config.Web{URL: public} })
		tn.members("fuerth", "Fürth", "rider@example.org")
		form := url.Values{"email": {"rider@example.org"}, "password": {boardPassword}}.Encode()
		resp, _ := tn.request(http.MethodPost, "/login", form)
		c := sessionCookie(t, resp.Cookies(), secure)
		if c.SameSite != http.SameSiteLaxMode || c.MaxAge < 29*24*3600 {
			t.Errorf("%s: %s", public, c)
		}
		var stored int64
		if err := tn.db.Read(t.Context()).Raw("SELECT count(*) FROM sessions WHERE token = ?", c.Value).Scan(&stored).Error; err != nil || stored != 0 {
			t.Errorf("the token is in the database as it is (%v)", err)
		}
	}
}

// sessionCookie returns the cookie of the session among those of an answer. Under
// https every cookie is one that browsers take from this host alone.
func sessionCookie(t *testing.T, cookies []*http.Cookie, secure bool) *http.Cookie {
	t.Helper()
	var session *http.Cookie
	for _, c := range cookies {
		if !c.HttpOnly || c.Secure != secure || c.Path != "/" || c.Domain != "" || strings.HasPrefix(c.Name, "__Host-") != secure {
			t.Errorf("cookie %s", c)
		}
		if strings.TrimPrefix(c.Name, "__Host-") == "ticketfrei" {
			session = c
		}
	}
	if session == nil {
		t.Fatalf("no session among %v", cookies)
	}
	return session
}

// cookiesOf returns the cookies that a browser has, as it was sent them.
func cookiesOf(w *browser, u *url.URL) []*http.Cookie {
	list := w.client.Jar.Cookies(u)
	for _, c := range list {
		c.HttpOnly, c.Path = true, "/" // a jar keeps that to itself
	}
	return list
}

func TestLoginGivesANewToken(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	w := tn.browser()
	u, err := url.Parse(tn.url)
	if err != nil {
		t.Fatal(err)
	}
	login := func() string {
		w.post("/login", "email", "rider@example.org", "password", boardPassword).want(http.StatusSeeOther, "/settings")
		return sessionCookie(t, cookiesOf(w, u), false).Value
	}
	if before, after := login(), login(); before == after {
		t.Errorf("the token %s twice", after)
	}
}

func TestWhoIsRemovedIsLoggedOut(t *testing.T) {
	tn := newTown(t)
	c := tn.members("fuerth", "Fürth", "rider@example.org")
	inv, err := tn.db.CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: "other@example.org", Role: report.Owner})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := hashed()
	if err != nil {
		t.Fatal(err)
	}
	other, err := tn.db.AcceptInvitation(t.Context(), inv.ID, hash)
	if err != nil {
		t.Fatal(err)
	}
	w := tn.login("other@example.org")
	w.get("/settings").want(http.StatusOK, "")
	if err := tn.db.RemoveModerator(t.Context(), c.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	w.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
}

func TestLoginsAreLimited(t *testing.T) {
	slow.Test(t, "logs in again and again, and a login is slow by design")
	tn := newTown(t, func(o *Options) { o.Config.Web.TrustedProxies = loopback })
	tried := 0
	try := func(forwarded string) int {
		tried++
		resp, _ := tn.request(http.MethodPost, "/login", fmt.Sprintf("email=a%d&password=b", tried), "X-Forwarded-For", forwarded)
		return resp.StatusCode
	}
	// On a busy machine a new minute may begin in the middle.
	for range 3 * loginsPerMinute {
		if try("203.0.113.7") == http.StatusTooManyRequests {
			break
		}
	}
	// Everything before the last address came from the visitor.
	if got := try("198.51.100.1, 203.0.113.7"); got != http.StatusTooManyRequests {
		t.Errorf("one login more: status %d", got)
	}
	if got := try("203.0.113.8"); got != http.StatusUnauthorized {
		t.Errorf("somebody else: status %d", got)
	}
	resp, page := tn.request(http.MethodGet, "/login", "", "X-Forwarded-For", "203.0.113.7")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("looking at the form: status %d", resp.StatusCode)
	}
	page.id("login")
}

// TestForeignHeaderDoesNotHelp has one visitor who claims to be another one each
// time, past the proxy that is trusted and where there is none.
func TestForeignHeaderDoesNotHelp(t *testing.T) {
	for name, proxies := range map[string]config.Networks{"no proxy": nil, "another proxy": {netip.MustParsePrefix("192.0.2.1/32")}} {
		t.Run(name, func(t *testing.T) {
			tn := newTown(t, func(o *Options) { o.Config.Web.TrustedProxies = proxies })
			refused := false
			for i := 0; i <= passwordPerQuarter*everybody && !refused; i++ { // this machine stands for everybody
				resp, _ := tn.request(http.MethodPost, "/password", "email=nobody@example.org", "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i%250))
				refused = resp.StatusCode == http.StatusTooManyRequests
			}
			if !refused {
				t.Error("one visitor passed for many")
			}
		})
	}
}

func TestPasswordReset(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	old := tn.login("rider@example.org")
	w := tn.browser()
	const fresh = "vier neue Wörter hier"

	w.post("/password", "email", "x").want(http.StatusUnprocessableEntity, "").says("email-error", "does not look like")
	w.post("/password", "email", "nobody@example.org").want(http.StatusSeeOther, "/password/sent")
	if tn.mailCount() != 0 {
		t.Fatal("somebody unknown got a mail")
	}
	w.post("/password", "email", "Rider@example.org").want(http.StatusSeeOther, "/password/sent")
	w.get("/password/sent").want(http.StatusOK, "").translated()
	to, _, _, link := tn.lastMail()
	if to != "rider@example.org" {
		t.Errorf("mail to %s", to)
	}
	w.get(link).want(http.StatusOK, "").id("new-password")
	w.post(link, "password", "short").want(http.StatusUnprocessableEntity, "").says("password-error", "at least 10")
	old.get("/settings").want(http.StatusOK, "")

	w.post(link, "password", fresh).want(http.StatusSeeOther, "/settings")
	w.get("/settings").want(http.StatusOK, "")
	old.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
	w.post(link, "password", fresh+"x").want(http.StatusGone, "").says("error", "used already")
	other := tn.browser()
	other.post("/login", "email", "rider@example.org", "password", boardPassword).want(http.StatusUnauthorized, "")
	other.post("/login", "email", "rider@example.org", "password", fresh).want(http.StatusSeeOther, "/settings")

	t.Run("too old", func(t *testing.T) {
		w.post("/password", "email", "rider@example.org")
		_, _, _, link := tn.lastMail()
		tn.clock.pass(manage.PasswordFor + 2*time.Second)
		w.get(link).want(http.StatusGone, "").says("error", "too old")
		w.post(link, "password", fresh).want(http.StatusGone, "")
	})
}

// invite creates an invitation and returns the path of its link.
func (tn *town) invite(c report.City, email string) string {
	tn.t.Helper()
	inv, err := tn.db.CreateInvitation(tn.t.Context(), db.Invitation{CityID: c.ID, Email: email, Role: report.Owner})
	if err != nil {
		tn.t.Fatal(err)
	}
	return "/invitation/" + tn.box.Sign(manage.PurposeInvite, strconv.FormatInt(inv.ID, 10), tn.clock.time().Add(time.Hour))
}

func TestInvitation(t *testing.T) {
	tn := newTown(t)
	c := tn.members("fuerth", "Fürth", "rider@example.org")

	t.Run("somebody new sets a password", func(t *testing.T) {
		link := tn.invite(c, "new@example.org")
		w := tn.browser()
		page := w.get(link).want(http.StatusOK, "")
		page.id("password")
		page.translated()
		w.post(link, "password", "short").want(http.StatusUnprocessableEntity, "").says("password-error", "at least 10")
		w.post(link, "password", boardPassword).want(http.StatusSeeOther, "/settings")
		w.get("/settings").want(http.StatusOK, "")
		w.post(link, "password", boardPassword).want(http.StatusGone, "").says("error", "used already")
		tn.login("new@example.org")
	})
	t.Run("somebody with an account keeps the password", func(t *testing.T) {
		own := tn.members("zirndorf", "Zirndorf", "other@example.org")
		link := tn.invite(c, "other@example.org")
		w := tn.browser()
		if w.get(link).want(http.StatusOK, "").has("password") {
			t.Error("a password is asked for")
		}
		w.post(link, "password", "somebody else's words").want(http.StatusSeeOther, "/login")
		w.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
		w = tn.login("other@example.org")
		w.post("/settings/city", "city", idOf(c)).want(http.StatusSeeOther, "/settings")
		w.post("/settings/city", "city", idOf(own)).want(http.StatusSeeOther, "/settings")
	})
	t.Run("somebody who is logged in goes on", func(t *testing.T) {
		tn.members("schwabach", "Schwabach", "third@example.org")
		w := tn.login("third@example.org")
		w.post(tn.invite(c, "third@example.org")).want(http.StatusSeeOther, "/settings")
		if got := w.get("/settings").value("switch-city-select"); got != idOf(c) {
			t.Errorf("settings of city %s", got)
		}
	})
	t.Run("withdrawn", func(t *testing.T) {
		link := tn.invite(c, "late@example.org")
		list, err := tn.db.CityInvitations(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, inv := range list {
			if err := tn.db.DeleteInvitation(t.Context(), c.ID, inv.ID); err != nil {
				t.Fatal(err)
			}
		}
		tn.browser().get(link).want(http.StatusGone, "")
	})
}

func TestLocalPath(t *testing.T) {
	for next, want := range map[string]string{
		"":                      "/settings",
		"/":                     "/",
		"/settings?x=1#rules":   "/settings?x=1#rules",
		"settings":              "/settings",
		"//evil.example":        "/settings",
		"/\\evil.example":       "/settings",
		"/\t/evil.example":      "/settings",
		"https://evil.example/": "/settings",
		"javascript:alert(1)":   "/settings",
		"https:/evil.example":   "/settings",
		"///evil.example":       "/settings",
		"/%2f%2fevil.example":   "/%2f%2fevil.example",
		"/a\r\nSet-Cookie: x":   "/settings",
	} {
		if got := localPath(next); got != want {
			t.Errorf("localPath(%q) = %q, want %q", next, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/settings", "//x", "/\\x", "http://x", "/..//x", "/%5cx", "\x00//x"} {
		f.Add(s)
	}
	base, err := url.Parse("https://tickets.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := localPath(next)
		u, err := base.Parse(strings.ReplaceAll(got, "\\", "/"))
		if err != nil || u.Host != "tickets.example" || u.Scheme != "https" {
			t.Errorf("localPath(%q) = %q leads to %v (%v)", next, got, u, err)
		}
	})
}
