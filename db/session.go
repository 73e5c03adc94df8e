package db

import "github.com/jackc/pgx/v5"

// sessionSettings are those of the server that statements are written for: whoever runs it may
// have set others for a database or a user. Waits have bounds of their own here. A pooler that
// lends connections for a transaction refuses most of them.
func sessionSettings(c *pgx.ConnConfig) map[string]string {
	settings := map[string]string{"application_name": "ticketfrei", "client_encoding": "UTF8"}
	if !pooled(c) {
		settings["default_transaction_isolation"] = "read committed"
		settings["standard_conforming_strings"] = "on"
		for _, bound := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"} {
			settings[bound] = "0"
		}
	}
	return settings
}
