package db

import (
	"log/slog"
	"sync/atomic"

	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// words seals what riders wrote, and what was read in it, for a database on a server: what
// is deleted there stays in its pages, its log, its standbys and its copies, and whoever
// has these has not the key. nil is that of a file, where what is deleted is overwritten:
// it changes nothing.
type words struct {
	box atomic.Pointer[secret.Box] // see DB.UseKey
	log *slog.Logger
}

// UseKey says what seals the words of reports on a server. Migrate does so too: it is for
// those who only look.
func (d *DB) UseKey(box *secret.Box) {
	if d.words != nil {
		d.words.box.Store(box)
	}
}

// sealedColumn is one of the table reports that holds words.
type sealedColumn string

const (
	inText    sealedColumn = "text"
	inDetail  sealedColumn = "detail"
	inReading sealedColumn = "reading"
	inResults sealedColumn = "results"
	inAnswer  sealedColumn = "answer" // of the table task_answers
)

// place is where the words of a report are sealed for: those of one are not another's.
func (c sealedColumn) place(id string) string { return "reports." + string(c) + ":" + id }

// seal returns what is stored of words of the report with that id. None stay none.
func (w *words) seal(c sealedColumn, id, text string) string {
	if w == nil || text == "" {
		return text
	}
	box := w.box.Load()
	if box == nil {
		panic("words are to be stored on a server before Migrate")
	}
	return box.Seal(c.place(id), text)
}

// open returns the words that are stored of the report with that id: none where they
// cannot be read, which is logged.
func (w *words) open(c sealedColumn, id, stored string) string {
	if w == nil || stored == "" {
		return stored
	}
	box := w.box.Load()
	if box == nil {
		w.log.Error("what a report says cannot be read: there is no secret key", "report", id, "column", string(c))
		return ""
	}
	text, err := box.Open(c.place(id), stored)
	if err != nil {
		w.log.Error("what a report says cannot be read", "report", id, "column", string(c), "err", err)
	}
	return text
}

// sameness returns what is stored of Brake.Sameness of a report by an author: it is only
// compared with what the same author has said.
func (w *words) sameness(author, text string) string {
	if w == nil || text == "" {
		return text
	}
	return w.box.Load().Hash("sameness", author, text)
}

// heard returns the report as it is stored when it is heard.
func (w *words) heard(r *report.Report) *report.Report {
	if w == nil {
		return r
	}
	sealed := *r
	sealed.Text = w.seal(inText, r.ID, r.Text)
	return &sealed
}

// stored is what is stored of a report that was judged.
type stored struct{ sameness, detail, reading, results string }

// judged returns what is stored of the report with a verdict.
func (w *words) judged(r *report.Report, v report.Verdict, sameness string) stored {
	seal := func(c sealedColumn, text string) string { return w.seal(c, r.ID, text) }
	return stored{sameness: w.sameness(r.Author, sameness), detail: seal(inDetail, v.Detail),
		reading: seal(inReading, storedReading(r.Reading)), results: seal(inResults, r.Results)}
}

// SealReport seals the words of a report, for a statement that stores it as it is. row is
// what the table reports is to have of it, by the names of its columns.
func (d *DB) SealReport(row map[string]any) { d.words.sealRow(row) }

// sealUnwanted seals a row of the table unwanted_words.
func (w *words) sealUnwanted(row map[string]any) {
	word, _ := row["word"].(string)
	row["word"] = w.sameness(unwanted, word)
}

func (w *words) sealRow(row map[string]any) {
	word := func(name string) string { text, _ := row[name].(string); return text }
	row["normalized"] = w.sameness(word("author"), word("normalized"))
	for _, c := range []sealedColumn{inText, inDetail, inReading, inResults} {
		row[string(c)] = w.seal(c, word("id"), word(string(c)))
	}
}
