package mailtext

import (
	"regexp"
	"strings"
)

// Programs that answer for somebody who is away do not all say so in the header.
// Their subjects do: they begin with a name for such answers, mostly with a colon
// and the subject of the mail that they answer.

var (
	// autoStem and replyStem together make a name for an automatic answer, in any
	// order: "Réponse automatique", "Otomatik Yanıt".
	autoStem  = regexp.MustCompile(`(^|\P{L})(auto(m|[- ])|otomati|tự động|sjálfvirk|samodejn|автомат|авто[- ]|аутомат|аўтамат|αυτόματ|awtomat|uathoibr)|自動|自动|자동|تلقائي|خودکار|آلي|אוטומטי|स्वचालित|อัตโนมัติ`)
	replyStem = regexp.MustCompile(`(^|\P{L})(antwort|rückmeldung|rueckmeldung|rückantwort|eingangsbestätigung|empfangsbestätigung|abwesenheit\p{L}*|reply|responder|response|respond|answer|réponse|reponse|respuesta|contestación|risposta|risponditore|resposta|antwoord|svar|vastaus|vastus|odpov\p{L}*|odpowied\p{L}*|válasz\p{L}*|răspuns|raspuns|odgovor|odziv|atbilde|atsakymas|yanıt|yanit|cevap|balasan|jawapan|jawaban|trả lời|erantzun\p{L}*|freagra|ateb|ответ|відповідь|отговор|одговор|адказ|απάντηση|tugon|sagot|përgjigje|svör)|返信|応答|回复|回覆|答复|答覆|回信|응답|회신|답장|رد|جواب|إجابة|پاسخ|תשובה|מענה|उत्तर|ตอบกลับ`)
	// autoWord is such a name in one word.
	autoWord = regexp.MustCompile(`^(auto[- ]?(antwort|reply|response|responder|svar|antwoord|respuesta|risposta|resposta|réponse|odpověď|odpoveď|odpowiedź|vastaus|odgovor|válasz)|автоответчик|автоответ|автовідповідь|automaatvastus|automatsvar|feriesvar|semestersvar|fraværsmelding|fraværsbesked|fraværsassistent|frånvaromeddelande|poissaoloviesti|poissaoloilmoitus|abwesenheits\p{L}+|urlaubs(notiz|meldung|nachricht|benachrichtigung|antwort)|afwezigheids\p{L}+|自動返信|自動応答|自动回复|自动答复|自動回覆|자동회신|자동응답)$`)
	// away begins a subject that can mean nothing else.
	away = regexp.MustCompile(`^(auto(matic)?[ -]?(reply|response)|automatische (antwort|rückmeldung)|abwesenheits(notiz|nachricht|meldung|assistent|benachrichtigung|agent)|(i am |i'm |currently )?out[ -]of[ -](the[ -])?office|(ich bin |bin )?(nicht im büro|außer haus|ausser haus|abwesend (bis|vom|ab|von|wegen))|abwesenheit (bis|vom|ab|von)|absent\(?e?\)? du bureau|absence du bureau|message d['’]absence|avis d['’]absence|notification d['’]absence|fuera de( la)? oficina|mensaje de ausencia|aviso de ausencia|fora do escritório|mensagem de ausência|fuori (sede|ufficio)|messaggio di assenza|buiten kantoor|niet op kantoor|ikke på kontoret|ute av kontoret|inte på kontoret|utanför kontoret|poissa toimistolta|poza biurem|nieobecność w biurze|mimo kancelář|mimo kanceláriu|házon kívül|irodán kívül|în afara biroului|izvan ureda|вне офиса|нет на месте|поза офісом|извън офиса|εκτός γραφείου|ofis dışı\p{L}*|خارج المكتب|מחוץ למשרד|לא במשרד|خارج از دفتر)(\P{L}|$)`)
)

// absences are names that people use as words as well: they must be the whole
// subject, or stand before a colon.
var absences = map[string]bool{
	"abwesend": true, "abwesenheit": true, "urlaub": true, "im urlaub": true, "bin im urlaub": true, "ich bin im urlaub": true, "ich bin abwesend": true, "bin abwesend": true,
	"ooo": true, "on vacation": true, "vacation": true, "on leave": true, "annual leave": true, "away": true, "i am away": true, "away from office": true, "away from the office": true,
	"absence": true, "absent": true, "absente": true, "absent(e)": true, "en congé": true, "en vacances": true,
	"ausente": true, "ausencia": true, "de vacaciones": true, "ausência": true, "de férias": true, "assente": true, "assenza": true, "in ferie": true,
	"afwezig": true, "afwezigheid": true, "op vakantie": true, "met vakantie": true,
	"frånvaro": true, "frånvarande": true, "fravær": true, "fraværende": true, "på ferie": true, "på semester": true, "poissa": true, "poissaolo": true, "lomalla": true,
	"nieobecność": true, "nieobecny": true, "nieobecna": true, "urlop": true, "na urlopie": true, "nepřítomnost": true, "dovolená": true, "neprítomnosť": true, "dovolenka": true,
	"távollét": true, "szabadságon": true, "absență": true, "concediu": true, "odsutnost": true, "odsutan": true, "odsutna": true, "odsotnost": true, "odsoten": true,
	"отсутствие": true, "в отпуске": true, "отпуск": true, "відсутність": true, "у відпустці": true, "отсъствие": true, "одсутност": true, "απουσία": true,
	"izindeyim": true, "izinde": true, "ofis dışındayım": true, "cuti": true, "vắng mặt": true,
	"不在": true, "不在通知": true, "外出中": true, "休暇": true, "休暇中": true, "休假": true, "外出": true, "不在办公室": true, "부재중": true, "부재": true, "휴가": true, "휴가중": true,
	"إجازة": true, "غائب": true, "חופשה": true, "בחופשה": true, "مرخصی": true,
}

var (
	// subjectTags stand before a subject: "[EXT]", "***SPAM***", "(External)".
	subjectTags = regexp.MustCompile(`^(\s*(\[[^\]]{1,30}\]|\*+[^*]{1,30}\*+|\{[^}]{1,30}\}))+\s*`)
	// notesSubject is that of Lotus Notes: "AUTO: … (Rückkehr am 3.12.)".
	notesSubject = regexp.MustCompile(`^auto: .*\(.*\d.*\)`)
)

// maxHead is of how many words a name for an automatic answer may be.
const maxHead = 6

// isAbsenceSubject says whether a subject is one of a program that answers for
// somebody.
func isAbsenceSubject(subject string) bool {
	subject = strings.ToLower(subjectTags.ReplaceAllString(strings.TrimSpace(subject), ""))
	subject = strings.ReplaceAll(subject, "i\u0307", "i") // of a Turkish "İ"
	if away.MatchString(subject) || notesSubject.MatchString(subject) {
		return true
	}
	head := subjectHead(subject)
	if absences[head] || autoWord.MatchString(head) {
		return true
	}
	return len(strings.Fields(head)) <= maxHead && isAutomaticAnswer(head)
}

// subjectHead is a subject up to the first colon, dash or bracket.
func subjectHead(subject string) string {
	for _, end := range []string{":", "：", " - ", " – ", " — ", " | ", " ("} {
		subject, _, _ = strings.Cut(subject, end)
	}
	subject = strings.TrimSpace(subject)
	// "Out of Office AutoReply Re: …": the answered mail's prefix goes.
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(subject, " re"), " aw"))
}

// isAutomaticAnswer says whether a name says of an answer that it is automatic.
func isAutomaticAnswer(head string) bool {
	return autoStem.MatchString(head) && replyStem.MatchString(head)
}
