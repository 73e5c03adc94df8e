package manage

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// The vitals of the server: see db.Vital.
const (
	VitalMail         = "mail"         // of type MailVital; while mails leave, there is none
	VitalCertificates = "certificates" // a []CertificateVital
	VitalBackup       = "backup"       // of type BackupVital
	VitalServer       = "server"       // of type ServerVital
)

// BackupProcess is whose the vital of backups is: it stays when the server ends.
const BackupProcess = "backup"

// MailVital says that mails do not leave.
type MailVital struct {
	Since time.Time `json:"since"`
	All   bool      `json:"all"` // all of them; otherwise those to some domains
	Says  string    `json:"says"`
}

// CertificateVital is a certificate that the server holds.
type CertificateVital struct {
	For   string    `json:"for"` // "pages" or "mail"
	Until time.Time `json:"until"`
}

// BackupVital is the last backup that was made.
type BackupVital struct {
	At    time.Time `json:"at"`
	Bytes int64     `json:"bytes"`
	File  string    `json:"file"` // empty: standard output
}

// ServerVital is a process of the server that runs.
type ServerVital struct {
	Version string `json:"version"`
}

// Status is how the server is doing: what the operator sees first.
type Status struct {
	Queue        []db.Waiting
	Mail         []MailVital // empty: mails leave
	Free, Need   int64       // bytes of the disk that are free, and must be; 0 where it is another machine's
	Certificates []CertificateVital
	Backup       *BackupVital // nil: none is known
	Versions     []string     // of the processes that run
	Cities       map[report.CityState]int
	Bots         map[report.BotState]int
	Troubled     []CityBot // bots that do not do their work
	Suspended    int       // subscribers to whom nothing is sent
	OnServer     bool      // the database is on a PostgreSQL, which is backed up there

	// Problems are what needs the operator: texts below status.
	Problems []Problem

	since time.Time // of the first city; zero: there is none
}

// From when on something needs the operator.
const (
	oldReports    = time.Minute         // that wait to be judged
	oldMails      = 30 * time.Minute    // account mails
	oldBackup     = 2 * 24 * time.Hour  // also the age of a server that has none
	shortLife     = 10 * 24 * time.Hour // of a certificate; authorities' are renewed with 30 days left
	roomFactor    = 4                   // of what the disk must have free
	namedTroubles = 5                   // bots in trouble that are named
)

// Status returns how the server is doing.
func (m *Cities) Status(ctx context.Context) (Status, error) {
	s := Status{Cities: make(map[report.CityState]int), Bots: make(map[report.BotState]int), OnServer: m.DB.OnServer()}
	var err error
	if s.Queue, err = m.DB.Waiting(ctx); err != nil {
		return s, err
	}
	if err := m.countAll(ctx, &s); err != nil {
		return s, err
	}
	vitals, err := m.DB.Vitals(ctx)
	if err != nil {
		return s, err
	}
	alive, err := m.DB.Processes(ctx)
	if err != nil {
		return s, err
	}
	s.read(slices.DeleteFunc(vitals, func(v db.Vital) bool { // some were killed
		return s.OnServer && v.Process != BackupProcess && !slices.Contains(alive, v.Process)
	}))
	if s.Free, s.Need, err = m.DB.Room(); err != nil {
		return s, err
	}
	suspended, err := m.SuspendedRecipients(ctx)
	for _, n := range suspended {
		s.Suspended += n
	}
	s.judge(time.Now())
	return s, err
}

// LastBackup returns the last backup that is known; nil: none is.
func (m *Cities) LastBackup(ctx context.Context) (*BackupVital, error) {
	vitals, err := m.DB.Vitals(ctx)
	var s Status
	s.read(vitals)
	return s.Backup, err
}

// countAll counts cities and bots.
func (m *Cities) countAll(ctx context.Context, s *Status) error {
	list, err := m.EveryBot(ctx, BotFilter{})
	if err != nil {
		return err
	}
	for _, b := range list {
		s.Bots[b.Now()]++
		if b.InTrouble() {
			s.Troubled = append(s.Troubled, b)
		}
	}
	cities, err := m.citiesByID(ctx)
	for _, c := range cities {
		s.Cities[c.State()]++
		if s.since.IsZero() || c.Created.Before(s.since) {
			s.since = c.Created
		}
	}
	return err
}

// read takes in what processes have said. What another version has said otherwise is left out.
func (s *Status) read(vitals []db.Vital) {
	for _, v := range vitals {
		value := []byte(v.Value)
		switch v.Name {
		case VitalMail:
			var list []MailVital
			_ = json.Unmarshal(value, &list)
			s.Mail = append(s.Mail, list...)
		case VitalCertificates:
			var list []CertificateVital
			_ = json.Unmarshal(value, &list)
			for _, c := range list {
				if !slices.Contains(s.Certificates, c) { // several processes have the same
					s.Certificates = append(s.Certificates, c)
				}
			}
		case VitalBackup:
			var b BackupVital
			if json.Unmarshal(value, &b) == nil {
				s.Backup = &b
			}
		case VitalServer:
			var p ServerVital
			if json.Unmarshal(value, &p) == nil && !slices.Contains(s.Versions, p.Version) {
				s.Versions = append(s.Versions, p.Version)
			}
		}
	}
}

// judge says what needs the operator.
func (s *Status) judge(now time.Time) {
	add := func(id string, data ...any) {
		s.Problems = append(s.Problems, Problem{TextID: "status." + id, Data: data})
	}
	for _, w := range s.Queue {
		if age := now.Sub(w.Oldest); !w.Oldest.IsZero() && (w.Kind == "reports" && age > oldReports || w.Kind == "mails" && age > oldMails) {
			add("queue."+w.Kind, "Count", w.Count, "Minutes", int(age.Minutes()))
		}
	}
	for _, mail := range s.Mail {
		id := "mail.some"
		if mail.All {
			id = "mail.all"
		}
		add(id, "Since", mail.Since.UTC().Format("2006-01-02 15:04")+" UTC", "Says", mail.Says)
	}
	if s.Need > 0 && s.Free < roomFactor*s.Need {
		add("disk", "Free", s.Free>>20, "Need", s.Need>>20)
	}
	for _, c := range s.Certificates {
		if left := c.Until.Sub(now); left < shortLife {
			add("certificate."+c.For, "Until", c.Until.UTC().Format("2006-01-02"))
		}
	}
	switch {
	case s.OnServer:
	case s.Backup == nil && !s.since.IsZero() && now.Sub(s.since) > oldBackup:
		add("backup.none")
	case s.Backup == nil:
	case now.Sub(s.Backup.At) > oldBackup:
		add("backup.old", "At", s.Backup.At.UTC().Format("2006-01-02 15:04")+" UTC")
	}
	for i, b := range s.Troubled {
		if i == namedTroubles {
			add("bots.more", "Count", len(s.Troubled)-i)
			break
		}
		add("bot", "City", b.City.Slug, "Network", b.Network, "Bot", b.ID, "Says", b.LastError)
	}
	if len(s.Versions) > 1 {
		add("versions", "Versions", strings.Join(s.Versions, "; "))
	}
}
