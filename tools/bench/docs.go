package main

import (
	"fmt"
	"os"
	"strings"
)

// writeDocs puts the figures into a document, between the lines
// <!-- begin NAME --> and <!-- end NAME --> of each experiment. What stands
// outside is written by people and stays; an experiment that did not run keeps
// its figures.
func (r *Report) writeDocs(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(raw)
	for _, result := range r.Results {
		if text, err = replaceSection(text, result.Experiment, r.section(result)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// replaceSection returns text with another section of that name.
func replaceSection(text, name, section string) (string, error) {
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return "", fmt.Errorf("there is no section %s", name)
	}
	return before + begin + section + end + after, nil
}

// section is the table of an experiment and its chart, in Markdown.
func (r *Report) section(result *Result) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Measured at commit %s on %s, %s.", r.Commit, r.Began.UTC().Format("2006-01-02"), r.Machine)
	if r.Quick {
		s.WriteString(" A quick run: its figures mean little.")
	}
	s.WriteString("\n\n")
	if result.Skipped != "" {
		s.WriteString(result.Skipped + "\n\n")
	}
	if result.Failed != "" {
		s.WriteString("**Failed:** " + strings.ReplaceAll(result.Failed, "\n", " ") + "\n\n")
	}
	s.WriteString("| | measured | target | | |\n| --- | ---: | ---: | --- | --- |\n")
	for _, f := range result.Figures {
		verdict := f.verdict()
		if verdict == "missed" {
			verdict = "**missed**"
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s |\n", cell(f.Name), cell(f.value()), cell(f.target()), verdict, cell(f.Note))
	}
	if len(result.Series) > 0 && result.Failed == "" {
		fmt.Fprintf(&s, "\n![%s](charts/%s.svg)\n", result.Axes.Title, result.Experiment)
	}
	return s.String()
}

// cell is a text that cannot end its cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}
