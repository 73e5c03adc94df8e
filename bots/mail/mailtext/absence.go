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
	replyStem = regexp.MustCompile(`(^|\P{L})(antwort|rückmeldung|rueckmeldung|rückantwort|eingangsbestätigung|empfangsbestätigung|abwesenheit\p{L}*|reply|responder|response|respond|answer|r[ée]ponse|respuesta|contestación|risposta|risponditore|resposta|antwoord|svar|vastaus|vastus|odpov\p{L}*|odpowied\p{L}*|válasz\p{L}*|răspuns|raspuns|odgovor|odziv|atbilde|atsakymas|yanıt|yanit|cevap|balasan|jawapan|jawaban|trả lời|erantzun\p{L}*|freagra|ateb|ответ|відповідь|отговор|одговор|адказ|απάντηση|tugon|sagot|përgjigje|svör)|返信|応答|回复|回覆|答复|答覆|回信|응답|회신|답장|رد|جواب|إجابة|پاسخ|תשובה|מענה|उत्तर|ตอบกลับ`)
	// autoWord is such a name in one word.
	autoWord = regexp.MustCompile(`^(auto[- ]?(antwort|reply|response|responder|svar|antwoord|respuesta|risposta|resposta|réponse|odpověď|odpoveď|odpowiedź|vastaus|odgovor|válasz)|автоответчик|автоответ|автовідповідь|automaatvastus|automatsvar|feriesvar|semestersvar|fraværsmelding|fraværsbesked|fraværsassistent|frånvaromeddelande|poissaoloviesti|poissaoloilmoitus|abwesenheits\p{L}+|urlaubs(notiz|meldung|nachricht|benachrichtigung|antwort)|afwezigheids\p{L}+|自動返信|自動応答|自动回复|自动答复|自動回覆|자동회신|자동응답)$`)
	// away begins a subject that can mean nothing else.
	away = regexp.MustCompile(`^(auto(matic)?[ -]?(reply|response)|automatische (antwort|rückmeldung)|abwesenheits(notiz|nachricht|meldung|assistent|benachrichtigung|agent)|(i am |i'm |currently )?out[ -]of[ -](the[ -])?office|(ich bin |bin )?(nicht im büro|außer haus|ausser haus|abwesend (bis|vom|ab|von|wegen))|abwesenheit (bis|vom|ab|von)|absent\(?e?\)? du bureau|absence du bureau|message d['’]absence|avis d['’]absence|notification d['’]absence|fuera de( la)? oficina|mensaje de ausencia|aviso de ausencia|fora do escritório|mensagem de ausência|fuori (sede|ufficio)|messaggio di assenza|buiten kantoor|niet op kantoor|ikke på kontoret|ute av kontoret|inte på kontoret|utanför kontoret|poissa toimistolta|poza biurem|nieobecność w biurze|mimo kancelář|mimo kanceláriu|házon kívül|irodán kívül|în afara biroului|izvan ureda|вне офиса|нет на месте|поза офісом|извън офиса|εκτός γραφείου|ofis dışı\p{L}*|خارج المكتب|מחוץ למשרד|לא במשרד|خارج از دفتر)(\P{L}|$)`)
)

// isAbsence says whether a name is one, or that of a receipt, which people use as
// words as well: it must be the whole subject, or stand before a colon.
func isAbsence(head string) bool {
	switch head {
	case "abwesend", "abwesenheit", "urlaub", "im urlaub", "bin im urlaub", "ich bin im urlaub", "ich bin abwesend", "bin abwesend", "ooo",
		"on vacation", "vacation", "on leave", "annual leave", "away", "i am away", "away from office", "away from the office", "absence", "absent",
		"absente", "absent(e)", "en congé", "en vacances", "ausente", "ausencia", "de vacaciones", "ausência", "de férias", "assente", "assenza",
		"in ferie", "afwezig", "afwezigheid", "op vakantie", "met vakantie", "frånvaro", "frånvarande", "fravær", "fraværende", "på ferie", "på semester",
		"poissa", "poissaolo", "lomalla", "nieobecność", "nieobecny", "nieobecna", "urlop", "na urlopie", "nepřítomnost", "dovolená", "neprítomnosť",
		"dovolenka", "távollét", "szabadságon", "absență", "concediu", "odsutnost", "odsutan", "odsutna", "odsotnost", "odsoten", "отсутствие", "в отпуске",
		"отпуск", "відсутність", "у відпустці", "отсъствие", "одсутност", "απουσία", "izindeyim", "izinde", "ofis dışındayım", "cuti", "vắng mặt", "不在",
		"不在通知", "外出中", "休暇", "休暇中", "休假", "外出", "不在办公室", "부재중", "부재", "휴가", "휴가중", "eingangsbestätigung", "empfangsbestätigung", "lesebestätigung",
		"read receipt", "return receipt", "accusé de réception", "accusé de lecture", "confirmation de lecture", "acuse de recibo",
		"confirmación de lectura", "conferma di lettura", "leesbevestiging", "ontvangstbevestiging", "potwierdzenie przeczytania", "okundu bilgisi",
		"gelesen", "nicht gelesen", "ungelesen gelöscht", "read", "not read", "lu", "leído", "letto", "lido", "gelezen", "läst", "læst", "luettu", "przeczytane", "прочитано", "已读", "開封済み",
		"уведомление о прочтении", "開封確認", "已读回执", "إجازة", "غائب", "חופשה", "בחופשה", "مرخصی":
		return true
	}
	return false
}

var (
	// subjectTags stand before a subject: "[EXT]", "***SPAM***".
	subjectTags = regexp.MustCompile(`^(\s*(\[[^\]]{1,30}\]|\*+[^*]{1,30}\*+|\{[^}]{1,30}\}))+\s*`)
	// notesSubject is that of Lotus Notes: "AUTO: … (Rückkehr am 3.12.)".
	notesSubject = regexp.MustCompile(`^auto: .*\(.*\d.*\)`)
)

// Of how many words a name for an automatic answer may be: before a colon, and as
// the whole subject.
const (
	maxHead = 6
	maxName = 3
)

// isAbsenceSubject says whether a subject is one of a program that answers for
// somebody.
func isAbsenceSubject(subject string) bool {
	subject = strings.ToLower(subjectTags.ReplaceAllString(strings.TrimSpace(subject), ""))
	subject = strings.ReplaceAll(subject, "i\u0307", "i") // of a Turkish "İ"
	if away.MatchString(subject) || notesSubject.MatchString(subject) {
		return true
	}
	head := subjectHead(subject)
	if isAbsence(head) || autoWord.MatchString(head) {
		return true
	}
	words := len(strings.Fields(head))
	return words <= maxHead && (head != subject || words <= maxName) && isAutomaticAnswer(head)
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
