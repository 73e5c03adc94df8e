package mail

import (
	"log/slog"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// troubleEvery is how often the log says at most that mails are put off.
const troubleEvery = time.Minute

// troubles says in the log that mails are put off, however many there are.
type troubles struct {
	mu    sync.Mutex
	told  time.Time
	since int // how many were put off and not told of
}

func (t *troubles) tell(log *slog.Logger, now time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since++; now.Sub(t.told) < troubleEvery {
		return
	}
	log.Error("mail server: mails are put off, their servers try again", "mails", t.since, "err", err)
	t.told, t.since = now, 0
}

// trouble is the answer while something of ours does not work: the sender's
// server tries again.
func (n *Network) trouble(err error) error {
	n.troubles.tell(n.host.Log, n.host.Now(), err)
	return reply(451, smtp.EnhancedCode{4, 3, 0}, n.host.Texts.T("en", "mail.refused.later"))
}
