package manage

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/internal/zone"
	"ticketfrei/place"
)

// A file of a city is a line that says what it is, and then JSON, compressed, and sealed where
// the line says so: "ticketfrei-city 1 sealed".
const (
	copyName    = "ticketfrei-city"
	copyVersion = "1"
	copyPlain   = "plain"
	copySealed  = "sealed"
	// maxCopy bounds a file, and what it holds, in bytes.
	maxCopy = 512 << 20
)

// The errors of Import that are about the file.
var (
	ErrForeignCopy     = errors.New("this is no file of ticketfrei city export")
	ErrNewerCopy       = errors.New("the file was written by a newer version of Ticketfrei: bring this server up to date first")
	ErrBrokenCopy      = errors.New("the file is damaged, or not whole")
	ErrNeedsPassphrase = errors.New("the file is sealed: it needs the passphrase that it was written with")
)

// cityFile is what a file of a city holds.
type cityFile struct {
	Made time.Time   `json:"made"`
	From string      `json:"from"` // the address of the server
	City db.CityCopy `json:"city"`
}

// Export writes all that is stored of a city, but for its reports, to a file from which another
// server goes on with it: see Import. Addresses of subscribers and the accounts' tokens can be
// read in it, unless there is a passphrase. It returns what cannot move.
func (m *Cities) Export(ctx context.Context, cityID int64, passphrase string, w io.Writer) (left []string, err error) {
	copied, err := m.DB.CopyCity(ctx, m.Secrets, cityID)
	if err != nil {
		return nil, err
	}
	list, err := m.DB.CityBots(ctx, cityID)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b report.Bot) int { return int(a.ID - b.ID) })
	copied.Bots = copied.Bots[:0]
	for _, b := range list {
		stored, err := m.exportBot(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("bot %d of %s: %w", b.ID, b.Network, err)
		}
		if stored == nil {
			left = append(left, "the bot on "+b.Network+", whose network cannot move")
			continue
		}
		copied.Bots = append(copied.Bots, db.BotCopy{Network: b.Network, Enabled: b.Enabled, Answers: string(b.Answers), Stored: stored})
	}
	if copied.Mutes > 0 {
		left = append(left, "mutes of people who get no reports: nothing says who they are")
	}
	file := cityFile{Made: time.Now().UTC(), City: copied}
	if m.Letters != nil {
		file.From = m.Letters.Config.Web.URL
	}
	if err := writeCopy(w, file, passphrase); err != nil {
		return nil, err
	}
	m.acted(ctx, cityID, "city.exported", "")
	return left, nil
}

// exportBot returns what the network of a bot stores of it; nil where that cannot move.
func (m *Cities) exportBot(ctx context.Context, b report.Bot) (stored json.RawMessage, err error) {
	n, err := m.Network(b.Network)
	if err != nil {
		return nil, nil //nolint:nilerr // this program does not have it
	}
	movable, ok := n.Network.(bots.Movable)
	if !ok {
		return nil, nil
	}
	err = bots.Guard(func() (err error) {
		stored, err = movable.Export(ctx, b)
		return err
	})
	return stored, err
}

func writeCopy(w io.Writer, file cityFile, passphrase string) error {
	var body bytes.Buffer
	zipped := gzip.NewWriter(&body)
	if err := errors.Join(json.NewEncoder(zipped).Encode(file), zipped.Close()); err != nil {
		return err
	}
	how, data := copyPlain, body.Bytes()
	if passphrase != "" {
		var err error
		if data, err = secret.Lock(passphrase, data); err != nil {
			return err
		}
		how = copySealed
	}
	if _, err := fmt.Fprintf(w, "%s %s %s\n", copyName, copyVersion, how); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func readCopy(r io.Reader, passphrase string) (file cityFile, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxCopy))
	if err != nil {
		return file, err
	}
	head, data, _ := bytes.Cut(raw, []byte("\n"))
	words := strings.Fields(string(head[:min(len(head), 100)]))
	switch {
	case len(words) < 2 || words[0] != copyName:
		return file, ErrForeignCopy
	case words[1] != copyVersion:
		return file, ErrNewerCopy
	case len(words) != 3 || words[2] != copyPlain && words[2] != copySealed:
		return file, ErrBrokenCopy
	case words[2] == copySealed && passphrase == "":
		return file, ErrNeedsPassphrase
	case words[2] == copySealed:
		if data, err = secret.Unlock(passphrase, data); err != nil {
			return file, err
		}
	}
	zipped, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(zipped, maxCopy))
	}
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err == nil {
		file.City.Name, file.City.Zone = oneLine(file.City.Name), zone.Known(file.City.Zone)
		err = checkCopy(file.City)
	}
	if err != nil {
		return file, fmt.Errorf("%w: %w", ErrBrokenCopy, err)
	}
	return file, nil
}

// checkCopy says what of a city would not work.
func checkCopy(c db.CityCopy) error {
	if err := report.CheckSlug(c.Slug); err != nil && !errors.Is(err, report.ErrReserved) { // it may get another
		return err
	}
	if c.Name == "" || utf8.RuneCountInString(c.Name) > MaxName || !slices.Contains(i18n.Languages(), c.Language) || len(c.Moderators) == 0 {
		return errors.New("the city has no name that fits, no language or no moderators")
	}
	for _, m := range c.Moderators {
		if CheckEmail(m.Email) != "" || m.Email != NormalEmail(m.Email) || !slices.Contains(report.Roles(), report.Role(m.Role)) {
			return errors.New("a moderator has no address or no role")
		}
	}
	if _, err := place.Parse(c.Places); err != nil {
		return err
	}
	_, err := censor.Compile(c.Triggers, c.Blocked)
	return err
}

// Imported is a city that came from another server.
type Imported struct {
	report.City
	From string
	Was  string   // its slug there
	Left []string // what could not come with it
}

// Movable is a city as a file has it.
type Movable struct {
	file cityFile
	slug string
}

// ReadCity reads what Export has written, for a city with the slug as; empty: the one it had. The
// error may be one of those about the file, secret.ErrPassphrase, or an *Invalid about the field
// slug.
func ReadCity(r io.Reader, passphrase, as string) (Movable, error) {
	file, err := readCopy(r, passphrase)
	if err != nil {
		return Movable{}, err
	}
	slug := cmp.Or(as, file.City.Slug)
	return Movable{file, slug}, checkSlug(slug)
}

// Import makes a city of what ReadCity has read. Its bots begin at once. Nobody has to confirm
// anything, and what was heard is not heard again. Where it fails, nothing is stored. The error may
// be bots.ErrAccountTaken, or an *Invalid about the field slug.
func (m *Cities) Import(ctx context.Context, from Movable) (Imported, error) {
	file, slug := from.file, from.slug
	in := Imported{From: file.From, Was: file.City.Slug}
	led := file.City.Aliases
	file.City.Aliases = nil
	for _, alias := range append(led, file.City.Slug) {
		switch {
		case alias == slug:
		case report.CheckSlug(alias) != nil:
			in.Left = append(in.Left, "the alias "+alias+", which no city can have")
		default:
			file.City.Aliases = append(file.City.Aliases, alias)
		}
	}
	var err error
	file.City.Bots = slices.DeleteFunc(file.City.Bots, func(b db.BotCopy) bool {
		_, ok := m.movable(b.Network)
		if !ok {
			in.Left = append(in.Left, "the bot on "+b.Network+", which this server does not have")
		}
		return !ok
	})
	var left []string
	in.City, left, err = m.DB.PasteCity(ctx, m.Secrets, file.City, slug, func(tx *gorm.DB, b report.Bot, of db.BotCopy) error {
		network, _ := m.movable(of.Network)
		if err := network.Import(tx, b, of.Stored); err != nil {
			return fmt.Errorf("bot on %s: %w", of.Network, err)
		}
		return nil
	})
	if errors.Is(err, db.ErrTaken) {
		err = Wrong("slug", takenCity)
	}
	for _, alias := range left {
		in.Left = append(in.Left, "the alias "+alias+", which another city has")
	}
	return in, m.did(ctx, in.City.ID, "city.imported", file.From, err)
}

// movable returns a network whose bots can come from another server.
func (m *Cities) movable(name string) (bots.Movable, bool) {
	n, err := m.Network(name)
	if err != nil {
		return nil, false
	}
	movable, ok := n.Network.(bots.Movable)
	return movable, ok
}
