package config

import (
	"errors"
	"os"
	"slices"
)

// Source is where the settings come from. Later ones win: Defaults (of the
// program, then of each network), File, Env.
type Source struct {
	Defaults []byte     // the built-in config.toml; it has every setting of Config
	File     string     // path of the operator's file; empty if there is none
	Env      []string   // as from os.Environ
	Sections []*Section // of the networks; Load fills their targets
	// Check says what is wrong with what settings point to, such as files; nil where
	// that is not looked at.
	Check func(*Config) []error
}

// builtIn is the source of a default.
const builtIn = "built-in"

// Load reads the settings, checks them and brings them to one spelling: web.url
// without a trailing slash, mail.domain in lower case ASCII (Punycode if
// needed), mail.from filled in. What is gone and empty, and what does not fit
// together, is among the Warnings. If settings are wrong, the error is of type
// Errors and holds all of them. Any other error is a mistake in the program.
func Load(src Source) (*Config, error) {
	c := &Config{}
	s, err := newSettings(c, src.Sections)
	if err != nil {
		return nil, err
	}
	s.applyFile(builtIn, src.Defaults)
	for _, section := range src.Sections {
		s.applyTable(builtIn, section.Name, []byte(section.Defaults))
	}
	s.checkDefaults()
	if len(s.errs) > 0 {
		return nil, errors.New("built-in settings: " + s.errs.Error())
	}
	if src.File != "" {
		s.applyPath(src.File)
	}
	s.applyEnv(src.Env)
	s.readFiles(c)
	s.check(c)
	for _, section := range src.Sections {
		s.checkSection(section, c)
	}
	if src.Check != nil {
		for _, err := range src.Check(c) {
			s.errs = append(s.errs, Error{Problem: err.Error()})
		}
	}
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	c.Warnings = slices.Concat(s.warnings, s.advice(c))
	return c, nil
}

func (s *settings) applyPath(path string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		problem := err.Error()
		if pathErr, ok := errors.AsType[*os.PathError](err); ok {
			problem = pathErr.Err.Error()
		}
		s.errs.add("", path, "check the name of the file and that the program may read it", "cannot be read: %s", problem)
		return
	}
	s.applyFile(path, raw)
}

// checkDefaults makes sure that every setting has a default. One without it
// would also be missing from the documentation.
func (s *settings) checkDefaults() {
	for _, f := range s.fields {
		if f.source == "" {
			s.errs.add(f.key, builtIn, "", "has no default")
		}
	}
}
