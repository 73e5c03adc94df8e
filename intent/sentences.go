package intent

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

//go:embed data fixed
var files embed.FS

// Sentence is one to learn from.
type Sentence struct {
	Text   string
	Intent Intent
}

// BuiltIn returns the sentences that are built in.
func BuiltIn() []Sentence {
	list, err := Read(below("data"))
	if err != nil {
		panic(fmt.Sprint("intent: data: ", err)) // a test reads them
	}
	return list
}

// Fixed returns sentences that nobody learns from: what is taken for what among them is
// checked.
func Fixed() []Sentence {
	var list []Sentence
	for _, is := range all {
		found, err := readFile(below("fixed"), string(is)+".txt", is)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			panic(fmt.Sprint("intent: fixed: ", err)) // a test reads them
		}
		list = append(list, found...)
	}
	return list
}

func below(directory string) fs.FS {
	dir, err := fs.Sub(files, directory)
	if err != nil {
		panic(err) // the name is right
	}
	return dir
}

// maxFile is how long a file of sentences may be, in bytes.
const maxFile = 1 << 20

// Read reads <intent>/<language>.txt below from: one sentence a line, empty lines and
// those that begin with "#" left out. The error names each file that cannot be used, and
// says why. It is none where there are no files.
func Read(from fs.FS) ([]Sentence, error) {
	names, err := fs.Glob(from, "*/*.txt")
	if err != nil {
		return nil, err
	}
	problems := unknown(from)
	var list []Sentence
	for _, name := range names {
		is := Intent(path.Dir(name))
		if !slices.Contains(all, is) {
			continue // unknown says so
		}
		found, err := readFile(from, name, is)
		problems = append(problems, err)
		list = append(list, found...)
	}
	return list, errors.Join(problems...)
}

// unknown says which directories are not called after an intent, and which files stand
// beside them.
func unknown(from fs.FS) (problems []error) {
	entries, err := fs.ReadDir(from, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []error{err}
	}
	for _, e := range entries {
		switch {
		case e.IsDir() && !slices.Contains(all, Intent(e.Name())):
			problems = append(problems, fmt.Errorf("%s: there is no such intent; rename or remove this directory (there are %s)", e.Name(), names()))
		case !e.IsDir() && path.Ext(e.Name()) == ".txt":
			problems = append(problems, fmt.Errorf("%s: sentences stand in a directory that is called after their intent, as where/de.txt; move this file", e.Name()))
		}
	}
	return problems
}

// names are those of the intents.
func names() string {
	var list []string
	for _, i := range all {
		list = append(list, string(i))
	}
	return strings.Join(list, ", ")
}

func readFile(from fs.FS, name string, is Intent) ([]Sentence, error) {
	raw, err := fs.ReadFile(from, name)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFile {
		return nil, fmt.Errorf("%s: the file is longer than 1 MB; a few hundred sentences are enough", name)
	}
	var list []Sentence
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(raw), "\uFEFF")) {
		number++
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("%s:%d: this is not UTF-8; save the file as UTF-8", name, number)
		}
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if utf8.RuneCountInString(line) > longest {
			return nil, fmt.Errorf("%s:%d: this sentence is longer than %d characters; shorten it, or take it out", name, number, longest)
		}
		list = append(list, Sentence{line, is})
	}
	return list, nil
}
