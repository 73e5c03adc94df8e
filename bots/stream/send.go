package stream

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 10

// told is the receipt of what cannot be taken back where it was sent, but is told.
const told = "told"

var digits = regexp.MustCompile(`^[0-9]{1,32}$`)

// errOver is that a stream is gone, or has stopped: what waits for it is not sent.
var errOver = bots.Permanent(bots.Say(nil, "stream.error.over"))

// Send sends a report to a stream.
func (b *bot) Send(ctx context.Context, d report.Delivery) (report.Receipt, error) {
	s, e, err := b.entry(ctx, d.Recipient)
	if err != nil {
		return report.Receipt{}, err
	}
	if !e.wants(bus.ReportPassed) { // it is told only what becomes of it
		return report.Receipt{ID: told}, nil
	}
	answer, err := b.network.deliver(ctx, s.city, e, passed(d, s.city))
	switch {
	case err != nil:
		return report.Receipt{}, err
	case e.to.kind == KindDiscord && discordID(answer) != "":
		return report.Receipt{ID: discordID(answer) + "@" + b.network.place(e)}, nil
	case e.wants(bus.ReportTakenBack):
		return report.Receipt{ID: told}, nil
	}
	return report.Receipt{}, nil
}

// Retract deletes a message of Discord, and tells streams that ask for it that a report was
// taken back.
func (b *bot) Retract(ctx context.Context, d report.Delivery) error {
	s, e, err := b.entry(ctx, d.Recipient)
	if err != nil {
		return bots.ErrCannotRetract
	}
	id, place, _ := strings.Cut(d.Retract.ID, "@")
	switch {
	case digits.MatchString(id) && e.to.kind == KindDiscord && place == b.network.place(e):
		return b.network.deleteMessage(ctx, e, d.Report.ID, id)
	case e.wants(bus.ReportTakenBack):
		_, err := b.network.deliver(ctx, s.city, e, b.network.takenBack(d, s.city))
		return err
	}
	return bots.ErrCannotRetract
}

// place says, to us alone, which webhook a stream has: messages can be deleted by none
// other.
func (n *Network) place(e *entry) string { return n.host.Secrets.Hash("stream target", e.Target)[:8] }

// entry returns a stream that may be sent to, with those beside it.
func (b *bot) entry(ctx context.Context, id int64) (*set, *entry, error) {
	s, err := b.network.of(ctx, b.bot)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range s.streams {
		if e.row.ID == id && e.ready() {
			return s, e, nil
		}
	}
	return nil, nil, errOver
}

// deliver tells a stream of an event and returns the answer. The kind of error says what
// is to be done.
func (n *Network) deliver(ctx context.Context, city report.City, e *entry, ev event) ([]byte, error) {
	lane := n.lanes.of(e.row.ID)
	if err := lane.enter(ctx, n.host.Now); err != nil {
		return nil, err
	}
	defer lane.leave()
	return n.attempt(ctx, city, e, ev, lane)
}

// attempt makes one request for an event.
func (n *Network) attempt(ctx context.Context, city report.City, e *entry, ev event, lane *lane) ([]byte, error) {
	if e.to.kind == KindStdout {
		return nil, n.print(ctx, e, ev)
	}
	mention := n.mention(e, ev)
	req, err := n.request(ctx, city, e, ev, mention)
	if err != nil {
		return nil, bots.Permanent(err)
	}
	answer, err := n.exchange(ctx, e, req, lane)
	if err == nil && mention != "" {
		n.mentioned(ctx, e)
	}
	return answer, err
}

// print writes an event to the standard output.
func (n *Network) print(ctx context.Context, e *entry, ev event) error {
	b := ev.body()
	b.Stream = e.row.Name
	line, err := json.Marshal(b)
	if err == nil {
		err = n.printLine(line)
	}
	if err != nil {
		return bots.Permanent(fmt.Errorf("write to the standard output: %w", err))
	}
	n.note(ctx, e.row.ID, http.StatusOK)
	return nil
}

// printLine writes a line to the standard output, whole.
func (n *Network) printLine(line []byte) error {
	n.printing.Lock()
	defer n.printing.Unlock()
	_, err := n.stdout.Write(append(line, '\n'))
	return err
}

// request returns what a target is sent of an event.
func (n *Network) request(ctx context.Context, city report.City, e *entry, ev event, mention string) (*http.Request, error) {
	to, content := *e.to.url, any(nil)
	switch e.to.kind {
	case KindDiscord:
		content = n.discord(&e.Stream, ev, city, mention)
		query := to.Query()
		query.Set("wait", "true") // the answer is the message
		to.RawQuery = query.Encode()
	case KindSlack:
		content = n.slack(&e.Stream, ev, city)
	default:
		content = ev.body()
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(raw))
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(bots.LoopHeader, cmp.Or(ev.report, ev.name))
	if e.to.kind == KindWebhook {
		err = n.addSignature(req, e.row, ev.id, raw)
	}
	return req, err
}

// deleteMessage deletes a message of Discord. One that is gone is no error.
func (n *Network) deleteMessage(ctx context.Context, e *entry, reportID, id string) error {
	to := *e.to.url
	to.Path = strings.TrimSuffix(to.Path, "/") + "/messages/" + id
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, to.String(), http.NoBody)
	if err != nil {
		return withoutURL(err)
	}
	req.Header.Set(bots.LoopHeader, reportID)
	lane := n.lanes.of(e.row.ID)
	if err := lane.enter(ctx, n.host.Now); err != nil {
		return err
	}
	defer lane.leave()
	_, err = n.exchange(ctx, e, req, lane)
	if errors.Is(err, errNoMessage) {
		return nil
	}
	return err
}

// exchange makes a request, and reads and judges its answer.
func (n *Network) exchange(ctx context.Context, e *entry, req *http.Request, lane *lane) ([]byte, error) {
	resp, err := n.client.Do(req)
	if err != nil {
		return nil, n.unanswered(ctx, e, err, lane)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what was read before it broke may do
	return answer, n.judge(ctx, e, resp, answer, lane)
}

// withoutURL drops the URL from an error of net/http: secrets stand in it.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return withoutURL(e.Err)
	}
	return err
}
