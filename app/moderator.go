package app

import (
	"errors"
	"fmt"
	"math"
	"text/tabwriter"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/address"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

type moderatorCommand struct {
	List     moderatorListCommand     `cmd:"" help:"List who runs the cities, with their roles."`
	Add      moderatorAddCommand      `cmd:"" help:"Make somebody a moderator of a city at once; they and the others are mailed."`
	Remove   moderatorRemoveCommand   `cmd:"" help:"Take somebody's rights on a city away; they and the others are mailed."`
	Password moderatorPasswordCommand `cmd:"" help:"Print a link by which somebody sets a new password, once, within a day."`
}

// fullFlag is the flag of commands that list addresses of people.
type fullFlag struct {
	Full bool `help:"Show addresses in full."`
}

// address is a mail address as the command shows it.
func (f fullFlag) address(email string) string {
	if f.Full {
		return email
	}
	return address.Masked(email)
}

// listedModerator is a moderator of a city as scripts read them.
type listedModerator struct {
	City  string      `json:"city"`
	Email string      `json:"email"`
	Role  report.Role `json:"role"`
	Since *time.Time  `json:"since"` // null: not known
	Seen  *time.Time  `json:"seen"`  // the day of their last visit; null: logged in nowhere
}

type moderatorListCommand struct {
	settingsFlags
	jsonFlag
	fullFlag
	City string `arg:"" optional:"" help:"Only those of this city."`
}

// Run lists the moderators, by city.
func (cmd *moderatorListCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		cities, err := cmd.cities(c, s)
		if err != nil {
			return err
		}
		list := []listedModerator{}
		for _, city := range cities {
			people, err := s.cities.People(c.ctx, city.ID)
			if err != nil {
				return err
			}
			for _, p := range people {
				list = append(list, listedModerator{City: city.Slug, Email: cmd.address(p.Email), Role: p.Role, Since: timeOrNone(p.Since), Seen: timeOrNone(p.Seen)})
			}
		}
		if cmd.JSON {
			return printJSON(c.stdout, list)
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CITY\tADDRESS\tROLE\tSINCE\tLAST VISIT")
		for _, m := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.City, m.Email, m.Role, dayOr(m.Since, "not known"), dayOr(m.Seen, "logged in nowhere"))
		}
		return w.Flush()
	})
}

func (cmd *moderatorListCommand) cities(c *console, s *server) ([]report.City, error) {
	if cmd.City == "" {
		return s.cities.List(c.ctx, "", math.MaxInt32)
	}
	city, err := s.cityNamed(c, cmd.City)
	return []report.City{city}, err
}

// cityNamed is the city with that slug.
func (s *server) cityNamed(c *console, slug string) (report.City, error) {
	city, err := s.cities.Find(c.ctx, slug)
	if errors.Is(err, db.ErrNotFound) {
		err = fmt.Errorf("there is no city %s (see ticketfrei city list)", slug)
	}
	return city, err
}

func dayOr(t *time.Time, otherwise string) string {
	if t == nil {
		return otherwise
	}
	return day(*t)
}

// moderatorArgs say which moderator of which city a command is about.
type moderatorArgs struct {
	settingsFlags
	Email string `arg:"" help:"Their mail address."`
	City  string `required:"" help:"The city's name in addresses." placeholder:"SLUG"`
}

// with runs work with the city.
func (a moderatorArgs) with(c *console, work func(c *console, s *server, city report.City) error) error {
	return cityArg{a.City}.with(a.settingsFlags, c, func(s *server, city report.City) error { return work(c, s, city) })
}

type moderatorAddCommand struct {
	moderatorArgs
	jsonFlag
	Role report.Role `enum:"owner,moderator,helper" default:"moderator" help:"What they may do: owner, moderator, unless told otherwise, or helper." placeholder:"ROLE"`
}

// Run adds the moderator.
func (cmd *moderatorAddCommand) Run(c *console) error {
	return cmd.with(c, func(c *console, s *server, city report.City) error {
		added, link, err := s.cities.AddModerator(c.ctx, city, cmd.Email, cmd.Role)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printJSON(c.stdout, struct {
				City     string      `json:"city"`
				Email    string      `json:"email"`
				Role     report.Role `json:"role"`
				Password string      `json:"password_link,omitempty"`
			}{city.Slug, added.Email, cmd.Role, link})
		}
		fmt.Fprintf(c.stdout, "%s is %s of %s now. They and the others are mailed.\n", added.Email, cmd.Role, city.Name)
		printPasswordLink(c, link)
		return nil
	})
}

// printPasswordLink prints where somebody sets their password, where they have none.
func printPasswordLink(c *console, link string) {
	if link != "" {
		fmt.Fprintf(c.stdout, "They set their password here, once, within a day:\n%s\n", link)
	}
}

type moderatorRemoveCommand struct {
	moderatorArgs
	jsonFlag
	yesFlag
}

// Run removes the moderator.
func (cmd *moderatorRemoveCommand) Run(c *console) error {
	return cmd.with(c, func(c *console, s *server, city report.City) error {
		email := manage.NormalEmail(cmd.Email)
		people, err := s.cities.People(c.ctx, city.ID)
		if err != nil {
			return err
		}
		var person db.Member
		for _, p := range people {
			if p.Email == email {
				person = p
			}
		}
		if person.ID == 0 {
			return fmt.Errorf("%s is no moderator of %s (see ticketfrei moderator list %s --full)", email, city.Name, city.Slug)
		}
		question := fmt.Sprintf("Remove %s, who is %s, from %s? Keys of the API that they made and invitations that they sent end, too.", email, person.Role, city.Name)
		if err := cmd.confirm(c, question); err != nil {
			return err
		}
		err = s.cities.RemoveModerator(c.ctx, city, person.ID)
		if errors.Is(err, manage.ErrLastOwner) {
			return fmt.Errorf("%s is the last owner of %s: add another first (ticketfrei moderator add EMAIL --city %s --role owner), or delete the city", email, city.Name, city.Slug)
		}
		if err != nil {
			return err
		}
		return cmd.tell(c, map[string]string{"city": city.Slug, "email": email}, "%s is no moderator of %s any more. They and the others are mailed.\n", email, city.Name)
	})
}

type moderatorPasswordCommand struct {
	settingsFlags
	jsonFlag
	Email string `arg:"" help:"Their mail address."`
}

// Run prints the link.
func (cmd *moderatorPasswordCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		link, err := s.cities.PasswordLink(c.ctx, cmd.Email)
		if errors.Is(err, db.ErrNotFound) {
			return fmt.Errorf("nobody here has the address %s (see ticketfrei moderator list --full)", manage.NormalEmail(cmd.Email))
		}
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printJSON(c.stdout, map[string]string{"link": link})
		}
		_, err = fmt.Fprintln(c.stdout, link)
		return err
	})
}

type operatorCommand struct {
	Add    operatorAddCommand    `cmd:"" help:"Let somebody see and do on the pages of the operator what you do here."`
	List   operatorListCommand   `cmd:"" help:"List the operators."`
	Remove operatorRemoveCommand `cmd:"" help:"Make somebody an operator no more."`
}

type operatorAddCommand struct {
	settingsFlags
	jsonFlag
	Email string `arg:"" help:"Their mail address."`
}

// Run adds the operator, and makes them an account where they have none.
func (cmd *operatorAddCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		link, err := s.cities.AddOperator(c.ctx, cmd.Email)
		if err != nil {
			return inEnglish(s, err)
		}
		email, page := manage.NormalEmail(cmd.Email), s.cfg.Web.URL+"/operator"
		if cmd.JSON {
			return printJSON(c.stdout, struct {
				Email    string `json:"email"`
				Page     string `json:"page"`
				Password string `json:"password_link,omitempty"`
			}{email, page, link})
		}
		fmt.Fprintf(c.stdout, "%s is an operator now: %s\n", email, page)
		printPasswordLink(c, link)
		return nil
	})
}

type operatorListCommand struct {
	settingsFlags
	jsonFlag
	fullFlag
}

// Run lists the operators.
func (cmd *operatorListCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		operators, err := s.db.Operators(c.ctx)
		if err != nil {
			return err
		}
		list := make([]string, len(operators))
		for i, o := range operators {
			list[i] = cmd.address(o.Email)
		}
		if cmd.JSON {
			return printJSON(c.stdout, list)
		}
		for _, address := range list {
			fmt.Fprintln(c.stdout, address)
		}
		return nil
	})
}

type operatorRemoveCommand struct {
	settingsFlags
	jsonFlag
	yesFlag
	Email string `arg:"" help:"Their mail address."`
}

// Run removes the operator.
func (cmd *operatorRemoveCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		email := manage.NormalEmail(cmd.Email)
		if err := cmd.confirm(c, "Make "+email+" an operator no more?"); err != nil {
			return err
		}
		err := s.cities.RemoveOperator(c.ctx, email)
		if errors.Is(err, db.ErrNotFound) {
			return fmt.Errorf("%s is no operator (see ticketfrei operator list --full)", email)
		}
		if err != nil {
			return err
		}
		return cmd.tell(c, map[string]string{"email": email}, "%s is no operator any more.\n", email)
	})
}
