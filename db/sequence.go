package db

import (
	"fmt"
	"sync"

	"gorm.io/gorm"
)

// sequence gives out the ids of a table. None is used again while the process runs,
// also none that was there before and has been deleted since: the rows of two could
// be taken for each other. SQLite's own AUTOINCREMENT writes one more page in each
// transaction. Only the writer uses it.
//
// On a server, where others take ids as well, they come from a sequence of the server,
// some at once.
type sequence struct {
	table, column string
	last          int64

	mu    sync.Mutex // there are several writers on a server
	end   int64      // the last id that was taken from the server
	block int64      // how many are taken at once: how far the server's sequence steps; 0: there is no server
}

// fanoutBlock is how many ids of fanouts a process takes at once.
const fanoutBlock = 64

// named is the name of the server's sequence.
func (s *sequence) named() string { return s.table + "_" + s.column }

// begin goes on after the rows that there are. It is called before any is deleted.
func (s *sequence) begin(tx *gorm.DB) error {
	if s.block > 0 {
		return nil
	}
	if err := queryRow(tx, "SELECT coalesce(max("+s.column+"), 0) FROM "+s.table).Scan(&s.last); err != nil {
		return fmt.Errorf("look for the last of %s: %w", s.table, err)
	}
	return nil
}

func (s *sequence) next(tx *gorm.DB) (int64, error) {
	if s.block > 0 {
		return s.nextOfServer(tx)
	}
	if s.last == 0 {
		if err := s.begin(tx); err != nil {
			return 0, err
		}
	}
	s.last++
	return s.last, nil
}

func (s *sequence) nextOfServer(tx *gorm.DB) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == s.end {
		var first int64
		if err := queryRow(tx, "SELECT nextval('"+s.named()+"')").Scan(&first); err != nil {
			return 0, fmt.Errorf("take ids of %s: %w", s.table, err)
		}
		s.last, s.end = first-1, first+s.block-1
	}
	s.last++
	return s.last, nil
}
