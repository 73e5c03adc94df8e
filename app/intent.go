package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/censor"
	"ticketfrei/intent"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
)

// intentsDir is the directory of the operator's own sentences, in the data directory.
const intentsDir = "intents"

// sentences returns the sentences that are built in, and the operator's own.
func sentences(cfg *config.Config) ([]intent.Sentence, error) {
	dir := filepath.Join(cfg.Data, intentsDir)
	if _, err := os.Stat(dir); err != nil { // nor may there be a data directory
		return intent.BuiltIn(), nil
	}
	own, err := intent.Read(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("the sentences in %s cannot be used:\n%w", dir, err)
	}
	return append(intent.BuiltIn(), own...), nil
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
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		return err
	}
	list, err := sentences(cfg)
	if err != nil {
		return err
	}
	city, err := cmd.city(c, cfg, definitions)
	if err != nil {
		return err
	}
	text := strings.Join(cmd.Text, " ")
	g := intent.New(list).Recognize(text)
	fmt.Fprintf(c.stdout, "%s %.2f\n", g.Intent, g.Certainty)
	for _, l := range g.Lines {
		fmt.Fprintf(c.stdout, "line: %s\n", l)
	}
	return cmd.happens(c, city, text, g)
}

// city returns the city by whose rules a text is judged; nil where none is asked for.
func (cmd *intentTryCommand) city(c *console, cfg *config.Config, definitions []bots.Definition) (*report.City, error) {
	if cmd.City == "" {
		return nil, nil
	}
	v, err := openView(c.ctx, cfg, definitions)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	found, err := v.FindCity(c.ctx, cmd.City)
	if err != nil {
		return nil, fmt.Errorf("city %s: %w (see ticketfrei city list)", cmd.City, err)
	}
	return &found, nil
}

// happens says what becomes of a text.
func (cmd *intentTryCommand) happens(c *console, city *report.City, text string, g intent.Guess) error {
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
	rules, err := censor.Compile(city.Triggers, city.Blocked)
	if err != nil {
		return fmt.Errorf("rules of city %s: %w", city.Slug, err)
	}
	said, _ := intent.Insisted(text)
	v := rules.Judge(said)
	verdict := "refused"
	if v.Passed {
		verdict = "passed on"
	}
	_, err = fmt.Fprintf(c.stdout, "a report like this is %s by the rules of %s (%s)\n", verdict, city.Slug, strings.TrimSpace(string(v.Reason)+" "+v.Detail))
	return err
}

type intentCheckCommand struct{ settingsFlags }

// Run tries every sentence on what the others teach, and those that nobody learns from.
func (cmd *intentCheckCommand) Run(c *console) error {
	cfg, err := cmd.load(c, all.Networks())
	if err != nil {
		return err
	}
	list, err := sentences(cfg)
	if err != nil {
		return err
	}
	lost := showChecked(c, fmt.Sprintf("%d sentences, each tried on what nine tenths of the others teach", len(list)), intent.CrossCheck(list))
	fixed := intent.Fixed()
	lost += showChecked(c, fmt.Sprintf("%d fixed sentences, tried on what all of these teach", len(fixed)), intent.New(list).Check(fixed))
	if lost > 0 {
		return fmt.Errorf("%d reports would not be passed on: they look like sentences of another intent; take those out of %s", lost, filepath.Join(cfg.Data, intentsDir))
	}
	return nil
}

// showChecked prints what sentences were taken for, and returns how many reports would
// be lost.
func showChecked(c *console, title string, results []intent.Result) (lost int) {
	fmt.Fprintln(c.stdout, title)
	for _, part := range []struct {
		title   string
		certain float64
	}{{"answered, and no report", intent.Sure}, {"answered", intent.Doubt}} {
		showConfusion(c, part.title, intent.Confusion(results, part.certain))
	}
	for _, r := range results {
		if r.Swallowed() {
			lost++
			fmt.Fprintf(c.stdout, "  lost: %q is taken for %s %.2f\n", r.Text, r.Guess.Intent, r.Guess.Certainty)
		}
	}
	fmt.Fprintf(c.stdout, "  reports that would be lost: %d\n\n", lost)
	return lost
}

// showConfusion prints how many sentences of each intent, a row, were taken for which.
func showConfusion(c *console, title string, counts map[intent.Intent]map[intent.Intent]int) {
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "  %s\t", title)
	for _, taken := range intent.All() {
		fmt.Fprintf(w, "%s\t", taken)
	}
	fmt.Fprintln(w)
	for _, is := range intent.All() {
		fmt.Fprintf(w, "  %s\t", is)
		for _, taken := range intent.All() {
			fmt.Fprintf(w, "%d\t", counts[is][taken])
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
}
