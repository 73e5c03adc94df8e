package intent

import "strings"

// spelling returns a text as it is compared word for word: as lowered returns it, with
// one mark at its end, and without "." there.
func spelling(text string) string {
	text = strings.Join(strings.Fields(lowered(text)), " ")
	bare := strings.TrimRight(text, ends+" ")
	if end := endOf(text[len(bare):]); end != '.' {
		return bare + string(end)
	}
	return bare
}

// spellings are those that are a sentence word for word: one without a mark may be
// written as a question.
func spellings(sentence string) []string {
	s := spelling(sentence)
	if strings.Trim(s, "?!") == "" { // it says nothing
		return nil
	}
	if strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return []string{s}
	}
	return []string{s, s + "?"}
}

// literally returns what a text is that has one of the operator's own sentences word for
// word, by its spelling. One that a report has too, built in or their own, is left to
// what was learned, or is a report.
func literally(builtIn, own []Sentence) map[string]Intent {
	literal := map[string]Intent{}
	for _, s := range own {
		for _, text := range spellings(s.Text) {
			if literal[text] != Report {
				literal[text] = s.Intent
			}
		}
	}
	for _, s := range builtIn {
		if s.Intent != Report {
			continue
		}
		for _, text := range spellings(s.Text) {
			if literal[text] != Report {
				delete(literal, text)
			}
		}
	}
	return literal
}
