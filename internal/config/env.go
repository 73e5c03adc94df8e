package config

import (
	"maps"
	"slices"
	"strings"
)

// envConfig names the operator's file. The caller of Load has read it already.
const envConfig = envPrefix + "CONFIG"

// applyEnv applies the settings in the environment.
func (s *settings) applyEnv(env []string) {
	for _, entry := range slices.Sorted(slices.Values(env)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || name == envConfig {
			continue
		}
		f := s.byEnv[name]
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
