package frontend

import (
	"net/http"
	"testing"
	"testing/fstest"

	"ticketfrei/templates"
)

// TestOwnTemplateThatFails has an operator's template parse and then fail: visitors get
// the page that is built in.
func TestOwnTemplateThatFails(t *testing.T) {
	t.Parallel()
	tn := newTown(t, func(o *Options) {
		o.Files.Templates = fstest.MapFS(copied(t, map[string]string{
			"home.tmpl": `{{define "content"}}Mine {{.Data.Nowhere}}{{end}}`, "login.tmpl": `{{define "content"}}My login{{end}}`}))
	})
	tn.browser().get("/").want(http.StatusOK, "").silent("main", "Mine")
	tn.browser().get("/login").want(http.StatusOK, "").says("main", "My login")
}

// copied are the templates that are built in, with some others in their place.
func copied(t *testing.T, mine map[string]string) map[string]*fstest.MapFile {
	t.Helper()
	files := map[string]*fstest.MapFile{}
	for _, dir := range []string{".", "partials", "settings", "settings/partials", "operator", "operator/partials", "static"} {
		list, err := templates.Files.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			name := e.Name()
			if dir != "." {
				name = dir + "/" + name
			}
			if e.IsDir() {
				continue
			}
			data, err := templates.Files.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	for name, text := range mine {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}
