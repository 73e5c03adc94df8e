package db

import (
	"context"
	"github.com/jackc/pgx/v5"
)

func (d *DB) connectAlone(ctx context.Context) (*pgx.Conn, error) { panic("pg") }
