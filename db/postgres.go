package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// How many connections a process has for what. The lease and what listens have one of
// their own: see Connect.
const (
	serverWriters = 4 // each is one goroutine that writes
	serverPages   = 8
	// serverSpare are for what is written beside the writers: what brings the others'
	// writes to disk, and migrations, which lock out those of other processes meanwhile.
	serverSpare = 2
)

const (
	// connectWithin bounds how long a host may take to let us in; the URL may say another
	// connect_timeout.
	connectWithin = 5 * time.Second
	// connectionLives is how long a connection is used: after a failover all lead to the
	// new server soon.
	connectionLives = 5 * time.Minute
	// silenceWithin is how long a server may say nothing to a question of a page.
	silenceWithin = 10 * time.Second
	// pingWithin is how long a connection may take to show that it is alive.
	pingWithin = 2 * time.Second
)

// server is what a database on PostgreSQL has in the place of a file.
type server struct {
	config *pgx.ConnConfig
	name   string // where it is, for people: no password
	texts  *rebound
	flush  *flusher
	write  []*serverWriter
	next   atomic.Uint32 // the writer of the next job that has no key
	away   *away
}

// OpenServer opens the database at a URL of PostgreSQL 15 or later, which several
// processes may have open at once. It does not touch the tables: call Migrate before
// anything else. now tells the time. What the operator must know of goes to log.
func OpenServer(ctx context.Context, url string, now func() time.Time, log *slog.Logger) (*DB, error) {
	d, err := openServer(ctx, url, now, log)
	if err != nil {
		return nil, err
	}
	if d.write, err = d.server.open(writingConfig(d.server.config), serverWriters+serverSpare); err != nil {
		return nil, errors.Join(err, d.closeHandles())
	}
	pool, err := d.write.DB()
	if err != nil {
		return nil, errors.Join(err, d.closeHandles())
	}
	d.server.away.begin(pool)
	d.server.flush = startFlusher(pool, d.server.away, pooled(d.server.config))
	d.disk = d.server.flush.toDisk
	for range serverWriters {
		d.server.write = append(d.server.write, startServerWriter(d.server, d.write, pool))
	}
	return d, nil
}

// ViewServer is OpenServer for those who only look, also beside a program of another
// version: nothing is made or changed, and writes fail.
func ViewServer(ctx context.Context, url string, now func() time.Time, log *slog.Logger) (*DB, error) {
	d, err := openServer(ctx, url, now, log)
	if err != nil {
		return nil, err
	}
	for range serverWriters {
		d.server.write = append(d.server.write, &serverWriter{jobs: stoppedJobs()})
	}
	return d, nil
}

// openServer opens the pool of those who read.
func openServer(ctx context.Context, url string, now func() time.Time, log *slog.Logger) (*DB, error) {
	config, err := serverConfig(url)
	if err != nil {
		return nil, err
	}
	s := &server{config: config, name: hostsOf(config), texts: new(rebound)}
	s.away = &away{where: s.name, log: log}
	s.findPooler(ctx)
	d := &DB{server: s, now: now, process: rand.Int64(), log: log, damage: &damage{log: log}, words: &words{log: log},
		seqs:      sequence{table: "reports", column: "seq", block: 1},
		fanoutIDs: sequence{table: "fanouts", column: "id", block: fanoutBlock}}
	if d.read, err = s.open(readingConfig(s.config), serverPages); err != nil {
		return nil, err
	}
	if err := s.check(ctx, d.read); err != nil {
		return nil, errors.Join(err, d.closeHandles())
	}
	return d, d.damage.watch(d.read)
}

// CheckURL tells whether a URL of a server can be read, without asking the server.
func CheckURL(url string) error {
	_, err := serverConfig(url)
	return err
}

// serverConfig reads the URL. Of several hosts the one that can be written to is used. What the
// program needs and the URL does not say is set.
func serverConfig(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil { // pgx takes the password out
		return nil, fmt.Errorf("database.url cannot be read: %w", err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectWithin
	}
	config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "ticketfrei"
	}
	dialer := &net.Dialer{Timeout: config.ConnectTimeout, KeepAlive: 15 * time.Second}
	config.DialFunc = dialer.DialContext
	return config, nil
}

// readingConfig is the one of connections that only read, and that give a server up that
// says nothing. What is set for a connection would stay with others behind a pooler that
// lends it for a transaction: where there is one, nothing is set.
func readingConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	c := config.Copy()
	if !pooled(c) {
		c.RuntimeParams["default_transaction_read_only"] = "on"
	}
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &impatientConn{Conn: conn}, nil
	}
	return c
}

// writingConfig is the one of connections that write. What they do often is found by ids, and
// planned once: a statement that takes arrays the server would plan each time.
func writingConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	c := config.Copy()
	if !pooled(c) {
		c.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	}
	return c
}

// pooled tells whether nothing is prepared, as connections are lent for one transaction each:
// the URL says so, or it was found out (see findPooler).
func pooled(c *pgx.ConnConfig) bool {
	return c.DefaultQueryExecMode == pgx.QueryExecModeExec || c.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol
}

func hostsOf(c *pgx.ConnConfig) string {
	hosts := []string{net.JoinHostPort(c.Host, fmt.Sprint(c.Port))}
	for _, f := range c.Fallbacks {
		if host := net.JoinHostPort(f.Host, fmt.Sprint(f.Port)); hosts[len(hosts)-1] != host { // one with TLS, one without
			hosts = append(hosts, host)
		}
	}
	return strings.Join(hosts, ",") + "/" + c.Database
}

// open opens a pool of connections for gorm.
func (s *server) open(config *pgx.ConnConfig, conns int) (*gorm.DB, error) {
	pool := sql.OpenDB(serverConnector{stdlib.GetConnector(*sessionConfig(config))})
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(connectionLives)
	dialect := postgres.New(postgres.Config{Conn: serverPool{pool, s.texts}}).(*postgres.Dialector)
	g, err := gorm.Open(serverDialect{dialect}, byColumns(gormConfig()))
	if err != nil {
		return nil, errors.Join(s.failed(err), pool.Close())
	}
	return g, nil
}

// serverConnector opens connections that take valid text alone.
type serverConnector struct{ driver.Connector }

// Connect opens a connection.
func (c serverConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return serverConn{conn.(*stdlib.Conn)}, nil
}

// serverConn is a connection to PostgreSQL; see textConn.
type serverConn struct{ *stdlib.Conn }

var (
	_ driver.NamedValueChecker  = serverConn{}
	_ driver.ConnBeginTx        = serverConn{}
	_ driver.ConnPrepareContext = serverConn{}
	_ driver.ExecerContext      = serverConn{}
	_ driver.QueryerContext     = serverConn{}
	_ driver.SessionResetter    = serverConn{}
	_ driver.Pinger             = serverConn{}
)

// CheckNamedValue is called by database/sql with each argument of a statement.
func (serverConn) CheckNamedValue(arg *driver.NamedValue) error { return checkText(arg) }

// ResetSession is called before a connection is used again that was idle: one that says
// nothing is given up soon, as there may be several of them.
func (c serverConn) ResetSession(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	return c.Conn.ResetSession(ctx)
}

// QueryContext asks. Where the connection turns out to be gone, database/sql asks again on
// another one, but for what belongs to a transaction: a server that was restarted has ended
// all connections of before, and no page is to fail for each.
func (c serverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil && c.Conn.Conn().IsClosed() && ctx.Err() == nil && !pgconn.Timeout(err) {
		return nil, fmt.Errorf("%w: %w", driver.ErrBadConn, err)
	}
	return rows, err
}

// byColumns has statements name the columns that they read. One that asks for all is
// prepared for those that there are, and fails once on each connection when a newer version
// has added another.
func byColumns(c *gorm.Config) *gorm.Config {
	c.QueryFields = true
	return c
}

// oldest is the version of PostgreSQL that is needed, in its own form.
const oldest = 150000

// check refuses a server that is too old, and a database that does not take every text.
func (s *server) check(ctx context.Context, g *gorm.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 2*connectWithin)
	defer cancel()
	var is struct {
		Version  int
		Encoding string
	}
	const question = "SELECT CAST(current_setting('server_version_num') AS INTEGER) AS version, current_setting('server_encoding') AS encoding"
	if err := g.WithContext(ctx).Raw(question).Scan(&is).Error; err != nil {
		return s.failed(err)
	}
	if is.Version < oldest {
		return fmt.Errorf("the database at %s is PostgreSQL %d: version %d or later is needed", s.name, is.Version/10000, oldest/10000)
	}
	if is.Encoding != "UTF8" {
		return fmt.Errorf("the database at %s has the encoding %s, which does not take every text: make one with createdb --template=template0 --encoding=UTF8", s.name, is.Encoding)
	}
	return nil
}

func (s *server) failed(err error) error { return fmt.Errorf("open database %s: %w", s.name, err) }

// OnServer tells whether the database is one of PostgreSQL, which other processes may have
// open as well.
func (d *DB) OnServer() bool { return d.server != nil }

// Connect opens a connection to the server that belongs to the caller, who closes it: for
// a lease, or to listen. Its questions are not bounded but by their contexts.
func (d *DB) Connect(ctx context.Context) (*pgx.Conn, error) {
	if !d.OnServer() {
		return nil, errors.New("the database is a file: nothing can be connected to")
	}
	conn, err := pgx.ConnectConfig(ctx, sessionConfig(d.server.config))
	if err != nil {
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	return conn, nil
}

// stop ends what writes.
func (s *server) stop() {
	for _, w := range s.write {
		w.stop()
	}
	if s.flush != nil { // see ViewServer
		s.flush.stop()
		s.away.stop()
	}
}

// writer returns the one that does a job: those of one key have one.
func (s *server) writer(j *job) *serverWriter {
	key := j.key
	if key == 0 {
		key = int64(s.next.Add(1))
	}
	return s.write[key%int64(len(s.write))]
}

// awayError means that the server was away for as long as a write is tried.
type awayError struct {
	where string
	cause error
}

func (e *awayError) Error() string {
	return fmt.Sprintf("the database at %s is away: %v", e.where, e.cause)
}

func (e *awayError) Unwrap() error { return e.cause }

// serverAway tells whether an error says that the server cannot be asked for the moment.
func serverAway(err error) bool {
	if err == nil {
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		class := e.Code[:min(2, len(e.Code))]
		// It shuts down or starts, has no room, is only for reading, or has lost the connection.
		return class == "08" || class == "53" || class == "58" || strings.HasPrefix(e.Code, "57P0") || e.Code == "25006" || e.Code == "25P03"
	}
	if _, ok := errors.AsType[*awayError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok && !errors.Is(err, context.DeadlineExceeded) { // which is one too
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || connClosed(err)
}

// connClosed tells whether an error is pgx's of a connection that is gone, which has no
// name of its own.
func connClosed(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "bad connection"))
}

// isCollision tells whether a transaction was ended because of another, and may be tried
// again.
func isCollision(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}

// isBlocked tells whether a transaction has waited too long for a lock of another.
func isBlocked(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "55P03"
}
