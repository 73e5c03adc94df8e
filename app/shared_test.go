package app

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// service is several programs that work on one PostgreSQL.
type service struct {
	*testing.T
	binary  string
	server  *dbserver.Server
	box     *mailbox
	cities  []string
	members []*member
}

// member is one of them.
type member struct {
	*app
	env     []string
	program *program
}

// newService starts n programs, with cities that let everything pass and have two
// subscribers each.
func newService(t *testing.T, n, cities int) *service {
	t.Helper()
	s := &service{T: t, binary: buildProgram(t), server: dbserver.Start(t), box: startMailbox(t)}
	for range n {
		m := &member{}
		m.env, m.app = environment(t, t.TempDir(), s.box)
		m.env = append(append(m.env, unbraked...), "TICKETFREI_DATABASE_URL="+s.server.URL(), "TICKETFREI_SECRET="+testSecret,
			"TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1/32")
		s.members = append(s.members, m)
	}
	for i := range cities {
		s.cities = append(s.cities, fmt.Sprintf("city%d", i))
		mustAddCity(t, s.binary, s.members[0].env, s.cities[i])
	}
	began := time.Now()
	dbtest.AtOnce(t, n, func(i int) { s.start(s.members[i]) })
	took(t, "programs that start at once are ready", began, 5*time.Second)
	for i, slug := range s.cities {
		m := s.members[i%n]
		m.allowEverything("m@" + slug + ".example")
		m.subscribe(s.box, slug, "one@"+slug+".example", "two@"+slug+".example")
	}
	return s
}

func (s *service) start(m *member) {
	s.Helper()
	m.program = startProgram(s.T, s.binary, m.env...)
}

// awaitShares waits until each of the members has about as many cities as the others.
func (s *service) awaitShares(members ...*member) {
	s.Helper()
	n := len(members)
	waitUntil(s, "the cities to be shared", func() bool {
		answer := s.server.Query("SELECT count(*) FILTER (WHERE shards > 0), coalesce(sum(shards), 0), coalesce(max(shards), 0) FROM " +
			"(SELECT p.id, (SELECT count(*) FROM shards WHERE owner = p.id) AS shards FROM processes AS p) AS each")
		return answer == fmt.Sprintf("%d|64|%d", n, (63+n)/n)
	})
}

// took logs how long something has taken since then, and fails where that is more than three
// times what is promised: the machine of a test has other things to do.
func took(t *testing.T, what string, since time.Time, promised time.Duration) {
	t.Helper()
	d := time.Since(since)
	t.Logf("%s: %s, promised are %s", what, d.Round(10*time.Millisecond), promised)
	if d > 3*promised {
		t.Errorf("%s: %s, promised are %s", what, d, promised)
	}
}

// mailed is what was mailed to a service.
type mailed struct {
	service *service
	mu      sync.Mutex
	said    []string // texts with their city, that were answered with 250
}

// report mails a report to a city by a member, and notes it where it is taken.
func (l *mailed) report(m *member, slug string, n int) {
	text := fmt.Sprintf("Report %d.", n)
	from, to := fmt.Sprintf("rider%d@riders.example", n), slug+"@tickets.example"
	if err := sendMail(m.smtp, from, to, message(from, to, fmt.Sprintf("%d@x", n), "", text)); err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.said = append(l.said, slug+" "+text)
	}
}

// await waits until n more are taken than there were.
func (l *mailed) await(before, n int) {
	waitUntil(l.service, "mails to be taken", func() bool { return l.count() >= before+n })
}

func (l *mailed) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.said)
}

// twice waits until everything that was taken has arrived, and returns how many deliveries
// have arrived twice.
func (l *mailed) twice() int {
	s := l.service
	s.Helper()
	waitUntil(s, "nothing to wait", func() bool {
		return s.server.Query("SELECT (SELECT count(*) FROM reports WHERE state = 'heard') + (SELECT count(*) FROM fanouts)") == "0"
	})
	n := make(map[string]int)
	for _, slug := range s.cities {
		for _, who := range []string{"one@", "two@"} {
			for _, mail := range s.box.to(s, who+slug+".example", "Report ") {
				text, _, _ := strings.Cut(mail.Body, "\r\n")
				n[who+slug+" "+text]++
			}
		}
	}
	twice := 0
	for _, said := range l.said {
		for _, who := range []string{"one@", "two@"} {
			if n[who+said] == 0 {
				s.Errorf("%s: an acknowledged report did not arrive: %s", who, said)
			}
			twice += max(0, n[who+said]-1)
		}
	}
	return twice
}

// TestProcessesShareTheCities has three programs take reports in for all cities: each arrives
// once, whoever has heard it. The same text by one author, to two programs at once, passes
// once, by mail and on the page.
func TestProcessesShareTheCities(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and the program three times")
	t.Parallel()
	const reports, same = 120, 200
	s := newService(t, 3, 8)
	s.awaitShares(s.members...)
	sent := &mailed{service: s}
	dbtest.AtOnce(t, 3, func(i int) {
		for n := i; n < reports; n += 3 {
			sent.report(s.members[i], s.cities[n%len(s.cities)], n)
		}
	})
	if twice := sent.twice(); len(sent.said) != reports || twice > 0 {
		t.Errorf("%d of %d reports were taken, %d deliveries arrived twice", len(sent.said), reports, twice)
	}
	for i, slug := range s.cities[:2] {
		page := i == 1
		passed := "SELECT count(*) FROM reports JOIN cities ON cities.id = city_id WHERE passed AND slug = '" + slug + "'"
		before := s.mustCount(t, passed)
		dbtest.AtOnce(t, 8, func(i int) {
			for n := i; n < same; n += 8 {
				m := s.members[i%2]
				if page {
					reporter{m.app, "198.51.100.7", true, "en"}.reports(slug, "the same")
					continue
				}
				const from = "rider@riders.example"
				to := slug + "@tickets.example"
				m.mustSend(from, to, fmt.Sprintf("same%d@x", n), "", "the same")
			}
		})
		waitUntil(t, "all to be judged", func() bool { return s.server.Query("SELECT count(*) FROM reports WHERE state = 'heard'") == "0" })
		if n := s.mustCount(t, passed) - before; n != 1 {
			t.Errorf("by page %v: the same text passed %d times", page, n)
		}
	}
}

// mustCount returns the number that a query answers.
func (s *service) mustCount(t *testing.T, query string) int {
	t.Helper()
	n, err := strconv.Atoi(s.server.Query(query))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// killVariable says how often a program is killed, where somebody wants to know more: each
// takes half a minute.
const killVariable = "TICKETFREI_TEST_KILLS"

// TestKilledProcessIsReplaced kills one of three programs in the middle of a burst: the others
// have its cities within 20 s and finish what it had heard, nothing is lost, and of what it
// was sending little arrives twice. It is started again, and has its share again.
func TestKilledProcessIsReplaced(t *testing.T) {
	slow.Test(t, "kills one of three programs")
	t.Parallel()
	kills := 1
	if n, err := strconv.Atoi(os.Getenv(killVariable)); err == nil {
		kills = min(n, 100)
	}
	s := newService(t, 3, 8)
	sent := &mailed{service: s}
	longest := time.Duration(0)
	for round := range kills {
		s.awaitShares(s.members...)
		victim, before := s.members[rand.IntN(3)], sent.count()
		dbtest.AtOnce(t, 4, func(i int) {
			if i == 3 {
				sent.await(before, 20+rand.IntN(150))
				victim.program.kill()
				return
			}
			for n := range 100 {
				sent.report(s.members[i], s.cities[n%len(s.cities)], round*1000+n*3+i)
			}
		})
		began, rest := time.Now(), others(s.members, victim)
		s.awaitShares(rest...)
		longest = max(longest, time.Since(began))
		s.start(victim)
	}
	twice := sent.twice()
	t.Logf("%d kills: %d reports acknowledged, 0 lost, %d of their %d deliveries arrived twice; the cities were without a process for %s at most",
		kills, len(sent.said), twice, 2*len(sent.said), longest)
	if twice > kills*(unstored+len(s.cities)*sendsAtOnce) {
		t.Errorf("%d deliveries arrived twice", twice)
	}
	if longest > 20*time.Second {
		t.Errorf("cities were without a process for %s", longest)
	}
}

func others(all []*member, but *member) (list []*member) {
	for _, m := range all {
		if m != but {
			list = append(list, m)
		}
	}
	return list
}

// TestProcessesAreUpdatedInTurn stops one program after the other while reports come in, as
// an update does, and starts it again: nothing is lost, and nothing arrives twice.
func TestProcessesAreUpdatedInTurn(t *testing.T) {
	slow.Test(t, "starts three programs twice")
	t.Parallel()
	s := newService(t, 3, 8)
	s.awaitShares(s.members...)
	sent := &mailed{service: s}
	for round, m := range s.members {
		before := sent.count()
		dbtest.AtOnce(t, 3, func(i int) {
			if i == 2 {
				sent.await(before, 40)
				began := time.Now()
				m.program.stop()
				if lasted := time.Since(began); m.program.cmd.ProcessState.ExitCode() != 0 || lasted > 15*time.Second {
					t.Errorf("it ended with %s after %s", m.program.cmd.ProcessState, lasted)
				}
				ended := time.Now()
				s.awaitShares(others(s.members, m)...)
				took(t, "cities of a process that was stopped are elsewhere", ended, 2*time.Second)
				return
			}
			for n := range 100 {
				sent.report(others(s.members, m)[i], s.cities[n%len(s.cities)], round*1000+n*2+i)
			}
		})
		s.start(m)
		s.awaitShares(s.members...)
	}
	if twice := sent.twice(); twice > 0 || len(sent.said) != 3*200 {
		t.Errorf("%d reports were taken, %d deliveries arrived twice", len(sent.said), twice)
	}
}

// TestStoppedProcessWakes has a program stand still for longer than its lease, as a machine
// that is suspended: others work for its cities, and when it goes on it sends nothing.
func TestStoppedProcessWakes(t *testing.T) {
	slow.Test(t, "a program stands still until its lease is over")
	t.Parallel()
	s := newService(t, 2, 6)
	s.awaitShares(s.members...)
	sent := &mailed{service: s}
	sleeper, other := s.members[0], s.members[1]
	var stopped time.Time
	dbtest.AtOnce(t, 2, func(i int) {
		if i == 1 {
			sent.await(0, 40)
			signalTo(t, sleeper, syscall.SIGSTOP)
			stopped = time.Now()
			return
		}
		for n := range 150 {
			sent.report(other, s.cities[n%len(s.cities)], n)
		}
	})
	s.awaitShares(other)
	took(t, "cities of a process that stands still are elsewhere", stopped, 20*time.Second)
	twice := sent.twice()
	signalTo(t, sleeper, syscall.SIGCONT)
	s.awaitShares(s.members...)
	for n := range 30 {
		sent.report(s.members[n%2], s.cities[n%len(s.cities)], 1000+n)
	}
	// Only what was on the wire when it was stopped may end when it goes on.
	if after := sent.twice(); after > twice+unstored {
		t.Errorf("%d deliveries arrived twice before it went on, and %d afterwards", twice, after)
	}
	if len(sent.said) != 180 {
		t.Errorf("%d of 180 reports were taken", len(sent.said))
	}
}

// TestServerIsKilledUnderLoad kills PostgreSQL while reports are taken in, judged and sent: it
// forgets the last of what was stored without waiting for the disk, which the programs still
// have in mind. Nothing that was taken is lost, and nothing is left over.
func TestServerIsKilledUnderLoad(t *testing.T) {
	slow.Test(t, "kills PostgreSQL")
	t.Parallel()
	const kills = 3
	s := newService(t, 2, 6)
	s.awaitShares(s.members...)
	sent := &mailed{service: s}
	var over atomic.Bool
	dbtest.AtOnce(t, 3, func(i int) {
		if i == 2 {
			defer over.Store(true)
			for range kills {
				sent.await(sent.count(), 30)
				s.server.Kill()
				s.server.Start()
				began := time.Now()
				sent.await(sent.count(), 1)
				took(t, "mails are taken again after PostgreSQL was killed", began, 5*time.Second)
			}
			sent.await(sent.count(), 30)
			return
		}
		for n := i; !over.Load(); n += 2 {
			sent.report(s.members[i], s.cities[n%len(s.cities)], n)
		}
	})
	twice := sent.twice()
	t.Logf("PostgreSQL was killed %d times: %d reports were acknowledged and arrived, %d of their deliveries twice", kills, len(sent.said), twice)
}

func signalTo(t *testing.T, m *member, s syscall.Signal) {
	t.Helper()
	if err := m.program.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}
