package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/config"
)

// keyCommand is about keys of the API; the secret key is something else: see keyring.
type keyCommand struct {
	Add    keyAddCommand    `cmd:"" help:"Make a key of the API, and print it."`
	List   keyListCommand   `cmd:"" help:"List the keys of the API."`
	Remove keyRemoveCommand `cmd:"" help:"Remove a key of the API: it holds no longer."`
}

type keyAddCommand struct {
	settingsFlags
	City     string   `arg:"" optional:"" help:"The city that the key is for; none with --operator."`
	Operator bool     `help:"Make a key of the operator, which is for all cities."`
	Right    []string `sep:"none" placeholder:"RIGHT" help:"What the key may do: read, report, streams, rules, city, bots, moderate, store, or all of these; people, to invite and remove moderators, which all is without; cities, to add and delete cities, with --operator. Can be given several times."`
	Name     string   `help:"What the key is for, to tell it from others."`
	Expires  string   `placeholder:"WHEN" help:"When the key ends: a date such as 2030-12-31, or a time from now such as 90d or 12h. Without it, the key holds until it is removed."`
}

// Run adds the key to the database, and prints nothing but the key. A running server knows
// it at once.
func (cmd *keyAddCommand) Run(c *console) error {
	k, err := cmd.key(time.Now())
	if err != nil {
		return &usageError{err}
	}
	return cmd.withDatabase(c, func(c *console, _ *config.Config, d *db.DB, definitions []bots.Definition) error {
		return cmd.add(c, d, definitions, k)
	})
}

// key is the key as the arguments describe it.
func (cmd *keyAddCommand) key(now time.Time) (apikey.Key, error) {
	if (cmd.City == "") != cmd.Operator {
		return apikey.Key{}, errors.New("say whose key it is: name its city, or --operator for all of them")
	}
	k := apikey.Key{Name: strings.TrimSpace(cmd.Name)}
	if !cmd.Operator {
		k.CityID = -1 // until it is known
	}
	for _, r := range cmd.Right {
		k.Rights = append(k.Rights, apikey.Right(r))
	}
	var err error
	if k.Expires, err = apikey.Expiry(cmd.Expires, now); err != nil {
		return k, fmt.Errorf("--expires: %w", err)
	}
	return k, k.Check(now)
}

func (cmd *keyAddCommand) add(c *console, d *db.DB, definitions []bots.Definition, k apikey.Key) error {
	cities, err := managed(d, definitions)
	if err != nil {
		return err
	}
	if !cmd.Operator {
		city, err := d.FindCity(c.ctx, cmd.City)
		if errors.Is(err, db.ErrNotFound) {
			return fmt.Errorf("there is no city %s (see ticketfrei city list)", cmd.City)
		}
		if err != nil {
			return err
		}
		k.CityID = city.ID
	}
	key, err := cities.AddKey(c.ctx, k, cmd.City)
	if errors.Is(err, db.ErrTooMany) {
		return fmt.Errorf("there are %d keys already: remove those that nobody uses any more (ticketfrei key list, ticketfrei key remove)", db.MaxAPIKeys)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.stdout, key)
	return err
}

type keyListCommand struct {
	settingsFlags
	City string `arg:"" optional:"" help:"List those of this city alone."`
}

// Run lists the keys; what they are is stored nowhere.
func (cmd *keyListCommand) Run(c *console) error {
	return cmd.withDatabase(c, cmd.list)
}

func (cmd *keyListCommand) list(c *console, _ *config.Config, d *db.DB, _ []bots.Definition) error {
	keys, err := cmd.keys(c, d)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		fmt.Fprintln(c.stderr, "There are no keys of the API yet. Make one: ticketfrei key add CITY --right RIGHT")
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tCITY\tRIGHTS\tMADE\tUSED\tEXPIRES\tNAME")
	for _, k := range keys {
		city := k.Slug
		if k.CityID == 0 {
			city = "(operator)"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, city, apikey.Join(k.Rights), day(k.Created), day(k.Used), day(k.Expires), k.Name)
	}
	return w.Flush()
}

func (cmd *keyListCommand) keys(c *console, d *db.DB) ([]apikey.Key, error) {
	if cmd.City == "" {
		return d.AllAPIKeys(c.ctx)
	}
	city, err := d.FindCity(c.ctx, cmd.City)
	if errors.Is(err, db.ErrNotFound) {
		return nil, fmt.Errorf("there is no city %s (see ticketfrei city list)", cmd.City)
	}
	if err != nil {
		return nil, err
	}
	return d.APIKeys(c.ctx, city.ID)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format("2006-01-02")
}

type keyRemoveCommand struct {
	settingsFlags
	ID string `arg:"" help:"The number of the key, as ticketfrei key list has it."`
}

// Run removes the key. A running server refuses it at once.
func (cmd *keyRemoveCommand) Run(c *console) error {
	id, err := strconv.ParseInt(cmd.ID, 10, 64)
	if err != nil {
		return &usageError{fmt.Errorf("%q is no number of a key: see ticketfrei key list", cmd.ID)}
	}
	return cmd.withDatabase(c, func(c *console, _ *config.Config, d *db.DB, definitions []bots.Definition) error {
		cities, err := managed(d, definitions)
		if err != nil {
			return err
		}
		keys, err := d.AllAPIKeys(c.ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(keys, func(k apikey.Key) bool { return k.ID == id })
		if i < 0 {
			return fmt.Errorf("there is no key %d (see ticketfrei key list)", id)
		}
		return cities.RemoveKey(c.ctx, keys[i])
	})
}
