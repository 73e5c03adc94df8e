// Package templates holds the pages, the stylesheet, the icons and the texts
// of the web site, as files built into the program.
package templates

import (
	"embed"
	"io/fs"
	"path"
)

// Files are the files of this directory that make up the site.
//
//go:embed *.tmpl *.toml partials operator settings about app city lines static
var Files embed.FS

// Texts are the sources of the translation catalogue in Files: directories with
// an en.toml and a de.toml each, texts for riders, or both.
var Texts = []fs.FS{Files, directory("settings"), directory("operator"), directory("about"), directory("app"), directory("city"), directory("lines")}

// directory is a directory of Files as a file system of its own.
type directory string

// Open opens a file of the directory.
func (d directory) Open(name string) (fs.File, error) {
	return Files.Open(path.Join(string(d), name))
}
