package db

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// sessionConfig sets for each connection what statements are written for, where the URL does
// not: whoever runs the server may have set something else for a database or a user. Waits
// have bounds of their own here. A pooler that lends connections for a transaction refuses
// most of it.
func sessionConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	c := config.Copy()
	settings := map[string]string{"client_encoding": "UTF8"}
	if !pooled(c) {
		settings["default_transaction_isolation"] = "read committed"
		settings["standard_conforming_strings"] = "on"
		for _, bound := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"} {
			settings[bound] = "0"
		}
	}
	for name, value := range settings {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
	return c
}

// whatToMend says what an operator can do where the tables cannot be made; empty: nobody knows.
func (d *DB) whatToMend(err error) string {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return ""
	}
	const owner = "its user must own it, as createdb --owner=USER makes it"
	hints := map[string]string{
		"42501": owner,                                                                                  // no right to do that
		"3F000": "its user must be able to make tables in the first schema of search_path: " + owner,    // no schema
		"25006": "it is set to be read only: see default_transaction_read_only",                         // read only
		"42P07": "it holds tables of something else: make one for Ticketfrei alone",                     // a table is there
		"42P01": "its tables are not those of Ticketfrei: make one for it alone, or restore the backup", // one is missing
	}
	hint := hints[e.Code]
	if hint == "" {
		return ""
	}
	return " – the database at " + d.server.name + " cannot be used: " + hint
}
