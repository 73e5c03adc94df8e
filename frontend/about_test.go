package frontend

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/config"
)

func TestImprintAndPrivacy(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	for _, lang := range []string{"de", "en", "tr", "ar", "uk", "fr"} {
		w := tn.browser()
		w.lang = lang
		imprint := w.get("/imprint").want(http.StatusOK, "")
		imprint.says("imprint", "postmaster@tickets.example")
		privacy := w.get("/privacy").want(http.StatusOK, "")
		privacy.says("privacy", "7")
		privacy.says("privacy", "Toy mail")
		for _, page := range []answer{imprint, privacy} {
			if attr(page.all("html")[0], "lang") != lang {
				t.Errorf("%s: the page is in %s", lang, attr(page.all("html")[0], "lang"))
			}
		}
	}
	for _, path := range []string{"/", "/login", "/city/nuernberg", "/nowhere", "/privacy"} {
		page := tn.browser().get(path)
		for _, link := range []string{`href="/imprint"`, `href="/privacy"`} {
			if !strings.Contains(page.body, link) {
				t.Errorf("%s has no %s", path, link)
			}
		}
		if strings.Contains(page.body, `href="/city/nuernberg/contact"`) != strings.HasPrefix(path, "/city/") {
			t.Errorf("%s: the way to the moderators is wrong", path)
		}
	}
	if page := tn.browser().get("/privacy?lang=ar"); !strings.Contains(page.body, `href="/imprint?lang=ar"`) || attr(page.all("html")[0], "dir") != "rtl" {
		t.Error("the language that was chosen is lost")
	}
}

func TestKeptForHours(t *testing.T) {
	tn := newTown(t, func(o *Options) { o.Config.Reports.Keep, o.Config.Mail.Domain = 90*time.Minute, "localhost" })
	tn.browser().get("/privacy").says("privacy", "after 2 hours")
	tn.browser().get("/imprint").says("imprint", "has not written anything")
}

func TestTextsOfTheOperator(t *testing.T) {
	file := filepath.Join(t.TempDir(), "imprint.md")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("## Verein Freie Fahrt\n\n<script>alert(1)</script>")
	tn := newTown(t, func(o *Options) { o.Config.Web.Imprint, o.Config.Web.Privacy = file, file })
	for _, path := range []string{"/imprint", "/privacy"} {
		page := tn.browser().get(path).want(http.StatusOK, "")
		page.says(strings.TrimPrefix(path, "/"), "Verein Freie Fahrt")
		if strings.Contains(page.body, "alert(1)<") || strings.Contains(page.body, "postmaster@") {
			t.Errorf("%s:\n%s", path, page.body)
		}
	}
	write("# Wer wir sind")
	if page := tn.browser().get("/imprint"); len(page.all("h1")) != 1 {
		t.Error("the page has two headings")
	}
	write("Jetzt anders")
	tn.browser().get("/imprint").says("imprint", "Jetzt anders")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	tn.browser().get("/imprint").want(http.StatusOK, "").says("imprint", "postmaster@")
	if !strings.Contains(tn.log.String(), "cannot be read") {
		t.Error("the operator is not told")
	}
	if err := CheckOwnTexts(config.Web{Imprint: file}); err == nil || !strings.Contains(err.Error(), "web.imprint: ") {
		t.Errorf("the start does not fail: %v", err)
	}
	write(strings.Repeat("x", maxOwnText+1))
	if err := CheckOwnTexts(config.Web{Privacy: file}); err == nil || !strings.Contains(err.Error(), "web.privacy: ") {
		t.Errorf("the start does not fail: %v", err)
	}
}
