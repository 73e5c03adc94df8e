package db

import (
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Brake decides about a report that the rules let pass, by what came before it. It
// is asked within the transaction that stores the report, maybe twice, and must not
// use the database.
type Brake interface {
	// Window is how long before and after a report its author's other reports
	// count.
	Window() time.Duration
	// Crowd tells whether the unverified reports of a city are to be counted.
	Crowd() bool
	// Sameness returns the form in which a text is compared. Two reports for
	// which it is equal say the same.
	Sameness(text string) string
	// Judge returns the final verdict, given that of the rules.
	Judge(passed report.Verdict, said History) report.Verdict
}

// History is what passed in the city of a report before it, within the window of a
// Brake, and what its moderators think of its author.
type History struct {
	Muted bool
	// Same is how many reports of its author say the same, All how many there are. All
	// is 0 for an unverified report: whoever writes in somebody's name must not silence
	// them.
	Same, All int
	// These are 0 unless the report is unverified: how many unverified ones of its network
	// passed from the same client, from the same domain, and in the city, without those
	// that a moderator let through.
	Client, Domain, City int
}

// history looks up what came before r. It runs in the transaction that stores r, so
// that two reports at once cannot both be the first.
func history(tx *gorm.DB, r *report.Report, sameness string, brake Brake) (History, error) {
	var h History
	if r.Author != "" {
		if err := h.readAuthor(tx, r, sameness, brake.Window()); err != nil {
			return h, err
		}
	}
	if !r.Unverified {
		return h, nil
	}
	h.All = 0
	if !brake.Crowd() {
		return h, nil
	}
	return h, h.readCrowd(tx, r, brake.Window())
}

func (h *History) readAuthor(tx *gorm.DB, r *report.Report, sameness string, window time.Duration) error {
	from, to := millis(r.Time.Add(-window)), millis(r.Time.Add(window))
	return queryRow(tx, `SELECT EXISTS (SELECT 1 FROM mutes WHERE city_id = ?1 AND author = ?2),
			count(*), count(*) FILTER (WHERE normalized = ?3) FROM reports
		WHERE city_id = ?1 AND author = ?2 AND passed = TRUE AND time > ?4 AND time < ?5`,
		r.CityID, r.Author, sameness, from, to).Scan(&h.Muted, &h.All, &h.Same)
}

// readCrowd counts by when reports came: when they were written, anybody can say who
// is not verified. It counts those of one network: forged mails do not hold what is
// written on the page.
func (h *History) readCrowd(tx *gorm.DB, r *report.Report, window time.Duration) error {
	from, to := millis(r.Received.Add(-window)), millis(r.Received.Add(window))
	return queryRow(tx, `SELECT count(*), count(*) FILTER (WHERE client = ?2 AND client <> ''), count(*) FILTER (WHERE domain = ?3 AND domain <> '')
		FROM reports WHERE city_id = ?1 AND counted = TRUE AND received > ?4 AND received < ?5 AND network = ?6`,
		r.CityID, r.Client, r.Domain, from, to, r.Network).Scan(&h.City, &h.Client, &h.Domain)
}
