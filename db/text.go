package db

import (
	"database/sql/driver"
	"slices"
	"time"

	"github.com/mattn/go-sqlite3"

	"ticketfrei/internal/valid"
)

// textConn is a connection to SQLite that stores and looks for valid text alone: the
// arguments of all statements, those of gorm too, come past CheckNamedValue.
type textConn struct{ *sqlite3.SQLiteConn }

var (
	_ driver.NamedValueChecker  = textConn{}
	_ driver.ConnBeginTx        = textConn{}
	_ driver.ConnPrepareContext = textConn{}
	_ driver.ExecerContext      = textConn{}
	_ driver.QueryerContext     = textConn{}
)

// CheckNamedValue is called by database/sql with each argument of a statement.
func (textConn) CheckNamedValue(arg *driver.NamedValue) error { return checkText(arg) }

// checkText makes an argument what a driver takes, as database/sql does by itself, and its
// text valid: PostgreSQL refuses NUL and bytes that are no UTF-8, and SQLite would store
// them. []byte is no text. It allocates nothing where there is nothing to do.
func checkText(arg *driver.NamedValue) error {
	switch v := arg.Value.(type) {
	case string:
		if !valid.Is(v) {
			arg.Value = valid.Text(v)
		}
		return nil
	case []string: // PostgreSQL takes lists
		if !slices.ContainsFunc(v, isInvalid) {
			return nil
		}
		v = slices.Clone(v)
		for i := range v {
			v[i] = valid.Text(v[i])
		}
		arg.Value = v
		return nil
	case nil, int64, float64, bool, []byte, time.Time, []int64, []bool:
		return nil
	}
	value, err := driver.DefaultParameterConverter.ConvertValue(arg.Value)
	if err != nil {
		return err
	}
	if s, ok := value.(string); ok && !valid.Is(s) { // of a type of ours
		value = valid.Text(s)
	}
	arg.Value = value
	return nil
}

func isInvalid(s string) bool { return !valid.Is(s) }
