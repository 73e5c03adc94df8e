package config

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Print writes every setting in force, including those of the networks, as
// TOML, with what Warnings say above the setting that they are about. Secrets are redacted: a URL shows only scheme and host, any other
// secret only that it is set.
func (c *Config) Print(w io.Writer, sections []*Section) error {
	fields, err := collect(c, sections)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	table := ""
	for _, f := range fields {
		if t := strings.TrimSuffix(strings.TrimSuffix(f.key, f.name()), "."); t != table {
			table = t
			fmt.Fprintf(&b, "\n[%s]\n", table)
		}
		for _, warning := range c.Warnings {
			if warning.Key == f.key {
				fmt.Fprintf(&b, "# warning: %s %s\n", f.name(), warning.Problem)
			}
		}
		if err := toml.NewEncoder(&b).Encode(map[string]any{f.name(): f.shown()}); err != nil {
			return fmt.Errorf("print setting %s: %w", f.key, err)
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}

// shown returns the value as it may be printed.
func (f *field) shown() any {
	switch {
	case f.secret && f.value.Kind() == reflect.String:
		return redact(f.value.String())
	case f.secret:
		return "(set)"
	case f.value.Type() == durationType:
		return formatDuration(time.Duration(f.value.Int()))
	case f.value.Type() == networksType:
		return shownNetworks(f.value.Interface().(Networks))
	case f.value.Type() == originsType:
		return append([]string{}, f.value.Interface().(Origins)...)
	case f.value.Type() == domainsType:
		return append([]string{}, f.value.Interface().(Domains)...)
	default:
		return f.value.Interface()
	}
}

func redact(secret string) string {
	if secret == "" {
		return ""
	}
	u, err := url.Parse(secret)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "(set)"
	}
	if u.User != nil {
		return u.Scheme + "://…@" + u.Host
	}
	return u.Scheme + "://" + u.Host
}

// formatDuration writes d as a person would: "2h", not "2h0m0s".
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
