// Package telegram is the network Telegram: people write to a city's bot, in a
// chat of their own or in a group, and it sends every report to those who have
// subscribed. What it speaks is the Bot API (core.telegram.org/bots/api).
package telegram

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mymmrac/telego"
	"golang.org/x/time/rate"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/calls"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/pace"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/kit/text"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// name of the network: its directory, tables, texts and routes.
const name = "telegram"

//go:embed *.tmpl *.toml
var files embed.FS

// options is the section [telegram] of the configuration.
type options struct {
	API  string `toml:"api"`
	Mode string `toml:"mode"`
}

const defaults = `# The Bot API server that the bots talk to: Telegram's, or one of your own.
api = "` + telegramAPI + `"
# How bots get what is written to them. "poll": each one keeps a request open and
# asks Telegram for it. "webhook": Telegram brings it to web.url, which must be
# reached from the internet by https at port 443, 80, 88 or 8443; no connection
# stays open, which pays from hundreds of bots on. Where that does not work, they
# poll.
mode = "poll"
`

// Definition returns the network as the program lists it.
func Definition() bots.Definition { return network(&options{}).Definition() }

func network(o *options) chat.Network {
	return chat.Network{
		Name: name, Files: files, Migrations: migrations, Fields: fields(),
		Settings: &config.Section{Name: name, Defaults: defaults, Target: o, Check: o.check},
		// core.telegram.org/bots/faq ("My bot is hitting limits"): 30 messages a
		// second in all, 1 a second in a chat, 20 a minute in a group. 5 at once and
		// then 15 a minute are never more than 20 in a minute. In all it is a little
		// less: what leaves at even distances arrives at uneven ones.
		Pace: pace.Limits{All: 28, Chat: 1, Group: rate.Every(4 * time.Second), GroupBurst: 5, SlowFor: 5 * time.Minute},
		// core.telegram.org/bots/api#sendmessage
		Length: text.UTF16(4096),
		// At that pace it allows for answers that take half a second.
		Concurrency: 16,
		New:         func(h bots.Host) (chat.Driver, error) { return open(h, o) },
	}
}

// driver is shared by the bots of all cities.
type driver struct {
	host      bots.Host
	api       string // URL of the Bot API server, without a slash at the end
	transport *http.Transport
	dialing   dialing
	timings   timings
	kept      *calls.Calls
	hooks     *hooks   // nil where bots poll
	tookOver  sync.Map // bots that have removed a webhook of another address
}

// timings are the durations that tests make shorter.
type timings struct {
	// poll is how long one getUpdates waits for news. The Bot API server waits
	// for 50 s at most (LONG_POLL_MAX_TIMEOUT in its source), and proxies tend to
	// give up after 60.
	poll time.Duration
	// pause is the least time between two getUpdates that brought nothing: a
	// server that does not wait must not be asked without end.
	pause time.Duration
}

var (
	_ chat.Driver        = (*driver)(nil)
	_ chat.Forgetter     = (*driver)(nil)
	_ account.Connecter  = (*driver)(nil)
	_ account.Identifier = (*driver)(nil)
	_ kit.Demo           = (*driver)(nil)
)

// newDriver returns the driver. The error says what is wrong with telegram.api.
func newDriver(h bots.Host, api string) (*driver, error) {
	api = strings.TrimRight(api, "/")
	if err := checkURL(api); err != nil {
		return nil, fmt.Errorf("setting telegram.api: %w", err)
	}
	return &driver{host: h, api: api, transport: newTransport(h.Outgoing), dialing: newDialing(), kept: calls.New(name, h),
		timings: timings{poll: 50 * time.Second, pause: time.Second}}, nil
}

// Open returns the bot of that account at work.
func (d *driver) Open(a account.Account, log chat.Log) (chat.Conn, error) {
	c, err := d.client(a.Server, a.Token)
	if err != nil {
		return nil, bots.Refused(err)
	}
	return &conn{driver: d, client: c, log: log, bot: a.BotID, me: self{a.Remote, a.Handle}, nextAt: a.CursorAt}, nil
}

// StandIn starts what plays Telegram in the demo.
func (d *driver) StandIn(city string) (kit.Shown, error) { return standin.Show(city, d.host.Now) }

// Close closes the connections that nobody uses, and listens for calls no more.
func (d *driver) Close() error {
	d.kept.Close()
	d.transport.CloseIdleConnections()
	return nil
}

// conn is one bot at work. What changes is of Receive alone.
type conn struct {
	driver    *driver
	client    *client
	log       chat.Log
	bot       int64 // its id
	me        self
	next      int        // id of the update after the last one
	nextAt    time.Time  // when that was found out
	called    []int      // ids of the last updates that Telegram brought
	listening *listening // for calls; nil while it does not
}

var (
	_ chat.Conn       = (*conn)(nil)
	_ chat.Checker    = (*conn)(nil)
	_ chat.Deleter    = (*conn)(nil)
	_ chat.Grouper    = (*conn)(nil)
	_ chat.Topical    = (*conn)(nil)
	_ chat.Introducer = (*conn)(nil)
	_ chat.Namer      = (*conn)(nil)
)

// Check asks whether the token still holds, and what the bot is called now.
func (c *conn) Check(ctx context.Context) (account.Account, error) {
	a, err := c.client.me(ctx)
	if err == nil && a.Handle != c.me.handle {
		c.me.handle = a.Handle
	}
	return a, err
}

// keptByTelegram is how long Telegram keeps updates that nobody has fetched.
const keptByTelegram = 24 * time.Hour

// Receive hears what is written to the bot, in the way of telegram.mode.
func (c *conn) Receive(ctx context.Context, cursor string, hear chat.Hear) error {
	if c.listening == nil { // else it has rested
		c.next, _ = strconv.Atoi(cursor) // an empty one means from now on
		if _, err := c.takeKept(ctx, hear); err != nil {
			return err
		}
	}
	if c.driver.hooks == nil {
		return c.poll(ctx, hear)
	}
	return c.waitForCalls(ctx, hear)
}

// poll fetches updates in order. The offset that confirms them to Telegram is
// stored when all of a batch were handled, and sent with the next request.
func (c *conn) poll(ctx context.Context, hear chat.Hear) error {
	dialing := c.client.dialing // for the first poll: those after it find room
	dropped := false            // a webhook that was set before
	for {
		began := time.Now()
		if c.driver.hooks != nil { // Telegram may have called before
			if _, err := c.takeKept(ctx, hear); err != nil {
				return err
			}
		}
		list, err := c.client.updates(ctx, c.offset(), maxUpdates, c.driver.timings.poll, dialing)
		if errors.Is(err, errTooLarge) { // one by one they have more room
			list, err = c.client.updates(ctx, c.offset(), 1, c.driver.timings.poll, dialing)
		}
		if !dropped && errors.Is(err, errWebhook) && c.dropOwnHook(ctx) {
			dropped = true
			continue
		}
		if err != nil {
			return err
		}
		dialing = nil
		if len(list) == 0 {
			err = pace.Sleep(ctx, c.driver.timings.pause-time.Since(began))
		} else {
			err = c.handle(ctx, list, hear)
		}
		if err != nil {
			return err
		}
	}
}

// offset is the id of the first update that is wanted. One that is older than
// what Telegram keeps confirms nothing any more, and would hide what comes
// next: after a week without updates their ids go on from a random number.
func (c *conn) offset() int {
	if c.driver.host.Now().Sub(c.nextAt) > keptByTelegram {
		return 0
	}
	return c.next
}

// handle hands over updates in order and notes how far that came.
func (c *conn) handle(ctx context.Context, list []json.RawMessage, hear chat.Hear) error {
	next, failed := 0, error(nil)
	for _, raw := range list {
		u, err := parseUpdate(raw)
		if err != nil {
			c.log.Warn("telegram.log.skipped", nil) // the error may hold a part of it
		} else if failed = hear(ctx, "", c.me.events(u)...); failed != nil {
			break
		}
		next = max(next, u.ID+1)
	}
	if next > 0 {
		c.next, c.nextAt = next, c.driver.host.Now()
		if err := hear(ctx, strconv.Itoa(next)); err != nil && failed == nil {
			failed = err
		}
	} else if failed == nil {
		failed = bots.Say(nil, "telegram.error.stuck")
	}
	return failed
}

// Post sends a text to a chat. A group that has become a supergroup has moved; one where
// the bot may not write is closed.
func (c *conn) Post(ctx context.Context, to, text string) (report.Receipt, error) {
	return c.post(ctx, to, text, nil)
}

func (c *conn) post(ctx context.Context, to, text string, answers *telego.ReplyParameters) (report.Receipt, error) {
	id, err := c.client.send(ctx, to, text, answers)
	if moved := migratedTo(err); moved != 0 {
		return report.Receipt{}, &chat.Moved{From: to, To: formatID(moved)}
	}
	if why := closedFor(err); why != "" {
		return report.Receipt{}, &chat.Closed{Chat: to, Why: why}
	}
	if err != nil {
		return report.Receipt{}, err
	}
	return report.Receipt{ID: strconv.Itoa(id)}, nil
}

// Delete deletes a message; bots.ErrCannotRetract where Telegram does not let the
// bot do so any more, as after 48 hours.
func (c *conn) Delete(ctx context.Context, in, message string) error {
	id, err := parseMessage(message)
	if err != nil {
		return err
	}
	err = c.client.remove(ctx, in, id)
	switch {
	case isDeleted(err):
		return nil
	case staysAsItIs(err):
		return bots.ErrCannotRetract
	}
	return err
}

// IsGroup tells chats of many from a person's.
func (c *conn) IsGroup(chat string) bool { return isGroup(chat) }

// GroupOf returns the group that a topic is of.
func (c *conn) GroupOf(chat string) string {
	group, _, _ := strings.Cut(chat, "/")
	return group
}

func formatID(id int64) string { return strconv.FormatInt(id, 10) }
