package mailtext

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// otherAddress is an address, perhaps one that is hidden from programs: "anna [at] example.org".
	otherAddress = regexp.MustCompile(`(?i)[\pL\d._%+-]+(?:@|\s?[\[({](?:at|ät|@)[\])}]\s?)[\pL\d-]+(?:\s?(?:\.|[\[({](?:dot|punkt|\.)[\])}])\s?[\pL\d-]+)+`)
	// handle is what somebody is called in a messenger, or their key.
	handle = regexp.MustCompile(`(?im)^[\s•|>–-]*(?:(?:threema|telegram|skype|discord|instagram|insta|wire|icq)(?:[ -]?id)?\s?:\s?[^\s:]{3,}|signal\s?:\s?\S+\.\d{2,}|(?:pgp|gpg)[^:\n]{0,24}:\s?(?:0x)?[\da-f ]{16,})\s*$`)
)

// othersNames returns where in text people are named beside their address, where an address
// is hidden from programs, and where somebody tells what they are called in a messenger.
func othersNames(text string) []stretch {
	var found []stretch
	if strings.ContainsRune(text, ':') {
		for _, at := range handle.FindAllStringIndex(text, -1) {
			found = append(found, stretch{at[0], at[1]})
		}
	}
	if !strings.ContainsAny(text, "@[({") {
		return found
	}
	for _, at := range otherAddress.FindAllStringIndex(text, -1) {
		address := text[at[0]:at[1]]
		s := stretch{nameBefore(text[:at[0]], address), at[1]}
		if strings.Contains(address, "@") {
			// Scrub takes the address itself, and what is around it.
			s.to = s.from + len(strings.TrimRight(text[s.from:at[0]], " ,(<"))
		}
		if s.from < s.to && !overlaps(found, []int{s.from, s.to}) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b stretch) int { return a.from - b.from })
	return found
}

// nameBefore returns where the name begins that text ends with and that an address
// holds; the end of text where none does.
func nameBefore(text, address string) int {
	const most = 80 // bytes
	start := max(0, len(text)-most)
	for !utf8.RuneStart((text + " ")[start]) {
		start++
	}
	tokens, locals := tokensOf(text[start:]), localWords(address)
	from, end := len(text), len(text)
	for _, t := range slices.Backward(tokens[max(0, len(tokens)-maxNameWords):]) {
		apart := strings.Trim(text[start+t.to:end], " ,(<\"'„“") != ""
		if apart || !unicode.IsUpper(runeAt(text, start+t.from)) {
			break
		}
		end = start + t.from
		if isIn(t.word, locals) || from < len(text) && isInitialOf(t.word, address) {
			from = end
		}
	}
	return from
}

// isInitialOf says whether an address begins as a word does: "s.example" for "Sam".
func isInitialOf(word, address string) bool {
	r, _ := utf8.DecodeRuneInString(fold(address))
	return strings.HasPrefix(word, string(r))
}
