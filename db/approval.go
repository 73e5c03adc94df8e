package db

import (
	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// waitsForApproval tells whether a report that would pass is held for its moderators. Who is
// not verified is always new: nobody can say that it is the same person.
func waitsForApproval(tx *gorm.DB, r *report.Report, a report.Approval) (bool, error) {
	if a == report.ApproveAll || r.Author == "" || r.Unverified {
		return true, nil
	}
	var known bool
	err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM reports WHERE city_id = ? AND author = ? AND passed = TRUE)", r.CityID, r.Author).Scan(&known)
	return !known, err
}
