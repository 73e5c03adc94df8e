// Package naming says what a network may be called. Its name is its directory
// under bots/, its Go package, and the beginning of its tables, text ids,
// settings and routes: what those have in use already is not free.
package naming

import (
	"fmt"
	"go/token"
	"regexp"
	"slices"
)

// Scaffold is what the networks are called that new ones are made from.
const Scaffold = "scaffold"

// MaxLength is how long a name may be, in bytes.
const MaxLength = 20

var form = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// reserved are the names that are in use, by what uses them.
var reserved = map[string][]string{
	"a directory of bots/ that is no network": {"all", "kit"},
	"what new networks are made of":           {Scaffold, "standin"},
	"Go":                                      {"init", "internal", "main", "testdata", "vendor"},
	"a route of the site":                     {"account", "bots", "city", "contact", "feed", "keys", "lines", "live", "moderators", "moved", "networks", "people", "places", "poster", "reports", "rules", "steps", "texts", "undo"},
	"texts of the program": {"account_sent", "acts", "answer", "app", "attention", "command", "confirm", "delayed", "demo", "error", "filter", "form", "held", "home", "imprint", "invitation", "language", "layout",
		"kit", "life", "login", "moving", "password", "privacy", "program", "question", "register", "relay", "room", "settings", "status", "supervisor", "wrong"},
	"settings of the program": {"api", "brakes", "data", "database", "log", "metrics", "network", "programs", "queue", "secret"},
	"tables of the program or of the database": {"bot", "cities", "core", "deliveries", "former", "invitations", "limits", "logins", "moved",
		"mutes", "operators", "passkeys", "pg", "registrations", "secrets", "sessions", "sqlite"},
}

// Check says why a network cannot have that name; nil where it can. Whether
// there is one of that name already is for the caller to find out.
func Check(name string) error {
	switch {
	case !form.MatchString(name):
		return fmt.Errorf("the name %q cannot be used: lower case letters a to z and digits, beginning with a letter", name)
	case len(name) > MaxLength:
		return fmt.Errorf("the name %q is too long: at most %d letters and digits", name, MaxLength)
	case token.IsKeyword(name):
		return fmt.Errorf("the name %q cannot be used: it is a keyword of Go", name)
	}
	for user, names := range reserved {
		if slices.Contains(names, name) {
			return fmt.Errorf("the name %q cannot be used: it is taken by %s", name, user)
		}
	}
	return nil
}
