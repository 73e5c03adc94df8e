package mailtext

import (
	"regexp"
	"strings"
)

// recallHead is how the subject of Outlook's wish to take a mail back begins, in
// its languages. Some are words of everyday: the text tells.
var recallHead = regexp.MustCompile(`^(message recall|recall|rückruf|nachricht zurückrufen|rappel|rappeler|recuperar|recuperación|retirar|anular|richiam\p{L}+|intrekken|terugroepen|intrekking|återkall\p{L}*|tilbagekald\p{L}*|tilbakekall\p{L}*|kumoa\p{L}*|peruut\p{L}*|wycofa\p{L}+|odwoła\p{L}+|odwołanie|odvol\p{L}+|stáhn\p{L}+|visszah\p{L}+|rechem\p{L}+|retrage\p{L}*|opoziv\p{L}*|preklic\p{L}*|отзыв|отозвать|відклик\p{L}*|ανάκληση|geri (çağır|çek|al)\p{L}*|撤回|召回|回収|取り消し|リコール|회수|استدعاء|سحب|استرداد|החזר\p{L}*)$`)

// quotes are the marks that a subject stands between in such a note.
const quotes = "\"'“”„«»‹›‘’‚「」『』"

// maxRecall bounds, in bytes, what such a note says beside the subject.
const maxRecall = 200

// isRecall says whether a mail is the note that somebody would like to take
// another one back: its subject is "Recall: …", and its text names the same
// subject in quotation marks.
func (m *message) isRecall() bool {
	head, subject, ok := strings.Cut(strings.NewReplacer("：", ":", "\u00a0", " ").Replace(m.header.text("Subject")), ":")
	head, subject = strings.TrimSpace(strings.ToLower(head)), strings.TrimSpace(subject)
	if !ok || subject == "" || len(m.Body) > maxRecall+len(subject) {
		return false
	}
	body := strings.Join(strings.Fields(m.Body), " ")
	before, after, ok := strings.Cut(body, subject)
	quoted := ok && endsInOneOf(before, quotes) && startsWithOneOf(after, quotes)
	return quoted && (recallHead.MatchString(head) || m.named)
}

func endsInOneOf(s, set string) bool {
	trimmed := strings.TrimRight(s, " ")
	return strings.TrimRight(trimmed, set) != trimmed
}

func startsWithOneOf(s, set string) bool {
	trimmed := strings.TrimLeft(s, " ")
	return strings.TrimLeft(trimmed, set) != trimmed
}
