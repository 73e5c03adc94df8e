package frontend

import (
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"ticketfrei/bots"
)

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	form := "email=rider@example.org&password=" + strings.ReplaceAll(boardPassword, " ", "+")
	for name, tt := range map[string]struct {
		headers []string
		status  int
	}{
		"other site":           {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, http.StatusForbidden},
		"sibling site":         {[]string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		"other origin":         {[]string{"Origin", "https://evil.example"}, http.StatusForbidden},
		"hidden origin":        {[]string{"Origin", "null"}, http.StatusForbidden},
		"our own":              {[]string{"Sec-Fetch-Site", "same-origin", "Origin", tn.url}, http.StatusSeeOther},
		"our own, old browser": {[]string{"Origin", tn.url}, http.StatusSeeOther},
		"no browser":           {nil, http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			resp, page := tn.request(http.MethodPost, "/login", form, tt.headers...)
			if resp.StatusCode != tt.status {
				t.Fatalf("status %d", resp.StatusCode)
			}
			if tt.status == http.StatusForbidden {
				page.says("error", "another website")
				page.translated()
				if len(resp.Cookies()) > 0 {
					t.Error("a session was made")
				}
			}
		})
	}
	t.Run("links from other sites work", func(t *testing.T) {
		if resp, _ := tn.request(http.MethodGet, "/", "", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
}

func TestSecurityHeaders(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	for _, path := range []string{"/", "/login", "/city/nuernberg", "/city/nuernberg/mail", "/settings", "/nowhere", "/healthz"} {
		resp, page := tn.request(http.MethodGet, path, "")
		csp := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy lacks %s: %s", path, want, csp)
			}
		}
		if resp.Header.Get("Referrer-Policy") != "same-origin" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, resp.Header)
		}
		for _, n := range append(page.all("script"), page.all("link")...) {
			if rel := attr(n, "rel"); rel == "canonical" || rel == "alternate" {
				continue // a browser loads neither
			}
			if src := attr(n, "src") + attr(n, "href"); !strings.HasPrefix(src, "/") {
				t.Errorf("%s loads %q", path, src)
			}
		}
		if inline := regexp.MustCompile(`(?i)<style|style="| on[a-z]+="`).FindString(page.body); inline != "" {
			t.Errorf("%s has %s, which the policy forbids", path, inline)
		}
	}
	t.Run("the settings may lead to the site of a network", func(t *testing.T) {
		w := tn.login("rider@example.org")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tn.url+"/settings", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Content-Security-Policy"); !strings.HasSuffix(got, "form-action 'self' https:") {
			t.Error(got)
		}
		if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("the settings may be stored: %s", got)
		}
	})
}

// TestOnlyHTTPS looks for the header that keeps browsers from coming by http, which
// would lock riders out where there is no https.
func TestOnlyHTTPS(t *testing.T) {
	for public, want := range map[string]string{"http://tickets.example": "", "https://tickets.example": "max-age=15552000"} {
		tn := newTown(t, func(o *Options) { o.Config.Web.URL = public })
		for _, path := range []string{"/", "/nowhere", "/healthz"} {
			if resp, _ := tn.request(http.MethodGet, path, ""); resp.Header.Get("Strict-Transport-Security") != want {
				t.Errorf("%s%s: %q, want %q", public, path, resp.Header.Get("Strict-Transport-Security"), want)
			}
		}
	}
}

func TestErrorPages(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "rider@example.org")
	w := tn.browser()
	t.Run("not found", func(t *testing.T) {
		page := w.get("/nowhere").want(http.StatusNotFound, "")
		page.says("error", "does not exist")
		page.id("search")
	})
	t.Run("in the visitor's language", func(t *testing.T) {
		german := tn.browser()
		german.lang = "de"
		german.get("/nowhere").want(http.StatusNotFound, "").says("error", "Diese Seite gibt es nicht")
	})
	t.Run("method", func(t *testing.T) {
		w.post("/").want(http.StatusMethodNotAllowed, "").says("error", "cannot be used in this way")
	})
	t.Run("too large", func(t *testing.T) {
		w.post("/login", "email", strings.Repeat("x", maxForm+1)).want(http.StatusRequestEntityTooLarge, "").says("error", "too much text")
	})
	t.Run("broken form", func(t *testing.T) {
		resp, page := tn.request(http.MethodPost, "/login", "email=%zz")
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", resp.StatusCode)
		}
		page.says("error", "incomplete")
	})
	for path, cause := range map[string]string{"/city/nuernberg/mail/secret": "hunter2", "/city/nuernberg/mail/panic": "the letterbox is on fire"} {
		t.Run("internal: "+path, func(t *testing.T) {
			page := w.get(path).want(http.StatusInternalServerError, "")
			page.translated()
			if strings.Contains(page.body, cause) {
				t.Error("the visitor reads the cause")
			}
			id := regexp.MustCompile(`number ([A-Z2-7]{10})`).FindStringSubmatch(page.text(page.doc))
			if id == nil {
				t.Fatal("the page has no number")
			}
			for line := range strings.Lines(tn.log.String()) {
				if strings.Contains(line, "request="+id[1]) && strings.Contains(line, cause) {
					return
				}
			}
			t.Errorf("the log does not say what number %s was:\n%s", id[1], tn.log)
		})
	}
}

func TestAccessLogHasNoTokens(t *testing.T) {
	tn := newTown(t)
	tn.browser().get("/confirm/secret-token?key=secret-query")
	log := tn.log.String()
	if !strings.Contains(log, "route=/confirm/{token}") || strings.Contains(log, "secret-token") || strings.Contains(log, "secret-query") {
		t.Error(log)
	}
}

func TestHealth(t *testing.T) {
	tn := newTown(t)
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/robots.txt": "User-agent: *\n"} {
		if page := tn.browser().get(path).want(http.StatusOK, ""); !strings.HasPrefix(page.body, want) {
			t.Errorf("%s: %q", path, page.body)
		}
	}
	tn.ready = errors.New("the database does not answer")
	page := tn.browser().get("/readyz").want(http.StatusServiceUnavailable, "")
	if page.body != "not ready: the database does not answer\n" {
		t.Errorf("%q", page.body)
	}
	tn.browser().get("/healthz").want(http.StatusOK, "")
}

func TestAssets(t *testing.T) {
	tn := newTown(t)
	home := tn.browser().get("/")
	var seen int
	for _, n := range home.all("link") {
		href := attr(n, "href")
		if !strings.HasPrefix(href, "/static/") {
			continue
		}
		seen++
		resp, _ := tn.request(http.MethodGet, href, "")
		if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", href, resp.StatusCode, resp.Header)
		}
	}
	if seen == 0 {
		t.Error("the page has no stylesheet")
	}
	resp, _ := tn.request(http.MethodGet, "/static/yesterday/style.css", "")
	if resp.StatusCode != http.StatusOK || strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("of another version: %d %v", resp.StatusCode, resp.Header)
	}
	if got := resp.Header.Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("content type %s", got)
	}
	for path, status := range map[string]int{"/static/x/nothing.css": 404, "/static/x/..%2fembed.go": 404, "/favicon.ico": 200} {
		if resp, _ := tn.request(http.MethodGet, path, ""); resp.StatusCode != status {
			t.Errorf("%s: status %d", path, resp.StatusCode)
		}
	}
}

func TestDemo(t *testing.T) {
	tn := newTown(t, func(o *Options) { o.Demo = true })
	c := tn.members("nuernberg", "Nürnberg", "rider@example.org")
	router := newDemoRouter(tn)
	tn.site.HandleDemo("mail", router)
	w := tn.browser()
	w.get("/demo").want(http.StatusOK, "").says("demo", "Toy mail")
	w.get("/demo/mail").want(http.StatusOK, "").says("toy", "list in "+c.Name)
	w.get("/demo/mail/17").want(http.StatusOK, "").says("toy", "mail 17 in "+c.Name)
	w.post("/demo/mail").want(http.StatusSeeOther, "/demo/mail")
	w.get("/demo/mastodon").want(http.StatusNotFound, "")

	noDemo := newTown(t)
	noDemo.site.HandleDemo("mail", router)
	noDemo.browser().get("/demo/mail").want(http.StatusNotFound, "")
}

func TestBrokenTemplateIsAnErrorAtTheStart(t *testing.T) {
	tn := newTown(t)
	for name, file := range map[string]string{
		"syntax":          `{{define "content"}}{{if}}{{end}}`,
		"unknown partial": `{{define "content"}}{{template "nothing" .}}{{end}}`,
		"broken markup":   `{{define "content"}}<a href="{{.T "x"}}{{end}}`,
	} {
		t.Run(name, func(t *testing.T) {
			n := Network{Definition: bots.Definition{Name: "broken", Files: fstest.MapFS{"page.tmpl": {Data: []byte(file)}}}, Network: tn.post}
			o := tn.site.Options
			o.Cities.Networks = []Network{n}
			if _, err := NewSite(o); err == nil || !strings.Contains(err.Error(), "broken") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	if _, err := NewSite(Options{Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a site without a database")
	}
}
