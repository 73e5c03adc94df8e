//go:build !linux

package cage

import "errors"

var errNotLinux = errors.New("outside programs need Linux")

// Start starts nothing: it is Linux that cages.
func Start(Options) (*Process, error) { return nil, errNotLinux }

// Check says that programs need Linux.
func Check(Options) (warnings []string, err error) { return nil, errNotLinux }

// Helper is for Linux alone.
func Helper([]string) (code int, is bool) { return 0, false }
