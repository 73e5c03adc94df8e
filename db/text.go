package db

import (
	"context"
	"database/sql/driver"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
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

// serverConn is a connection to a PostgreSQL server that does the same.
type serverConn struct{ *stdlib.Conn }

var (
	_ driver.NamedValueChecker  = serverConn{}
	_ driver.ConnBeginTx        = serverConn{}
	_ driver.ConnPrepareContext = serverConn{}
	_ driver.ExecerContext      = serverConn{}
	_ driver.QueryerContext     = serverConn{}
	_ driver.SessionResetter    = serverConn{}
)

// CheckNamedValue is that of textConn; what database/sql does not know, the driver may.
func (serverConn) CheckNamedValue(arg *driver.NamedValue) error {
	_ = checkText(arg)
	return nil
}

// serverConnector opens connections to a server.
type serverConnector struct{ driver.Connector }

// Connect opens a connection.
func (c serverConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return serverConn{conn.(*stdlib.Conn)}, nil
}

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
	case nil, int64, float64, bool, []byte, time.Time:
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
