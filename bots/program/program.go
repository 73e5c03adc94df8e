// Package program makes networks of outside programs: a directory with a program.toml is a
// network, whose bots are processes that are talked to by lines of JSON on stdin and stdout.
package program

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/BurntSushi/toml"

	"ticketfrei/bots"
	"ticketfrei/internal/cage"
	"ticketfrei/internal/config"
)

//go:embed settings.tmpl en.toml de.toml
var files embed.FS

// Definitions returns the networks that the enabled programs are, and what does not protect
// from them as it should on this machine. taken are the other networks. For errors see Load;
// that a program must not run here is one, too.
func Definitions(cfg *config.Config, taken []bots.Definition) (definitions []bots.Definition, warnings []string, err error) {
	list, err := Load(cfg.Programs.Dir, namesOf(taken))
	if err != nil {
		return nil, nil, err
	}
	var errs config.Errors
	for _, m := range list {
		if !m.Enabled {
			continue
		}
		more, err := m.admitted(cfg)
		if err != nil {
			errs = append(errs, config.Error{Source: filepath.Join(m.Dir, File), Problem: err.Error()})
			continue
		}
		for _, w := range more {
			if !slices.Contains(warnings, w) {
				warnings = append(warnings, w)
			}
		}
		d, err := m.Definition(len(definitions) == 0)
		if err != nil {
			return nil, nil, err
		}
		definitions = append(definitions, d)
	}
	if len(errs) > 0 {
		return nil, nil, errs
	}
	return definitions, warnings, nil
}

// admitted says what keeps the program from running on this machine, and what does not
// protect from it as it should. A file that is missing at the moment, as a modem that is not
// plugged in, is its own trouble.
func (m *Manifest) admitted(cfg *config.Config) (warnings []string, err error) {
	o := m.caged(cfg)
	o.Files = nil
	if warnings, err = cage.Check(o); err != nil || len(m.Files) == 0 {
		return warnings, err
	}
	if _, err := cage.Check(m.caged(cfg)); err != nil {
		warnings = append(warnings, fmt.Sprintf("program %s cannot run now: %v", m.Network, err))
	}
	return warnings, nil
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

// files are the template and the texts of the network. A zip archive is the library's file
// system that can be made in memory.
func (m *Manifest) files(first bool) (fs.FS, error) {
	var made bytes.Buffer
	archive := zip.NewWriter(&made)
	add := func(name string, content ...[]byte) error {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: name})
		if err == nil {
			_, err = w.Write(bytes.Join(content, nil))
		}
		return err
	}
	template, err := files.ReadFile("settings.tmpl")
	if err == nil {
		err = add("settings.tmpl", template)
	}
	for language, of := range map[string]func(Text) string{"en": func(t Text) string { return t.En }, "de": func(t Text) string { return t.De }} {
		var shared []byte
		own, wrong := toml.Marshal(map[string]any{m.Network: m.texts(of)})
		if first && wrong == nil {
			shared, wrong = files.ReadFile(language + ".toml")
		}
		err = errors.Join(err, wrong, add(language+".toml", own, shared))
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(made.Bytes()), int64(made.Len()))
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
