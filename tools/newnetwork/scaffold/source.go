package scaffold

import "embed"

// Source is this directory: what `ticketfrei new network` makes a new one of.
// This file is the only one that stays behind.
//
//go:embed *.go *.tmpl *.toml scaffoldtest/*.go
var Source embed.FS

// SourceFile is the name of this file in Source.
const SourceFile = "source.go"
