package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/filter"
	"ticketfrei/relay"
	"ticketfrei/supervisor"
	"ticketfrei/templates"
)

// devFlag is the flag of the commands that start a server.
type devFlag struct {
	Dev bool `help:"For developers: read templates, styles and texts from the source in the working directory, again for every request."`
}

// sourceTree returns the source tree that the server reads its files from. It
// is empty without the flag.
func (f devFlag) sourceTree() (sourceTree, error) {
	if !f.Dev {
		return "", nil
	}
	if _, err := os.Stat("templates/layout.tmpl"); err != nil {
		return "", &usageError{errors.New("--dev reads templates/ in the working directory, and there is none: go to the root of Ticketfrei's source and run: go run . demo --dev")}
	}
	return ".", nil
}

// sourceTree is the directory of the program's source, whose files a developer
// changes while the server runs. If it is empty, the files built into the
// program are used.
type sourceTree string

// folder returns a directory of the tree.
func (t sourceTree) folder(dir string) folder {
	return folder{os.DirFS(filepath.Join(string(t), dir)), dir}
}

// networks returns the definitions with their files read from the tree.
func (t sourceTree) networks(definitions []bots.Definition) []bots.Definition {
	if t == "" {
		return definitions
	}
	list := slices.Clone(definitions)
	for i := range list {
		dir := "bots/" + list[i].Name
		if _, err := os.Stat(filepath.Join(string(t), dir)); err == nil { // an outside program has none
			list[i].Files = t.folder(dir)
		}
	}
	return list
}

// folder is a directory of the source tree. Errors name it.
type folder struct {
	fs.FS
	dir string
}

func (f folder) String() string { return f.dir }

// textSources returns the sources of all texts of the pages and the networks.
func textSources(t sourceTree, definitions []bots.Definition) []fs.FS {
	var list []fs.FS
	if t == "" {
		list = slices.Concat([]fs.FS{filter.Texts, relay.Texts, supervisor.Texts}, templates.Texts, kit.Texts)
	} else {
		for _, dir := range []string{"filter", "relay", "supervisor", "templates", "templates/settings", "templates/operator", "templates/about", "templates/app", "templates/city", "templates/lines", "bots/kit", "bots/kit/remote"} {
			list = append(list, t.folder(dir))
		}
	}
	for _, d := range definitions {
		list = append(list, d.Files)
	}
	return list
}
