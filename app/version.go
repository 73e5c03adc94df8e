package app

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the version: the tag or commit that the program was built from.
func (cmd *versionCommand) Run(c *console) error {
	_, err := fmt.Fprintln(c.stdout, "ticketfrei", version())
	return err
}

// release is the tag or commit, set by the linker (-X ticketfrei/app.release=…)
// if the source comes without its history, as in the image, and for builds of a
// tag. Go does not find the tags by itself, since the module's path names no
// version.
var release string

// version is how the program names its version in the log and in the command
// version.
func version() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(release, info)
}

// versionOf returns the release if there is one, otherwise the commit that Go
// recorded in info, which may be nil.
func versionOf(release string, info *debug.BuildInfo) string {
	if release != "" {
		return release
	}
	commit, dirty := "", ""
	if info != nil {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = " (changed)"
			}
		}
	}
	if commit == "" {
		return "3 (built without version information)"
	}
	return "3, commit " + commit + dirty
}
