package frontend

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxKept bounds what is kept of a form over a login, in bytes: written into another form
// it must fit into maxForm.
const maxKept = 16 << 10

// keptForm is a form of the settings that was sent after the login had run out. It is not
// stored: the login page has it, for browsers without scripts.
type keptForm struct {
	Path   string
	Fields []keptField
}

type keptField struct{ Name, Value string }

// neverKept are the fields that a page shows to nobody.
var neverKept = []string{"password", "old", "new", "token", "secret"}

// keep returns a form that was sent as JSON; empty where nothing was typed into it.
func keep(w http.ResponseWriter, r *http.Request) string {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return ""
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSettingsForm)
	if r.ParseForm() != nil {
		return ""
	}
	makeValid(r.PostForm)
	f, typed := keptForm{Path: r.URL.Path}, false
	for name, values := range r.PostForm {
		if slices.Contains(neverKept, name) {
			continue
		}
		for _, v := range values {
			f.Fields = append(f.Fields, keptField{name, v})
			typed = typed || name != cityField && v != ""
		}
	}
	raw, err := json.Marshal(f)
	if err != nil || !typed || len(raw) > maxKept {
		return ""
	}
	return string(raw)
}

// keptOf reads what keep has written; ok is false where it is something else.
func keptOf(raw string) (f keptForm, ok bool) {
	if raw == "" || json.Unmarshal([]byte(raw), &f) != nil {
		return f, false
	}
	return f, strings.HasPrefix(f.Path, "/settings/") && localPath(f.Path) == f.Path
}

// askLogin asks visitors who are not logged in to do so, and keeps what they have sent.
func (s *Site) askLogin(w http.ResponseWriter, r *http.Request) error {
	kept := keep(w, r)
	if kept == "" {
		http.Redirect(w, r, loginURL(r), http.StatusSeeOther)
		return nil
	}
	return s.loginPage(w, r, http.StatusUnauthorized, loginForm{Next: pageOfForm(r), Kept: kept, Again: true})
}

// pageOfForm is the page that a form was sent from, where the browser says so: what was typed
// there is in its drafts.
func pageOfForm(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || !strings.HasPrefix(from.Path, "/settings") {
		return "/settings"
	}
	return localPath(from.RequestURI())
}

// showAgain offers to send a form that was kept over the login.
func (s *Site) showAgain(w http.ResponseWriter, r *http.Request, f keptForm) error {
	return s.render(w, r, http.StatusOK, "again.tmpl", s.T(r, "login.again.title"), f)
}
