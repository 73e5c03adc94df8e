package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// overlay replaces files of a build without touching them: see "go help build",
// -overlay.
type overlay struct {
	dir     string
	Replace map[string]string // file of the build → file that takes its place
}

func (b *bench) newOverlay() (*overlay, error) {
	dir, err := b.newDir("overlay")
	return &overlay{dir, map[string]string{}}, err
}

// put makes the file at path have this content.
func (o *overlay) put(path, content string) error {
	to := filepath.Join(o.dir, strings.ReplaceAll(path, string(filepath.Separator), "_"))
	o.Replace[path] = to
	return os.WriteFile(to, []byte(content), 0o644)
}

// build builds the program with the files replaced and returns the binary.
func (o *overlay) build(ctx context.Context, b *bench) (string, error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	list := filepath.Join(o.dir, "overlay.json")
	if err := os.WriteFile(list, raw, 0o644); err != nil {
		return "", err
	}
	binary := filepath.Join(o.dir, "ticketfrei")
	return binary, b.build(ctx, binary, "-overlay", list)
}

// errUnknownSource is that a file is not as a change of it expects.
var errUnknownSource = errors.New("the source has changed: the benchmark must follow")

// withPanicking builds the program with the network whose bots panic.
func (b *bench) withPanicking(ctx context.Context) (string, error) {
	o, err := b.newOverlay()
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.module, filepath.FromSlash("bots/all/all.go"))
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := string(raw)
	const imports, list = "import (\n", "return []bots.Definition{\n"
	if !strings.Contains(text, imports) || !strings.Contains(text, list) {
		return "", errUnknownSource
	}
	text = strings.Replace(text, imports, imports+"\t\"ticketfrei/tools/bench/panicking\"\n", 1)
	text = strings.Replace(text, list, list+"\t\tpanicking.Definition(),\n", 1)
	if err := o.put(path, text); err != nil {
		return "", err
	}
	return o.build(ctx, b)
}
