package frontend

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/internal/config"
	"ticketfrei/internal/slow"
)

// TestAStrangersPasswordOpensNothing has somebody fill the form in with somebody
// else's address and a password of their own.
func TestAStrangersPasswordOpensNothing(t *testing.T) {
	tn := newTown(t)
	stranger, owner := tn.browser(), tn.browser()
	stranger.post("/register", "email", "victim@example.org", "password", boardPassword, "city", "Erlangen").want(http.StatusSeeOther, "/register/sent")
	_, _, _, link := tn.lastMail()
	owner.get(link).want(http.StatusOK, "").id("password")
	owner.post(link).want(http.StatusUnprocessableEntity, "").says("password-error", "at least 10")
	owner.post(link, "password", "sieben Schaffner im Nebel").want(http.StatusSeeOther, "/settings")
	stranger.post("/login", "email", "victim@example.org", "password", boardPassword).want(http.StatusUnauthorized, "")
}

// TestSubjectsHoldNobodysWords has a stranger call the city what a mail is to say.
func TestSubjectsHoldNobodysWords(t *testing.T) {
	tn := newTown(t)
	const words = "Gewinn http://evil.example"
	tn.members("fuerth", words, "known@example.org")
	for _, email := range []string{"victim@example.org", "known@example.org"} {
		tn.signUp(tn.browser(), email, "Gewinn evil.example jetzt")
	}
	tn.login("known@example.org").post("/settings/moderators/invite", "email", "victim@example.org").want(http.StatusSeeOther, "/settings/people#moderators")
	for _, m := range tn.mails {
		text := strings.ToLower(unfold(m.Data))
		head, body, _ := strings.Cut(text, "\r\n\r\n")
		if strings.Contains(head, "gewinn") || strings.Contains(body, "evil.example") {
			t.Errorf("a stranger's words are in the mail:\n%s", text)
		}
	}
	if len(tn.mails) != 3 {
		t.Errorf("%d mails", len(tn.mails))
	}
}

// sessions returns how many sessions are stored.
func (b *board) sessions() (n int) {
	b.t.Helper()
	if err := b.db.Read(b.t.Context()).Raw("SELECT count(*) FROM sessions").Scan(&n).Error; err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestALogoutOfNobodyStoresNothing(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	for range 20 {
		resp, _ := tn.request(http.MethodPost, "/logout", "")
		if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) > 0 {
			t.Fatalf("status %d, cookies %v", resp.StatusCode, resp.Cookies())
		}
	}
	if n := tn.sessions(); n != 0 {
		t.Errorf("%d sessions of nobody", n)
	}
	w := tn.login("rider@example.org")
	w.post("/logout").want(http.StatusSeeOther, "/")
	if page := w.get("/"); !strings.Contains(page.text(page.doc), "You are logged out") {
		t.Error("nothing says so")
	}
	if n := tn.sessions(); n != 0 {
		t.Errorf("%d sessions after the logout", n)
	}
}

// guess has a stranger try passwords until that is refused.
func (tn *town) guess(email string) *browser {
	tn.t.Helper()
	stranger := tn.browser()
	for range maxWrong {
		stranger.post("/login", "email", email, "password", "wrong").want(http.StatusUnauthorized, "")
	}
	page := stranger.post("/login", "email", email, "password", "wrong").want(http.StatusTooManyRequests, "")
	page.says("login-error", "Forgotten your password")
	page.translated()
	return stranger
}

// TestStrangersNeitherGuessNorLockOut tries passwords from other clients than the
// owner's.
func TestStrangersNeitherGuessNorLockOut(t *testing.T) {
	slow.Test(t, "tries many passwords, and each is slow by design")
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	own := tn.login("rider@example.org")
	own.post("/logout").want(http.StatusSeeOther, "/")

	stranger := tn.guess("rider@example.org")
	stranger.post("/login", "email", "rider@example.org", "password", boardPassword).want(http.StatusTooManyRequests, "")
	tn.guess("nobody@example.org") // an address without an account is answered the same

	own.post("/login", "email", "rider@example.org", "password", boardPassword).want(http.StatusSeeOther, "/settings")
	t.Run("the owner gets in elsewhere by mail", func(t *testing.T) {
		elsewhere := tn.browser()
		elsewhere.post("/password", "email", "rider@example.org").want(http.StatusSeeOther, "/password/sent")
		_, _, _, link := tn.lastMail()
		elsewhere.post(link, "password", boardPassword).want(http.StatusSeeOther, "/settings")
		elsewhere.get("/settings/account").want(http.StatusOK, "")
	})
	t.Run("a known browser has a limit too", func(t *testing.T) {
		for range maxWrong {
			own.post("/login", "email", "rider@example.org", "password", "wrong").want(http.StatusUnauthorized, "")
		}
		own.post("/login", "email", "rider@example.org", "password", "wrong").want(http.StatusTooManyRequests, "")
	})
	t.Run("a browser known for one account is not for another", func(t *testing.T) {
		tn.members("zirndorf", "Zirndorf", "other@example.org")
		other := tn.login("other@example.org")
		other.post("/logout").want(http.StatusSeeOther, "/")
		other.post("/login", "email", "rider@example.org", "password", boardPassword).want(http.StatusTooManyRequests, "")
	})
	t.Run("an hour later", func(t *testing.T) {
		tn.clock.pass(wrongWithin + time.Second)
		stranger.post("/login", "email", "rider@example.org", "password", boardPassword).want(http.StatusSeeOther, "/settings")
	})
}

// TestManyGuessesAtOnce tries them in parallel: that helps nobody, and right
// passwords in parallel are all let in.
func TestManyGuessesAtOnce(t *testing.T) {
	slow.Test(t, "tries many passwords, and each is slow by design")
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	tn.members("zirndorf", "Zirndorf", "busy@example.org")
	tries := func(email, password string) map[int]int {
		answers := make([]int, 3*maxWrong)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() {
				form := url.Values{"email": {email}, "password": {password}}.Encode()
				resp, _ := tn.request(http.MethodPost, "/login", form)
				answers[i] = resp.StatusCode
			})
		}
		group.Wait()
		count := map[int]int{}
		for _, status := range answers {
			count[status]++
		}
		return count
	}
	if got := tries("busy@example.org", boardPassword); got[http.StatusSeeOther] != 3*maxWrong {
		t.Errorf("right passwords: %v", got)
	}
	if got := tries("rider@example.org", "wrong"); got[http.StatusUnauthorized] != maxWrong || got[http.StatusTooManyRequests] != 2*maxWrong {
		t.Errorf("wrong passwords: %v", got)
	}
}

func TestLoginsAreListedAndEnded(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "rider@example.org")
	tn.members("zirndorf", "Zirndorf", "other@example.org")
	in := func(email, agent string) *browser {
		w := tn.browser()
		w.agent = agent
		w.post("/login", "email", email, "password", boardPassword).want(http.StatusSeeOther, "/settings")
		return w
	}
	const firefox, phone = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
	here, there, third := in("rider@example.org", firefox), in("rider@example.org", phone), in("rider@example.org", "curl")
	foreign := in("other@example.org", firefox)

	page := here.get("/settings/account").want(http.StatusOK, "")
	page.translated()
	rows := page.texts("logins", "li")
	if len(rows) != 3 || !strings.Contains(rows[0], "Unknown browser") || !strings.Contains(rows[1], "Safari, iPhone") ||
		!strings.Contains(rows[2], "Firefox, Linux (here)") || !strings.Contains(rows[2], tn.clock.time().UTC().Format("2 Jan 2006")) {
		t.Errorf("the logins are %q", rows)
	}
	list, err := tn.db.Logins(t.Context(), 1)
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	id := strconv.FormatInt(list[1].ID, 10)
	foreign.post("/settings/account/logins/end", "login", id)
	there.get("/settings").want(http.StatusOK, "")
	here.post("/settings/account/logins/end", "login", id).want(http.StatusSeeOther, "/settings/account#account")
	here.get("/settings/account").says("account", "You are logged out there.")
	there.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
	third.get("/settings").want(http.StatusOK, "")
	here.post("/settings/account/logins/end-others").want(http.StatusSeeOther, "/settings/account#account")
	third.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
	if here.get("/settings/account").want(http.StatusOK, "").has("end-others") {
		t.Error("there is nobody else to end")
	}
	foreign.get("/settings").want(http.StatusOK, "")

	t.Run("the day of the last visit", func(t *testing.T) {
		tn.clock.pass(48 * time.Hour)
		here.get("/settings/account").want(http.StatusOK, "").says("logins", tn.clock.time().UTC().Format("2 Jan 2006"))
	})
}

// TestADeletedCitysNameIsHeld has somebody wait for the name of a city that goes.
func TestADeletedCitysNameIsHeld(t *testing.T) {
	tn := newTown(t)
	c := tn.members("fuerth", "Fürth", "rider@example.org")
	waiting := tn.signUp(tn.browser(), "waiting@example.org", "Fürth Süd")
	south := tn.members("fuerth-sued", "Fürth Süd", "south@example.org")
	for _, id := range []int64{c.ID, south.ID} {
		if err := tn.db.DeleteCity(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	taken := func(status int, w *browser, path string, fields ...string) {
		t.Helper()
		page := w.post(path, fields...).want(status, "")
		page.id("city-error")
		page.translated()
	}
	taken(http.StatusUnprocessableEntity, tn.browser(), "/register", "email", "rider@example.org", "city", "Fürth")
	taken(http.StatusConflict, tn.browser(), waiting, "password", boardPassword)
	taken(http.StatusUnprocessableEntity, tn.browser(), waiting, "password", boardPassword, "city", "Fürth")
	tn.members("zirndorf", "Zirndorf", "member@example.org")
	taken(http.StatusUnprocessableEntity, tn.login("member@example.org"), "/register", "city", "Fürth")
	if _, a := tn.request(http.MethodGet, "/register/name?city=F%C3%BCrth", ""); !strings.Contains(a.body, "For a year nobody gets its name") {
		t.Error(a.body)
	}
	tn.clock.pass(366 * 24 * time.Hour)
	tn.signUp(tn.browser(), "rider@example.org", "Fürth")
}

// TestTheLogNamesNobody has mails be caused where none can leave.
func TestTheLogNamesNobody(t *testing.T) {
	tn := newTown(t, func(o *Options) { o.Config.Mail = config.Mail{Domain: "localhost", From: "t@localhost"} })
	w := tn.browser()
	signUp := func(email, city string) {
		w.post("/register", "email", email, "city", city).want(http.StatusSeeOther, "/register/sent")
	}
	links := func() int { return strings.Count(tn.log.String(), "link=") }
	signUp("first@example.org", "Erlangen")
	if links() != 1 {
		t.Fatalf("the operator has no link:\n%s", tn.log)
	}
	tn.members("fuerth", "Fürth", "rider@example.org")
	signUp("second@example.org", "Zirndorf")
	signUp("rider@example.org", "Zirndorf")
	w.post("/password", "email", "rider@example.org").want(http.StatusSeeOther, "/password/sent")
	tn.login("rider@example.org").post("/settings/moderators/invite", "email", "third@example.org")
	log := tn.log.String()
	if links() != 1 || strings.Contains(log, "@example.org") || strings.Contains(log, "/password/") && strings.Contains(log, tn.url+"/password/") ||
		strings.Contains(log, tn.url+"/invitation/") {
		t.Errorf("%d links in the log:\n%s", links(), log)
	}
}

func TestBrowserName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0": "Edge, Windows",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36":         "Chrome, Android",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15":            "Safari, Mac",
		"<script>": "", "": "",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("%s: %q, want %q", agent, got, want)
		}
	}
}

func FuzzBrowserName(f *testing.F) {
	f.Add("Mozilla/5.0 (Linux; Android 15) Firefox/143.0")
	f.Fuzz(func(t *testing.T, agent string) {
		if got := browserName(agent); len(got) > 40 {
			t.Errorf("%q: %q", agent, got)
		}
	})
}
