// Package kit holds the templates and texts of what every network needs once.
// The code is in the packages below it: account, recipients, remote, pace, text,
// chat, post, and standin for what stands in for a network.
package kit

import (
	"embed"
	"io/fs"

	"ticketfrei/bots/kit/remote"
)

// Files holds the partials that the settings.tmpl of networks call, below
// partials/, and the pages of the kit.
//
//go:embed *.tmpl partials/*.tmpl *.toml
var Files embed.FS

// Texts are the sources of the kit's texts for the translation catalogue.
var Texts = []fs.FS{Files, remote.Texts}
