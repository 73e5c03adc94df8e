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
// says why. It is none where there are no files. What it leaves out, see Unread.
func Read(from fs.FS) ([]Sentence, error) {
	f := look(from)
	var list []Sentence
	for _, name := range f.sentences {
		found, err := readFile(from, name, Intent(path.Dir(name)))
		f.problems = append(f.problems, err)
		list = append(list, found...)
	}
	return list, errors.Join(f.problems...)
}

// Unread returns the names of the files below from that hold no sentences by their names,
// such as notes and what editors leave behind. Read says what is wrong with others.
func Unread(from fs.FS) []string { return look(from).unread }

// found are the files of a directory of sentences.
type found struct {
	sentences []string
	unread    []string
	problems  []error
}

// look sorts the files below a directory.
func look(from fs.FS) (f found) {
	for _, name := range f.list(from, ".") {
		switch isDir := isDirectory(from, name); {
		case isDir && slices.Contains(all, Intent(name)):
			f.lookInto(from, name)
		case isDir && !isHidden(name):
			f.refuse("%s: there is no such intent; rename or remove this directory (there are %s)", name, names())
		case !isDir && isText(name):
			f.refuse("%s: sentences stand in a directory that is called after their intent, as where/de.txt; move this file", name)
		default:
			f.unread = append(f.unread, name)
		}
	}
	return f
}

// lookInto sorts the files of an intent.
func (f *found) lookInto(from fs.FS, directory string) {
	for _, file := range f.list(from, directory) {
		switch name := directory + "/" + file; {
		case isHidden(file):
			f.unread = append(f.unread, name)
		case isDirectory(from, name):
			f.refuse("%s is not read: sentences stand in %s itself, as %s/de.txt; move what is in it, or remove it", name, directory, directory)
		case path.Ext(file) == ".txt":
			f.sentences = append(f.sentences, name)
		default:
			f.refuse("%s is not read: its name must end in .txt; rename it, or put it beside the directories if it holds no sentences", name)
		}
	}
}

// list returns the names in a directory.
func (f *found) list(from fs.FS, directory string) (list []string) {
	entries, err := fs.ReadDir(from, directory)
	if err != nil && !(directory == "." && errors.Is(err, fs.ErrNotExist)) {
		f.problems = append(f.problems, err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func (f *found) refuse(problem string, args ...any) {
	f.problems = append(f.problems, fmt.Errorf(problem, args...))
}

// isDirectory follows links, as of mounted directories.
func isDirectory(from fs.FS, name string) bool {
	info, err := fs.Stat(from, name)
	return err == nil && info.IsDir()
}

// isHidden tells whether a file is hidden, or what an editor keeps of its last state.
func isHidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") }

// isText tells whether a file is called as if it held sentences.
func isText(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return !isHidden(name) && (ext == ".txt" || ext == ".text")
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
