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

// release is the tag or commit as the linker was told it
// (-X ticketfrei/app.release=…): where the source comes without its history, as
// in the image, and for builds of a tag. Go by itself does not know the tags of
// a module whose path names no version.
var release string

// version is what the program is called in its log and by the command version.
func version() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(release, info)
}

// versionOf is the release where there is one, and else the commit that Go noted
// in info, which may be nil.
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
