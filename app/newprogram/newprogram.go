// Package newprogram writes the beginning of an outside program, in one of some languages.
package newprogram

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed files
var files embed.FS

// language is what a program is written in.
type language struct {
	name     string
	file     string // with "%s" for the program's name
	command  string // the list as it stands in TOML, in the same way
	requires string
	memory   int // MiB that its idle process is far from
}

// languages are those that there are, with the easiest first.
var languages = []language{
	{"python", "%s.py", `["python3", "%s.py"]`, "python3", 128},
	{"sh", "%s.sh", `["./%s.sh"]`, "", 64},
	{"go", "main.go", `["./%s"]`, "", 128},
	{"node", "%s.js", `["node", "%s.js"]`, "node", 512},
}

// Languages returns their names.
func Languages() (names []string) {
	for _, l := range languages {
		names = append(names, l.name)
	}
	return names
}

// abilities are what a program can, with the type of the line that it is told then, if any.
var abilities = []struct{ can, line string }{
	{"receive", "kept"}, {"send", "send"}, {"answer", "answer"}, {"retract", "retract"}, {"recipients", ""}, {"task", "task"}, {"command", "command"}, {"route", "request"}, {"schedule", "tick"},
}

// Abilities returns what a program can.
func Abilities() (names []string) {
	for _, a := range abilities {
		names = append(names, a.can)
	}
	return names
}

// Program is what to write.
type Program struct {
	Name     string // also of the directory, and of the network
	Language string
	Can      []string
}

// Write writes the program into a new directory of dir, and returns its files. A program in
// Go is built where Go is installed; built is false else. Where something fails, nothing is
// left.
func (p Program) Write(ctx context.Context, dir string) (paths []string, built bool, err error) {
	l, content, err := p.render()
	if err != nil {
		return nil, false, err
	}
	own := filepath.Join(dir, p.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, err
	}
	if err := os.Mkdir(own, 0o755); errors.Is(err, os.ErrExist) {
		return nil, false, fmt.Errorf("%s is there already: choose another name, or take it away", own)
	} else if err != nil {
		return nil, false, err
	}
	for _, f := range content {
		path := filepath.Join(own, f.name)
		if err := os.WriteFile(path, f.content, f.mode); err != nil {
			return nil, false, errors.Join(err, os.RemoveAll(own))
		}
		paths = append(paths, path)
	}
	if l.name != "go" {
		return paths, true, nil
	}
	built, err = build(ctx, own, p.Name)
	if err != nil {
		return nil, false, errors.Join(err, os.RemoveAll(own))
	}
	return paths, built, nil
}

type newFile struct {
	name    string
	content []byte
	mode    os.FileMode
}

// render makes the files.
func (p Program) render() (l language, list []newFile, err error) {
	i := slices.IndexFunc(languages, func(l language) bool { return l.name == p.Language })
	if i < 0 {
		return l, nil, fmt.Errorf("there is no language %q: it is one of %s", p.Language, strings.Join(Languages(), ", "))
	}
	l = languages[i]
	data, err := p.data(l)
	if err != nil {
		return l, nil, err
	}
	for _, f := range []struct{ template, name string }{
		{"program.toml", "program.toml"}, {l.name, strings.ReplaceAll(l.file, "%s", p.Name)},
	} {
		content, err := execute(f.template, data)
		if err != nil {
			return l, nil, err
		}
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(content, []byte("#!")) {
			mode = 0o755
		}
		list = append(list, newFile{f.name, content, mode})
	}
	if l.name == "go" {
		list = append(list, newFile{"go.mod", []byte("module " + p.Name + "\n\ngo 1.24\n"), 0o644})
	}
	return l, list, nil
}

// data is what the templates see.
func (p Program) data(l language) (map[string]any, error) {
	does := map[string]bool{}
	for _, can := range p.Can {
		if !slices.Contains(Abilities(), can) {
			return nil, fmt.Errorf("%q is nothing that a program can: it is one of %s", can, strings.Join(Abilities(), ", "))
		}
		does[can] = true
	}
	for _, can := range []string{"retract", "recipients"} {
		if does[can] && !does["send"] {
			return nil, fmt.Errorf("%s needs send, too: --can send,%s", can, can)
		}
	}
	var can, handlers []string
	for _, a := range abilities {
		if does[a.can] {
			can = append(can, a.can)
		}
		if does[a.can] && a.line != "" {
			handlers = append(handlers, a.line)
		}
	}
	return map[string]any{
		"Name": p.Name, "Title": strings.ToUpper(p.Name[:1]) + p.Name[1:], "Command": strings.ReplaceAll(l.command, "%s", p.Name),
		"Requires": l.requires, "Memory": l.memory, "Can": can, "Does": does, "Handlers": handlers,
	}, nil
}

func execute(name string, data any) ([]byte, error) {
	t, err := template.ParseFS(files, "files/"+name+".tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, data)
	return b.Bytes(), err
}

// build builds a program in Go, linked statically, so that it runs everywhere.
func build(ctx context.Context, dir, name string) (bool, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return false, nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", name, ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		return false, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return true, nil
}
