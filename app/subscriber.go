package app

import (
	"cmp"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/address"
)

// subscriberCommand is about those whom bots send to.
type subscriberCommand struct {
	List   subscriberListCommand   `cmd:"" help:"List whom a city's bots send to, without their addresses."`
	Resume subscriberResumeCommand `cmd:"" help:"Send again to whom nothing is sent, as their server said that there is no such mailbox."`
}

type subscriberListCommand struct {
	settingsFlags
	jsonFlag
	City      string `required:"" help:"The city." placeholder:"SLUG"`
	Network   string `help:"Only those of this network." placeholder:"NAME"`
	Suspended bool   `help:"Only those to whom nothing is sent."`
	Full      bool   `help:"With whole addresses."`
}

// listedSubscriber is a subscriber as scripts read it.
type listedSubscriber struct {
	Bot       int64      `json:"bot"`
	ID        int64      `json:"id"`
	Network   string     `json:"network"`
	Address   string     `json:"address,omitempty"`
	Created   time.Time  `json:"created"`
	Suspended *time.Time `json:"suspended,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// Run lists the subscribers.
func (cmd *subscriberListCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		list, err := s.cities.Recipients(c.ctx, cmd.City, cmd.Network, cmd.Suspended)
		if err != nil {
			return noCity(cmd.City, err)
		}
		all := make([]listedSubscriber, len(list))
		for i, r := range list {
			all[i] = listedSubscriber{Bot: r.Bot.ID, ID: r.ID, Network: r.Bot.Network, Address: r.Address, Created: r.Created.UTC(), Suspended: timeOrNone(r.Suspended), Reason: r.Reason}
			if !cmd.Full && r.Address != "" {
				all[i].Address = address.Masked(r.Address)
			}
		}
		if cmd.JSON {
			return printJSON(c.stdout, all)
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "BOT\tID\tNETWORK\tADDRESS\tSINCE\tSUSPENDED")
		for i, r := range all {
			suspended := ""
			if r.Suspended != nil {
				suspended = day(list[i].Suspended) + " " + r.Reason
			}
			fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\n", r.Bot, r.ID, r.Network, cmp.Or(r.Address, "–"), day(r.Created), suspended)
		}
		return w.Flush()
	})
}

type subscriberResumeCommand struct {
	settingsFlags
	jsonFlag
	Bot int64 `arg:"" help:"Number of the bot."`
	ID  int64 `arg:"" help:"Number of the subscriber: ticketfrei subscriber list has both."`
}

// Run has the subscriber be sent to again.
func (cmd *subscriberResumeCommand) Run(c *console) error {
	return cmd.withCities(c, func(c *console, s *server) error {
		err := s.cities.ResumeRecipient(c.ctx, cmd.Bot, cmd.ID)
		if errors.Is(err, db.ErrNotFound) {
			return fmt.Errorf("bot %d has no subscriber %d to whom nothing is sent (see ticketfrei subscriber list --suspended)", cmd.Bot, cmd.ID)
		}
		if err != nil {
			return err
		}
		return cmd.tell(c, map[string]int64{"bot": cmd.Bot, "id": cmd.ID}, "They are sent to again. Where their server still refuses them, they are suspended again on the third day.\n")
	})
}
