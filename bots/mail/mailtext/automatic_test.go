package mailtext

import (
	"slices"
	"strings"
	"testing"
)

// Subjects of programs that answer for somebody, which set no header.
func TestAbsenceSubjects(t *testing.T) {
	for _, subject := range []string{
		"Automatische Antwort: U2", "Automatische Rückmeldung", "Automatische Antwort auf Ihre Nachricht vom 3. Dezember", "Auto-Antwort: U2",
		"Abwesenheitsnotiz", "Abwesenheitsnachricht: U2", "Abwesend", "Abwesenheit: U2", "Ich bin abwesend vom 1.12. bis 3.12.", "Urlaubsnotiz: U2",
		"Automatic Reply: U2", "Auto Reply: U2", "AutoReply: U2", "Auto-Response: U2", "Out of office", "Out-of-Office: U2", "I am out of the office Re: U2", "OOO: U2", "On vacation",
		"Réponse automatique : U2", "Réponse automatique\u00a0: U2", "Absent du bureau", "Respuesta automática: U2", "Fuera de la oficina: U2", "Ausente: U2", "Resposta automática: U2",
		"Risposta automatica: U2", "Fuori sede: U2", "Automatisch antwoord: U2", "Afwezig: U2", "Autosvar: U2", "Automatisk svar: U2", "Automatiskt svar: U2", "Frånvarande: U2",
		"Automaattinen vastaus: U2", "Automatyczna odpowiedź: U2", "Automatická odpověď: U2", "Automatická odpoveď: U2", "Automatikus válasz: U2", "Răspuns automat: U2",
		"Automatski odgovor: U2", "Samodejni odgovor: U2", "Автоответ: U2", "Автоматический ответ: U2", "Авто-ответ: U2", "Автоматична відповідь: U2", "Автоматичен отговор: U2",
		"Аутоматски одговор: U2", "Αυτόματη απάντηση: U2", "Otomatik Yanıt: U2", "OTOMATİK YANIT: U2", "Ofis dışında: U2", "Balasan otomatis: U2", "Trả lời tự động: U2",
		"自動返信: U2", "自動応答：U2", "自动答复: U2", "自動回覆: U2", "자동 회신: U2", "부재중: U2", "رد تلقائي: U2", "خارج المكتب: U2", "תשובה אוטומטית: U2", "پاسخ خودکار: U2",
		"Automātiskā atbilde: U2", "Automatinis atsakymas: U2", "Automaatvastus: U2", "Resposta automàtica: U2", "Erantzun automatikoa: U2", "การตอบกลับอัตโนมัติ: U2", "स्वचालित उत्तर: U2",
		"[EXTERNAL] Automatic reply: U2", "*** SPAM *** Out of Office", "AUTO: Robin Rider ist außer Haus (Rückkehr am 03.12.2026)",
	} {
		if !isAbsenceSubject(subject) {
			t.Errorf("%q is taken for a person's", subject)
		}
	}
}

// Subjects of people that look a little like those.
func TestPeopleAreNoMachines(t *testing.T) {
	for _, subject := range []string{
		"", "U1 Plärrer", "Auto brennt am Plärrer", "Autobus 36: keine Kontis", "Automat kaputt: Hbf", "Automat gibt keine Antwort", "Automatische Türen: kaputt", "Antwort: U1 frei", "Re: Antwort",
		"Kontis abwesend: U1 frei", "Kontis sind außer Haus", "Office Park: 2 Kontis", "away from Plärrer: 2 inspectors", "Urlaubsstraße: 2 Kontis", "Absender: Konti",
		"Automatic gates broken: U1", "réponse: U1", "svar: U1", "Autonome Antifa: Kontis am Plärrer", "不在意: U1", "Vacationland station: 2 inspectors",
	} {
		if isAbsenceSubject(subject) {
			t.Errorf("%q is taken for a machine's", subject)
		}
	}
}

func TestSkips(t *testing.T) {
	for _, c := range readCases(t, "testdata/cases") {
		m, err := Read(c.raw, envelope)
		if err == nil && m.Skip != "" && !slices.Contains(Skips(), m.Skip) {
			t.Errorf("%s: %q is none of the words", c.name, m.Skip)
		}
	}
	seen := map[string]bool{}
	for _, word := range Skips() {
		if seen[word] || word != strings.ToLower(word) || strings.ContainsAny(word, " .") {
			t.Errorf("%q", word)
		}
		seen[word] = true
	}
}

// Two mails are the same one where sender, text, date and Message-ID are.
func TestIdentity(t *testing.T) {
	const mail = "From: %from\r\nMessage-ID: %id\r\nDate: %date\r\nReceived: from %received\r\nSubject: U1\r\n\r\n%text\r\n"
	id := func(changed ...string) string {
		usual := []string{"%from", "rider@example.org", "%id", "<1@example.org>", "%date", "Thu, 26 Nov 2026 10:00:00 +0100", "%received", "a", "%text", "Plärrer"}
		m, err := Read([]byte(strings.NewReplacer(append(changed, usual...)...).Replace(mail)), envelope)
		if err != nil || m.Skip != "" {
			t.Fatal(m.Skip, err)
		}
		return m.ID
	}
	usual := id()
	if again := id("%received", "another server"); again != usual {
		t.Error("the same mail, brought again, has another ID")
	}
	for _, changed := range [][]string{
		{"%from", "erika@example.org"}, {"%text", "Fürth"}, {"%id", "<2@example.org>"}, {"%date", "Fri, 27 Nov 2026 10:00:00 +0100"},
	} {
		if id(changed...) == usual {
			t.Errorf("another %s makes no other ID", changed[0])
		}
	}
	if id("%id", "") == id("%id", "", "%date", "Fri, 27 Nov 2026 10:00:00 +0100") {
		t.Error("without a Message-ID, the same words the next day are no other report")
	}
}
