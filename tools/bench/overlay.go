package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"ticketfrei/tools/bench/panicking"
)

// overlay changes the files of a build without touching them: see -overlay in
// "go help build".
type overlay struct {
	dir     string
	Replace map[string]string // file of the build → file that takes its place
}

func (b *bench) newOverlay() (*overlay, error) {
	dir, err := b.newDir("overlay")
	return &overlay{dir, map[string]string{}}, err
}

// put gives the file at path this content. The file need not exist.
func (o *overlay) put(path, content string) error {
	to := filepath.Join(o.dir, strings.ReplaceAll(path, string(filepath.Separator), "_"))
	o.Replace[path] = to
	return os.WriteFile(to, []byte(content), 0o644)
}

// mount makes the files of the directory from appear in the directory at.
func (o *overlay) mount(from, at string) error {
	list, err := os.ReadDir(from)
	for _, f := range list {
		o.Replace[filepath.Join(at, f.Name())] = filepath.Join(from, f.Name())
	}
	return err
}

// write writes the list of changed files for the Go command and returns its
// name.
func (o *overlay) write() (string, error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	file := filepath.Join(o.dir, "overlay.json")
	return file, os.WriteFile(file, raw, 0o644)
}

// build builds the program with the changed files and returns the binary.
func (o *overlay) build(ctx context.Context, b *bench) (string, error) {
	file, err := o.write()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(o.dir, "ticketfrei")
	return binary, b.build(ctx, binary, "-overlay", file)
}

// errUnknownSource says that a file to be changed does not look as expected.
var errUnknownSource = errors.New("the source has changed: the benchmark must follow")

// withPanicking builds the program with the network whose bots panic.
func (b *bench) withPanicking(ctx context.Context) (string, error) {
	o, err := b.panickingOverlay()
	if err != nil {
		return "", err
	}
	return o.build(ctx, b)
}

// panickingOverlay puts the directory of the panicking network among those of
// the other networks.
func (b *bench) panickingOverlay() (*overlay, error) {
	o, err := b.newOverlay()
	if err != nil {
		return nil, err
	}
	source := filepath.Join(b.product, "tools", "bench", panicking.Name)
	if err := o.mount(source, filepath.Join(b.product, "bots", panicking.Name)); err != nil {
		return nil, err
	}
	return o, o.list(filepath.Join(b.product, "bots", "all", "all.go"), panicking.Name)
}

// list adds a network to the list of networks in file.
func (o *overlay) list(file, network string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(raw)
	const imports, entries = "import (\n", "return []bots.Definition{\n"
	if strings.Count(text, imports) != 1 || strings.Count(text, entries) != 1 {
		return errUnknownSource
	}
	text = strings.Replace(text, imports, imports+"\t\"ticketfrei/bots/"+network+"\"\n", 1)
	text = strings.Replace(text, entries, entries+"\t\t"+network+".Definition(),\n", 1)
	return o.put(file, text)
}
