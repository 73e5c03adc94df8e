package db

import "gorm.io/gorm"

// sequence gives out the ids of a table. None is used again while the process
// runs: the rows of two that were in hand could be taken for each other. SQLite's
// own AUTOINCREMENT writes one more page in each transaction. Only the writer uses
// it.
type sequence struct {
	table, column string
	last          int64
}

func (s *sequence) next(tx *gorm.DB) (int64, error) {
	if s.last == 0 {
		err := queryRow(tx, "SELECT coalesce(max("+s.column+"), 0) FROM "+s.table).Scan(&s.last)
		if err != nil {
			return 0, err
		}
	}
	s.last++
	return s.last, nil
}
