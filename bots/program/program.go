// Package program makes networks of outside programs: a directory with a program.toml is a
// network, whose bots are processes that are talked to by lines of JSON on stdin and stdout.
package program
