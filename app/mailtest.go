package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ticketfrei/internal/mailer"
)

// mailTestCommand sends a mail as the server does.
type mailTestCommand struct {
	settingsFlags
	jsonFlag
	Address string `arg:"" help:"Where the mail goes."`
}

// mailTestTimeout bounds how long a server may take with the mail.
const mailTestTimeout = time.Minute

// sentMail is what became of a mail, as scripts read it.
type sentMail struct {
	Sent bool   `json:"sent"`
	By   string `json:"by"` // the relay, or the recipient's server
	Says string `json:"says,omitempty"`
}

// Run sends one mail through the relay, or to the recipient's server where there is none, and
// says what the server said. The exit code is 1 where it was not taken.
func (cmd *mailTestCommand) Run(c *console) error {
	cfg, definitions, err := cmd.loadNetworks(c)
	if err != nil {
		return err
	}
	var options []mailer.Option
	keys, missing := lookForKeys(c.ctx, cfg, definitions)
	if missing == nil {
		options = append(options, mailer.Signed(keys))
	}
	send := mailer.New(cfg, slog.New(slog.DiscardHandler), time.Now, options...)
	defer send.Close()
	ctx, cancel := context.WithTimeout(c.ctx, mailTestTimeout)
	defer cancel()
	err = send.Send(ctx, mailer.AccountMail(cfg.Mail, cmd.Address, "A mail to try out Ticketfrei",
		"This mail was sent by \"ticketfrei mail-test\". If you read it, mails of this server arrive.\n\n"+cfg.Web.URL+"\n", time.Now()))
	r := sentMail{Sent: err == nil, By: "the relay"}
	if cfg.Mail.Relay == "" {
		r.By = "the server of the address"
	}
	if err != nil {
		r.Says = outcome(err)
	}
	if cmd.JSON {
		if err := printJSON(c.stdout, r); err != nil || r.Sent {
			return err
		}
		return exitCode(exitError)
	}
	if missing != nil {
		fmt.Fprintf(c.stderr, "The mail is not signed (DKIM): %v\n", missing)
	}
	if !r.Sent {
		return fmt.Errorf("the mail was not taken by %s: %s", r.By, r.Says)
	}
	fmt.Fprintf(c.stdout, "%s has taken the mail. Look whether it arrives, and not as spam.\n", r.By)
	return nil
}

// outcome is what a server has said of a mail, with its words where it said some.
func outcome(err error) string {
	if answer, ok := errors.AsType[*mailer.Error](err); ok && mailer.Words(answer) != "" {
		return fmt.Sprintf("%v: %s", err, mailer.Words(answer))
	}
	return err.Error()
}
