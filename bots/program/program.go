// Package program makes networks of outside programs: a directory with a program.toml is a
// network, whose bots are processes that are talked to by lines of JSON on stdin and stdout.
package program

import (
	"bytes"
	"embed"
	"io/fs"
	"testing/fstest"

	"github.com/BurntSushi/toml"

	"ticketfrei/bots"
)

//go:embed settings.tmpl en.toml de.toml
var files embed.FS

// Definitions returns the networks that the enabled programs in a directory are. taken are
// the other networks of the program. For errors see Load.
func Definitions(dir string, taken []bots.Definition) ([]bots.Definition, error) {
	list, err := Load(dir, namesOf(taken))
	if err != nil {
		return nil, err
	}
	var definitions []bots.Definition
	for _, m := range list {
		if !m.Enabled {
			continue
		}
		d, err := m.Definition(len(definitions) == 0)
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, d)
	}
	return definitions, nil
}

func namesOf(definitions []bots.Definition) []string {
	var names []string
	for _, d := range definitions {
		names = append(names, d.Name)
	}
	return names
}

// Definition returns the network that the program is. The first of all holds the texts that
// they share.
func (m *Manifest) Definition(first bool) (bots.Definition, error) {
	own, err := m.files(first)
	if err != nil {
		return bots.Definition{}, err
	}
	return bots.Definition{Name: m.Network, Migrations: migrations(m.Network), Files: own,
		New: func(h bots.Host) (bots.Network, error) { return newNetwork(m, h), nil }}, nil
}

// files are the template and the texts of the network.
func (m *Manifest) files(first bool) (fs.FS, error) {
	template, err := files.ReadFile("settings.tmpl")
	if err != nil {
		return nil, err
	}
	own := fstest.MapFS{"settings.tmpl": {Data: template}}
	for language, of := range map[string]func(Text) string{"en": func(t Text) string { return t.En }, "de": func(t Text) string { return t.De }} {
		var b bytes.Buffer
		if err := toml.NewEncoder(&b).Encode(map[string]any{m.Network: m.texts(of)}); err != nil {
			return nil, err
		}
		if first {
			shared, err := files.ReadFile(language + ".toml")
			if err != nil {
				return nil, err
			}
			b.Write(shared)
		}
		own[language+".toml"] = &fstest.MapFile{Data: b.Bytes()}
	}
	return own, nil
}

// texts are those of the network in one language.
func (m *Manifest) texts(of func(Text) string) map[string]string {
	list := map[string]string{"title": of(m.Name)}
	if m.Description.En != "" {
		list["blurb"] = of(m.Description)
	}
	for _, s := range m.Settings {
		list["field_"+s.Name] = of(s.Label)
		if s.Hint.En != "" {
			list["hint_"+s.Name] = of(s.Hint)
		}
	}
	return list
}
