package app

import (
	"log/slog"
	"syscall"
)

// What the program holds open besides connections: the database's files, ports,
// the log, look-ups of names.
const ownDescriptors = 64

// How much each part takes at most, however many files may be open.
const (
	maxMailConnections = 500
	maxWebConnections  = 22000
	manyFiles          = 1 << 20
	// fewFiles is a limit of open files below which the parts are so small that
	// the operator should know.
	fewFiles = 512
)

// shares is how many connections the parts of the program may have at the same
// time. Together they fit into the limit of open files, so that none takes what
// another needs.
type shares struct {
	mail     int // that bring mail
	web      int // of visitors
	streams  int // of those: event streams, which stay
	outgoing int // of bots
}

// share shares files out; mails is how many may be sent at the same time.
func share(files, mails int) shares {
	rest := max(files-ownDescriptors-mails, 32)
	var s shares
	// Taking a mail in may need a look-up or a file besides.
	s.mail = between(2, rest/8, maxMailConnections)
	s.web = min(rest*3/10, maxWebConnections)
	s.outgoing = rest - 2*s.mail - s.web
	pages := max(s.web/10, min(s.web/2, 32))
	s.streams = s.web - pages
	return s
}

// streamsEach is how many event streams one client's network may have. Many people
// may share an address behind their phone's provider.
func (s shares) streamsEach() int { return between(8, s.streams/8, 200) }

// webEach is how many connections it may have.
func (s shares) webEach() int { return s.streamsEach() + between(8, (s.web-s.streams)/4, 100) }

func between(least, n, most int) int { return min(max(n, least), most) }

// openFiles is how many files the process may have open, after asking for as many
// as it may ask for.
func openFiles(log *slog.Logger) int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		log.Warn("how many files may be open is not known", "err", err)
		return fewFiles
	}
	raised := syscall.Rlimit{Cur: limit.Max, Max: limit.Max}
	if limit.Cur < limit.Max && syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		limit = raised
	}
	if limit.Cur < fewFiles {
		log.Warn("few files may be open, so few people can be served at the same time: raise the limit (systemd: LimitNOFILE, Docker: --ulimit nofile)", "files", limit.Cur)
	}
	return int(min(limit.Cur, manyFiles))
}
