package frontend

import (
	"fmt"
	"io/fs"
	"net/http"

	"ticketfrei/bots/kit"
	"ticketfrei/templates"
)

// look is how the site looks: its templates, styles and pictures.
type look struct {
	views  map[string]view
	assets *assets
}

// readLook reads the look from the files built into the program, or from the
// source tree.
func (s *Site) readLook() error {
	site, parts := fs.FS(templates.Files), fs.FS(kit.Files)
	if s.Source != nil {
		var err error
		if site, err = fs.Sub(s.Source, "templates"); err != nil {
			return err
		}
		if parts, err = fs.Sub(s.Source, "bots/kit"); err != nil {
			return err
		}
	}
	l := &look{}
	var err error
	if l.assets, err = loadAssets(site); err != nil {
		return err
	}
	if l.views, err = parseViews(site, parts, s.Networks); err != nil {
		return err
	}
	s.look.Store(l)
	return nil
}

// fresh reads texts, templates and styles as they are in the source tree now,
// so that a developer sees a change in the next answer. If something is broken,
// it answers with the error and returns false.
func (s *Site) fresh(w http.ResponseWriter) bool {
	err := s.Texts.Reload()
	if err == nil {
		err = s.readLook()
	}
	s.drawn.Forget(func(drawnKey, []byte) bool { return true })
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
