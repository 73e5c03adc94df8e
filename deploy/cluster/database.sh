#!/bin/sh
# Makes the database and its owner at the first start of PostgreSQL. The owner needs no
# other rights.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres -v password="$(cat /run/secrets/password)" <<'SQL'
CREATE ROLE ticketfrei LOGIN PASSWORD :'password';
CREATE DATABASE ticketfrei OWNER ticketfrei;
SQL
