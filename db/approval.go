package db

import (
	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// waitsForApproval tells whether a report that would pass is held for its moderators. Who is
// not verified is always new: nobody can say that it is the same person.
func waitsForApproval(tx *gorm.DB, r Ruling) (bool, error) {
	if r.Approval == report.ApproveAll || r.Report.Author == "" || r.Report.Unverified {
		return true, nil
	}
	var known bool
	err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM reports WHERE city_id = ? AND author = ? AND passed = TRUE)", r.Report.CityID, r.Report.Author).Scan(&known)
	return !known, err
}
