package config

import "reflect"

// Changed returns the keys of the settings that differ, each with those of the networks.
func Changed(before, after *Config, sectionsBefore, sectionsAfter []*Section) ([]string, error) {
	old, err := newSettings(before, sectionsBefore)
	if err != nil {
		return nil, err
	}
	now, err := newSettings(after, sectionsAfter)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, key := range now.keys() {
		f := old.fields[key]
		if f == nil || !reflect.DeepEqual(f.value.Interface(), now.fields[key].value.Interface()) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
