package frontend

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// hashesOfOthers are hashes as other programs have written them.
var hashesOfOthers = map[string]struct{ password, hash string }{
	"scrypt of Ticketfrei 2":     {"correct horse battery", "$s1$0e0801$MDEyMzQ1Njc4OWFiY2RlZg==$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCFhanspBPf0GH3ufs0txnghgOn1Yo184wJPs2UOev784A=="},
	"of libsodium, with umlauts": {"Passwort mit ß und ü", "$7$C6..../...............................................$tIkPa7xRWTRp3zkENONRAO.ZuBTOnOrRpx40hWY2UA/"},
	"a password of four letters": {"kurz", "$s1$0e0801$YWJjZGVmZ2hpamtsbW5vcA==$wV/eIt+LYSZoqXjjHkS/YIJtjFMpl72fHMglNvVhionGNkodjBLow1xAi2iWsl0RDqd9q20f5p5nI0hIVyFF0A=="},
	"scrypt with little memory":  {"zweite stadt", "$s1$040801$QUJDREVGR0hJSktMTU5PUA==$cdr3Ph4fNB/KBpFvzwc/06rJIU6UydayzvHkFU+t4qsP5eDouLL/8lYrxHj7MnSp6NCg1AIUwMLDfTKTzt3I6g=="},
	"Argon2id of Kibicara":       {"correct horse battery", "$argon2id$v=19$m=102400,t=2,p=8$qKHE8d6dYvPO4yqMupwfXA$p1DhdG9g0omMtLE8fguEog"},
	"Argon2i of an old Kibicara": {"argon2i von früher", "$argon2i$v=19$m=512,t=2,p=2$FCkggGH9zw0eMT1I1W5omg$2Ie2VIRcXCxBkmXYYSknSQ"},
}

// withHash creates a city whose moderator has that hash.
func (tn *town) withHash(slug, hash string) (email string) {
	tn.t.Helper()
	email = slug + "@example.org"
	m, err := tn.db.CreateModerator(tn.t.Context(), email, hash)
	if err != nil {
		tn.t.Fatal(err)
	}
	if _, err := tn.db.CreateCity(tn.t.Context(), report.City{Slug: slug, Name: slug, Language: "de"}, m.ID, nil); err != nil {
		tn.t.Fatal(err)
	}
	return email
}

func (tn *town) moderatorAt(email string) db.Moderator {
	tn.t.Helper()
	m, err := tn.db.FindModerator(tn.t.Context(), email)
	if err != nil {
		tn.t.Fatal(err)
	}
	return m
}

// TestPasswordsOfOtherPrograms logs in with what moderators had elsewhere, and again.
func TestPasswordsOfOtherPrograms(t *testing.T) {
	slow.Test(t, "each hash is derived seven times")
	tn := newTown(t)
	n := 0
	for name, tt := range hashesOfOthers {
		n++
		email := tn.withHash("stadt"+strings.Repeat("x", n), tt.hash)
		t.Run(name, func(t *testing.T) {
			w := tn.browser()
			for _, wrong := range []string{tt.password + "x", strings.ToUpper(tt.password), "", tt.hash} {
				w.post("/login", "email", email, "password", wrong).want(http.StatusUnauthorized, "").says("login-error", "not right")
			}
			if m := tn.moderatorAt(email); m.Password != tt.hash {
				t.Errorf("a wrong password changed the hash to %q", m.Password)
			}
			first := tn.browser()
			first.post("/login", "email", email, "password", tt.password).want(http.StatusSeeOther, "/settings")
			first.get("/settings").want(http.StatusOK, "")
			renewed := tn.moderatorAt(email).Password
			if !strings.HasPrefix(renewed, "$argon2id$v=19$m=19456,t=2,p=1$") {
				t.Errorf("after a login the hash is %q", renewed)
			}
			w.post("/login", "email", email, "password", tt.password).want(http.StatusSeeOther, "/settings")
			w.get("/settings").want(http.StatusOK, "")
			first.get("/settings").want(http.StatusOK, "")
			if again := tn.moderatorAt(email).Password; again != renewed {
				t.Errorf("the second login stored %q", again)
			}
			w.post("/login", "email", email, "password", tt.password+"x").want(http.StatusUnauthorized, "")
		})
	}
}

// TestFirstLoginsAtOnce has one moderator log in for the first time in many windows.
func TestFirstLoginsAtOnce(t *testing.T) {
	tn := newTown(t)
	old := hashesOfOthers["scrypt with little memory"]
	email := tn.withHash("erlangen", old.hash)
	var windows sync.WaitGroup
	statuses := make([]int, 4)
	for i := range statuses {
		w := tn.browser()
		windows.Go(func() {
			statuses[i] = w.answerTo("/login", []string{"email", email, "password", old.password}).status
		})
	}
	windows.Wait()
	for i, status := range statuses {
		if status != http.StatusSeeOther {
			t.Errorf("window %d: status %d", i, status)
		}
	}
}

// TestHashesThatCannotBeChecked has hashes in the database that are broken, or would take all
// memory: they are wrong passwords, and the operator learns what helps.
func TestHashesThatCannotBeChecked(t *testing.T) {
	tn := newTown(t)
	email := tn.withHash("erlangen", "x")
	for name, hash := range map[string]string{
		"no hash":                        "plain text",
		"kind alone":                     "$s1$",
		"numbers are missing":            "$s1$$MDEyMzQ1Njc4OWFiY2RlZg==$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCE=",
		"no base64":                      "$s1$0e0801$MDEyMzQ1Njc4OWFiY2RlZg==$!!!",
		"an empty key":                   "$s1$0e0801$MDEyMzQ1Njc4OWFiY2RlZg==$",
		"a key that many passwords have": "$s1$0e0801$MDEyMzQ1Njc4OWFiY2RlZg==$eQ==",
		"no N":                           "$s1$000801$MDEyMzQ1Njc4OWFiY2RlZg==$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCE=",
		"32 GiB of scrypt":               "$s1$1e0801$MDEyMzQ1Njc4OWFiY2RlZg==$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCE=",
		"all of scrypt":                  "$s1$ffffff$MDEyMzQ1Njc4OWFiY2RlZg==$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCE=",
		"libsodium, cut":                 "$7$C6....",
		"libsodium, other letters":       "$7$C6....ä....salt$tIkPa7xRWTRp3zkENONRAO.ZuBTOnOrRpx40hWY2UA/",
		"libsodium, 128 GiB":             "$7$z6..../....salt$tIkPa7xRWTRp3zkENONRAO.ZuBTOnOrRpx40hWY2UA/",
		"4 TiB of Argon2":                "$argon2id$v=19$m=4294967295,t=2,p=8$qKHE8d6dYvPO4yqMupwfXA$p1DhdG9g0omMtLE8fguEog",
		"Argon2 without passes":          "$argon2id$v=19$m=512,t=0,p=1$qKHE8d6dYvPO4yqMupwfXA$p1DhdG9g0omMtLE8fguEog",
		"Argon2 without lanes":           "$argon2i$v=19$m=512,t=1,p=0$qKHE8d6dYvPO4yqMupwfXA$p1DhdG9g0omMtLE8fguEog",
		"Argon2 for an hour":             "$argon2i$v=19$m=512,t=4294967295,p=1$qKHE8d6dYvPO4yqMupwfXA$p1DhdG9g0omMtLE8fguEog",
		"Argon2 of an older version":     "$argon2i$m=512,t=2,p=2$FCkggGH9zw0eMT1I1W5omg$2Ie2VIRcXCxBkmXYYSknSQ",
		"an unknown kind":                "$argon2d$v=19$m=512,t=2,p=2$FCkggGH9zw0eMT1I1W5omg$2Ie2VIRcXCxBkmXYYSknSQ",
		"endless":                        "$s1$0e0801$" + strings.Repeat("A", 1<<20) + "$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCE=",
	} {
		t.Run(name, func(t *testing.T) {
			if err := tn.db.RenewHash(t.Context(), tn.moderatorAt(email), hash); err != nil {
				t.Fatal(err)
			}
			before := len(tn.log.String())
			w := tn.browser()
			w.post("/login", "email", email, "password", "correct horse battery").want(http.StatusUnauthorized, "").says("login-error", "not right")
			said := tn.log.String()[before:]
			if !strings.Contains(said, "e…@example.org") || !strings.Contains(said, "page for forgotten passwords") || strings.Contains(said, email) {
				t.Errorf("the log says %q", said)
			}
			tn.clock.pass(2 * wrongWithin)
		})
	}
}
