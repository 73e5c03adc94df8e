package config

import (
	"fmt"
	"net/url"
)

// Uncallable says why a service, such as "Telegram", that calls public https addresses
// only would not call web.url, and what mends that. Both are empty where it would.
func (c *Config) Uncallable(service string) (problem, hint string) {
	const write = `set web.url to the https address that visitors use, such as "https://ticketfrei.example.org"`
	u, err := url.Parse(c.Web.URL)
	switch {
	case err != nil:
		return "", "" // which is an error of its own
	case u.Scheme != "https":
		return fmt.Sprintf("%s calls https addresses only, and web.url is %s", service, c.Web.URL), write
	case !IsPublic(u.Hostname()):
		return fmt.Sprintf("%s cannot reach web.url, %s, from the internet", service, c.Web.URL), write
	}
	return "", ""
}
