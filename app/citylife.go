package app

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// cityArg is the city that a command is about.
type cityArg struct {
	Slug string `arg:"" help:"Name of the city in addresses."`
}

// with runs work with the city.
func (a cityArg) with(f settingsFlags, c *console, work func(s *server, city report.City) error) error {
	return f.withCities(c, func(c *console, s *server) error {
		city, err := s.cities.Find(c.ctx, a.Slug)
		if errors.Is(err, db.ErrNotFound) {
			return fmt.Errorf("there is no city %s (see ticketfrei city list)", a.Slug)
		}
		if err != nil {
			return err
		}
		return inEnglish(s, work(s, city))
	})
}

// inEnglish says what was wrong with what was typed.
func inEnglish(s *server, err error) error {
	wrong, ok := errors.AsType[*manage.Invalid](err)
	if !ok {
		return err
	}
	var list []string
	for _, p := range wrong.Problems {
		list = append(list, p.Say(func(id string, data ...any) string { return s.cities.Letters.Texts.T("en", id, data...) }))
	}
	return errors.New(strings.Join(list, " "))
}

// slugError says at a terminal what is wrong with a slug, where that is what err is about.
func slugError(slug string, err error) error {
	if wrong, ok := errors.AsType[*manage.Invalid](err); ok {
		if p, ok := wrong.Of("slug"); ok {
			return cmp.Or(wrongSlug(slug, p.TextID), err)
		}
	}
	return err
}

// say tells what became of a city, in words or as JSON.
func (f jsonFlag) say(c *console, s *server, city report.City, words string, data ...any) error {
	return f.tell(c, s.changedCity(city), words, data...)
}

type citySuspendCommand struct {
	settingsFlags
	jsonFlag
	cityArg
	Reason string `required:"" help:"Why; its moderators read it." placeholder:"TEXT"`
}

// Run switches the city off. A running server does so at once.
func (cmd *citySuspendCommand) Run(c *console) error {
	return cmd.with(cmd.settingsFlags, c, func(s *server, city report.City) error {
		off, err := s.cities.Suspend(c.ctx, city.ID, cmd.Reason)
		if err != nil {
			return err
		}
		return cmd.say(c, s, off, "%s is suspended: its page and its mail address say so, its bots rest, its moderators are mailed. Nothing is deleted.\n"+
			"Let it go on: ticketfrei city resume %s\n", off.Name, off.Slug)
	})
}

type cityResumeCommand struct {
	settingsFlags
	jsonFlag
	cityArg
}

// Run lets the city go on that is suspended, or begin that waits.
func (cmd *cityResumeCommand) Run(c *console) error {
	return cmd.with(cmd.settingsFlags, c, func(s *server, city report.City) error {
		if !city.Deleted.IsZero() {
			return fmt.Errorf("%s was deleted; bring it back first: ticketfrei city restore %s", city.Name, city.Slug)
		}
		on, err := s.cities.Admit(c.ctx, city.ID)
		switch {
		case err != nil:
			return err
		case !city.Off():
			return cmd.say(c, s, on, "%s is neither suspended nor waiting.\n", on.Name)
		}
		return cmd.say(c, s, on, "%s is on: %s/city/%s\n", on.Name, s.cfg.Web.URL, on.Slug)
	})
}

type cityDeleteCommand struct {
	settingsFlags
	jsonFlag
	yesFlag
	cityArg
	Now   bool `help:"At once and for good, not after seven days in which it can be brought back."`
	Moved bool `help:"It goes on on another server: its accounts are not logged out. With --now."`
}

// Run deletes the city.
func (cmd *cityDeleteCommand) Run(c *console) error {
	if cmd.Moved && !cmd.Now {
		return &usageError{errors.New("--moved goes with --now")}
	}
	return cmd.with(cmd.settingsFlags, c, func(s *server, city report.City) error {
		question := fmt.Sprintf("Delete %s? It can be brought back for seven days.", city.Name)
		if cmd.Now {
			question = fmt.Sprintf("Delete %s for good, with its subscribers, settings and reports?", city.Name)
		}
		if err := cmd.confirm(c, question); err != nil {
			return err
		}
		if cmd.Now {
			return cmd.erase(c, s, city)
		}
		gone, err := s.cities.Delete(c.ctx, city.ID)
		if err != nil {
			return err
		}
		return cmd.say(c, s, gone, "%s is off, and is deleted for good after %s. Its moderators are mailed.\nBring it back: ticketfrei city restore %s\n",
			gone.Name, manage.GoneAfter(gone).Format("2006-01-02 15:04"), gone.Slug)
	})
}

// erase deletes the city for good.
func (cmd *cityDeleteCommand) erase(c *console, s *server, city report.City) error {
	remove, said := s.cities.DeleteNow, "%s is deleted, with everything in it. Its moderators are mailed.\n"
	if cmd.Moved {
		remove, said = s.cities.DeleteMoved, "%s is deleted here. Its accounts are still logged in.\n"
	}
	if err := remove(c.ctx, city.ID); err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(c.stdout, struct {
			Slug string `json:"slug"`
			Gone bool   `json:"gone"`
		}{city.Slug, true})
	}
	_, err := fmt.Fprintf(c.stdout, said, city.Name)
	return err
}

type cityRestoreCommand struct {
	settingsFlags
	jsonFlag
	cityArg
}

// Run brings the city back that was deleted.
func (cmd *cityRestoreCommand) Run(c *console) error {
	return cmd.with(cmd.settingsFlags, c, func(s *server, city report.City) error {
		if city.Deleted.IsZero() {
			return fmt.Errorf("%s is not deleted", city.Name)
		}
		back, err := s.cities.Restore(c.ctx, city.ID)
		if err != nil {
			return err
		}
		return cmd.say(c, s, back, "%s is back: it is %s.\n", back.Name, back.State())
	})
}

type cityRenameCommand struct {
	settingsFlags
	jsonFlag
	cityArg
	New string `arg:"" help:"The name in addresses from now on."`
}

// Run renames the city.
func (cmd *cityRenameCommand) Run(c *console) error {
	return cmd.with(cmd.settingsFlags, c, func(s *server, city report.City) error {
		now, err := s.cities.Rename(c.ctx, city.ID, cmd.New)
		switch {
		case err != nil:
			return slugError(cmd.New, err)
		case city.Slug == now.Slug:
			return cmd.say(c, s, now, "%s is called that already.\n", now.Name)
		}
		return cmd.say(c, s, now, "%s is at %s/city/%s and %s@%s now. What led to %s goes on leading there. Its moderators are mailed.\n",
			now.Name, s.cfg.Web.URL, now.Slug, now.Slug, s.cfg.Mail.Domain, city.Slug)
	})
}

type cityAliasCommand struct {
	settingsFlags
	jsonFlag
	cityArg
	Name   string `arg:"" optional:"" help:"A further name in addresses that leads to the city; without it, those that there are are listed."`
	Remove bool   `help:"The name leads there no more."`
}

// Run lists, adds or removes aliases.
func (cmd *cityAliasCommand) Run(c *console) error {
	if cmd.Remove && cmd.Name == "" {
		return &usageError{errors.New("--remove needs the name that is to be removed")}
	}
	return cmd.with(cmd.settingsFlags, c, func(s *server, city report.City) error {
		var err error
		switch {
		case cmd.Remove:
			err = s.cities.RemoveAlias(c.ctx, city.ID, cmd.Name)
			if errors.Is(err, db.ErrNotFound) {
				err = fmt.Errorf("%s is no alias of %s", cmd.Name, city.Slug)
			}
		case cmd.Name != "":
			err = slugError(cmd.Name, s.cities.AddAlias(c.ctx, city.ID, cmd.Name))
		}
		if err != nil {
			return err
		}
		list, err := s.cities.Aliases(c.ctx, city.ID)
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printJSON(c.stdout, append([]string{}, list...))
		}
		for _, name := range list {
			fmt.Fprintln(c.stdout, name)
		}
		return nil
	})
}
