// Package wipe keeps what was deleted out of SQLite's files. With
// secure_delete=ON SQLite overwrites what it deletes, but not the copies that
// it leaves behind where it moves rows from one page to another: they stay in
// the unused middle of pages, after the row itself is long gone. Databases that
// are opened with this package's VFS get pages whose middle is empty.
package wipe

// #include <stdlib.h>
// #include "wipe.h"
import "C"

import (
	"errors"
	"sync"
)

// name is that of the VFS.
const name = "wipe"

var register = sync.OnceValue(func() error {
	// SQLite keeps the name for as long as the process lives.
	if C.wipe_register(C.CString(name)) != 0 {
		return errors.New("the SQLite library does not take a VFS: build the program with the SQLite that its driver brings")
	}
	return nil
})

// VFS returns the name of the VFS, to be given to SQLite as the parameter vfs
// of a database's URI. It changes nothing but what is written to a database's
// own file: the write-ahead log still holds whole pages and has to be
// truncated.
func VFS() (string, error) { return name, register() }
