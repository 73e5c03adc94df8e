package gtfs

import (
	"archive/zip"
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"ticketfrei/place"
)

// columns are those of a table that are read. Only the first needed must be there.
type columns struct {
	file   string
	names  []string
	needed int
	max    int // rows; 0: as many as there are
}

// each calls take with the fields of every row of a table, in the order of the columns.
// The fields hold only until take returns: a caller clones what it keeps.
func (rd *reader) each(c columns, take func(fields []string)) error {
	file := rd.files[c.file]
	if file == nil {
		return &Problem{Kind: NoFile, File: c.file}
	}
	if file.UncompressedSize64 > maxTable {
		return &Problem{Kind: TooLarge, File: c.file, Max: maxTable >> 20}
	}
	content, err := file.Open()
	switch {
	case file.Flags&encrypted != 0 || errors.Is(err, zip.ErrAlgorithm):
		return &Problem{Kind: Packed, File: c.file, Err: err}
	case err != nil:
		return &Problem{Kind: Broken, File: c.file, Line: 1, Err: err}
	}
	defer content.Close()
	t := newTable(c, content)
	where, err := t.header()
	for n := 1; err == nil; n++ {
		var row []string
		switch row, err = t.next(); {
		case err != nil:
		case n%4096 == 0 && rd.ctx.Err() != nil:
			err = rd.ctx.Err()
		case c.max > 0 && n > c.max:
			err = &Problem{Kind: TooMany, File: c.file, Max: c.max}
		default:
			pick(t.fields, row, where)
			take(t.fields)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// encrypted is the flag of a file in a zip that has a password.
const encrypted = 1

// table is one that is being read.
type table struct {
	columns
	meter  *meter
	rows   *csv.Reader
	line   int // of the last row
	fields []string
}

func newTable(c columns, content io.Reader) *table {
	t := &table{columns: c, meter: &meter{r: content, whole: maxTable, record: maxRecord}, fields: make([]string, len(c.names))}
	t.rows = csv.NewReader(withoutMark(t.meter))
	t.rows.FieldsPerRecord, t.rows.ReuseRecord, t.rows.TrimLeadingSpace = -1, true, true
	return t
}

// next returns the next row. The error is io.EOF at the end, else a *Problem.
func (t *table) next() ([]string, error) {
	t.meter.record = maxRecord
	row, err := t.rows.Read()
	switch {
	case err == nil:
		t.line, _ = t.rows.FieldPos(0)
	case errors.Is(err, errTable):
		return nil, &Problem{Kind: TooLarge, File: t.file, Max: maxTable >> 20}
	case !errors.Is(err, io.EOF):
		return nil, t.broken(err)
	}
	return row, err
}

// header returns where the columns stand, by the first row; -1: nowhere.
func (t *table) header() ([]int, error) {
	row, err := t.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for i, name := range row {
		row[i] = strings.ToLower(strings.TrimSpace(name))
	}
	where := make([]int, len(t.names))
	for i, name := range t.names {
		if where[i] = slices.Index(row, name); where[i] < 0 && i < t.needed {
			return nil, &Problem{Kind: NoColumn, File: t.file, Column: name}
		}
	}
	return where, nil
}

// broken is a table that cannot be read any further.
func (t *table) broken(err error) error {
	line := t.line + 1
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		line, err = wrong.Line, wrong.Err
	}
	return &Problem{Kind: Broken, File: t.file, Line: line, Err: err}
}

// pick sets fields to those of the row that are wanted; what is not there is empty.
func pick(fields, row []string, where []int) {
	for i, at := range where {
		fields[i] = ""
		if at >= 0 && at < len(row) {
			fields[i] = strings.TrimSpace(row[at])
		}
	}
}

var (
	errTable  = errors.New("the table is too large")
	errRecord = errors.New("a row is too long: is a quotation mark missing?")
)

// meter bounds how much is read of a table, and of a row of it: a zip may say less than
// there is, and a quotation mark that is never closed makes a row of all that follows.
type meter struct {
	r             io.Reader
	whole, record int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.whole <= 0 {
		return 0, errTable
	}
	if m.record <= 0 {
		return 0, errRecord
	}
	n, err := m.r.Read(p)
	m.whole -= int64(n)
	m.record -= int64(n)
	return n, err
}

// withoutMark leaves out the mark that some write before the first column.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 32<<10)
	if mark, _ := b.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3)
	}
	return b
}

// platform is what the name of a stop has where a feed names each platform, as "Plärrer
// Gleis 2" and "Plärrer (Steig B)".
var platform = regexp.MustCompile(`(?i)[\s,;]+[(\[]?(?:gleis|gl\.|steig|bussteig|bahnsteig|bstg\.?|bahnst\.|mast|platform|plat\.|track|quai|voie|peron|платформа|колія)(?:\s*\pN+\s*\pL?|\s+\pL\pN*)(?:\s*[-+/]\s*\pN+)?[)\]]?$`)

// stopName makes the name of a stop of a field, without its platform.
func stopName(field string) string {
	name := clean(field)
	if short := strings.TrimRight(platform.ReplaceAllString(name, ""), " -"); short != "" {
		return short
	}
	return name
}

// clean makes a name of a field.
func clean(field string) string {
	if !utf8.ValidString(field) { // from before everybody wrote UTF-8
		field, _ = charmap.Windows1252.NewDecoder().String(field)
	}
	return place.Clean(field)
}
