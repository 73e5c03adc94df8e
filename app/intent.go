package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/intent"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/place"
)

// intentsDir is the directory of the operator's own sentences, in the data directory.
const intentsDir = "intents"

// ownSentences returns the operator's own sentences.
func ownSentences(cfg *config.Config) ([]intent.Sentence, error) {
	dir := filepath.Join(cfg.Data, intentsDir)
	if _, err := os.Stat(dir); err != nil { // nor may there be a data directory
		return nil, nil
	}
	own, err := intent.Read(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("the sentences in %s cannot be used:\n%w", dir, err)
	}
	return own, nil
}

// unreadSentences names the files beside the operator's sentences that hold none.
func unreadSentences(cfg *config.Config) (warnings []config.Error) {
	dir := filepath.Join(cfg.Data, intentsDir)
	for _, name := range intent.Unread(os.DirFS(dir)) {
		warnings = append(warnings, config.Error{Problem: filepath.Join(dir, name) + " is not read: sentences stand in files such as where/de.txt"})
	}
	return warnings
}

type intentCommand struct {
	Try   intentTryCommand   `cmd:"" help:"Say what a text is taken for, and what would become of it."`
	Check intentCheckCommand `cmd:"" help:"Check how well texts are recognised (exit code 1: a report would be lost)."`
}

type intentTryCommand struct {
	settingsFlags
	Text []string `arg:"" help:"What somebody writes."`
	City string   `placeholder:"SLUG" help:"Judge it by the rules of this city, too."`
}

// Run prints the intent, how certain it is, the lines that are named, and what happens.
func (cmd *intentTryCommand) Run(c *console) error {
	text := strings.Join(cmd.Text, " ")
	if strings.TrimSpace(text) == "" {
		return &usageError{errors.New(`write a sentence, such as: ticketfrei intent try "Wo sind gerade Kontis?"`)}
	}
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		return err
	}
	own, err := ownSentences(cfg)
	if err != nil {
		return err
	}
	city, err := cmd.city(c, cfg, definitions)
	if err != nil {
		return err
	}
	var read report.Reading
	if city != nil {
		read = city.places.Read(text)
	}
	g := intent.New(intent.BuiltIn(), own...).Recognize(text).Naming(read.Named(), read.Clear)
	fmt.Fprintf(c.stdout, "%s %.2f\n", g.Intent, g.Certainty)
	for _, l := range g.Lines {
		fmt.Fprintf(c.stdout, "line: %s\n", l)
	}
	if g.Learned > g.Certainty {
		fmt.Fprintf(c.stdout, "by its words alone it would be %s %.2f, but it may also be how a report is written: %.2f at most\n", g.Intent, g.Learned, g.Certainty)
	}
	return cmd.happens(c, city, text, g)
}

// judgingCity is a city by whose rules and places a text is judged.
type judgingCity struct {
	report.City
	places *place.Places
}

// city returns the one that is asked for; nil where none is.
func (cmd *intentTryCommand) city(c *console, cfg *config.Config, definitions []bots.Definition) (*judgingCity, error) {
	if cmd.City == "" {
		return nil, nil
	}
	v, err := openView(c.ctx, cfg, definitions)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	if v.other != nil {
		return nil, v.other
	}
	found, err := v.FindCity(c.ctx, cmd.City)
	if errors.Is(err, db.ErrNotFound) {
		return nil, fmt.Errorf("there is no city %s (see ticketfrei city list)", cmd.City)
	}
	if err != nil {
		return nil, err
	}
	stored, err := v.Places(c.ctx, found.ID)
	if err != nil {
		return nil, err
	}
	places, err := place.Parse(stored)
	if err != nil {
		return nil, fmt.Errorf("lines and stops of city %s: %w", found.Slug, err)
	}
	return &judgingCity{found, places}, nil
}

// happens says what becomes of a text.
func (cmd *intentTryCommand) happens(c *console, city *judgingCity, text string, g intent.Guess) error {
	answered := city == nil || city.Questions
	switch {
	case !answered && g.Intent != intent.Report:
		fmt.Fprintf(c.stdout, "%s does not answer questions: it is treated as a report\n", city.Slug)
	case g.Sure():
		fmt.Fprintln(c.stdout, "where it can be answered, it is answered and not passed on; else it is treated as a report")
	case g.Doubtful():
		fmt.Fprintln(c.stdout, "where it can be answered, it is answered; it is treated as a report, too")
	default:
		fmt.Fprintln(c.stdout, "it is treated as a report")
	}
	if city == nil {
		return nil
	}
	rules, err := censor.Of(city.City)
	if err != nil {
		return fmt.Errorf("rules of city %s: %w", city.Slug, err)
	}
	said, _ := intent.Insisted(text)
	v := city.places.Read(said).Admit(rules.Judge(said))
	verdict := "refused"
	if v.Passed {
		verdict = "passed on"
	}
	_, err = fmt.Fprintf(c.stdout, "a report like this is %s by the rules of %s: %s\n", verdict, city.Slug, because(v))
	return err
}

// because says why the rules of a city decide as they do.
func because(v report.Verdict) string {
	switch v.Reason {
	case report.ReasonTrigger:
		return "it fits the trigger " + v.Detail
	case report.ReasonPlace:
		return "it names a line or stop of the city, " + v.Detail
	case report.ReasonClear:
		return "it is an all-clear"
	case report.ReasonNoTrigger:
		return "no trigger of the city fits it"
	case report.ReasonBlocked:
		return "it has the blocked word " + v.Detail
	case report.ReasonSlur:
		return "it has an insult of the built-in list: " + v.Detail
	case report.ReasonEmpty:
		return "there is no text in it"
	case report.ReasonTooLong:
		return "it is too long"
	default:
		return strings.TrimSpace(string(v.Reason) + " " + v.Detail)
	}
}

type intentCheckCommand struct{ settingsFlags }

// Run tries every sentence on what the others teach, and those that nobody learns from.
func (cmd *intentCheckCommand) Run(c *console) error {
	cfg, err := cmd.load(c, all.Networks())
	if err != nil {
		return err
	}
	own, err := ownSentences(cfg)
	if err != nil {
		return err
	}
	list, fixed := append(intent.BuiltIn(), own...), intent.Fixed()
	lost := showChecked(c, fmt.Sprintf("%d sentences, each tried on what nine tenths of the others teach:", len(list)), intent.CrossCheck(list), own)
	lost += showChecked(c, fmt.Sprintf("%d other sentences, tried on what all of these teach:", len(fixed)), intent.New(intent.BuiltIn(), own...).Check(fixed), own)
	if lost > 0 {
		return fmt.Errorf("%d reports would not be passed on: they look like sentences of another intent; take those out of %s, or put the reports into report/ there", lost, filepath.Join(cfg.Data, intentsDir))
	}
	return nil
}

// showChecked prints what sentences were taken for, and returns how many reports would
// be lost, for which it names the sentence of the operator's own that is most like them.
func showChecked(c *console, title string, results []intent.Result, own []intent.Sentence) (lost int) {
	fmt.Fprintln(c.stdout, title)
	silent, answered := intent.Confusion(results, intent.Sure), intent.Confusion(results, intent.Doubt)
	for _, is := range intent.All() {
		total := 0
		for _, n := range answered[is] {
			total += n
		}
		switch {
		case total == 0:
		case is == intent.Report:
			lost = total - silent[is][is]
			fmt.Fprintf(c.stdout, "  reports lost: %d of %d; passed on, but answered like a question, too: %d\n", lost, total, total-answered[is][is]-lost)
		default:
			fmt.Fprintf(c.stdout, "  %s answered: %d of %d, of these %d not passed on\n", is, answered[is][is], total, silent[is][is])
		}
	}
	for _, r := range results {
		if r.Swallowed() {
			fmt.Fprintf(c.stdout, "  lost: %q is taken for %s %.2f%s\n", r.Text, r.Guess.Intent, r.Guess.Certainty, likeOwn(r, own))
		}
	}
	fmt.Fprintln(c.stdout)
	return lost
}

// likeOwn names the sentence of the operator's own that taught what a text was taken for.
func likeOwn(r intent.Result, own []intent.Sentence) string {
	if s, ok := intent.Nearest(r.Text, r.Guess.Intent, own); ok {
		return fmt.Sprintf("; of your own, most like it: %q", s.Text)
	}
	return ""
}
