package db_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
)

func TestUnencrypted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want []string
	}{
		{"postgres://t@db.example.org/t", []string{"db.example.org"}},
		{"postgres://t@db.example.org/t?sslmode=prefer", []string{"db.example.org"}},
		{"postgres://t@192.0.2.1/t?sslmode=disable", []string{"192.0.2.1"}},
		{"postgres://t@one,two/t?sslmode=allow", []string{"one", "two"}},
		{"postgres://t@localhost,db.example.org/t", []string{"db.example.org"}},
		{"postgres://t@db.example.org/t?sslmode=require", nil},
		{"postgres://t@db.example.org/t?sslmode=verify-full", nil},
		{"postgres://t@127.0.0.1/t?sslmode=disable", nil},
		{"postgres://t@[::1]/t", nil},
		{"postgres://t@localhost/t", nil},
		{"postgres:///t?host=/run/postgresql", nil},
	} {
		if diff := cmp.Diff(tt.want, db.Unencrypted(tt.url)); diff != "" {
			t.Errorf("%s: %s", tt.url, diff)
		}
	}
}
