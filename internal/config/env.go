package config

import (
	"maps"
	"slices"
	"strings"
)

// notSettings are what the command line reads from the environment itself: the
// operator's file, and the password of a moderator who is added.
var notSettings = []string{envPrefix + "CONFIG", envPrefix + "PASSWORD", envPrefix + "BACKUP_PASSPHRASE"}

// applyEnv applies the settings in the environment.
func (s *settings) applyEnv(env []string) {
	for _, entry := range slices.Sorted(slices.Values(env)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(notSettings, name) {
			continue
		}
		f := s.byEnv[name]
		if key := goneEnv(name); key != "" && f == nil {
			s.applyGone(key, name, value)
			continue
		}
		if f == nil {
			names := slices.Sorted(maps.Keys(s.byEnv))
			s.errs.add("", name, didYouMean(name, names, "_"), "there is no such setting")
			continue
		}
		if p := f.setText(value); p != nil {
			s.errs = append(s.errs, Error{Key: f.key, Source: name, Problem: p.what, Hint: p.hint})
			continue
		}
		f.source = name
	}
}

// applyGone takes a setting that is gone from the environment variable name.
func (s *settings) applyGone(key, name, value string) {
	if value != "" {
		s.errs = append(s.errs, Error{Key: key, Source: name, Problem: gone[key].what, Hint: gone[key].hint})
		return
	}
	s.warnings = append(s.warnings, passedOver(key, name, "remove the variable"))
}
