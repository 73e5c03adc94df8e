package db

import "testing"

// TestRebind puts statements into the words of PostgreSQL.
func TestRebind(t *testing.T) {
	for _, tt := range []struct{ ours, theirs string }{
		{"SELECT 1", "SELECT 1"},
		{"a = ? AND b = ?", "a = $1 AND b = $2"},
		{"a = ?2 AND b = ?1 AND c = ?2", "a = $2 AND b = $1 AND c = $2"},
		{"a = ?2 AND b = ?", "a = $2 AND b = $3"},
		{"a = ?12 LIMIT ?", "a = $12 LIMIT $13"},
		{"a = '?' AND b = ?", "a = '?' AND b = $1"},
		{"a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = $1"},
		{`"wh?n" = ?`, `"wh?n" = $1`},
		{"DELETE FROM a WHERE rowid IN (SELECT rowid FROM a LIMIT 5)", "DELETE FROM a WHERE ctid IN (SELECT ctid FROM a LIMIT 5)"},
		{"instr(a, ?) > 0 AND subinstr(b)", "strpos(a, $1) > 0 AND subinstr(b)"},
		{"FROM reports AS r INDEXED BY reports_held WHERE a = ?", "FROM reports AS r WHERE a = $1"},
		{"'open", "'open"},
	} {
		if got := rebind(tt.ours); got != tt.theirs {
			t.Errorf("%s: %s, want %s", tt.ours, got, tt.theirs)
		}
	}
}
