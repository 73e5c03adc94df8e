package frontend

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strconv"
	"sync"
	"text/template/parse"
	"unicode/utf8"

	"ticketfrei/bots/kit"
	"ticketfrei/templates"
)

// settingsFile is a network's section of the settings page: a part of a page,
// without the layout.
const settingsFile = "settings.tmpl"

// view is a template ready to be executed: a set, and the name to begin with.
type view struct {
	set   *template.Template
	entry string
}

func (v view) execute(w io.Writer, p *page) error { return v.set.ExecuteTemplate(w, v.entry, p) }

// missingKey has templates show nothing where a map lacks a key.
const missingKey = "missingkey=zero"

// pages are the views of the site and of the kit, and what all views have in common.
type pages struct {
	base    *template.Template
	views   map[string]view
	builtIn bool
}

// builtInPages are those that are built into the program. They never change.
var builtInPages = sync.OnceValues(func() (pages, error) {
	p, err := parsePages(templates.Files, kit.Files)
	p.builtIn = true
	return p, err
})

// ofNetworks are the views of networks whose files are built into the program, parsed
// with builtInPages.
var ofNetworks sync.Map // networkFiles → map[string]view

type networkFiles struct {
	name  string
	files embed.FS
}

// of returns the views of a network.
func (p pages) of(n Network) (map[string]view, error) {
	files, fixed := n.Files.(embed.FS)
	if !fixed || !p.builtIn {
		return p.parse(n)
	}
	key := networkFiles{n.Name, files}
	if views, ok := ofNetworks.Load(key); ok {
		return views.(map[string]view), nil
	}
	views, err := p.parse(n)
	if err == nil {
		ofNetworks.Store(key, views)
	}
	return views, err
}

func (p pages) parse(n Network) (map[string]view, error) {
	views := map[string]view{}
	return views, addViews(views, p.base, n.Files, ".", "bots/"+n.Name)
}

// parsePages reads every page. The names are
//
//	home.tmpl             templates/home.tmpl
//	settings/rules.tmpl   templates/settings/rules.tmpl
//	bots/mail/page.tmpl   page.tmpl in the Files of network mail: see with
//	bots/kit/demo.tmpl    demo.tmpl of the networks' kit
//
// A page defines "content", which templates/layout.tmpl puts into the layout.
// The files in templates/partials, in templates/settings/partials and in the
// kit's partials can be used in every page. A network's settings.tmpl defines
// nothing: it is only a part of a page.
func parsePages(site, kit fs.FS) (pages, error) {
	p := pages{base: template.New("base").Option(missingKey), views: map[string]view{}}
	for _, pattern := range []string{"layout.tmpl", "partials/*.tmpl", "settings/partials/*.tmpl", "operator/partials/*.tmpl"} {
		if err := parseGlob(p.base, site, pattern); err != nil {
			return pages{}, err
		}
	}
	if err := parseGlob(p.base, kit, "partials/*.tmpl"); err != nil {
		return pages{}, err
	}
	if err := addViews(p.views, p.base, kit, ".", "bots/kit"); err != nil {
		return pages{}, err
	}
	for _, dir := range []string{".", "settings", "operator"} {
		if err := addViews(p.views, p.base, site, dir, dir); err != nil {
			return pages{}, err
		}
	}
	return p, nil
}

// with returns the views, and those of networks.
func (p pages) with(networks []Network) (map[string]view, error) {
	views := maps.Clone(p.views)
	for _, n := range networks {
		if n.Files == nil {
			continue
		}
		own, err := p.of(n)
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", n.Name, err)
		}
		maps.Copy(views, own)
	}
	return views, nil
}

// parseGlob adds the matching files to set. It is no error if none matches.
func parseGlob(set *template.Template, files fs.FS, pattern string) error {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("templates: %w", err)
		}
		if !utf8.Valid(text) {
			return fmt.Errorf("templates: %s: is no UTF-8", name)
		}
		if _, err := set.New(name).Parse(string(text)); err != nil {
			return fmt.Errorf("templates: %w", err)
		}
	}
	return nil
}

// addViews makes a view of every *.tmpl directly in dir, named prefix/<file>.
func addViews(views map[string]view, base *template.Template, files fs.FS, dir, prefix string) error {
	names, err := fs.Glob(files, path.Join(dir, "*.tmpl"))
	if err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	for _, file := range names {
		if file == "layout.tmpl" {
			continue
		}
		v, err := parseView(base, files, file)
		if err != nil {
			return err
		}
		views[path.Join(prefix, path.Base(file))] = v
	}
	return nil
}

func parseView(base *template.Template, files fs.FS, file string) (view, error) {
	v := view{set: template.New("").Option(missingKey), entry: "layout"}
	if err := parseGlob(v.set, files, file); err != nil {
		return view{}, err
	}
	if v.set.Lookup("content") == nil {
		v.entry = file
	}
	if err := take(v.set, base, v.entry, map[string]bool{}); err != nil {
		return view{}, fmt.Errorf("templates: %w", err)
	}
	return v, v.check(file)
}

// take copies into set what it lacks of a template and of all that it uses from base. A copy
// of all of base for every view would be most of what the program holds in memory.
func take(set, base *template.Template, name string, taken map[string]bool) (err error) {
	if taken[name] {
		return nil
	}
	taken[name] = true
	t := set.Lookup(name)
	if t == nil {
		from := base.Lookup(name)
		if from == nil || from.Tree == nil {
			return nil // check says so
		}
		if t, err = set.AddParseTree(name, from.Tree.Copy()); err != nil {
			return err
		}
	}
	walk(t.Tree.Root, func(part parse.Node) bool {
		if used, ok := part.(*parse.TemplateNode); ok {
			err = take(set, base, used.Name, taken)
		}
		return err == nil
	})
	return err
}

// check finds what html/template otherwise finds only when a template is first
// executed: names that are not defined, and markup that it cannot escape. An
// error that comes from the missing page is neither of these.
func (v view) check(file string) error {
	err := v.set.ExecuteTemplate(io.Discard, v.entry, nil)
	if broken, ok := errors.AsType[*template.Error](err); ok {
		return v.locate(broken, file)
	}
	return nil
}

// render writes the page of the template (see parsePages) with a translated
// title. It buffers the page: if it fails, nothing has been written.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) error {
	p := s.newPage(r, title, data)
	p.Wrong = status >= http.StatusBadRequest
	body, err := s.execute(name, p)
	if err != nil {
		return err
	}
	if p.Wrong {
		body = focused(body)
	}
	return writePage(w, r, status, body)
}

// focused has a page that says that something is wrong begin there: at the first wrong
// field, or else at its heading. focus.js does it where browsers leave it to the
// fragment of the address.
func focused(body []byte) []byte {
	const field = `aria-invalid="true"`
	if bytes.Contains(body, []byte(field)) {
		return bytes.Replace(body, []byte(field), []byte(field+" autofocus"), 1)
	}
	return bytes.Replace(body, []byte("<h1"), []byte(`<h1 tabindex="-1" autofocus`), 1)
}

// execute makes a page, or a part of one, from the template.
func (s *Site) execute(name string, p *page) ([]byte, error) {
	v, ok := s.look.Load().views[name]
	if !ok {
		return nil, fmt.Errorf("there is no template %s", name)
	}
	var buf bytes.Buffer
	err := v.execute(&buf, p)
	if built, ok := s.look.Load().builtIn[name]; err != nil && ok {
		s.Log.Error("a template of web.templates fails, the one that is built in is used", "template", name, "err", err)
		buf.Reset()
		err = built.execute(&buf, p)
	}
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// writePage answers with a page that belongs to one visitor.
func writePage(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if len(body) >= gzipFrom {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body = compress(body, padding())
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A visitor who has left does not need the rest.
	_, _ = w.Write(body)
	return nil
}

// Page writes a page of a network in the layout of the city's pages: see
// bots.Site.
func (s *Site) Page(w http.ResponseWriter, r *http.Request, status int, network, name, title string, data any) error {
	return s.render(w, r, status, "bots/"+network+"/"+name, title, data)
}

// sectionOf makes the network's section of the settings page (its
// settings.tmpl) with p as its root. Set Data and Bot first.
func (s *Site) sectionOf(network string, p *page) (template.HTML, error) {
	html, err := s.execute("bots/"+network+"/"+settingsFile, p)
	return template.HTML(html), err
}
