// Package scaffold holds the networks that new ones are made from: one of each
// kind, complete, tested where it stands.
package scaffold

import "embed"

// Source has a directory for each kind.
//
//go:embed chat post send
var Source embed.FS
