package frontend

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/http"

	"ticketfrei/bots/kit"
	"ticketfrei/templates"
)

// Files is how the site looks. What is nil is built into the program.
type Files struct {
	Templates fs.FS // as package templates has them
	Kit       fs.FS // as package bots/kit has them
}

// Check says what is broken in the files, and in those of the networks.
func (f Files) Check(networks []Network) error {
	_, err := f.read(networks)
	return err
}

// read reads how the site looks.
func (f Files) read(networks []Network) (l *look, err error) {
	l = &look{}
	if l.assets, err = loadAssets(cmp.Or[fs.FS](f.Templates, templates.Files)); err != nil {
		return nil, err
	}
	own, err := f.pages()
	if err != nil {
		return nil, err
	}
	l.views, err = own.with(networks)
	return l, err
}

// pages parses the templates of the site and of the kit.
func (f Files) pages() (pages, error) {
	if f == (Files{}) {
		return builtInPages()
	}
	return parsePages(cmp.Or[fs.FS](f.Templates, templates.Files), cmp.Or[fs.FS](f.Kit, kit.Files))
}

// look is how the site looks: its templates, styles and pictures.
type look struct {
	views  map[string]view
	assets *assets
	// builtIn are the views as they are in the program, where others are used.
	builtIn map[string]view
}

// readLook reads how the site looks. What is broken leaves it as it was.
func (s *Site) readLook() error {
	l, err := s.Files.read(s.Networks)
	if err != nil {
		return err
	}
	if s.Files != (Files{}) && !s.developing() {
		built, err := Files{}.read(nil)
		if err != nil {
			return err
		}
		l.builtIn = built.views
	}
	s.look.Store(l)
	return nil
}

// developing tells whether somebody changes the files while the site runs.
func (s *Site) developing() bool { return s.Fresh || s.Dev != nil }

// Reload reads texts, templates and styles as they are now. If something is broken, all of
// it stays as it was, and the error names file and line.
func (s *Site) Reload() error {
	err := s.Texts.Reload()
	if err == nil {
		err = s.readLook()
	}
	s.drawn.Forget(func(drawnKey, []byte) bool { return true })
	return err
}

// fresh has a developer see a change in the next answer. If something is broken, it
// answers with the error and returns false.
func (s *Site) fresh(w http.ResponseWriter) bool {
	err := s.Reload()
	if err != nil {
		showBroken(w, err)
	}
	return err == nil
}

// showBroken answers with the error itself, which names file and line. Only a
// developer may see that.
func showBroken(w http.ResponseWriter, err error) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = fmt.Fprintln(w, err)
}
