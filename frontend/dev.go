package frontend

import (
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"ticketfrei/templates"
)

// Dev tells the browsers of a developer that the site is another one now, and what is
// broken of it. It stays where a site goes and another comes.
type Dev struct {
	mu      sync.Mutex
	version int64
	trouble string
	news    chan struct{} // is closed when there is another version
	over    chan struct{} // is closed when a site ends
}

// NewDev returns what tells browsers.
func NewDev() *Dev {
	return &Dev{version: time.Now().UnixNano(), news: make(chan struct{}), over: make(chan struct{})}
}

// Changed has the browsers load their page again. err, which may be nil, is shown on it.
func (d *Dev) Changed(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.trouble = ""; err != nil {
		d.trouble = err.Error()
	}
	d.version++
	close(d.news)
	d.news = make(chan struct{})
}

// Trouble is what is broken at the moment; empty: nothing. A nil Dev knows of nothing.
func (d *Dev) Trouble() string {
	if d == nil {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.trouble
}

// Version names what the site is made of at the moment; empty for a nil Dev.
func (d *Dev) Version() string {
	if d == nil {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return strconv.FormatInt(d.version, 36)
}

// end ends the event streams, for which a server would wait.
func (d *Dev) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.over)
	d.over = make(chan struct{})
}

// handleReload tells a browser which version there is, again and again.
func (d *Dev) handleReload(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	_ = out.SetWriteDeadline(time.Time{})
	for {
		d.mu.Lock()
		news, over := d.news, d.over
		d.mu.Unlock()
		if _, err := fmt.Fprintf(w, "retry: 200\nevent: version\ndata: %s\n\n", d.Version()); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-news:
		case <-over:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// brokenPage is what is shown where there is no page to show.
var brokenPage = template.Must(template.New("broken").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Broken</title><script src="/dev/reload.js" data-version="{{.Version}}" defer></script><pre>{{.Trouble}}</pre></html>
`))

// Broken answers every request with what is broken, until the browser is told of another
// version.
func (d *Dev) Broken() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/dev/reload":
			d.handleReload(w, r)
		case "/dev/reload.js":
			handleReloadScript(w, r)
		default:
			d.showBroken(w, d.Trouble())
		}
	})
}

func (d *Dev) showBroken(w http.ResponseWriter, trouble string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	_ = brokenPage.Execute(w, struct{ Version, Trouble string }{d.Version(), trouble})
}

// handleReloadScript serves the script of a developer's pages.
func handleReloadScript(w http.ResponseWriter, _ *http.Request) {
	script, err := templates.Files.ReadFile("static/dev.js")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType("dev.js"))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(script)
}
