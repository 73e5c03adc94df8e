package filter

import (
	"strings"
)

// T returns the text id in some language, filled with data: alternating names and values.
type T func(id string, data ...any) string

// Sentence puts a spec into words, as "U1 or U2, not from mail, 6–22 h".
func (s Spec) Sentence(t T) string {
	parts := phrases(t, s.Include, func(phrase string) string { return phrase })
	parts = append(parts, phrases(t, s.Exclude, func(phrase string) string { return t("filter.not", "What", phrase) })...)
	if asked := strings.TrimSpace(s.When); asked != "" {
		parts = append(parts, t("filter.when", "What", asked))
	}
	if len(parts) == 0 {
		return t("filter.all")
	}
	return strings.Join(parts, ", ")
}

// phrases puts the values of each attribute into words, in the order of the attributes.
func phrases(t T, values map[string][]string, say func(string) string) []string {
	var all []string
	for _, name := range ordered(values) {
		if len(values[name]) > 0 {
			all = append(all, say(phrase(t, name, values[name])))
		}
	}
	return all
}

// own are the attributes that have a phrase of their own; of others, the name is said.
var own = map[string]string{
	"line": "value", "lines": "value", "stop": "value", "stops": "value", "weekday": "value", "kind": "value", "toward": "toward",
	"network": "network", "hour": "hour", "text": "text", "words": "text", "people": "people", "age": "age",
}

func phrase(t T, name string, values []string) string {
	if len(values) == 1 {
		if id, ok := yesNoPhrases[name+"="+values[0]]; ok {
			return t(id)
		}
	}
	said := make([]string, len(values))
	for i, v := range values {
		said[i] = say(t, name, v)
	}
	id, ok := own[name]
	if !ok {
		return t("filter.phrase.other", "Name", name, "What", either(t, said))
	}
	return t("filter.phrase."+id, "What", either(t, said))
}

// yesNoPhrases are those of attributes that are or are not.
var yesNoPhrases = map[string]string{
	"clear=true": "filter.phrase.clear", "clear=false": "filter.phrase.unclear", "private=true": "filter.phrase.private", "private=false": "filter.phrase.public",
	"author.known=true": "filter.phrase.known", "author.known=false": "filter.phrase.unknown",
	"line=*": "filter.phrase.any_line", "lines=*": "filter.phrase.any_line", "stop=*": "filter.phrase.any_stop", "stops=*": "filter.phrase.any_stop",
}

// say puts one value into words.
func say(t T, name, value string) string {
	switch {
	case value == Any:
		return t("filter.any")
	case name == "weekday" || name == "kind":
		return t("filter." + name + "." + value)
	case name == "text" || name == "words":
		return t("filter.quoted", "What", value)
	case name == "hour":
		return strings.ReplaceAll(value, "-", "–")
	default:
		return value
	}
}

// either joins words by "or".
func either(t T, words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	last := len(words) - 1
	return t("filter.or", "A", strings.Join(words[:last], ", "), "B", words[last])
}

// Message is the text that says what is wrong to somebody who is no programmer, and what
// it is filled with: see bots.Say.
func (e *Error) Message() (id string, data []any) {
	id = "filter.error." + string(e.Kind)
	data = []any{"Word", e.Word, "Name", e.Attribute, "Length", MaxLength, "Values", MaxValues, "Parts", MaxNodes, "Nested", MaxNested}
	switch {
	case e.Nearest != "" && (e.Kind == UnknownName || e.Kind == UnknownValue || e.Kind == Syntax):
		return id + "_near", append(data, "Nearest", e.Nearest)
	case e.Kind == UnknownValue && len(e.Values) > 0 && len(e.Values) <= few:
		return id + "_of", append(data, "These", strings.Join(e.Values, ", "))
	}
	return id, data
}
