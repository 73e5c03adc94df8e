package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/frontend"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/nearest"
	"ticketfrei/templates"
)

// siteFiles are where a server takes its templates, styles and texts from: what is built into
// the program or stands in a source tree, with files of the operator's in their place.
type siteFiles struct {
	tree sourceTree
	own  string // web.templates; empty: there are none
}

// look returns the files of the site's pages.
func (f siteFiles) look() frontend.Files {
	l := frontend.Files{}
	if f.tree != "" {
		l = frontend.Files{Templates: f.tree.folder("templates"), Kit: f.tree.folder("bots/kit")}
	}
	if f.own == "" {
		return l
	}
	base := frontend.Files{Templates: templates.Files, Kit: kit.Files}
	if f.tree != "" {
		base = l
	}
	return frontend.Files{Templates: f.over("", base.Templates), Kit: f.over("bots/kit", base.Kit)}
}

// networks returns the definitions with their files.
func (f siteFiles) networks(definitions []bots.Definition) []bots.Definition {
	list := f.tree.networks(definitions)
	if f.own == "" {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		if list[i].Files != nil {
			list[i].Files = f.over("bots/"+list[i].Name, list[i].Files)
		}
	}
	return list
}

// texts returns the sources of all texts. The definitions are those of networks.
func (f siteFiles) texts(definitions []bots.Definition) []fs.FS {
	list := textSources(f.tree, definitions)
	if f.own != "" {
		list = append(list, i18n.Own(folder{os.DirFS(f.own), f.own}))
	}
	return list
}

func (f siteFiles) over(dir string, base fs.FS) fs.FS {
	return over{os.DirFS(filepath.Join(f.own, dir)), base}
}

// over are files some of which are taken from a directory, by their names. Texts are not:
// those are replaced one by one.
type over struct{ own, base fs.FS }

// Open opens a file.
func (o over) Open(name string) (fs.File, error) {
	if path.Ext(name) == ".toml" {
		return o.base.Open(name)
	}
	file, err := o.own.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return o.base.Open(name)
	}
	if err != nil {
		return nil, err // it is not to be passed over
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return o.base.Open(name)
	}
	return file, nil
}

// String names the base, whose texts are read.
func (o over) String() string {
	if named, ok := o.base.(fmt.Stringer); ok {
		return named.String()
	}
	return ""
}

// check says what is wrong with the operator's files: with their names, and what of them
// is broken.
func (f siteFiles) check(definitions []bots.Definition) (problems []error) {
	if f.own == "" {
		return nil
	}
	info, err := os.Stat(f.own)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no directory")
	}
	if err != nil {
		return []error{fmt.Errorf("web.templates: %s cannot be read: %w", f.own, err)}
	}
	problems = f.strangers(definitions)
	fail := func(err error) { problems = append(problems, fmt.Errorf("web.templates: %s: %w", f.own, err)) }
	list := f.networks(definitions)
	var networks []frontend.Network
	for _, d := range list {
		networks = append(networks, frontend.Network{Definition: d})
	}
	if err := f.look().Check(networks); err != nil {
		fail(err)
	}
	if _, err := i18n.New(f.texts(list)...); err != nil {
		fail(err)
	}
	return problems
}

// strangers says which of the operator's files take no place.
func (f siteFiles) strangers(definitions []bots.Definition) (problems []error) {
	if f.own == "" {
		return nil
	}
	known := f.known(definitions)
	err := fs.WalkDir(os.DirFS(f.own), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(entry.Name(), "."): // of an editor, or of git
			if entry.IsDir() {
				return fs.SkipDir
			}
		case slices.Contains(known, name):
			wrong := unreadable(filepath.Join(f.own, name))
			if wrong == nil {
				wrong = f.lacking(name, definitions)
			}
			if wrong != nil {
				problems = append(problems, fmt.Errorf("web.templates: %w", wrong))
			}
		case entry.IsDir() || name == "README.md":
		case path.Ext(name) == ".toml":
			if path.Dir(name) != "." { // which of those there are known is for i18n to say
				problems = append(problems, fmt.Errorf("web.templates: %s: texts of yours stand in %s", filepath.Join(f.own, name), filepath.Join(f.own, path.Base(name))))
			}
		default:
			problems = append(problems, fmt.Errorf("web.templates: %s: the program has no such file%s", filepath.Join(f.own, name), meant(name, known)))
		}
		return nil
	})
	if err != nil {
		problems = append(problems, fmt.Errorf("web.templates: %w", err))
	}
	return problems
}

// unreadable says why a file of the operator's cannot take its place.
func unreadable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is no file", path)
	}
	return err
}

// begins are the parts that a page begins with: without them it is empty, or has no layout.
// Of other parts that are missing, frontend says which page needs them.
var begins = regexp.MustCompile(`{{-?\s*(?:define|block)\s+"(?:content|layout)"`)

// lacking says that a template of the operator's lacks the part that its page begins with.
func (f siteFiles) lacking(name string, definitions []bots.Definition) error {
	if path.Ext(name) != ".tmpl" {
		return nil
	}
	own, err := os.ReadFile(filepath.Join(f.own, name))
	if err != nil {
		return err
	}
	replaced, err := builtInFile(name, definitions)
	if part := begins.Find(replaced); err == nil && part != nil && !begins.Match(own) {
		err = fmt.Errorf("%s: lacks %s}}, which the file has that is built in", filepath.Join(f.own, name), part)
	}
	return err
}

// builtInFile returns the file that one of the operator's takes the place of.
func builtInFile(name string, definitions []bots.Definition) ([]byte, error) {
	if file, ok := strings.CutPrefix(name, "bots/kit/"); ok {
		return fs.ReadFile(kit.Files, file)
	}
	for _, d := range definitions {
		if file, ok := strings.CutPrefix(name, "bots/"+d.Name+"/"); ok && d.Files != nil {
			return fs.ReadFile(d.Files, file)
		}
	}
	return fs.ReadFile(templates.Files, name)
}

// known are the names of the files whose place may be taken.
func (f siteFiles) known(definitions []bots.Definition) (names []string) {
	add := func(dir string, files fs.FS) {
		_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && path.Ext(name) != ".toml" && path.Ext(name) != ".go" {
				names = append(names, path.Join(dir, name))
			}
			return nil
		})
	}
	add("", templates.Files)
	add("bots/kit", kit.Files)
	for _, d := range definitions {
		if d.Files != nil {
			add("bots/"+d.Name, d.Files)
		}
	}
	return names
}

// meant asks whether another file was meant; empty where none is like it.
func meant(name string, known []string) string {
	like, least := "", 3
	for _, k := range known {
		d := min(nearest.Edits(name, k), nearest.Edits(path.Base(name), path.Base(k)))
		if d < least {
			like, least = k, d
		}
	}
	if like == "" {
		return ""
	}
	return "; did you mean " + like + "?"
}
