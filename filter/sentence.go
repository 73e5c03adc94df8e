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
	"network": "network", "hour": "value", "text": "text", "words": "text", "people": "people", "age": "age",
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
		return hours(t, value)
	default:
		return value
	}
}

// hours puts an hour, or a range of them, into words.
func hours(t T, value string) string {
	from, to, isRange := strings.Cut(strings.ReplaceAll(value, "–", "-"), "-")
	switch {
	case !isRange:
		return t("filter.hour.at", "Hour", from)
	case to == "":
		return t("filter.hour.from", "Hour", from)
	case from == "":
		return t("filter.hour.until", "Hour", to)
	default:
		return t("filter.hour.between", "From", from, "To", to)
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
	data = []any{"Word", e.Word, "Length", MaxLength, "Values", MaxValues, "Parts", MaxNodes, "Nested", MaxNested}
	switch {
	case e.Nearest != "" && (e.Kind == UnknownName || e.Kind == UnknownValue || e.Kind == Syntax):
		return id + "_near", append(data, "Nearest", e.Nearest)
	case e.number != nil && e.number.high == many:
		return "filter.error.unknown_number_up", append(data, "Low", e.number.low)
	case e.number != nil:
		return "filter.error.unknown_number", append(data, "Low", e.number.low, "High", e.number.high)
	case e.Kind == UnknownValue && len(e.Values) > 0 && len(e.Values) <= few:
		return id + "_of", append(data, "These", strings.Join(e.Values, ", "))
	}
	return id, data
}
