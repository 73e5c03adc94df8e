package frontend

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// fetch asks for a path as a browser of a language does.
func (tn *town) fetch(path, language string) (http.Header, string) {
	tn.t.Helper()
	r, err := http.NewRequestWithContext(tn.t.Context(), http.MethodGet, tn.url+path, nil)
	if err != nil {
		tn.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", language)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		tn.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tn.t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return resp.Header, string(body)
}

// A city's page can be put on a home screen, in the language in which it is read.
func TestManifest(t *testing.T) {
	tn := newTown(t)
	tn.members("nuernberg", "Nürnberg", "one@example.org")
	const path = "/city/nuernberg/manifest.webmanifest"
	if _, page := tn.fetch("/city/nuernberg", "ar"); !strings.Contains(page, `<link rel="manifest" href="`+path+`">`) {
		t.Error("the page has no manifest")
	}
	header, body := tn.fetch(path, "ar")
	if got := header.Get("Content-Type"); got != "application/manifest+json" {
		t.Errorf("type %q", got)
	}
	var m manifest
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	if m.ShortName != "Nürnberg" || m.Lang != "ar" || m.Dir != "rtl" || m.Start != "/city/nuernberg" || !strings.HasPrefix(m.Start, m.Scope) {
		t.Errorf("%+v", m)
	}
	for _, i := range m.Icons {
		if header, _ := tn.fetch(i.Src, "ar"); header.Get("Content-Type") != i.Type {
			t.Errorf("%s is %q", i.Src, header.Get("Content-Type"))
		}
	}
	if !slices.ContainsFunc(m.Icons, func(i icon) bool { return i.Purpose == "maskable" }) {
		t.Error("no icon can be cut to a shape")
	}
	if _, chosen := tn.fetch(path+"?lang=fr", "ar"); !strings.Contains(chosen, `"start_url":"/city/nuernberg?lang=fr"`) {
		t.Errorf("the chosen language is lost: %s", chosen)
	}
	tn.browser().get("/city/atlantis/manifest.webmanifest").want(http.StatusNotFound, "")
}

// The worker is looked for every time, and what it keeps is there.
func TestServiceWorker(t *testing.T) {
	tn := newTown(t)
	header, body := tn.fetch("/sw.js", "de")
	for name, want := range map[string]string{"Cache-Control": "no-cache", "Service-Worker-Allowed": "/city/", "Content-Type": "text/javascript; charset=utf-8"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	first, script, _ := strings.Cut(body, "\n")
	var site workerSite
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(first, "self.site = "), ";")), &site); err != nil || !strings.Contains(script, "addEventListener") {
		t.Fatalf("%v: %s", err, first)
	}
	for _, path := range append(site.Shell, site.Icon, site.Badge) {
		tn.fetch(path, "de")
	}
	german := tn.browser()
	german.lang = "de"
	page := german.get(site.Offline).want(http.StatusOK, "")
	page.translated()
	if !strings.Contains(page.body, "Kein Netz") {
		t.Errorf("says %s", page.body)
	}
}
