package filter

import "embed"

// Texts are the words of filters.
//
//go:embed en.toml de.toml
var Texts embed.FS
