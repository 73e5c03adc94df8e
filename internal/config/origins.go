package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Origins is a setting that lists origins of pages: in a file
// ["https://app.example.org"], in a text "https://app.example.org, https://other.example".
type Origins []string

// AnyOrigin in Origins stands for every page.
const AnyOrigin = "*"

// Contains tells whether an origin is listed; AnyOrigin stands for itself alone.
func (o Origins) Contains(origin string) bool { return slices.Contains(o, origin) }

// API is the section [api].
type API struct {
	// CORSOrigins are the pages of others whose scripts may use the API.
	CORSOrigins Origins `toml:"cors_origins"`
	// Requests is how many a minute one key may make, and one client without a key.
	Requests int `toml:"requests"`
}

// How origins are written.
const hintOrigins = `write a list of origins, such as ["https://app.example.org"], or ["*"] for reading without a key from any page`

// setOrigins sets the field to the origins in a value read from TOML, or in a text with
// commas between them.
func (f *field) setOrigins(value any) *problem {
	list, p := texts(value, hintOrigins)
	if p != nil {
		return p
	}
	for i, text := range list {
		origin, ok := originOf(text)
		if !ok {
			return &problem{fmt.Sprintf("%q is no origin of a page", text), hintOrigins}
		}
		list[i] = origin
	}
	*f.value.Addr().Interface().(*Origins) = list
	return nil
}

// texts returns the texts in a list read from TOML, or in one text with commas between them.
// The hint says how to write such a list.
func texts(value any, hint string) (list []string, p *problem) {
	switch v := value.(type) {
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	case []any:
		for _, part := range v {
			text, ok := part.(string)
			if !ok {
				return nil, &problem{"has " + nameOf(part) + " in its list", hint}
			}
			list = append(list, text)
		}
	default:
		return nil, &problem{"is " + nameOf(value) + ", not a list", hint}
	}
	return list, nil
}

// originOf returns an origin as browsers write it.
func originOf(text string) (string, bool) {
	if text == AnyOrigin {
		return text, true
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), true
}

func (s *settings) checkAPI(a API) {
	if a.Requests < 1 {
		s.fail("api.requests", fmt.Sprintf("is %d: nobody could use the API", a.Requests), "write a number of at least 1, such as 60")
	}
}
