package frontend

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/internal/markdown"
)

// maxOwnText bounds a text of the operator's, in bytes.
const maxOwnText = 256 << 10

// imprintPage is what imprint.tmpl shows, privacyPage what privacy.tmpl does.
type imprintPage struct {
	Own     template.HTML // the operator's text; empty: the default is shown
	Headed  bool          // it has a heading of its own
	Address string        // where the operator reads; empty: nowhere
}

type privacyPage struct {
	imprintPage
	Networks string   // their names
	Visible  []string // where networks show who wrote
	Kept     string   // for how long reports are
}

// handleImprint says who runs the server: /imprint.
func (s *Site) handleImprint(w http.ResponseWriter, r *http.Request) error {
	data := s.aboutOperator(s.Config.Web.Imprint)
	return s.render(w, r, http.StatusOK, "imprint.tmpl", s.T(r, "imprint.title"), data)
}

// handlePrivacy says what is kept of whom: /privacy.
func (s *Site) handlePrivacy(w http.ResponseWriter, r *http.Request) error {
	data := privacyPage{imprintPage: s.aboutOperator(s.Config.Web.Privacy), Kept: s.keptFor(r)}
	var names []string
	lang := visitOf(r.Context()).lang
	for _, n := range s.Networks {
		if _, elsewhere := n.Network.(bots.Addressed); !elsewhere {
			continue
		}
		names = append(names, s.networkName(lang, n.Name))
		if visible := s.optional(lang, n.Name+".visible"); visible != "" {
			data.Visible = append(data.Visible, visible)
		}
	}
	data.Networks = strings.Join(names, " · ")
	return s.render(w, r, http.StatusOK, "privacy.tmpl", s.T(r, "privacy.title"), data)
}

// aboutOperator reads the operator's text in a file, and finds where they can be written
// to. A file that cannot be read any more is an error of the server's, which the log
// tells: the default stands in for it.
func (s *Site) aboutOperator(file string) imprintPage {
	p := imprintPage{}
	if s.mailLeaves() { // mail for postmaster is kept for the operator
		p.Address = "postmaster@" + s.Config.Mail.Domain
	}
	if file == "" {
		return p
	}
	text, err := ownText(file)
	if err != nil {
		s.Log.Error("a text of the operator's cannot be read, the default is shown", "err", err)
		return p
	}
	p.Own = markdown.HTML(text)
	p.Headed = strings.Contains(string(p.Own), "<h1")
	return p
}

// ownText reads a text of the operator's.
func ownText(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxOwnText+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > maxOwnText:
		return "", fmt.Errorf("%s is longer than %d kB", file, maxOwnText>>10)
	case strings.TrimSpace(string(text)) == "":
		return "", fmt.Errorf("%s is empty", file)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD"), nil
}

// CheckOwnTexts says which texts cannot be read that the settings name.
func CheckOwnTexts(web config.Web) error {
	var errs []error
	for key, file := range map[string]string{"web.imprint": web.Imprint, "web.privacy": web.Privacy} {
		if file == "" {
			continue
		}
		if _, err := ownText(file); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w; write the path of a file with your text in markdown, or leave the setting empty", key, err))
		}
	}
	return errors.Join(errs...)
}

// sayOwnTexts tells the operator of a server for others that they say nothing about
// themselves.
func (s *Site) sayOwnTexts() {
	if u, err := url.Parse(s.Config.Web.URL); err == nil && s.Config.Web.Imprint == "" && config.IsPublic(u.Hostname()) {
		s.Log.Info("the imprint says only how you are reached: put your text into a file and name it in web.imprint")
	}
}

// keptFor says for how long reports are kept: in days, where they are whole.
func (s *Site) keptFor(r *http.Request) string {
	const day = 24 * time.Hour
	if keep := s.Config.Reports.Keep; keep%day != 0 {
		return s.T(r, "privacy.kept_hours", "Count", int((keep+time.Hour-1)/time.Hour))
	}
	return s.T(r, "privacy.kept", "Count", int(s.Config.Reports.Keep/day))
}
