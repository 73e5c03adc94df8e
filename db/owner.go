package db

import "time"

// Shards is how many parts the cities are divided into; a city's shard is its id modulo
// Shards.
const Shards = 64

// Owns tells whether this process judges, receives and sends for a city. It does
// for all: one process at a time works on a database.
func (d *DB) Owns(cityID int64) bool { return true }

// lostFor is how long what another process tells may be missed: then what is kept of the
// database is read again.
const lostFor = 5 * time.Second

// KeptFor is how long what was read may be kept that other processes may change without
// this one hearing of it; 0: for ever, as the others tell or there are none.
func (d *DB) KeptFor() time.Duration {
	if d.OnServer() {
		return lostFor
	}
	return 0
}

// LivingProcesses is how many processes work on the database now, at least 1: limits of what
// clients may do are divided by it.
func (d *DB) LivingProcesses() int { return 1 }
