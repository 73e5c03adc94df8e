package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// GroupKind is what a chat is that is no person's. Its value is the last part of the id
// of the text that says so.
type GroupKind string

// The kinds of groups.
const (
	KindGroup   GroupKind = "group"
	KindTopic   GroupKind = "topic"
	KindChannel GroupKind = "channel"
)

// Group is what people call a chat that is no person's.
type Group struct {
	Kind  GroupKind `json:"-"` // KindGroup where it is empty
	Title string    `json:"title,omitempty"`
	Topic string    `json:"topic,omitempty"` // of KindTopic
}

// maxTitle is how long names are kept, in characters.
const maxTitle = 150

// bounded returns the group with names that can be kept.
func (g Group) bounded() Group {
	if g.Kind == "" {
		g.Kind = KindGroup
	}
	g.Title, g.Topic = line(g.Title), line(g.Topic)
	return g
}

// line returns a name as one line that is not too long.
func line(name string) string {
	return text.Runes(maxTitle).Fit(strings.ReplaceAll(text.Tidy(name), "\n", " "))
}

// Why is why nobody may write to a chat. Its value is the last part of the id of the
// text that says so.
type Why string

// The reasons for a chat to be closed.
const (
	WhyTopicClosed Why = "topic_closed"
	WhyTopicGone   Why = "topic_gone"
	WhyRights      Why = "rights" // the account lacks them
)

// How a group stands, as the reason for which nothing is sent to it: one of these, or a
// Why.
const (
	standsOn         = ""            // it is sent to
	standsOff        = "off"         // a moderator does not want it
	standsStopped    = "stopped"     // somebody there does not want it
	standsOffStopped = "off_stopped" // neither does
)

// closed are the ways to stand of groups that are closed.
var closed = []string{string(WhyTopicClosed), string(WhyTopicGone), string(WhyRights)}

// orClosed is one more way to stand than those.
func orClosed(stands string) []string { return append([]string{stands}, closed...) }

// tryAgain is how long a group that is closed is left alone before a report is tried
// there all the same: nobody need have told that it is open again.
const tryAgain = time.Hour

// triable are the ways to stand of those groups.
var triable = []string{string(WhyTopicClosed), string(WhyRights)}

// isTriable tells whether a report may be tried with a group that is closed.
func isTriable(r recipients.Recipient, now time.Time) bool {
	return slices.Contains(triable, r.Reason) && now.Sub(r.Suspended) >= tryAgain
}

// groups keeps which of the recipients are groups, and what they are called.
type groups struct {
	table string
	chats *recipients.Store
	db    *db.DB
	box   *secret.Box
}

func newGroups(network string, h bots.Host, chats *recipients.Store) *groups {
	return &groups{table: network + "_groups", chats: chats, db: h.DB, box: h.Secrets}
}

// shown is a group as it is stored.
type shown struct {
	ID int64 // of the recipient
	Group
	Stands string
}

// groupRow is a row of <network>_groups.
type groupRow struct {
	RecipientID int64
	Kind, Title string
	Reason      string
}

func (g *groups) seal(id int64, of Group) string {
	raw, err := json.Marshal(of)
	if err != nil {
		raw = []byte("{}") // of two texts: it does not happen
	}
	return g.box.Seal(g.place(id), string(raw))
}

func (g *groups) place(id int64) string { return g.table + ".title:" + strconv.FormatInt(id, 10) }

// open reads a row. What was sealed with another key is shown without its name.
func (g *groups) open(r groupRow) shown {
	s := shown{ID: r.RecipientID, Stands: r.Reason}
	if raw, err := g.box.Open(g.place(r.RecipientID), r.Title); err == nil {
		_ = json.Unmarshal([]byte(raw), &s.Group) // one that cannot be read has no name
	}
	s.Kind = GroupKind(r.Kind)
	return s
}

// put stores what a recipient is called that is a group.
func (g *groups) put(tx *gorm.DB, botID, id int64, chatKey string, of Group) error {
	return tx.Exec("INSERT INTO "+g.table+` (recipient_id, bot_id, chat, kind, title) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (recipient_id) DO UPDATE SET chat = excluded.chat, kind = excluded.kind, title = excluded.title`,
		id, botID, chatKey, string(of.Kind), g.seal(id, of)).Error
}

// wanted notes that somebody has asked for reports in a group.
func (g *groups) wanted(ctx context.Context, id int64) error {
	return g.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE "+g.table+" SET joined = FALSE WHERE recipient_id = ? AND joined", id).Error
	})
}

// unwanted forgets a group of a bot where nobody has asked for reports.
func (g *groups) unwanted(ctx context.Context, botID, id int64) error {
	return g.db.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("DELETE FROM "+g.table+" WHERE bot_id = ? AND recipient_id = ? AND joined", botID, id)
		if result.Error != nil || result.RowsAffected == 0 { // somebody has asked a moment ago
			return result.Error
		}
		return g.chats.RemoveIn(tx, botID, id)
	})
}

// add stores a group that is sent to from now on. joined tells that nobody has asked for
// it there.
func (g *groups) add(ctx context.Context, botID int64, address, whole string, of Group, joined bool) error {
	key, err := g.chats.Key(ctx, botID, whole)
	if err != nil {
		return err
	}
	return g.chats.Add(ctx, botID, address, func(tx *gorm.DB, id int64) error {
		if err := g.put(tx, botID, id, key, of.bounded()); err != nil {
			return err
		}
		return tx.Exec("UPDATE "+g.table+" SET joined = ? WHERE recipient_id = ?", joined, id).Error
	})
}

// find returns the recipient of an address, also where it cannot be read, or
// db.ErrNotFound.
func (g *groups) find(ctx context.Context, botID int64, address string) (recipients.Recipient, error) {
	r, err := g.chats.Find(ctx, botID, address)
	if errors.Is(err, recipients.ErrSealed) {
		err = nil
	}
	return r, err
}

// note keeps what a group is called now. What is not known stays as it was; a group that
// is not among the recipients is no error.
func (g *groups) note(ctx context.Context, botID int64, address, whole string, of Group) error {
	r, err := g.find(ctx, botID, address)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	known, err := g.get(ctx, botID, r.ID)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if of.Kind == "" {
		of.Kind = known.Kind
	}
	of = of.bounded()
	if of.Title == "" {
		of.Title = known.Title
	}
	if of.Topic == "" {
		of.Topic = known.Topic
	}
	if err == nil && of == known.Group {
		return nil
	}
	key, err := g.chats.Key(ctx, botID, whole)
	if err == nil {
		err = g.db.Write(ctx, func(tx *gorm.DB) error { return g.put(tx, botID, r.ID, key, of) })
	}
	if err != nil {
		return fmt.Errorf("note the name of a group: %w", err)
	}
	return nil
}

// move notes that a recipient is within another chat now.
func (g *groups) move(ctx context.Context, botID, id int64, whole string) error {
	key, err := g.chats.Key(ctx, botID, whole)
	if err == nil {
		err = g.db.Write(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE "+g.table+" SET chat = ? WHERE recipient_id = ?", key, id).Error
		})
	}
	if err != nil {
		return fmt.Errorf("move a group: %w", err)
	}
	return nil
}

// rename keeps what a chat is called now, and its title with its topics.
func (g *groups) rename(ctx context.Context, botID int64, address, whole string, of Group) error {
	if address != whole || of.Title == "" {
		return g.note(ctx, botID, address, whole, of)
	}
	ids, err := g.of(ctx, botID, whole)
	if err != nil {
		return err
	}
	for _, id := range ids {
		known, err := g.get(ctx, botID, id)
		if err != nil {
			return err
		}
		known.Title = line(of.Title)
		err = g.db.Write(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE "+g.table+" SET title = ? WHERE recipient_id = ?", g.seal(id, known.Group), id).Error
		})
		if err != nil {
			return fmt.Errorf("note the name of a group: %w", err)
		}
	}
	return nil
}

// get returns what a recipient of a bot is called, or db.ErrNotFound where it is no group.
func (g *groups) get(ctx context.Context, botID, id int64) (shown, error) {
	r := groupRow{RecipientID: id}
	err := g.db.ReadRow(ctx, "SELECT kind, title FROM "+g.table+" WHERE bot_id = ? AND recipient_id = ?", botID, id).Scan(&r.Kind, &r.Title)
	if err != nil {
		return shown{}, fmt.Errorf("group: %w", err)
	}
	return g.open(r), nil
}

// ids returns the ids of the groups of a bot, in order.
func (g *groups) ids(ctx context.Context, botID int64) ([]int64, error) {
	ids, err := db.ReadColumn[int64](ctx, g.db, "SELECT recipient_id FROM "+g.table+" WHERE bot_id = ? ORDER BY recipient_id", botID)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return ids, nil
}

// list returns the groups of a bot by their names.
func (g *groups) list(ctx context.Context, botID int64) ([]shown, error) {
	var rows []groupRow
	recipients := strings.TrimSuffix(g.table, "_groups") + "_recipients"
	err := g.db.Read(ctx).Raw("SELECT g.recipient_id, g.kind, g.title, r.reason FROM "+g.table+" AS g JOIN "+recipients+
		" AS r ON r.id = g.recipient_id WHERE g.bot_id = ? ORDER BY g.recipient_id", botID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	list := make([]shown, len(rows))
	for i, r := range rows {
		list[i] = g.open(r)
	}
	slices.SortStableFunc(list, func(a, b shown) int { return strings.Compare(a.order(), b.order()) })
	return list, nil
}

// order is what a group is sorted by: a name, in which 10 comes after 2.
func (s shown) order() string {
	return numbers.ReplaceAllStringFunc(strings.ToLower(s.Title+"\n"+s.Topic), func(n string) string { return fmt.Sprintf("%*s", maxTitle, n) })
}

var numbers = regexp.MustCompile(`[0-9]+`)

// of returns the ids of a group and its topics.
func (g *groups) of(ctx context.Context, botID int64, whole string) ([]int64, error) {
	key, err := g.chats.Key(ctx, botID, whole)
	if err != nil {
		return nil, err
	}
	ids, err := db.ReadColumn[int64](ctx, g.db, "SELECT recipient_id FROM "+g.table+" WHERE bot_id = ? AND chat = ? ORDER BY recipient_id", botID, key)
	if err != nil {
		return nil, fmt.Errorf("topics of a group: %w", err)
	}
	return ids, nil
}

// leave forgets a chat and its topics.
func (g *groups) leave(ctx context.Context, botID int64, whole string) error {
	ids, err := g.of(ctx, botID, whole)
	if errors.Is(err, db.ErrNotFound) {
		return nil // the bot is gone, and its groups with it
	}
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := g.chats.Remove(ctx, botID, id); err != nil {
			return err
		}
	}
	_, err = g.chats.Unsubscribe(ctx, botID, whole)
	return err
}

// way is a change of how a group stands: to one way from any of others.
type way struct {
	to   string
	from []string
}

// turn changes how a group stands by the first way that fits, and tells whether one did.
func (g *groups) turn(ctx context.Context, botID, id int64, ways ...way) (bool, error) {
	for _, w := range ways {
		turned, err := g.chats.Change(ctx, botID, id, w.to, w.from...)
		if err != nil || turned {
			return turned, err
		}
	}
	return false, nil
}

// due returns the groups that are closed and with which a report is tried.
func (g *groups) due(ctx context.Context, botID int64, r report.Report, now time.Time) ([]int64, error) {
	return g.chats.Due(ctx, botID, r, now.Add(-tryAgain), triable...)
}

// forget deletes the groups of a bot within tx.
func (g *groups) forget(tx *gorm.DB, botID int64) error {
	return tx.Exec("DELETE FROM "+g.table+" WHERE bot_id = ?", botID).Error
}
