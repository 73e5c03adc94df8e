package frontend

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
	"ticketfrei/manage"
)

// picture is the way of a city's reports as its moderators see it: bots that hear, the
// rules, and bots that send.
type picture struct {
	Hears, Sends []pictureBot
	Passed       int // today
	NotPassed    int
	TakenBack    int
	Held         int // wait for a moderator
	Reasons      []pictureReason
	Need         *need // nil: nothing needs a person
}

// pictureBot is a bot, or one of those it sends to, as a box of the picture.
type pictureBot struct {
	Key      string // names the box
	Name     string
	Path     string // of its page
	State    report.BotState
	Since    time.Time // zero: not known
	Error    string    // what is wrong, in plain words
	LastHour int       // reports it heard
	Reaches  string    // whom it sends to, in words
	People   int       // the same as a number; -1: everybody can see it
	Y        int       // where its middle is, in percent of the height
}

// Works reports whether there is nothing to say but that it works.
func (b pictureBot) Works() bool { return b.State == report.BotRunning }

// Line is the line between the box and the rules: d of an SVG path in a square of 100.
func (b pictureBot) Line() string { return fmt.Sprintf("M0 %d C50 %d 50 50 100 50", b.Y, b.Y) }

// pictureReason is how many reports were not passed on for one reason.
type pictureReason struct {
	Count int
	verdict
}

// picture returns the picture of a city in a language.
func (s *Site) picture(ctx context.Context, c report.City, p *page) (picture, error) {
	now := s.Now().In(zone.Of(c, s.Config.Reports.Zone))
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	w, err := s.Cities.Way(ctx, c, day)
	if err != nil {
		return picture{}, err
	}
	pic := picture{Passed: w.Passed(), NotPassed: w.NotPassed(), TakenBack: w.TakenBack(), Held: w.Held(), Reasons: reasonsOf(w)}
	several := map[string]int{}
	for _, b := range w.Bots {
		several[b.Network]++
	}
	for _, b := range w.Bots {
		box := s.pictureBot(p, b, several[b.Network] > 1)
		if b.Hears {
			pic.Hears = append(pic.Hears, box)
		}
		if !b.Sends {
			continue
		}
		if len(b.Branches) == 0 {
			pic.Sends = append(pic.Sends, box)
		}
		for _, branch := range b.Branches {
			pic.Sends = append(pic.Sends, branchBox(p, box, branch))
		}
	}
	if !p.Role.May(roleFor(deskPath(pageNetworks))) {
		unlink(pic.Hears)
		unlink(pic.Sends)
	}
	arrange(pic.Hears)
	arrange(pic.Sends)
	pic.Need = pic.need(p)
	return pic, nil
}

// unlink has boxes lead nowhere: whoever looks may not see the pages.
func unlink(boxes []pictureBot) {
	for i := range boxes {
		boxes[i].Path = "#picture"
	}
}

// arrange gives boxes of the same height their places one below the other.
func arrange(boxes []pictureBot) {
	for i := range boxes {
		boxes[i].Y = (2*i + 1) * 50 / len(boxes)
	}
}

func (s *Site) pictureBot(p *page, b manage.WayBot, several bool) pictureBot {
	shown := botCard{Bot: b.Bot.Bot}.Shown()
	box := pictureBot{Key: fmt.Sprint("bot-", b.ID), Name: s.networkName(p.Lang, b.Network),
		State: shown, Since: b.Since, LastHour: b.LastHour, People: b.Recipients}
	box.Path = deskPath(pageNetworks) + "#" + box.Key
	if several && b.Address != "" {
		box.Name = b.Address
	}
	if shown == report.BotTrouble || shown == report.BotAttention {
		box.Error = b.LastError
	}
	switch {
	case b.Recipients >= 0:
		box.Reaches = p.T("settings.picture.people", "Count", b.Recipients)
	default:
		box.Reaches = p.T("settings.picture.public")
	}
	return box
}

// branchBox is the box of one recipient with a name of a bot.
func branchBox(p *page, of pictureBot, b bots.Branch) pictureBot {
	box := of
	box.Key, box.Name, box.Path, box.Reaches, box.People = of.Key+"-"+b.Name, b.Name, b.Path, p.T("settings.picture.stream"), 1
	switch {
	case b.Stopped != nil:
		box.State, box.Since, box.Error = report.BotAttention, time.Time{}, b.Stopped.Say(p.T)
	case b.Off:
		box.State, box.Since, box.Error = report.BotOff, time.Time{}, ""
	}
	return box
}

// reasonsOf says why reports of today were not passed on, the most frequent first.
func reasonsOf(w manage.Way) []pictureReason {
	counts := map[report.Reason]int{}
	for _, j := range w.Judged {
		if !j.Passed && j.Reason != report.ReasonTakenBack && j.Day > 0 {
			counts[j.Reason] += j.Day
		}
	}
	var list []pictureReason
	for reason, n := range counts {
		list = append(list, pictureReason{n, newVerdict(report.Verdict{Reason: reason})})
	}
	slices.SortFunc(list, func(a, b pictureReason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// Troubled is the first that is in trouble, by its name; empty: none is.
func (p picture) Troubled() string {
	for _, b := range slices.Concat(p.Hears, p.Sends) {
		if b.State == report.BotTrouble {
			return b.Name
		}
	}
	return ""
}

// need is what needs a person: a sentence and where to act.
type need struct {
	Text, Button, Path string
}

// need returns what most needs a person at the moment; nil: nothing does.
func (pic picture) need(p *page) *need {
	c := p.City
	if !c.Paused.IsZero() {
		return &need{p.T("settings.pause.paused", "City", c.Name), p.T("settings.need.pause"), "#" + partPause}
	}
	for _, b := range slices.Concat(pic.Hears, pic.Sends) {
		if b.State == report.BotAttention {
			return &need{p.T("settings.need.bot", "Name", b.Name) + " " + b.Error, p.T("settings.need.mend"), b.Path}
		}
	}
	if !c.Off() && !slices.ContainsFunc(pic.Hears, func(b pictureBot) bool { return b.State != report.BotOff }) {
		path := deskPath(pageNetworks)
		if !p.Role.May(roleFor(path)) {
			path = "#picture"
		}
		return &need{p.T("settings.test.no_way"), p.T("settings.need.mend"), path}
	}
	if pic.Held > 0 {
		return &need{p.T("settings.need.held", "Count", pic.Held), p.T("settings.held.look"), "/settings/reports?show=" + showHeld}
	}
	return nil
}
