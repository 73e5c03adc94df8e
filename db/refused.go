package db

import (
	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

const (
	// refusedText is how much of a refused report is kept, in characters, and
	// refusedKept how many of a city: the newest.
	refusedText = 500
	refusedKept = 200
	// refusedAtOnce is how many are deleted in one transaction, at most: more than
	// it can add.
	refusedAtOnce = 256
	// heldKept is how many reports of a city wait for its moderators because of one
	// brake, at most. What comes then is refused: those who flood a city would fill
	// the disk.
	heldKept = 1000
)

// storing is what one transaction knows of the cities whose verdicts it stores.
type storing struct {
	tx      *gorm.DB
	words   *words
	crowd   bool           // unverified reports that pass are counted
	refused map[int64]bool // cities with reports that were refused
	held    map[heldFor]int
}

type heldFor struct {
	cityID int64
	reason report.Reason
}

func (d *DB) newStoring(tx *gorm.DB, crowd bool) *storing {
	return &storing{tx: tx, words: d.words, crowd: crowd, refused: make(map[int64]bool), held: make(map[heldFor]int)}
}

// roomToHold tells whether one more report may wait for the moderators of its city,
// and counts it.
func (s *storing) roomToHold(cityID int64, reason report.Reason) (bool, error) {
	key := heldFor{cityID, reason}
	n, known := s.held[key]
	if !known {
		err := queryRow(s.tx, "SELECT count(*) FROM (SELECT 1 FROM reports WHERE state = 'held' AND city_id = ? AND reason = ? LIMIT ?) AS held",
			cityID, string(reason), heldKept).Scan(&n)
		if err != nil {
			return false, err
		}
	}
	s.held[key] = n + 1
	return n < heldKept, nil
}

// update stores a verdict on a report in that state; false where there is none. A
// report that is held keeps all of its text, one that is refused the beginning. Where
// one came from is kept while a brake counts it.
func (s *storing) update(r Ruling, state string, v report.Verdict, sameness string) (there bool, err error) {
	held := v.Reason.Held()
	if held {
		if held, err = s.roomToHold(r.Report.CityID, v.Reason); err != nil {
			return false, err
		}
	}
	w := s.words.judged(r.Report, v, sameness)
	switch {
	case held:
		return changeOne(s.tx, "UPDATE reports SET state = 'held', reason = ?, detail = ?, normalized = ?, reading = ?, results = ?, client = '', domain = '' WHERE seq = ? AND state = ?",
			string(v.Reason), w.detail, w.sameness, w.reading, w.results, r.Seq, state)
	case v.Passed && state == "held": // its text was compared when it was judged
		return changeOne(s.tx, "UPDATE reports SET state = 'judged', passed = TRUE, reason = ?, detail = ?, reading = ?, results = ? WHERE seq = ? AND state = ?",
			string(v.Reason), w.detail, w.reading, w.results, r.Seq, state)
	case v.Passed && s.crowd && r.Report.Unverified:
		return changeOne(s.tx, "UPDATE reports SET state = 'judged', passed = TRUE, reason = ?, detail = ?, normalized = ?, reading = ?, results = ?, counted = TRUE WHERE seq = ? AND state = ?",
			string(v.Reason), w.detail, w.sameness, w.reading, w.results, r.Seq, state)
	case v.Passed:
		return changeOne(s.tx, "UPDATE reports SET state = 'judged', passed = TRUE, reason = ?, detail = ?, normalized = ?, reading = ?, results = ?, client = '', domain = '' WHERE seq = ? AND state = ?",
			string(v.Reason), w.detail, w.sameness, w.reading, w.results, r.Seq, state)
	default:
		s.refused[r.Report.CityID] = true
		return s.refuse(r, state, v.Reason, w)
	}
}

// refuse is update of a report that is refused.
func (s *storing) refuse(r Ruling, state string, reason report.Reason, w stored) (bool, error) {
	const refuse = "UPDATE reports SET state = 'judged', reason = ?, detail = ?, normalized = '', results = ?, client = '', domain = '', text = "
	const at = " WHERE seq = ? AND state = ?"
	if s.words != nil { // what is sealed, nobody cuts but us
		return changeOne(s.tx, refuse+"?"+at, string(reason), w.detail, w.results, s.words.seal(inText, r.Report.ID, cutText(r.Report.Text)), r.Seq, state)
	}
	return changeOne(s.tx, refuse+"substr(text, 1, ?)"+at, string(reason), w.detail, w.results, refusedText, r.Seq, state)
}

// trim deletes the oldest refused reports of the cities that have too many. Nothing
// else belongs to them: they were never sent.
func (s *storing) trim() error {
	statement := trimRefused
	if s.words != nil {
		statement = trimRefusedOnServer
	}
	for cityID := range s.refused {
		if err := Later(s.tx, statement, cityID, refusedAtOnce, refusedKept); err != nil {
			return err
		}
	}
	return nil
}

const (
	tooMany = `SELECT seq FROM reports INDEXED BY reports_refused
		WHERE city_id = ?1 AND state = 'judged' AND passed = FALSE AND reason <> 'taken_back' ORDER BY seq DESC LIMIT ?2 OFFSET ?3`
	trimRefused = "DELETE FROM reports WHERE seq IN (" + tooMany + ") AND state = 'judged' AND passed = FALSE"
	// A server asks for those once, and not once for each that was refused anywhere; and
	// it looks at none of another city, whatever it takes to be the shortest way.
	trimRefusedOnServer = "DELETE FROM reports WHERE seq = ANY (ARRAY(" + tooMany + ")) AND city_id = ?1 AND state = 'judged' AND passed = FALSE AND reason <> 'taken_back'"
)
