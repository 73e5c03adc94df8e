package config

import (
	"maps"
	"slices"
	"strings"
)

// envConfig names the operator's file; who calls Load has looked at it.
const envConfig = envPrefix + "CONFIG"

// applyEnv sets what stands in the environment.
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
