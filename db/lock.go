package db

import (
	"slices"

	"gorm.io/gorm"
)

// Lock keeps other transactions that lock the same row waiting until this one ends. It comes
// before what is read to decide what is written: a PostgreSQL server runs transactions side
// by side, each statement of which sees what was committed when it began. SQLite runs one
// after the other, and nothing is done there. A row that is not there is no error: what
// comes next finds that out. table has a column id.
func Lock(tx *gorm.DB, table string, id int64) error {
	return lockRow(tx, table, id, "FOR NO KEY UPDATE")
}

// lockWhole is Lock, and keeps those waiting too who only rely on the row being there and on
// how it is, as Hear does.
func lockWhole(tx *gorm.DB, table string, id int64) error {
	return lockRow(tx, table, id, "FOR UPDATE")
}

func lockRow(tx *gorm.DB, table string, id int64, how string) error {
	if !byServer(tx) {
		return nil
	}
	_, err := Exec(tx, "SELECT 1 FROM "+table+" WHERE id = ? "+how, id)
	return err
}

// lockRows is Lock for several rows, always in the same order.
func lockRows(tx *gorm.DB, table string, ids []int64) error {
	for _, id := range slices.Sorted(slices.Values(ids)) {
		if err := Lock(tx, table, id); err != nil {
			return err
		}
	}
	return nil
}

// lockReport is Lock for the report with that seq.
func lockReport(tx *gorm.DB, seq int64) error {
	if !byServer(tx) {
		return nil
	}
	return Later(tx, "SELECT 1 FROM reports WHERE seq = ? FOR NO KEY UPDATE", seq)
}

// LockNames is Lock for what has no row, or none yet: of those transactions that give the
// same name, one runs after the other.
func LockNames(tx *gorm.DB, names ...string) error {
	if !byServer(tx) {
		return nil
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if _, err := Exec(tx, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", name); err != nil {
			return err
		}
	}
	return nil
}

// byServer tells whether tx is a transaction of a PostgreSQL server.
func byServer(tx *gorm.DB) bool { return tx.Name() == "postgres" }
