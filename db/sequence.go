package db

import (
	"fmt"

	"gorm.io/gorm"
)

// sequence gives out the ids of a table. None is used again while the process runs,
// also none that was there before and has been deleted since: the rows of two could
// be taken for each other. SQLite's own AUTOINCREMENT writes one more page in each
// transaction. Only the writer uses it.
type sequence struct {
	table, column string
	last          int64
}

// begin goes on after the rows that there are. It is called before any is deleted.
func (s *sequence) begin(tx *gorm.DB) error {
	if err := queryRow(tx, "SELECT coalesce(max("+s.column+"), 0) FROM "+s.table).Scan(&s.last); err != nil {
		return fmt.Errorf("look for the last of %s: %w", s.table, err)
	}
	return nil
}

func (s *sequence) next(tx *gorm.DB) (int64, error) {
	if s.last == 0 {
		if err := s.begin(tx); err != nil {
			return 0, err
		}
	}
	s.last++
	return s.last, nil
}
